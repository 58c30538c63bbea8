"""Eq. 4, and the courage to step back."""

from __future__ import annotations

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.verification import HistogramVerification, MeanVerification, make_verification


def disc(radius: float = 8, side: int = 40) -> np.ndarray:
    row, column = np.mgrid[:side, :side]
    return (row - side / 2) ** 2 + (column - side / 2) ** 2 < radius**2


def test_the_two_means_are_those_inside_and_of_the_ring() -> None:
    mask = disc()
    check = MeanVerification(np.where(mask, 0.8, 0.2).astype(np.float32), mask)
    assert (check.inside_mean, check.around_mean) == (pytest.approx(0.8), pytest.approx(0.2))


def test_pixels_nearer_to_the_surroundings_are_removed() -> None:
    mask = disc()
    intensity = np.where(mask, 0.8, 0.2).astype(np.float32)
    check = MeanVerification(intensity, mask)
    np.testing.assert_array_equal(check.verified(intensity, disc(12)), mask)


def test_the_means_follow_the_structure_from_slice_to_slice() -> None:
    mask = disc()
    check = MeanVerification(np.where(mask, 0.8, 0.2).astype(np.float32), mask)
    check.verified(np.where(mask, 0.7, 0.3).astype(np.float32), mask)
    assert check.inside_mean == pytest.approx(0.7)


def test_nothing_left_keeps_the_old_means() -> None:
    mask = disc()
    check = MeanVerification(np.where(mask, 0.8, 0.2).astype(np.float32), mask)
    assert not check.verified(np.full(mask.shape, 0.2, np.float32), mask).any()
    assert check.inside_mean == pytest.approx(0.8)


def test_a_hole_inside_is_filled() -> None:
    mask = disc()
    intensity = np.where(mask, 0.8, 0.2).astype(np.float32)
    check = MeanVerification(intensity, mask)
    intensity[20, 20] = 0.0
    assert check.verified(intensity, mask)[20, 20]


def test_a_structure_as_bright_as_its_surroundings_is_left_alone() -> None:
    mask = disc()
    noise = np.random.default_rng(0).normal(0.5, 0.1, mask.shape).astype(np.float32)
    assert MeanVerification(noise, mask).agreement(noise, mask) < 0.7
    assert make_verification("self-checked", noise, mask) is None
    assert make_verification("paper", noise, mask) is not None
    assert make_verification("none", noise, mask) is None


def test_histograms_tell_a_structure_between_a_darker_and_a_brighter_neighbour() -> None:
    mask = disc()
    halves = np.where(np.arange(40)[None, :] < 20, 0.1, 0.9) * np.ones((40, 1))
    intensity = np.where(mask, 0.5, halves).astype(np.float32)
    # The mean around is that of the structure: two means cannot tell them apart.
    assert MeanVerification(intensity, mask).around_mean == pytest.approx(0.5, abs=0.02)
    kept = HistogramVerification(intensity, mask).verified(intensity, disc(12))
    assert 2 * (kept & mask).sum() / (kept.sum() + mask.sum()) > 0.95
    assert isinstance(make_verification("histogram", intensity, mask), HistogramVerification)
