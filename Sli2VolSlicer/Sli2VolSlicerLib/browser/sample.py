"""A made-up volume to try the page on: nothing has to be fetched for it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..scene.headless import add_volume

NAME = "Sample (made up)"
_SHAPE = (48, 160, 176)
_SPACING_MM = (1.6, 1.6, 3.0)


def sample_voxels() -> np.ndarray:
    """Int16, (k, j, i), like Hounsfield units: a trunk with a large bent organ, two small ones and a spine."""
    generator = np.random.default_rng(7)
    k, j, i = np.indices(_SHAPE, dtype=np.float32)
    height = (k - 24) / 20
    parts = (
        (_ellipsoid(j, 82, 62, i, 88, 78), 30.0),
        (_ellipsoid(j, 70 + 8 * height**2, 34, i, 58 + 8 * height, 36) + height**2, 105.0),
        (_ellipsoid(j, 84, 17, i, 128, 15) + (1.5 * height) ** 2, 125.0),
        (_ellipsoid(j, 108, 15, i, 52, 13) + (1.7 * (height - 0.2)) ** 2, 165.0),
        (_ellipsoid(j, 122, 14, i, 88, 14), 320.0),
    )
    voxels = np.full(_SHAPE, -1000.0, dtype=np.float32)
    for distance, intensity in parts:
        voxels[distance < 1] = intensity
    voxels = ndimage.gaussian_filter(voxels, (0.5, 0.8, 0.8))
    texture = sum(ndimage.gaussian_filter(generator.normal(size=_SHAPE), s) * s**1.5 for s in (0.8, 2.0))
    return (voxels + 11 * texture).astype(np.int16)


def add_sample(scene: object) -> object:
    """A vtkMRMLScalarVolumeNode with the sample."""
    x, y, z = _SPACING_MM
    ijk_to_ras = np.array([[-x, 0, 0, 140], [0, -y, 0, 128], [0, 0, z, -72], [0, 0, 0, 1]], dtype=float)
    node = add_volume(scene, sample_voxels(), ijk_to_ras, NAME)
    node.CreateDefaultDisplayNodes()
    return node


def _ellipsoid(j: np.ndarray, j0: object, rj: float, i: np.ndarray, i0: object, ri: float) -> np.ndarray:
    return np.asarray(((j - j0) / rj) ** 2 + ((i - i0) / ri) ** 2)
