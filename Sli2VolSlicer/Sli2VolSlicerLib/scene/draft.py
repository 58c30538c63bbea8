"""Segments as they are to become: drawn on copies of their labelmaps, which then take their places in one go.

So whatever happens between two turns, an undo or a stroke of the brush, never meets half of a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from ..engine.errors import OutputError
from .capture import Capture, CapturedSegment
from .editor import SegmentWriter
from .geometry import Box, extent_is_empty, image_to_array, joined_extents
from .patch import Patch
from .segments import BINARY_LABELMAP, read_segment, segment_ids
from .surface import other_surfaces_kept
from .turns import Pace, Turns
from .watch import image_time

_PIECE = 1_000_000
"""So many voxels are copied or drawn in one go, within a few milliseconds."""


@dataclass(frozen=True, eq=False)
class SegmentChange:
    """What is to change in one segment.

    Attributes:
        segment: the captured segment.
        box: the block of the grid that holds every change.
        added: voxels to add, bool, (k, j, i) over `box`.
        removed: voxels to take away.
        after: what the segment is then.
    """

    segment: CapturedSegment
    box: Box
    added: np.ndarray
    removed: np.ndarray
    after: Patch


@dataclass(frozen=True, eq=False)
class _Layer:
    """A labelmap that segments share.

    Attributes:
        image: the vtkOrientedImageData in the segmentation.
        time: when that was last changed, in VTK's time.
        values: segment ID -> its voxel value, of all segments that share it.
        copy: what is drawn on, large enough for all changes.
    """

    image: Any
    time: int
    values: Mapping[str, int]
    copy: Any


class Draft:
    """Changes of segments that nobody sees yet.

    Args:
        captured: where the segments came from; the node must keep them as labelmaps.
        changes: what is to change.
    """

    def __init__(self, captured: Capture, changes: Sequence[SegmentChange]) -> None:
        self._captured = captured
        self._changes = tuple(changes)
        self._layers: tuple[_Layer, ...] = ()
        self._scene = slicer.vtkMRMLScene()
        self._node = slicer.vtkMRMLSegmentationNode()
        self._scene.AddNode(self._node)

    def drawing(self, pace: Pace) -> Turns[None]:
        """Copy the labelmaps and draw the changes on the copies, in turns; once.

        It ends early where a labelmap is edited meanwhile: see `is_current`.

        Raises:
            OutputError: Slicer did not take a change.
        """
        self._layers = self._make_layers()
        for layer in self._layers:
            for _ in _copying(layer):
                yield from pace.pause()
                if image_time(layer.image) != layer.time:
                    return
            for segment_id, value in layer.values.items():
                segment = slicer.vtkSegment()
                segment.SetLabelValue(value)
                segment.AddRepresentation(BINARY_LABELMAP, layer.copy)
                self._node.GetSegmentation().AddSegment(segment, segment_id)
        writer = SegmentWriter(self._node)
        for change in self._changes:
            for piece in _pieces(change):
                yield from pace.pause()
                writer.change(
                    piece.segment.segment_id, self._captured.grid.to_labelmap, piece.box, piece.added, piece.removed
                )
                self._check(piece)

    def is_current(self) -> bool:
        """Whether the labelmaps, and who shares them, are still what was copied; else make another draft."""
        return all(
            _sharing(self._segmentation, layer.image) == layer.values and image_time(layer.image) == layer.time
            for layer in self._layers
        )

    def put_in_place(self) -> None:
        """Make the segments what was drawn; takes no longer than a glance, however large they are."""
        changed = [change.segment.segment_id for change in self._changes]
        with other_surfaces_kept(self._segmentation, changed):
            for layer in self._layers:
                self._put_layer(layer)
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        for segment_id in changed:
            segment = self._segmentation.GetSegment(segment_id)
            if logic.GetSegmentStatus(segment) == logic.NotStarted:
                logic.SetSegmentStatus(segment, logic.InProgress)

    def _put_layer(self, layer: _Layer) -> None:
        drawn = self._node.GetSegmentation()
        for segment_id in layer.values:
            there = drawn.GetSegment(segment_id)
            image = there.GetRepresentation(BINARY_LABELMAP)
            if image is not layer.copy:
                # Slicer's logic has given it a labelmap of its own, since it overlaps with another one.
                here = self._segmentation.GetSegment(segment_id)
                here.SetLabelValue(there.GetLabelValue())
                here.AddRepresentation(BINARY_LABELMAP, image)
                image.Modified()
        layer.image.ShallowCopy(layer.copy)

    @property
    def _segmentation(self) -> Any:
        return self._captured.segmentation_node.GetSegmentation()

    def _make_layers(self) -> tuple[_Layer, ...]:
        """The labelmaps of the segments that change, with room for what is added; the copies are still empty."""
        images: list[Any] = []
        for change in self._changes:
            labelmap = read_segment(self._segmentation, change.segment.segment_id)
            assert labelmap is not None
            if not any(image is labelmap.image for image in images):
                images.append(labelmap.image)
        return tuple(self._make_layer(image) for image in images)

    def _make_layer(self, image: Any) -> _Layer:
        values = _sharing(self._segmentation, image)
        extent = image.GetExtent()
        for change in self._changes:
            if change.segment.segment_id in values:
                extent = joined_extents(extent, self._captured.grid.to_labelmap.labelmap_extent(change.box))
        copy = slicer.vtkOrientedImageData()
        copy.SetOrigin(image.GetOrigin())
        copy.SetSpacing(image.GetSpacing())
        copy.CopyDirections(image)
        copy.SetExtent(extent)
        is_filled = image.GetPointData().GetScalars() is not None
        copy.AllocateScalars(image.GetScalarType() if is_filled else vtk.VTK_UNSIGNED_CHAR, 1)
        return _Layer(image, image_time(image), values, copy)

    def _check(self, piece: SegmentChange) -> None:
        """Slicer's logic does not say when it refuses to write: compare what it holds now."""
        labelmap, grid = read_segment(self._node.GetSegmentation(), piece.segment.segment_id), self._captured.grid
        expected = piece.after.over(piece.box)
        if labelmap is None or not np.array_equal(grid.read(labelmap.image, piece.box) == labelmap.value, expected):
            msg = f"Slicer did not take the change of segment '{piece.segment.name}': nothing was changed."
            raise OutputError(msg)


def _copying(layer: _Layer) -> Iterator[None]:
    """Copy a labelmap, slab by slab; zero where it does not reach."""
    extent, wide = layer.image.GetExtent(), layer.copy.GetExtent()
    target = image_to_array(layer.copy)
    source = None
    if not extent_is_empty(extent) and layer.image.GetPointData().GetScalars() is not None:
        source = image_to_array(layer.image)
    first = extent[4] - wide[4]
    rows, columns = (slice(extent[a] - wide[a], extent[a + 1] - wide[a] + 1) for a in (2, 0))
    depth = max(1, _PIECE // max(target[0].size, 1))
    for start in range(0, len(target), depth):
        slab = target[start : start + depth]
        slab[...] = 0
        low, high = max(start, first), min(start + len(slab), first + (0 if source is None else len(source)))
        if source is not None and low < high:
            slab[low - start : high - start, rows, columns] = source[low - first : high - first]
        yield


def _pieces(change: SegmentChange) -> Iterator[SegmentChange]:
    """A change cut into slabs that Slicer writes within a few milliseconds."""
    rows = max(1, change.added[0].size)
    depth = max(1, _PIECE // rows)
    for first in range(0, change.box.shape[0], depth):
        here = slice(first, first + depth)
        added, removed = change.added[here], change.removed[here]
        if added.any() or removed.any():
            k, j, i = change.box.start
            box = Box((k + first, j, i), (len(added), *change.box.shape[1:]))
            yield SegmentChange(change.segment, box, added, removed, change.after)


def _sharing(segmentation: Any, image: Any) -> dict[str, int]:
    """Segment ID -> voxel value, of the segments that lie in a labelmap."""
    segments = {segment_id: segmentation.GetSegment(segment_id) for segment_id in segment_ids(segmentation)}
    return {
        segment_id: int(segment.GetLabelValue())
        for segment_id, segment in segments.items()
        if segment.GetRepresentation(BINARY_LABELMAP) is image
    }
