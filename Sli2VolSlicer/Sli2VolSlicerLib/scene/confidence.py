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
    """Write a propagation's confidence into a scalar volume node; `confidence_image` and `put_confidence` in one go."""
    return put_confidence(captured, confidence_image(captured.axis, propagation))


def confidence_image(axis: int, propagation: Propagation) -> vtk.vtkImageData:
    """A propagation's confidence as an image that is in no scene yet, float32, 0..1; on any thread.

    Args:
        axis: the painted axis of the grid.
        propagation: the engine's answer.
    """
    doubt = np.moveaxis(propagation.doubt, 0, axis)
    image = vtk.vtkImageData()
    image.SetDimensions(*doubt.shape[::-1])
    image.AllocateScalars(vtk.VTK_FLOAT, 1)
    np.subtract(1, doubt, out=image_to_array(image))
    return image


def put_confidence(captured: Capture, image: vtk.vtkImageData) -> Any:
    """Show an image of `confidence_image` in a scalar volume node, made on the first call and found again later.

    It lies where the grid lies: on the volume's own lattice and under its transform, or on the
    segmentation's where the two differ. 1 is where nothing was in question.

    Args:
        captured: what was propagated.
        image: its confidence.

    Returns:
        The vtkMRMLScalarVolumeNode.
    """
    node = confidence_node(captured.segmentation_node)
    if node is None:
        scene = captured.segmentation_node.GetScene()
        name = f"{captured.segmentation_node.GetName()} confidence"
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        captured.segmentation_node.SetNodeReferenceID(ROLE, node.GetID())
    _place(node, captured)
    # How it is shown is settled first: Slicer would look for a window in all of it.
    _show(node)
    node.SetAndObserveImageData(image)
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
