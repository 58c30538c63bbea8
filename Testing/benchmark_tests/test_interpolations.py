"""What is made of drawn slices without looking at the volume."""

from __future__ import annotations

import numpy as np
import pytest

from sli2vol_benchmark.interpolations import Drawn, fill_between_slices, shape_interpolation
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.records import Anchor
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SHAPE = (12, 40, 40)
SPACING = (2.0, 1.0, 1.0)


def disk(radius: float) -> np.ndarray:
    row, column = np.mgrid[:40, :40]
    return np.asarray((row - 20) ** 2 + (column - 20) ** 2 <= radius**2)


@pytest.fixture(params=["fill", "shape"])
def interpolate(request: pytest.FixtureRequest):
    if request.param == "fill":
        pytest.importorskip("slicer")
        return fill_between_slices
    return shape_interpolation


def made(interpolate, drawn: Drawn) -> np.ndarray:
    return interpolate(drawn, SHAPE, SPACING)


def test_one_drawn_slice_is_that_slice_alone(interpolate) -> None:
    result = made(interpolate, {4: disk(8)})
    assert np.flatnonzero(result.any(axis=(1, 2))).tolist() == [4]


def test_between_two_slices_areas_lie_between_and_nothing_is_outside(interpolate) -> None:
    result = made(interpolate, {2: disk(5), 8: disk(12)})
    areas = result.sum(axis=(1, 2))
    assert np.flatnonzero(areas).tolist() == list(range(2, 9))
    assert (np.diff(areas[2:9]) > 0).all()


def test_drawn_slices_are_kept_and_neighbours_need_nothing_between(interpolate) -> None:
    drawn = {2: disk(5), 3: disk(9), 6: disk(4)}
    result = made(interpolate, drawn)
    for index, mask in drawn.items():
        np.testing.assert_array_equal(result[index], mask)


def test_nothing_is_filled_towards_a_slice_drawn_empty(interpolate) -> None:
    result = made(interpolate, {2: disk(5), 5: disk(5) & False, 9: disk(5)})
    assert np.flatnonzero(result.any(axis=(1, 2))).tolist() == [2, 9]


def test_the_engine_s_interpolation_gives_the_same() -> None:
    drawn = {1: disk(5.3), 5: disk(12.1), 9: disk(7.9)}
    stack = SliceStack(np.random.default_rng(0).random(SHAPE), SPACING)
    session = PropagationSession(stack, create_method("interpolation"))
    result = session.propagate([Anchor(index, 1, mask) for index, mask in drawn.items()])
    np.testing.assert_array_equal(result.masks[1], shape_interpolation(drawn, SHAPE, SPACING))
