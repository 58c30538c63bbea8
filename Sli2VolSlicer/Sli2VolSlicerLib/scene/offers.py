"""What the user can do at the moment."""

from __future__ import annotations

from dataclasses import dataclass

from .desk import Desk
from .look import Look
from .translation import tr as _


@dataclass(frozen=True)
class Offers:
    """Which of the buttons make sense.

    Attributes:
        propagate: begin, or cancel what runs.
        next: go to the recommended slice.
        accept: the shown slice is right.
        stop: the structure has ended on the shown slice.
        release: the shown slice may be rewritten.
        is_last: it may not, since nothing drawn would be left to propagate from.
        clear_limits: let the segment be on all slices again.
    """

    propagate: bool
    next: bool
    accept: bool
    stop: bool
    release: bool
    is_last: bool
    clear_limits: bool

    @classmethod
    def of(cls, desk: Desk, is_running: bool) -> Offers:
        """Those for what was seen last.

        Args:
            desk: what is chosen, seen and shown.
            is_running: a propagation is under way.
        """
        seen = desk.seen
        can_change = seen is not None and not is_running
        on_slice = can_change and desk.shown_slice is not None
        here, free = anchored(seen, desk.shown_slice), releasable(seen, desk.shown_slice)
        return cls(
            propagate=is_running or (desk.volume is not None and desk.segmentation is not None),
            next=can_change,
            accept=on_slice and not here,
            stop=on_slice,
            release=on_slice and bool(free),
            is_last=on_slice and bool(here) and not free,
            clear_limits=can_change and bool(seen is not None and seen.timeline.segment_limits),
        )

    @property
    def release_tip(self) -> str:
        """What releasing does, or why it cannot be done."""
        return last_drawn_in_words() if self.is_last else _("Let the next propagation rewrite this slice.")


def last_drawn_in_words() -> str:
    """Why the shown slice cannot be released."""
    return _(
        "This is the only slice that you have drawn: nothing would be left to propagate from. "
        "Draw or accept another one first."
    )


def anchored(seen: Look | None, index: int | None) -> frozenset[str]:
    """The segments of which a slice is the user's."""
    if seen is None:
        return frozenset()
    return frozenset(a.segment_id for a in seen.timeline.anchors if a.slice_index == index)


def releasable(seen: Look | None, index: int | None) -> frozenset[str]:
    """Those of which another drawn slice would be left to propagate from."""
    if seen is None:
        return frozenset()
    left = {a.segment_id for a in seen.timeline.anchors if a.slice_index != index and not a.is_empty}
    return anchored(seen, index) & left
