"""Segments over a slice view's picture: what Slicer's displayable manager draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk

FILL, OUTLINE = 0.35, 0.9
"""How strongly a segment's inside and its rim are coloured."""

_NOTHING = 0.01
"""So many voxels, over a whole view, are none."""


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
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    voxels = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    voxels = voxels.reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
    corner = np.array(full.TransformPoint(0, 0, 0))
    along_x = np.array(full.TransformPoint(1, 0, 0)) - corner
    along_y = np.array(full.TransformPoint(0, 1, 0)) - corner
    places, inside = [], np.ones((1, 1), dtype=bool)
    for axis, (first, size) in enumerate(zip((i0, j0, k0), voxels.shape[::-1], strict=True)):
        # In most views a voxel's index depends on x or y only: a row or a column of indices is enough then.
        along = corner[axis] - first
        for step, count, shape_of in ((along_x[axis], shape[1], (1, -1)), (along_y[axis], shape[0], (-1, 1))):
            if abs(step) * count > _NOTHING:
                along = along + step * np.arange(count).reshape(shape_of)
        place = np.atleast_2d(np.rint(along).astype(int))
        inside = inside & (place >= 0) & (place < size)
        places.append(place.clip(0, size - 1))
    i, j, k = places
    return np.asarray(np.broadcast_to(inside & (voxels[k, j, i] == segment.GetLabelValue()), shape))


def _draw(pixels: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> None:
    inner = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= np.roll(mask, step, axis)
    weight = np.where(inner[mask], FILL, OUTLINE)[:, None].astype(np.float32)
    pixels[mask] = pixels[mask] * (1 - weight) + weight * colour.astype(np.float32)
