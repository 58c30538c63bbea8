"""For conftest.py files: a scene, and the stand-in for desktop Slicer around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core")
pytest.importorskip("PySide6", reason="PySide6 is not installed: pip install PySide6-Essentials")

from Sli2VolSlicerLib.scene.headless import make_scene

from .host import Desktop, slicer_desktop


@pytest.fixture
def scene() -> Iterator[Any]:
    """A new scene in which segmentations can be made."""
    headless = make_scene()
    yield headless.scene
    headless.scene.Clear(1)


@pytest.fixture
def desktop(scene: Any) -> Iterator[Desktop]:
    """Slicer, running, its window not shown yet; fails at its end if anything was raised where nobody catches it."""
    with slicer_desktop(scene) as running:
        yield running
