"""From a volume node and painted segments to what the engine takes: slices and anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..engine.annotation import anchors_from_masks, find_axis
from ..engine.errors import AnnotationError
from ..engine.records import UNLIMITED, Anchor, SliceLimits
from ..engine.slice_stack import SliceStack
from .grid import Grid, make_grid, volume_voxels
from .memory import SegmentMemory, accepted_slices, anchor_slices, is_begun_anew, memory_on_grid, stored_memory
from .patch import Patch
from .segments import labelmap_segmentation, painted_ids, painted_segments


@dataclass(frozen=True, eq=False)
class CapturedSegment:
    """One segment that is to be propagated.

    Attributes:
        segment_id: its ID in the segmentation.
        name: its name.
        label: the label that stands for it in the engine, 1 and up.
        patch: where it is now, on the grid.
        anchors: the slices that are the user's, sorted.
        accepted: those of them that were accepted as they were.
        limits: the slices that it may be on.
        are_limits_known: False when there are limits, but of another grid or axis.
    """

    segment_id: str
    name: str
    label: int
    patch: Patch
    anchors: tuple[int, ...]
    accepted: tuple[int, ...] = ()
    limits: SliceLimits = UNLIMITED
    are_limits_known: bool = True

    @property
    def mask(self) -> np.ndarray:
        """Where it is, bool, (k, j, i) over the whole grid: as large as the volume, and made anew at every call."""
        return self.patch.whole()


@dataclass(frozen=True, eq=False)
class Capture:
    """Everything that propagation and writing back need, taken from the scene at one moment.

    Attributes:
        volume_node: the vtkMRMLScalarVolumeNode.
        segmentation_node: the vtkMRMLSegmentationNode.
        grid: the lattice of every array here.
        axis: the painted axis of the grid.
        segments: one per label, in the order of the labels.
        anchors: the user's slices of all segments.
    """

    volume_node: Any
    segmentation_node: Any
    grid: Grid
    axis: int
    segments: tuple[CapturedSegment, ...]
    anchors: tuple[Anchor, ...]

    @cached_property
    def stack(self) -> SliceStack:
        """The grid's slices along the axis; made when first asked for, since its intensity range takes time.

        Raises:
            VolumeError: too few or too small slices, NaN, or a constant volume.
        """
        return SliceStack(self.grid.voxels, self.grid.spacing_mm, self.axis)

    @property
    def slice_count(self) -> int:
        """Slices along the axis."""
        return self.grid.shape[self.axis]

    def slices_first(self, array: np.ndarray) -> np.ndarray:
        """A view of an array on the grid with the painted axis first."""
        return np.moveaxis(array, self.axis, 0)

    def segment_id(self, label: int) -> str:
        """The segment behind a label."""
        return self.segments[label - 1].segment_id

    def label(self, segment_id: str) -> int:
        """The label that stands for a segment."""
        return next(s.label for s in self.segments if s.segment_id == segment_id)


def capture(
    volume_node: Any, segmentation_node: Any, segment_ids: Sequence[str] | None = None, *, axis: int | None = None
) -> Capture:
    """Take the volume and the painted segments out of the scene; changes nothing there.

    Args:
        volume_node: the vtkMRMLScalarVolumeNode that the segments were painted on.
        segmentation_node: the vtkMRMLSegmentationNode.
        segment_ids: which segments; all painted ones by default.
        axis: the painted axis of the volume's array (0: k, 1: j, 2: i); found by default.

    Raises:
        VolumeError: no volume, no image, or several values per voxel.
        AnnotationError: nothing painted, an unknown or empty segment, several axes, another axis than before,
            a non-linear transform.
    """
    volume_voxels(volume_node)
    segmentation = labelmap_segmentation(segmentation_node, volume_node)
    labelmaps = painted_segments(segmentation, segment_ids)
    grid = make_grid(volume_node, segmentation_node, labelmaps[0].image)
    masks: dict[int, Patch] = {}
    for label, labelmap in enumerate(labelmaps, start=1):
        masks[label] = grid.patch(labelmap.image, labelmap.value)
        if masks[label].is_empty:
            msg = (
                f"Segment '{labelmap.name}' does not meet volume '{volume_node.GetName()}': "
                "choose the volume it was painted on."
            )
            raise AnnotationError(msg)
    known = {
        label: memory_on_grid(segmentation.GetSegment(labelmap.segment_id), grid, labelmap, masks[label])
        for label, labelmap in enumerate(labelmaps, start=1)
    }
    memories = {label: m for label, m in known.items() if m is not None and not is_begun_anew(m, masks[label])}
    before = {labelmaps[label - 1].name: memory.axis for label, memory in memories.items()}
    chosen = _choose_axis(grid, axis, masks, before)
    segments: list[CapturedSegment] = []
    anchors: list[Anchor] = []
    for label, labelmap in enumerate(labelmaps, start=1):
        memory, mask = memories.get(label), masks[label]
        accepted: tuple[int, ...] = ()
        if memory is None or memory.axis != chosen:
            # They are found in the block that is painted, and counted from its first slice.
            indices = [mask.box.start[chosen] + a.slice_index for a in anchors_from_masks({label: mask.values}, chosen)]
        else:
            indices = list(anchor_slices(mask, memory))
            accepted = accepted_slices(mask, memory)
        anchors.extend(Anchor(i, label, mask.plane(chosen, i)) for i in indices)
        stored = stored_memory(segmentation.GetSegment(labelmap.segment_id))
        limits, are_known = _limits(stored, known[label], chosen)
        segments.append(
            CapturedSegment(
                labelmap.segment_id, labelmap.name, label, mask, tuple(indices), accepted, limits, are_known
            )
        )
    return Capture(volume_node, segmentation_node, grid, chosen, tuple(segments), tuple(anchors))


def captures(volume_node: Any, segmentation_node: Any, segment_ids: Sequence[str] | None = None) -> tuple[Capture, ...]:
    """One capture of all segments, or one of each where they cannot be propagated together; to look only.

    Raises:
        VolumeError, AnnotationError: as `capture`.
    """
    segmentation = labelmap_segmentation(segmentation_node, volume_node)
    painted = painted_ids(segmentation, segment_ids)
    try:
        return (capture(volume_node, segmentation_node, painted),) if painted else ()
    except AnnotationError:
        if len(painted) == 1:
            raise
        return tuple(capture(volume_node, segmentation_node, [each]) for each in painted)


def _limits(stored: SegmentMemory | None, here: SegmentMemory | None, axis: int) -> tuple[SliceLimits, bool]:
    """A segment's limits along the axis, and whether they speak of it and of this grid.

    Args:
        stored: what is remembered, of whichever grid.
        here: the same in slices of this grid; None if that cannot be said.
        axis: the painted axis of the grid.
    """
    if stored is None or not stored.limits:
        return UNLIMITED, True
    if here is None or here.axis != axis:
        return UNLIMITED, False
    return here.limits, True


def _choose_axis(grid: Grid, asked: int | None, masks: dict[int, Patch], remembered: Mapping[str, int]) -> int:
    """The grid axis: the one propagated along before, else the one asked for, else the one painted.

    Args:
        grid: of the masks.
        asked: of the volume's array; None if none was.
        masks: of every label.
        remembered: name of a segment -> the grid axis that it was propagated along before.
    """
    if asked is not None and asked not in (0, 1, 2):
        msg = f"The axis must be 0, 1 or 2, got {asked}."
        raise AnnotationError(msg)
    axes = sorted(set(remembered.values()))
    if asked is not None:
        chosen = grid.volume_axes[asked]
        for name, axis in remembered.items():
            if axis != chosen:
                msg = (
                    f"Segment '{name}' was propagated along axis {grid.volume_axes.index(axis)}, and its anchors are "
                    f"slices of that axis: forget its anchors before going along axis {asked}."
                )
                raise AnnotationError(msg)
        return chosen
    if not axes:
        return find_axis([mask.values for mask in masks.values()])
    if len(axes) > 1:
        msg = (
            f"The chosen segments were propagated along different axes ({', '.join(map(str, axes))}): "
            "propagate them one at a time."
        )
        raise AnnotationError(msg)
    return axes[0]
