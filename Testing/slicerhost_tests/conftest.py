"""The stand-in for desktop Slicer, and a volume in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from slicerhost.fixtures import desktop, scene

__all__ = ["desktop", "scene"]

SHAPE = (6, 20, 24)
IJK_TO_RAS = np.array([[-1.0, 0, 0, 12], [0, -1.0, 0, 10], [0, 0, 3.0, -9], [0, 0, 0, 1]])


@pytest.fixture
def volume(scene: Any) -> Any:
    """Noise with voxels of 1 x 1 x 3 mm."""
    from Sli2VolSlicerLib.scene.headless import add_volume

    return add_volume(scene, np.random.default_rng(3).integers(0, 100, SHAPE).astype(np.int16), IJK_TO_RAS)
