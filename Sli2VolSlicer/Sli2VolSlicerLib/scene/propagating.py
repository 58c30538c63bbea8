"""Propagate, its progress, Cancel, and writing the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..engine.errors import Sli2VolError
from ..engine.records import Progress, Propagation
from .background import Handlers
from .desk import Desk
from .jobs import PropagationJob
from .surface import make_surface
from .translation import tr as _
from .turns import Turns, resting
from .words import progress_in_words, result_in_words

_DRAWING_S = 0.1
"""So long after a change all views have drawn it."""


class Face(Protocol):
    """The big button and its progress bar."""

    def show_progress(self, progress: Progress, words: str) -> None:
        """A slice more is done."""

    def show_running(self, running: bool) -> None:
        """A propagation has begun or ended; nothing is known of its progress yet."""


class Propagating:
    """What the big button does.

    Args:
        desk: what is chosen.
        face: shows it.
        began_or_ended: called when a propagation begins, and when it has ended in whatever way.
    """

    def __init__(self, desk: Desk, face: Face, began_or_ended: Callable[[], object]) -> None:
        self._desk = desk
        self._face = face
        self._began_or_ended = began_or_ended
        self.is_running = False

    def press(self) -> None:
        """The button: begin, or cancel what runs."""
        if self.is_running:
            self.cancel()
        else:
            self.begin()

    def begin(self) -> None:
        """Propagate what is painted; a second time while it runs does nothing."""
        desk, choices = self._desk, self._desk.choices
        if self.is_running:
            return
        try:
            job = desk.logic.begin(
                desk.volume,
                desk.segmentation,
                desk.segments(),
                method=choices.method,
                direction=choices.direction,
                device=choices.device,
                slice_range=choices.slice_range,
                segment_editor_node=desk.editor_node,
            )
        except Sli2VolError as error:
            desk.say_error(error)
            return
        handlers = Handlers(
            lambda propagation: desk.background.take_turns(self._finishing(job, propagation)),
            self._failed,
            self._cancelled,
            self._progressed,
        )
        desk.background.start(job, handlers, urgent=True)
        self._set_running(True)
        desk.say(_("Getting ready ..."))

    def cancel(self) -> None:
        """Stop within one slice."""
        if self.is_running:
            self._desk.say(_("Cancelling ..."))
            self._desk.background.cancel(urgent_only=True)

    def _progressed(self, progress: Progress) -> None:
        self._face.show_progress(progress, progress_in_words(progress))
        self._desk.say("")

    def _finishing(self, job: PropagationJob, propagation: Propagation) -> Turns[None]:
        try:
            yield from self._writing(job, propagation)
            # A look at all that is new takes a turn of its own.
            yield
        except GeneratorExit:
            self._show_running(False)
            raise
        self._set_running(False)

    def _writing(self, job: PropagationJob, propagation: Propagation) -> Turns[None]:
        desk = self._desk
        try:
            desk.result = yield from desk.logic.finishing(
                job, propagation, lambda: desk.save_state_for_undo(job.captured.segmentation_node)
            )
            desk.recommendations = ()
            words = result_in_words(desk.result)
            desk.say(words)
            if desk.result.report.surface_is_due:
                desk.say(" ".join((words, _("Making the 3D surface ..."))))
                yield from self._making_surface(job.captured.segmentation_node)
                desk.say(words)
        except Sli2VolError as error:
            desk.say_error(error)

    @staticmethod
    def _making_surface(segmentation: Any) -> Turns[None]:
        """It cannot be made in turns: the slice views draw the result first."""
        try:
            yield from resting(_DRAWING_S)
        finally:
            make_surface(segmentation)

    def _failed(self, error: BaseException) -> None:
        self._desk.say_error(error)
        self._set_running(False)

    def _cancelled(self) -> None:
        self._desk.say(_("Cancelled: nothing was changed."))
        self._set_running(False)

    def _set_running(self, running: bool) -> None:
        self._show_running(running)
        self._began_or_ended()

    def _show_running(self, running: bool) -> None:
        self.is_running = running
        self._face.show_running(running)
