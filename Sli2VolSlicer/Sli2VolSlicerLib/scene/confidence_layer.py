"""The confidence laid over the slice views for as long as the user wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .background import Handlers
from .confidence import confidence_node, put_confidence
from .desk import Desk
from .jobs import ConfidenceJob
from .logic import SceneResult
from .overlay import hide_overlay, laying_over, show_overlay
from .turns import Turns


class ConfidenceLayer:
    """Works the confidence out in the background, lays it over the views, and takes it away.

    Args:
        desk: what is chosen.
        sent_away: called when a search for the next slice had to make way for it.
        shown: called when something has changed in the views.
    """

    def __init__(self, desk: Desk, sent_away: Callable[[], object], shown: Callable[[], object]) -> None:
        self._desk = desk
        self._sent_away = sent_away
        self._shown = shown

    def update(self) -> None:
        """Lay the confidence over the views, or take it away, as the user wants it."""
        desk = self._desk
        if not desk.choices.show_confidence or desk.segmentation is None:
            hide_overlay(desk.scene)
            return
        if desk.result is not None:
            self._work_out(desk.result)
            return
        written = confidence_node(desk.segmentation)
        if written is not None:
            show_overlay(written)

    def _work_out(self, result: SceneResult) -> None:
        desk = self._desk

        def finished(image: Any) -> None:
            if desk.result is result and desk.choices.show_confidence:
                desk.background.take_turns(_laying(result, image))
            self._shown()

        if not desk.recommendations and desk.background.is_computing:
            self._sent_away()
        job = ConfidenceJob(result.capture, result.propagation)
        desk.background.start(job, Handlers(finished, desk.say_error), urgent=False)


def _laying(result: SceneResult, image: Any) -> Turns[None]:
    """The volume, and each view, in a turn of its own: all of them draw themselves anew."""
    node = put_confidence(result.capture, image)
    yield
    yield from laying_over(node)
