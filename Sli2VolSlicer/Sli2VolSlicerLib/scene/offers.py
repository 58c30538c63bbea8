"""What the user can do at the moment."""

from __future__ import annotations

from dataclasses import dataclass

from .desk import Desk


@dataclass(frozen=True)
class Offers:
    """Which of the buttons make sense.

    Attributes:
        propagate: begin, or cancel what runs.
        next: go to the recommended slice.
        accept: the shown slice is right.
        stop: the structure has ended on the shown slice.
        release: the shown slice may be rewritten.
        clear_limits: let the segment be on all slices again.
    """

    propagate: bool
    next: bool
    accept: bool
    stop: bool
    release: bool
    clear_limits: bool

    @classmethod
    def of(cls, desk: Desk, is_running: bool) -> Offers:
        """Those for what was seen last.

        Args:
            desk: what is chosen, seen and shown.
            is_running: a propagation is under way.
        """
        seen = desk.seen
        anchors = {a.slice_index for a in seen.timeline.anchors} if seen is not None else set()
        can_change = seen is not None and not is_running
        on_slice = can_change and desk.shown_slice is not None
        return cls(
            propagate=is_running or (desk.volume is not None and desk.segmentation is not None),
            next=can_change,
            accept=on_slice and desk.shown_slice not in anchors,
            stop=on_slice,
            release=on_slice and desk.shown_slice in anchors,
            clear_limits=can_change and bool(seen is not None and seen.timeline.segment_limits),
        )
