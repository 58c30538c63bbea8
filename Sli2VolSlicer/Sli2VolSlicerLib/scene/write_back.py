"""From a propagation to segments: one undo step, only what changed, the user's slices untouched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..engine.errors import OutputError, StaleResultError
from ..engine.records import Direction, Propagation
from .capture import Capture, CapturedSegment
from .editable import EditRules, editable, occupied
from .editor import SegmentWriter
from .geometry import Box, bounding_box
from .history import SegmentStep, segment_step
from .memory import read_tag, remember
from .segments import SegmentLabelmap, convert_to_labelmap, labelmap_segmentation, read_segment
from .surface import surfaces_made_once


@dataclass(frozen=True)
class Reach:
    """Which slices a propagation was allowed to change; the others stay as they are.

    Attributes:
        direction: which way passes ran from the anchors.
        slice_range: first and last slice of the grid's axis; None for all.
    """

    direction: Direction = Direction.BOTH
    slice_range: tuple[int, int] | None = None

    def slices(self, count: int, anchors: tuple[int, ...], drawn: tuple[int, ...]) -> np.ndarray:
        """Bool, (count,): true where a slice may change; never on an anchor.

        Args:
            count: the number of slices.
            anchors: the user's slices.
            drawn: those of them that are not empty: passes start from them.
        """
        free = np.ones(count, dtype=bool)
        if self.direction is Direction.UP:
            free[: min(drawn)] = False
        if self.direction is Direction.DOWN:
            free[max(drawn) + 1 :] = False
        if self.slice_range is not None:
            first, last = self.slice_range
            free[: max(first, 0)] = False
            free[last + 1 :] = False
        free[list(anchors)] = False
        return free


@dataclass(frozen=True, eq=False)
class SegmentChange:
    """What is to change in one segment.

    Attributes:
        segment: the captured segment.
        box: the block of the grid that holds every change.
        added: voxels to add, bool, (k, j, i) over `box`.
        removed: voxels to take away.
    """

    segment: CapturedSegment
    box: Box
    added: np.ndarray
    removed: np.ndarray


@dataclass(frozen=True)
class WriteReport:
    """What was written.

    Attributes:
        added_voxels: segment ID -> voxels added.
        removed_voxels: segment ID -> voxels taken away.
        steps: what is to be undone.
        layers: how many labelmaps the segmentation had before.
    """

    added_voxels: Mapping[str, int]
    removed_voxels: Mapping[str, int]
    steps: tuple[SegmentStep, ...] = field(default=(), repr=False)
    layers: int = 0

    @property
    def changed(self) -> bool:
        """Whether any voxel changed (and so an undo step was made)."""
        return any(self.added_voxels.values()) or any(self.removed_voxels.values())


def write_back(
    capture: Capture,
    propagation: Propagation,
    writer: SegmentWriter,
    rules: EditRules | None = None,
    reach: Reach | None = None,
) -> WriteReport:
    """Write a propagation into the segments that it was captured from, as one undo step.

    Anchors stay bit-identical, and so do all other segments. Every change is worked out before
    the first one is made; if writing fails half way, the step is taken back.

    Args:
        capture: where the anchors came from.
        propagation: the engine's answer to them.
        writer: for this segmentation node.
        rules: where editing is allowed; everywhere by default.
        reach: which slices the propagation was about; all by default.

    Raises:
        StaleResultError: a segment was edited since the capture.
        AnnotationError: a segment was removed since.
        OutputError: Slicer could not save the undo state, make the editable area, or take the change.
    """
    rules = rules or EditRules.from_node(None)
    changes = plan_changes(capture, propagation, rules, reach or Reach())
    layers = int(capture.segmentation_node.GetSegmentation().GetNumberOfLayers())
    if changes:
        convert_to_labelmap(capture.segmentation_node, capture.volume_node)
        _apply(capture, changes, writer)
    steps = _remember_all(capture)
    added = {c.segment.segment_id: int(c.added.sum()) for c in changes}
    removed = {c.segment.segment_id: int(c.removed.sum()) for c in changes}
    return WriteReport(added, removed, steps, layers)


def plan_changes(
    capture: Capture, propagation: Propagation, rules: EditRules, reach: Reach
) -> tuple[SegmentChange, ...]:
    """What would change, segment by segment; nothing is written.

    Where segments may not overlap, a voxel that two propagated segments claim goes to the lower
    label, unless it is drawn on an anchor of the other.
    """
    segmentation = labelmap_segmentation(capture.segmentation_node, capture.volume_node)
    changes: list[SegmentChange] = []
    settled: dict[int, np.ndarray] = {}
    for segment in capture.segments:
        labelmap = _unedited(capture, segment, read_segment(segmentation, segment.segment_id))
        new = _proposed(capture, segment, propagation, reach)
        settled[segment.label] = segment.mask
        box = bounding_box(new ^ segment.mask)
        if box is None:
            continue
        may_change = editable(capture, segment, rules, box, labelmap.image)
        old_part, new_part = segment.mask[box.slices], new[box.slices]
        added = new_part & ~old_part & may_change & ~occupied(capture, rules, box)
        if not rules.may_overlap:
            added &= ~_claimed_by_siblings(capture, segment, settled, box)
        removed = old_part & ~new_part & may_change
        if added.any() or removed.any():
            changes.append(_tight(segment, box, added, removed))
            after = segment.mask.copy()
            after[box.slices] = (old_part | added) & ~removed
            settled[segment.label] = after
    return tuple(changes)


def _proposed(capture: Capture, segment: CapturedSegment, propagation: Propagation, reach: Reach) -> np.ndarray:
    """The engine's mask where it may speak, the present one elsewhere; bool, over the grid."""
    drawn = tuple(a.slice_index for a in capture.anchors if a.label == segment.label and a.mask.any())
    free = reach.slices(capture.slice_count, segment.anchors, drawn)
    new = segment.mask.copy()
    capture.slices_first(new)[free] = propagation.masks[segment.label][free]
    return new


def _claimed_by_siblings(
    capture: Capture, segment: CapturedSegment, settled: Mapping[int, np.ndarray], box: Box
) -> np.ndarray:
    claimed = np.zeros(box.shape, dtype=bool)
    for other in capture.segments:
        if other.label == segment.label:
            continue
        if other.label in settled:
            claimed |= settled[other.label][box.slices]
        else:
            own = np.zeros_like(other.mask)
            indices = list(other.anchors)
            capture.slices_first(own)[indices] = capture.slices_first(other.mask)[indices]
            claimed |= own[box.slices]
    return claimed


def _tight(segment: CapturedSegment, box: Box, added: np.ndarray, removed: np.ndarray) -> SegmentChange:
    """The change in the smallest block that holds it (masking may have taken its rim away)."""
    inner = bounding_box(added | removed)
    assert inner is not None
    start = [a + b for a, b in zip(box.start, inner.start, strict=True)]
    tight = Box((start[0], start[1], start[2]), inner.shape)
    return SegmentChange(segment, tight, added[inner.slices], removed[inner.slices])


def _unedited(capture: Capture, segment: CapturedSegment, labelmap: SegmentLabelmap | None) -> SegmentLabelmap:
    """The segment as it is now, which must be as it was captured."""
    if labelmap is None or not np.array_equal(capture.grid.read(labelmap.image) == labelmap.value, segment.mask):
        msg = (
            f"Segment '{segment.name}' was edited while it was being propagated: nothing was written. Propagate again."
        )
        raise StaleResultError(msg)
    return labelmap


def _apply(capture: Capture, changes: tuple[SegmentChange, ...], writer: SegmentWriter) -> None:
    ids = [change.segment.segment_id for change in changes]
    with surfaces_made_once(capture.segmentation_node, ids), writer.all_or_nothing():
        for change in changes:
            writer.change(change.segment.segment_id, capture.grid.to_labelmap, change.box, change.added, change.removed)
        for change in changes:
            _check_written(capture, change)


def _check_written(capture: Capture, change: SegmentChange) -> None:
    """Slicer's logic does not say when it refuses to write: compare what it holds now."""
    labelmap = read_segment(capture.segmentation_node.GetSegmentation(), change.segment.segment_id)
    expected = (change.segment.mask[change.box.slices] | change.added) & ~change.removed
    if labelmap is None or not np.array_equal(
        capture.grid.read(labelmap.image, change.box) == labelmap.value, expected
    ):
        msg = f"Slicer did not take the change of segment '{change.segment.name}': everything was taken back."
        raise OutputError(msg)


def _remember_all(capture: Capture) -> tuple[SegmentStep, ...]:
    """Note in every segment what it now holds; what has changed in each."""
    segmentation = capture.segmentation_node.GetSegmentation()
    steps = []
    for captured in capture.segments:
        labelmap = read_segment(segmentation, captured.segment_id)
        if labelmap is None:
            continue
        segment = segmentation.GetSegment(captured.segment_id)
        tag = read_tag(segment)
        mask = capture.grid.read(labelmap.image) == labelmap.value
        remember(segment, capture.grid, capture.axis, captured.anchors, mask, captured.accepted, captured.limits)
        steps.append(segment_step(segment, captured.segment_id, capture.grid, capture.axis, captured.mask, mask, tag))
    return tuple(steps)
