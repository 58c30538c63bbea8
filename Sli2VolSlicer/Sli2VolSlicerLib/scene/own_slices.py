"""The slices that are the user's: anchors and limits, and the way back from every change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..engine.records import SliceLimits
from . import anchors as anchor_changes
from .anchors import LimitReport, SceneAnchor, list_anchors
from .capture import capture, captures
from .editor import SegmentWriter
from .history import UndoLog
from .memory import forget, forget_limits
from .recommend import anything_painted
from .segments import read_segment, require_segmentation


class OwnSlices:
    """Anchors and limits of segments in a MRML scene; keeps an undo history per segmentation."""

    def __init__(self) -> None:
        self._logs: dict[str, UndoLog] = {}

    def writer(self, segmentation_node: Any) -> SegmentWriter:
        """The writer of this segmentation."""
        return self._log(segmentation_node).writer

    def undo(self, segmentation_node: Any) -> bool:
        """Take back the last thing that was done here to a segmentation; False if there is nothing.

        What the user has drawn since stays, and so do segments that were added or renamed since.

        Raises:
            OutputError: the segments were removed or put on another voxel grid since; nothing was changed.
        """
        return self._log(segmentation_node).undo()

    def redo(self, segmentation_node: Any) -> bool:
        """Do again what was taken back last; False if there is nothing. What was drawn since stays.

        Raises:
            OutputError: as `undo`.
        """
        return self._log(segmentation_node).redo()

    def anchors(
        self, volume_node: Any, segmentation_node: Any, segment_ids: Sequence[str] | None = None
    ) -> tuple[SceneAnchor, ...]:
        """The user's slices of every segment; none where nothing is painted.

        Raises:
            VolumeError, AnnotationError: as `capture`.
        """
        if not anything_painted(volume_node, segmentation_node, segment_ids):
            return ()
        looked_at = captures(volume_node, segmentation_node, segment_ids)
        return tuple(anchor for each in looked_at for anchor in list_anchors(each))

    def accept(self, volume_node: Any, segmentation_node: Any, segment_id: str, slice_index: int) -> bool:
        """Make a slice of a segment an anchor as it is; an empty one says "the structure is not here".

        Returns:
            False when the slice is an anchor already.

        Raises:
            VolumeError, AnnotationError: as `capture`; no such slice, or one beyond the segment's limits.
        """
        captured = capture(volume_node, segmentation_node, [segment_id])
        return anchor_changes.accept(captured, self._log(segmentation_node), slice_index)

    def release(self, volume_node: Any, segmentation_node: Any, segment_id: str, slice_index: int) -> bool:
        """Let the next propagation rewrite a slice that is the user's now.

        Returns:
            False when the slice is no anchor.

        Raises:
            VolumeError, AnnotationError: as `capture`; the slice is the only drawn one.
        """
        captured = capture(volume_node, segmentation_node, [segment_id])
        return anchor_changes.release(captured, self._log(segmentation_node), slice_index)

    def limit_range(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_id: str,
        first: float | None = None,
        last: float | None = None,
        *,
        unit: str = "slices",
    ) -> LimitReport:
        """Reject slices of a segment and everything beyond them, now and in later propagations, as one undo step.

        Args:
            volume_node: vtkMRMLScalarVolumeNode.
            segmentation_node: vtkMRMLSegmentationNode.
            segment_id: the segment.
            first: the lowest slice that it may be on; None leaves that side as it is.
            last: the highest one.
            unit: "slices", or "mm" beyond the outermost drawn anchor on that side.

        Raises:
            VolumeError, AnnotationError, OutputError: as `capture` and `anchors.limit_range`; nothing was changed.
        """
        captured = capture(volume_node, segmentation_node, [segment_id])
        return anchor_changes.limit_range(captured, self._log(segmentation_node), first, last, unit)

    def limits(
        self, volume_node: Any, segmentation_node: Any, segment_ids: Sequence[str] | None = None
    ) -> Mapping[str, SliceLimits]:
        """Segment ID -> the slices that it may be on; segments without limits are left out."""
        if not anything_painted(volume_node, segmentation_node, segment_ids):
            return {}
        looked_at = captures(volume_node, segmentation_node, segment_ids)
        return {segment.segment_id: segment.limits for each in looked_at for segment in each.segments if segment.limits}

    def clear_limits(self, segmentation_node: Any, segment_id: str) -> None:
        """Let a segment be on all slices again (an undo step), wherever its limits were set."""
        self._change_memory(segmentation_node, segment_id, forget_limits)

    def forget_anchors(self, segmentation_node: Any, segment_id: str) -> None:
        """Count every painted slice of a segment as the user's again (an undo step); limits stay."""
        self._change_memory(segmentation_node, segment_id, forget)

    def _log(self, segmentation_node: Any) -> UndoLog:
        key = str(segmentation_node.GetID())
        known = self._logs.get(key)
        if known is None or known.writer.segmentation_node is not segmentation_node or not known.writer.is_usable():
            known = UndoLog(SegmentWriter(segmentation_node))
            self._logs[key] = known
        return known

    def _change_memory(self, segmentation_node: Any, segment_id: str, change: Callable[[Any], None]) -> None:
        read_segment(require_segmentation(segmentation_node), segment_id)
        self._log(segmentation_node).change_memory(segment_id, change)
