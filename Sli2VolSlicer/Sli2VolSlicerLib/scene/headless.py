"""A MRML scene outside of the desktop application (slicer-core): for scripts, the demo and tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from .geometry import image_to_array
from .segments import BINARY_LABELMAP


@dataclass(frozen=True, eq=False)
class HeadlessScene:
    """A scene that knows Slicer's segmentation nodes; keep it as long as its nodes are used.

    Attributes:
        scene: the vtkMRMLScene.
        logics: the module logics that registered their nodes with it.
    """

    scene: Any
    logics: tuple[Any, ...]


def make_scene() -> HeadlessScene:
    """A new scene in which volumes, segmentations and segment editor nodes can be made."""
    scene = slicer.vtkMRMLScene()
    segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
    segmentations.SetMRMLScene(scene)
    return HeadlessScene(scene, (segmentations,))


def add_volume(scene: Any, voxels: np.ndarray, ijk_to_ras: np.ndarray, name: str = "Volume") -> Any:
    """A vtkMRMLScalarVolumeNode with a copy of `voxels`, (k, j, i), at `ijk_to_ras`, (4, 4)."""
    image = vtk.vtkImageData()
    image.SetDimensions(*voxels.shape[::-1])
    image.AllocateScalars(_scalar_type(voxels.dtype), 1)
    image_to_array(image)[...] = voxels
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(ijk_to_ras, dtype=float).ravel().tolist())
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(image)
    return node


def add_segmentation(scene: Any, volume_node: Any | None = None, name: str = "Segmentation") -> Any:
    """An empty vtkMRMLSegmentationNode, with a volume's geometry as its own if one is given."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    if volume_node is not None:
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    return node


def add_segment(
    segmentation_node: Any,
    segment_id: str,
    mask: np.ndarray,
    ijk_to_world: np.ndarray,
    color: Sequence[float] | None = None,
) -> str:
    """A segment with a binary labelmap of its own.

    Args:
        segmentation_node: where to.
        segment_id: its ID and name.
        mask: bool, (k, j, i).
        ijk_to_world: the mask's ijk to the segmentation node's coordinates, (4, 4).
        color: red, green and blue, 0..1; one of Slicer's by default.

    Returns:
        The segment's ID.
    """
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(ijk_to_world, dtype=float).ravel().tolist())
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*mask.shape[::-1])
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.SetImageToWorldMatrix(matrix)
    image_to_array(image)[...] = mask
    segment = slicer.vtkSegment()
    segment.SetName(segment_id)
    if color is not None:
        segment.SetColor(*color)
    segment.AddRepresentation(BINARY_LABELMAP, image)
    segmentation_node.GetSegmentation().AddSegment(segment, segment_id)
    return segment_id


def _scalar_type(kind: np.dtype) -> int:
    from vtk.util import numpy_support

    return int(numpy_support.get_vtk_array_type(kind))
