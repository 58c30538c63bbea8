"""Whether the user has edited a segment while a result was being worked out in turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .capture import Capture, CapturedSegment
from .segments import read_segment


@dataclass(frozen=True)
class _Found:
    """A segment's labelmap, its value in it, and when the labelmap was last changed."""

    image: Any
    value: int
    time: int


class Watch:
    """Looks after the segments of a capture from one turn to the next.

    Args:
        captured: the segments, as they are now.
    """

    def __init__(self, captured: Capture) -> None:
        self._captured = captured
        self._scene = captured.segmentation_node.GetScene()
        self._times = self._look()

    def edited(self) -> str | None:
        """The name of a segment that was changed or deleted since; None if none was."""
        if self._captured.segmentation_node.GetScene() is not self._scene:
            return self._captured.segments[0].name
        now = self._look()
        for segment in self._captured.segments:
            found = now[segment.segment_id]
            # Segments share labelmaps: one that was touched need not have changed.
            if found != self._times[segment.segment_id] and not self._is_same(segment, found):
                return segment.name
        self._times = now
        return None

    def _is_same(self, segment: CapturedSegment, found: _Found | None) -> bool:
        return found is not None and self._captured.grid.patch(found.image, found.value).is_same(segment.patch)

    def _look(self) -> Mapping[str, _Found | None]:
        """By segment ID; None where it is not kept as a labelmap, or is no more."""
        segmentation = self._captured.segmentation_node.GetSegmentation()
        found: dict[str, _Found | None] = {}
        for each in self._captured.segments:
            labelmap = None
            if segmentation is not None and segmentation.GetSegment(each.segment_id) is not None:
                labelmap = read_segment(segmentation, each.segment_id)
            found[each.segment_id] = (
                None if labelmap is None else _Found(labelmap.image, labelmap.value, image_time(labelmap.image))
            )
        return found


def image_time(image: Any) -> int:
    """When an image or its voxels were last changed, in VTK's time."""
    scalars = image.GetPointData().GetScalars()
    return max(int(it.GetMTime()) for it in (image, scalars) if it is not None)
