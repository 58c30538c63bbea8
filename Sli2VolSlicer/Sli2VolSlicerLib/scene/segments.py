"""Segments of a segmentation node as binary labelmaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import slicer
import vtk

from ..engine.errors import AnnotationError
from .geometry import extent_is_empty, image_to_array

BINARY_LABELMAP = "Binary labelmap"
_GEOMETRY_PARAMETER = "Reference image geometry"

_PIECE = 2_000_000
"""So many voxels are looked at in one go."""


@dataclass(frozen=True, eq=False)
class SegmentLabelmap:
    """One segment's voxels as they lie in the segmentation.

    Attributes:
        segment_id: the segment's ID.
        name: its name.
        image: the (possibly shared) vtkOrientedImageData.
        value: the voxel value of this segment in it.
    """

    segment_id: str
    name: str
    image: Any
    value: int

    def is_empty(self) -> bool:
        """Whether not one voxel is painted."""
        if extent_is_empty(self.image.GetExtent()) or self.image.GetPointData().GetScalars() is None:
            return True
        voxels = image_to_array(self.image)
        # A piece at a time: there is mostly something in the first one.
        depth = max(1, _PIECE // max(voxels[0].size, 1))
        return not any((voxels[k : k + depth] == self.value).any() for k in range(0, len(voxels), depth))


def segment_ids(segmentation: Any) -> tuple[str, ...]:
    """All segment IDs of a vtkSegmentation in their order."""
    return tuple(str(segmentation.GetNthSegmentID(n)) for n in range(segmentation.GetNumberOfSegments()))


def require_segmentation(segmentation_node: Any) -> Any:
    """The vtkSegmentation of a node.

    Raises:
        AnnotationError: no node, or no segment in it.
    """
    if segmentation_node is None:
        msg = "No segmentation is selected: choose the one in which the structure was painted."
        raise AnnotationError(msg)
    segmentation = segmentation_node.GetSegmentation()
    if segmentation is None or segmentation.GetNumberOfSegments() == 0:
        msg = f"Segmentation '{segmentation_node.GetName()}' has no segments: add one and paint it on a slice."
        raise AnnotationError(msg)
    return segmentation


def is_labelmap_source(segmentation_node: Any) -> bool:
    """Whether the node's segments are kept as binary labelmaps (and so can be edited by voxel)."""
    return str(segmentation_node.GetSegmentation().GetSourceRepresentationName()) == BINARY_LABELMAP


def labelmap_segmentation(segmentation_node: Any, volume_node: Any) -> Any:
    """The node's vtkSegmentation, or a copy converted to binary labelmaps when it is kept otherwise.

    Raises:
        AnnotationError: the conversion failed.
    """
    segmentation = require_segmentation(segmentation_node)
    if is_labelmap_source(segmentation_node):
        return segmentation
    copy = slicer.vtkSegmentation()
    copy.DeepCopy(segmentation)
    _give_reference_geometry(copy, segmentation_node, volume_node)
    if not copy.CreateRepresentation(BINARY_LABELMAP):
        msg = (
            f"Segmentation '{segmentation_node.GetName()}' is kept as '{segmentation.GetSourceRepresentationName()}' "
            "and could not be converted to a binary labelmap: convert it in the Segmentations module first."
        )
        raise AnnotationError(msg)
    return copy


def convert_to_labelmap(segmentation_node: Any, volume_node: Any) -> None:
    """Make binary labelmaps the node's own representation, on the lattice that `labelmap_segmentation` used.

    Raises:
        AnnotationError: the conversion failed.
    """
    if is_labelmap_source(segmentation_node):
        return
    segmentation = segmentation_node.GetSegmentation()
    _give_reference_geometry(segmentation, segmentation_node, volume_node)
    if not segmentation.CreateRepresentation(BINARY_LABELMAP):
        msg = f"Segmentation '{segmentation_node.GetName()}' could not be converted to a binary labelmap."
        raise AnnotationError(msg)
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)


def read_segment(segmentation: Any, segment_id: str) -> SegmentLabelmap | None:
    """One segment's labelmap; None when it has none (nothing was ever painted).

    Raises:
        AnnotationError: no segment of that ID.
    """
    segment = segmentation.GetSegment(segment_id)
    if segment is None:
        known = ", ".join(segment_ids(segmentation)) or "none"
        msg = f"There is no segment '{segment_id}' in the segmentation (its segments: {known})."
        raise AnnotationError(msg)
    image = segment.GetRepresentation(BINARY_LABELMAP)
    if image is None:
        return None
    return SegmentLabelmap(segment_id, str(segment.GetName()), image, int(segment.GetLabelValue()))


def painted_ids(segmentation: Any, chosen: Sequence[str] | None) -> tuple[str, ...]:
    """Those of the chosen segments (of all, by default) that hold a voxel.

    Raises:
        AnnotationError: an unknown ID.
    """
    labelmaps = [read_segment(segmentation, each) for each in (segment_ids(segmentation) if chosen is None else chosen)]
    return tuple(each.segment_id for each in labelmaps if each is not None and not each.is_empty())


def painted_segments(segmentation: Any, chosen: Sequence[str] | None) -> tuple[SegmentLabelmap, ...]:
    """The chosen segments, or all painted ones.

    Raises:
        AnnotationError: an unknown ID, a chosen segment without a painted voxel, nothing painted at all,
            an ID named twice, or segments on different lattices.
    """
    if chosen is not None and len(set(chosen)) != len(chosen):
        msg = f"A segment is named twice: {', '.join(chosen)}."
        raise AnnotationError(msg)
    found: list[SegmentLabelmap] = []
    for segment_id in segment_ids(segmentation) if chosen is None else chosen:
        labelmap = read_segment(segmentation, segment_id)
        if labelmap is not None and not labelmap.is_empty():
            found.append(labelmap)
        elif chosen is not None:
            name = segmentation.GetSegment(segment_id).GetName()
            msg = f"Segment '{name}' is empty: paint it on at least one slice, or leave it out."
            raise AnnotationError(msg)
    if not found:
        msg = "The annotation is empty: paint the structure on at least one slice."
        raise AnnotationError(msg)
    for other in found[1:]:
        if not slicer.vtkOrientedImageDataResample.DoGeometriesMatch(found[0].image, other.image):
            msg = (
                f"Segments '{found[0].name}' and '{other.name}' lie on different voxel grids: "
                "propagate them one at a time."
            )
            raise AnnotationError(msg)
    return tuple(found)


def _give_reference_geometry(segmentation: Any, segmentation_node: Any, volume_node: Any) -> None:
    """Convert on the volume's lattice unless the segmentation names another one."""
    if segmentation.GetConversionParameter(_GEOMETRY_PARAMETER):
        return
    from .grid import volume_to_segmentation

    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(volume_to_segmentation(volume_node, segmentation_node).ravel().tolist())
    reference = slicer.vtkOrientedImageData()
    reference.SetExtent(volume_node.GetImageData().GetExtent())
    reference.SetImageToWorldMatrix(matrix)
    text = slicer.vtkSegmentationConverter.SerializeImageGeometry(reference)
    segmentation.SetConversionParameter(_GEOMETRY_PARAMETER, text)
