"""For conftest.py files: a new scene."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from Sli2VolSlicerLib.scene.headless import make_scene


@pytest.fixture
def scene() -> Iterator[Any]:
    """A new scene in which segmentations can be made."""
    headless = make_scene()
    yield headless.scene
    headless.scene.Clear(1)
