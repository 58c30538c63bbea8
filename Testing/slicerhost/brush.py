"""The round brush of the stand-in's Paint and Erase: a disc on one slice of the segmentation's grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk


class Brush:
    """Draws through vtkSlicerSegmentEditorLogic, so that masking and overwriting are Slicer's.

    Args:
        logic: the editor's vtkSlicerSegmentEditorLogic; its selected segment is drawn into.
    """

    def __init__(self, logic: Any) -> None:
        self._logic = logic

    def draw(self, ras: Sequence[float], radius: float, normal: Sequence[float], erase: bool) -> None:
        """Fill a disc.

        Args:
            ras: its centre in mm.
            radius: in mm.
            normal: of the slice that it lies on; the grid's nearest axis is taken.
            erase: take away instead of adding.
        """
        logic = self._logic
        logic.UpdateReferenceGeometryImage()
        logic.ResetModifierLabelmapToDefault()
        modifier = logic.GetModifierLabelmap()
        if modifier is None or not logic.GetCurrentSegmentID():
            return
        extent = _disc(modifier, self._to_segmentation(ras), radius, normal)
        if extent is None:
            return
        modifier.Modified()
        mode = logic.ModificationModeRemove if erase else logic.ModificationModeAdd
        node = logic.GetSegmentationNode()
        logic.ModifySegmentByLabelmap(node, logic.GetCurrentSegmentID(), modifier, mode, extent, False, False)

    def _to_segmentation(self, ras: Sequence[float]) -> np.ndarray:
        transform = self._logic.GetSegmentationNode().GetParentTransformNode()
        if transform is None:
            return np.array(ras, dtype=float)
        from_world = vtk.vtkGeneralTransform()
        transform.GetTransformFromWorld(from_world)
        return np.array(from_world.TransformPoint(*ras))


def _disc(
    modifier: Any, centre: np.ndarray, radius: float, normal: Sequence[float]
) -> tuple[int, int, int, int, int, int] | None:
    """Fill a disc in a labelmap; the extent that holds it, or None where it lies outside."""
    to_world = slicer.vtkMatrix4x4() if hasattr(slicer, "vtkMatrix4x4") else vtk.vtkMatrix4x4()
    modifier.GetImageToWorldMatrix(to_world)
    matrix = np.array([[to_world.GetElement(r, c) for c in range(4)] for r in range(4)])
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    axis = int(np.argmax(np.abs((matrix[:3, :3] / spacing).T @ np.asarray(normal, dtype=float))))
    ijk = np.linalg.solve(matrix, np.append(centre, 1))[:3]
    half = np.where(np.arange(3) == axis, 0, radius / spacing)
    limits = np.reshape(modifier.GetExtent(), (3, 2))
    first = np.maximum(np.ceil(ijk - half - 0.5 * (np.arange(3) == axis)).astype(int), limits[:, 0])
    last = np.minimum(np.floor(ijk + half).astype(int), limits[:, 1])
    first[axis] = last[axis] = int(np.rint(ijk[axis]))
    if (first > last).any() or not limits[axis, 0] <= first[axis] <= limits[axis, 1]:
        return None
    voxels = vtk.util.numpy_support.vtk_to_numpy(modifier.GetPointData().GetScalars())
    voxels = voxels.reshape(*(limits[::-1, 1] - limits[::-1, 0] + 1))
    grid = np.stack(np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(first, last, strict=True)), indexing="ij"), -1)
    away = (grid - ijk) * spacing
    away[..., axis] = 0
    inside = (away**2).sum(axis=-1) <= radius**2
    i, j, k = grid[inside].T - limits[:, :1]
    voxels[k, j, i] = 1
    return tuple(int(n) for pair in zip(first, last, strict=True) for n in pair)  # type: ignore[return-value]
