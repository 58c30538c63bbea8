"""The engine's confidence as a volume to lay over the one that was propagated through."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk

from ..engine.records import Propagation
from .capture import Capture
from .geometry import image_to_array

ROLE = "sli2volConfidenceRef"
"""The role in which a segmentation node refers to its confidence volume."""

_SURE = 0.999
"""What is at least as sure is transparent in an overlay."""


def write_confidence(captured: Capture, propagation: Propagation) -> Any:
    """Write a propagation's confidence into a scalar volume node, made on the first call and found again later.

    It lies where the grid lies: on the volume's own lattice and under its transform, or on the
    segmentation's where the two differ. Values are float32, 0..1; 1 where nothing was in question.

    Args:
        captured: what was propagated.
        propagation: the engine's answer.

    Returns:
        The vtkMRMLScalarVolumeNode.
    """
    doubt = np.moveaxis(propagation.doubt, 0, captured.axis)
    node = confidence_node(captured.segmentation_node)
    if node is None:
        scene = captured.segmentation_node.GetScene()
        name = f"{captured.segmentation_node.GetName()} confidence"
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        captured.segmentation_node.SetNodeReferenceID(ROLE, node.GetID())
    image = node.GetImageData()
    fits = (
        image is not None
        and image.GetDimensions() == doubt.shape[::-1]
        and image.GetScalarType() == vtk.VTK_FLOAT
        and image.GetNumberOfScalarComponents() == 1
    )
    if not fits:
        image = vtk.vtkImageData()
        image.SetDimensions(*doubt.shape[::-1])
        image.AllocateScalars(vtk.VTK_FLOAT, 1)
    # Straight into the image: this is called while the user waits, and a volume of floats is large.
    np.subtract(1, doubt, out=image_to_array(image))
    image.GetPointData().GetScalars().Modified()
    image.Modified()
    _place(node, captured)
    node.SetAndObserveImageData(image)
    _show(node)
    return node


def confidence_node(segmentation_node: Any) -> Any | None:
    """The confidence volume of a segmentation; None if none was written, or it was removed."""
    return segmentation_node.GetNodeReference(ROLE)


def _place(node: Any, captured: Capture) -> None:
    matrix = vtk.vtkMatrix4x4()
    if captured.grid.is_native:
        captured.volume_node.GetIJKToRASMatrix(matrix)
        parent = captured.volume_node.GetTransformNodeID()
    else:
        matrix.DeepCopy(captured.grid.ijk_to_segmentation.ravel().tolist())
        parent = captured.segmentation_node.GetTransformNodeID()
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveTransformNodeID(parent)


def _show(node: Any) -> None:
    """Only what is in doubt is seen; settings that the user has changed since are kept."""
    if node.GetDisplayNode() is not None:
        return
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    if display is None:
        return
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.5, 1.0)
    display.AutoThresholdOff()
    display.SetThreshold(0.0, _SURE)
    display.ApplyThresholdOn()
