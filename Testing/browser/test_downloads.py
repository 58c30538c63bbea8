"""Surfaces that are downloaded face outwards, whatever the volume's grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vtk
from scene_fixture import scene
from vtk.util import numpy_support

from Sli2VolSlicerLib.browser.downloads import write_download
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation, add_volume

__all__ = ["scene"]


def volume_within(file: Path) -> float:
    """What an STL file's triangles enclose, in cubic millimetres; below zero if they face inwards."""
    reader = vtk.vtkSTLReader()
    reader.SetFileName(str(file))
    reader.Update()
    points = numpy_support.vtk_to_numpy(reader.GetOutput().GetPoints().GetData()).astype(float)
    triangles = numpy_support.vtk_to_numpy(reader.GetOutput().GetPolys().GetConnectivityArray()).reshape(-1, 3)
    first, second, third = (points[triangles[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->", first, np.cross(second, third)) / 6)


def ball() -> np.ndarray:
    k, j, i = np.indices((24, 30, 28))
    return np.asarray((k - 12) ** 2 + (j - 14) ** 2 + (i - 13) ** 2 < 81)


@pytest.mark.parametrize("handed", [1, -1], ids=["right-handed", "left-handed"])
def test_a_surface_faces_outwards(scene: Any, tmp_path: Path, handed: int) -> None:
    grid = np.array([[-1.5, 0, 0, 40], [0, -1.5, 0, 30], [0, 0, handed * 2.0, -20], [0, 0, 0, 1]])
    assert np.sign(np.linalg.det(grid)) == handed
    volume = add_volume(scene, np.zeros(ball().shape, np.int16), grid, "ball")
    segmentation = add_segmentation(scene, volume)
    add_segment(segmentation, "ball", ball(), grid)
    file = write_download("stl", segmentation, volume, tmp_path)
    assert volume_within(file) == pytest.approx(ball().sum() * 4.5, rel=0.1)
