"""The closed surface of 3D views: kept up to date if it was shown, made once, and never otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Sli2VolSlicerLib.scene.logic import SceneLogic
from Sli2VolSlicerLib.scene.surface import CLOSED_SURFACE, has_surface, surfaces_made_once


@pytest.fixture
def painted(world: Any, disc: np.ndarray) -> Any:
    world.add("A", disc)
    other = np.zeros_like(disc)
    other[4, 9:11, 1:4] = True
    world.add("B", other)
    return world


def surface(world: Any, segment_id: str) -> Any:
    return world.segmentation.GetSegmentation().GetSegment(segment_id).GetRepresentation(CLOSED_SURFACE)


def height(world: Any, segment_id: str) -> float:
    low, high = surface(world, segment_id).GetBounds()[4:]
    return float(high - low)


def test_where_none_was_shown_none_is_made(painted: Any, copying: SceneLogic) -> None:
    copying.propagate(painted.volume, painted.segmentation)
    copying.undo(painted.segmentation)
    assert not has_surface(painted.segmentation)


def test_one_that_was_shown_follows_propagation_undo_and_limits(painted: Any, copying: SceneLogic) -> None:
    nodes = painted.volume, painted.segmentation
    painted.segmentation.CreateClosedSurfaceRepresentation()
    flat = height(painted, "A")
    copying.propagate(*nodes)
    grown = height(painted, "A")
    assert grown > flat + 15
    copying.limit_range(*nodes, "A", first=4, last=6)
    assert flat < height(painted, "A") < grown
    copying.undo(painted.segmentation)
    assert height(painted, "A") == grown
    copying.undo(painted.segmentation)
    assert height(painted, "A") == flat


def test_that_of_a_segment_left_alone_is_not_touched(painted: Any, copying: SceneLogic) -> None:
    painted.segmentation.CreateClosedSurfaceRepresentation()
    before = surface(painted, "B")
    copying.propagate(painted.volume, painted.segmentation, ["A"])
    assert surface(painted, "B") is before


def test_it_is_made_once_whatever_is_written(painted: Any, disc: np.ndarray) -> None:
    painted.segmentation.CreateClosedSurfaceRepresentation()
    with surfaces_made_once(painted.segmentation, ["A"]):
        for index in (5, 6, 7):
            painted.paint_slice("A", index, disc[4])
            assert surface(painted, "A") is None
    assert height(painted, "A") > 7


def test_it_comes_back_when_writing_fails(painted: Any) -> None:
    painted.segmentation.CreateClosedSurfaceRepresentation()
    flat = height(painted, "A")
    with pytest.raises(ValueError, match="disk"), surfaces_made_once(painted.segmentation, ["A"]):
        raise ValueError("disk full")
    assert height(painted, "A") == flat
