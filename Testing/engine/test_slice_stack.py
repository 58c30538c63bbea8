"""A volume as a stack of slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.errors import VolumeError
from Sli2VolSlicerLib.engine.slice_stack import IntensityRange, SliceStack, robust_range

RNG_SHAPE = (10, 12, 14)


def noise(shape: tuple[int, ...] = RNG_SHAPE) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("axis", "count", "shape", "spacing"),
    [(0, 10, (12, 14), (3.0, 2.0, 1.0)), (1, 12, (10, 14), (2.0, 3.0, 1.0)), (2, 14, (10, 12), (1.0, 3.0, 2.0))],
)
def test_slices_run_along_the_axis(
    axis: int, count: int, shape: tuple[int, int], spacing: tuple[float, float, float]
) -> None:
    stack = SliceStack(noise(), (3.0, 2.0, 1.0), axis)
    assert (stack.slice_count, stack.shape, stack.spacing_mm) == (count, shape, spacing)
    assert stack.intensity(4).shape == shape


@given(axis=st.integers(0, 2))
def test_volume_order_undoes_slices_first(axis: int) -> None:
    volume = noise()
    stack = SliceStack(volume, axis=axis)
    assert np.array_equal(stack.volume_order(stack.slices_first(volume)), volume)


def test_intensity_is_brought_to_zero_and_one_and_clipped() -> None:
    volume = noise()
    volume[3, 0, :3] = (-5, 5, 25)
    stack = SliceStack(volume, intensity_range=IntensityRange(0.0, 10.0))
    assert stack.intensity(3)[0, :3].tolist() == [0.0, 0.5, 1.0]
    assert stack.intensity(3).dtype == np.float32


@given(scale=st.floats(0.01, 1000), offset=st.floats(-1000, 1000))
def test_intensity_does_not_depend_on_the_scanner_s_scale(scale: float, offset: float) -> None:
    volume = noise().astype(np.float64)
    there = SliceStack(volume).intensity(2)
    assert np.allclose(SliceStack(volume * scale + offset).intensity(2), there, atol=2e-3)


def test_a_large_background_does_not_decide_the_range() -> None:
    volume = np.zeros((10, 40, 40), dtype=np.int16)
    volume[:, 10:20, 10:20] = np.random.default_rng(0).integers(100, 200, (10, 10, 10))
    found = robust_range(volume)
    assert found.low >= 100
    assert found.high <= 200


def test_a_volume_of_two_values_keeps_both() -> None:
    volume = np.zeros((10, 12, 14), dtype=np.uint8)
    volume[4:, 3:6] = 7
    assert robust_range(volume) == IntensityRange(0.0, 7.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_with_their_number(bad: float) -> None:
    volume = noise()
    volume[2, 3, 4:6] = bad
    with pytest.raises(VolumeError, match="2 voxels that are NaN or infinite"):
        SliceStack(volume)


def test_a_constant_volume_is_refused_with_its_value() -> None:
    with pytest.raises(VolumeError, match="every voxel is 5"):
        SliceStack(np.full(RNG_SHAPE, 5, dtype=np.int16))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((10, 12), r"3 dimensions, got shape \(10, 12\)"),
        ((10, 12, 14, 3), "colour or time series"),
        ((1, 12, 14), "has 1 slice along axis 0"),
        ((10, 3, 3), "are 3x3 pixels; at least 8x8"),
    ],
)
def test_a_shape_that_cannot_be_propagated_through_is_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(VolumeError, match=message):
        SliceStack(noise(shape))


def test_numbers_that_are_not_real_are_refused() -> None:
    with pytest.raises(VolumeError, match="complex64"):
        SliceStack(noise().astype(np.complex64))


@pytest.mark.parametrize("spacing", [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, float("nan"))])
def test_a_spacing_that_is_no_length_is_refused(spacing: tuple[float, float, float]) -> None:
    with pytest.raises(VolumeError, match="three positive lengths"):
        SliceStack(noise(), spacing)


def test_an_axis_that_does_not_exist_is_refused() -> None:
    with pytest.raises(VolumeError, match="got 3"):
        SliceStack(noise(), axis=3)
