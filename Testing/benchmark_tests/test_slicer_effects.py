"""Slicer's own tools do here what they do in Slicer."""

from __future__ import annotations

import numpy as np
import pytest

from sli2vol_benchmark.metrics import dice
from sli2vol_benchmark.slicer_effects import FillBetweenSlices, GrowFromSeeds, GrowSettings, end_candidates, ring_around
from sli2vol_benchmark.work import Work

pytest.importorskip("slicer")


def ellipsoid_work() -> tuple[np.ndarray, Work]:
    z, y, x = np.mgrid[:24, :40, :44]
    truth = ((z - 12) / 8.0) ** 2 + ((y - 20) / 11.0) ** 2 + ((x - 22) / 12.0) ** 2 <= 1
    noise = np.random.default_rng(0).normal(scale=5, size=truth.shape)
    image = (100.0 * truth + noise).astype(np.int16)
    return truth, Work(image, (1.0, 1.0, 1.0), 12, truth[12], truth)


def test_grow_from_seeds_finds_a_bright_ellipsoid() -> None:
    truth, work = ellipsoid_work()
    result = GrowFromSeeds(GrowSettings(locality=0.0)).segment(work)
    assert dice(result.mask, truth) > 0.95
    np.testing.assert_array_equal(result.mask[12], work.painted)


def test_grow_from_seeds_stays_within_its_reach() -> None:
    _, work = ellipsoid_work()
    result = GrowFromSeeds(GrowSettings(reach=0.0)).segment(work)
    assert set(np.flatnonzero(result.mask.any(axis=(1, 2)))) <= set(range(9, 16))
    assert result.slices == 6


def test_fill_between_slices_keeps_the_given_slices_and_fills_the_rest() -> None:
    truth, work = ellipsoid_work()
    result = FillBetweenSlices().segment(work)
    np.testing.assert_array_equal(result.mask[12], work.painted)
    first, last = (int(i) for i in np.flatnonzero(result.mask.any(axis=(1, 2)))[[0, -1]])
    np.testing.assert_array_equal(result.mask[[first, last]], truth[[first, last]])
    assert result.mask[first : last + 1].any(axis=(1, 2)).all()
    assert result.slices == last - first - 2
    assert dice(result.mask, truth) > 0.85
    assert "first and the last slice" in result.notes[0]


def test_an_end_of_one_pixel_is_passed_over_for_the_next_slice_inwards() -> None:
    truth, work = ellipsoid_work()
    assert truth[4].sum() == 1
    filled = np.flatnonzero(FillBetweenSlices().segment(work).mask.any(axis=(1, 2)))
    assert filled[0] == 5


def test_an_end_next_to_the_painted_slice_does_not_spoil_the_other_side() -> None:
    truth, work = ellipsoid_work()
    truth = truth.copy()
    truth[:11] = False
    beside = Work(work.image, work.spacing_mm, 12, truth[12], truth)
    filled = FillBetweenSlices().segment(beside).mask.any(axis=(1, 2))
    assert filled[11:20].all()
    assert not filled[:11].any()


def test_the_ring_lies_outside_the_mask_and_goes_round_it() -> None:
    mask = np.zeros((30, 30), bool)
    mask[12:18, 12:18] = True
    ring = ring_around(mask, (1.0, 1.0), 3.0, 5.0)
    assert not (ring & mask).any()
    assert not ring[11, 12:18].any()
    for edge in (ring[:12, 15], ring[18:, 15], ring[15, :12], ring[15, 18:]):
        assert edge.any()


def test_the_ring_is_a_pixel_wide_at_least_on_coarse_grids() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    assert ring_around(mask, (6.0, 6.0), 1.0, 1.0).any()


def test_ends_with_a_3x3_block_come_before_smaller_ones_and_the_neighbour_last() -> None:
    truth = np.zeros((9, 8, 8), bool)
    truth[1:3, 4, 4] = True
    truth[3:6, 2:5, 2:5] = True
    assert end_candidates(truth, 5, -1) == [3, 1, 2, 3]
    assert end_candidates(truth, 4, 1) == [5]
    assert end_candidates(truth, 5, 1) == []
