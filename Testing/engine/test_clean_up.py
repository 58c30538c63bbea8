"""What is done to a refined pass at the end."""

from __future__ import annotations

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.refinement.clean_up import connected, drawn_to_edges


def disc(radius: float, side: int = 41) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] - side // 2
    return np.hypot(rows, columns) <= radius


def test_an_outline_a_little_outside_an_edge_is_drawn_to_it() -> None:
    structure, drawn_wide = disc(10), disc(11.5)
    intensity = np.where(structure, 0.8, 0.2).astype(np.float32)[None]
    followed = drawn_to_edges(drawn_wide.astype(np.float32)[None], intensity, reach=3, contrast=0.6)[0] > 0.5
    assert (followed ^ structure).sum() < 0.2 * (drawn_wide ^ structure).sum()


def test_where_nothing_is_seen_an_outline_stays_about_where_it_is() -> None:
    mask = disc(10)
    followed = drawn_to_edges(mask.astype(np.float32)[None], np.full((1, 41, 41), 0.5, np.float32), 2, 0.6)[0] > 0.5
    assert (followed ^ mask).sum() <= 0.05 * mask.sum()


def test_small_structures_are_left_as_they_are() -> None:
    soft = np.random.default_rng(0).random((2, 9, 9), np.float32)
    assert drawn_to_edges(soft, soft, reach=0, contrast=1.0) is soft


@pytest.mark.parametrize("contrast", [1e-3, 1.0])
def test_soft_masks_stay_between_0_and_1(contrast: float) -> None:
    rng = np.random.default_rng(1)
    soft, intensity = rng.random((2, 3, 20, 20), np.float32)
    result = drawn_to_edges(soft, intensity, 2, contrast)
    assert result.min() >= 0.0
    assert result.max() <= 1.0


def test_a_part_that_does_not_touch_the_slice_before_is_taken_away() -> None:
    soft = np.zeros((2, 9, 9), np.float32)
    soft[:, 1:4, 1:4] = 0.9
    soft[1, 6:8, 6:8] = 0.9
    drawn = soft[0] > 0.5
    kept = connected(soft, drawn)
    np.testing.assert_array_equal(kept[1], soft[0])
    assert soft[1, 7, 7] == np.float32(0.9), "the argument is not written to"


def test_a_part_may_move_by_a_pixel_from_slice_to_slice() -> None:
    drawn = np.zeros((5, 9), bool)
    drawn[1:4, 0:2] = True
    soft = np.zeros((3, 5, 9), np.float32)
    for position in range(3):
        soft[position, 1:4, 2 * position + 2 : 2 * position + 4] = 1.0
    soft[:, 0, 8] = 1.0
    kept = connected(soft, drawn)
    assert kept[:, 1:4].sum() == soft[:, 1:4].sum()
    assert kept[:2, 0, 8].sum() == 0


def test_a_slice_of_which_no_part_touches_is_left_whole() -> None:
    soft = np.zeros((1, 6, 6), np.float32)
    soft[0, 4:, 4:] = 1.0
    drawn = np.zeros((6, 6), bool)
    drawn[0, 0] = True
    np.testing.assert_array_equal(connected(soft, drawn), soft)
