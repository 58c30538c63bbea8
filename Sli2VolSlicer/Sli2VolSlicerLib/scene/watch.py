"""Whether the user has edited a segment while a result was being written, and the way back if so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .capture import Capture, CapturedSegment
from .editor import SegmentWriter
from .patch import Patch
from .segments import read_segment

if TYPE_CHECKING:
    from .write_back import SegmentChange


class Watch:
    """Looks after the segments of a capture from one piece of writing to the next.

    Args:
        captured: the segments, as they are now.
    """

    def __init__(self, captured: Capture) -> None:
        self._captured = captured
        self._scene = captured.segmentation_node.GetScene()
        self._pieces: list[SegmentChange] = []
        self._times = self._look()

    def note(self, piece: SegmentChange) -> None:
        """This has just been written."""
        self._pieces.append(piece)
        self._times = self._look()

    def edited(self) -> str | None:
        """The name of a segment that somebody else has changed or deleted since; None if nobody has."""
        if self._is_gone:
            return self._captured.segments[0].name
        now = self._look()
        for segment in self._captured.segments:
            # Segments share labelmaps: one that was touched need not have changed.
            if now[segment.segment_id] != self._times[segment.segment_id]:
                held = self._held(segment)
                if held is None or not held.is_same(self._expected(segment)):
                    return segment.name
        self._times = now
        return None

    def take_back(self, writer: SegmentWriter) -> None:
        """Take away what was written and leave what somebody else has changed; the undo history stays as it is."""
        if self._is_gone:
            return
        for segment in self._captured.segments:
            held, expected = self._held(segment), self._expected(segment)
            if held is None:
                continue
            box = held.box.joined(expected.box).joined(segment.patch.box)
            now, then = held.over(box), expected.over(box)
            wanted = (segment.patch.over(box) | (now & ~then)) & ~(then & ~now)
            writer.change(segment.segment_id, self._captured.grid.to_labelmap, box, wanted & ~now, now & ~wanted)

    @property
    def _is_gone(self) -> bool:
        return self._captured.segmentation_node.GetScene() is not self._scene

    def _expected(self, segment: CapturedSegment) -> Patch:
        mask = segment.patch
        for piece in self._pieces:
            if piece.segment is segment:
                mask = mask.changed(piece.box, piece.added, piece.removed)
        return mask

    def _held(self, segment: CapturedSegment) -> Patch | None:
        segmentation = self._captured.segmentation_node.GetSegmentation()
        if segmentation is None or segmentation.GetSegment(segment.segment_id) is None:
            return None
        labelmap = read_segment(segmentation, segment.segment_id)
        return None if labelmap is None else self._captured.grid.patch(labelmap.image, labelmap.value)

    def _look(self) -> Mapping[str, tuple[Any, int]]:
        """Segment ID -> its labelmap, and when that was last changed."""
        segmentation = self._captured.segmentation_node.GetSegmentation()
        found: dict[str, tuple[Any, int]] = {}
        for each in self._captured.segments:
            labelmap = None
            if segmentation is not None and segmentation.GetSegment(each.segment_id) is not None:
                labelmap = read_segment(segmentation, each.segment_id)
            if labelmap is None:
                found[each.segment_id] = None, 0
                continue
            scalars = labelmap.image.GetPointData().GetScalars()
            times = (int(it.GetMTime()) for it in (labelmap.image, scalars) if it is not None)
            found[each.segment_id] = labelmap.image, max(times)
        return found
