"""For conftest.py files: a scene, and the stand-in for desktop Slicer around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core")
pytest.importorskip("PySide6", reason="PySide6 is not installed: pip install PySide6-Essentials")

from scene_fixture import scene

from .api import LIST, read_list, unlisted
from .host import Desktop, slicer_desktop
from .pythonqt import uses

__all__ = ["desktop", "scene"]


@pytest.fixture
def desktop(scene: Any) -> Iterator[Desktop]:
    """Slicer, running, its window not shown yet.

    A test fails at its end if anything was raised where nobody catches it, or if the panel has used something of Qt,
    CTK or MRML's widgets that is not on the list.
    """
    with slicer_desktop(scene) as running:
        yield running
    missing = unlisted(uses, read_list())
    assert not missing, f"Look up in Slicer's, CTK's or PythonQt's source and put into {LIST.name}: {missing}"
