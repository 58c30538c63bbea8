"""Segments over a slice view's picture: what Slicer's displayable manager draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk

FILL, OUTLINE = 0.35, 0.9
"""How strongly a segment's inside and its rim are coloured."""


def overlay_segments(pixels: np.ndarray, slice_node: Any) -> None:
    """Draw all visible segments of the scene, in place.

    Args:
        pixels: float, (rows, columns, 3), 0..255, the lowest row first.
        slice_node: the view's vtkMRMLSliceNode.
    """
    scene = slice_node.GetScene()
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLSegmentationNode")
        display = node.GetDisplayNode()
        if display is None or not display.GetVisibility() or not display.IsDisplayableInView(slice_node.GetID()):
            continue
        for segment_id in display.GetVisibleSegmentIDs():
            mask = segment_on_slice(node, segment_id, slice_node, pixels.shape[:2])
            _draw(pixels, mask, np.array(node.GetSegmentation().GetSegment(segment_id).GetColor()) * 255)


def segment_on_slice(node: Any, segment_id: str, slice_node: Any, shape: tuple[int, int]) -> np.ndarray:
    """Where a segment is in a view, bool, (rows, columns)."""
    segment = node.GetSegmentation().GetSegment(segment_id)
    image = segment.GetRepresentation("Binary labelmap")
    if image is None or image.IsEmpty():
        return np.zeros(shape, dtype=bool)
    to_ijk = vtk.vtkMatrix4x4()
    image.GetWorldToImageMatrix(to_ijk)
    full = vtk.vtkGeneralTransform()
    full.PostMultiply()
    full.Concatenate(slice_node.GetXYToRAS())
    if node.GetParentTransformNode() is not None:
        from_world = vtk.vtkGeneralTransform()
        node.GetParentTransformNode().GetTransformFromWorld(from_world)
        full.Concatenate(from_world)
    full.Concatenate(to_ijk)
    voxels = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    voxels = voxels.reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1) == segment.GetLabelValue()
    corner = np.array(full.TransformPoint(0, 0, 0))
    along_x = np.array(full.TransformPoint(1, 0, 0)) - corner
    along_y = np.array(full.TransformPoint(0, 1, 0)) - corner
    y, x = np.mgrid[: shape[0], : shape[1]]
    ijk = np.rint(corner + x[..., None] * along_x + y[..., None] * along_y).astype(int) - (i0, j0, k0)
    inside = ((ijk >= 0) & (ijk < voxels.shape[::-1])).all(axis=2)
    mask = np.zeros(shape, dtype=bool)
    i, j, k = ijk[inside].T
    mask[inside] = voxels[k, j, i]
    return mask


def _draw(pixels: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> None:
    inner = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= np.roll(mask, step, axis)
    weight = np.where(inner, FILL, np.where(mask, OUTLINE, 0))[..., None]
    pixels *= 1 - weight
    pixels += weight * colour
