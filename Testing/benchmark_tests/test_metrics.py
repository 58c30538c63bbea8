"""Metrics on arrays small enough to check by hand, and against SimpleITK's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sli2vol_benchmark.metrics import (
    EndError,
    dice,
    dice_without_slice,
    end_error,
    hausdorff_95,
    slice_dice,
    surface_points,
)


def block(shape: tuple[int, ...], *spans: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*span) for span in spans)] = True
    return mask


def test_dice_of_two_halves_that_share_a_quarter_is_a_half() -> None:
    assert dice(np.array([True, True, False, False]), np.array([False, True, True, False])) == 0.5


def test_dice_of_two_empty_masks_is_one_and_of_one_empty_mask_zero() -> None:
    empty, full = np.zeros(4, bool), np.ones(4, bool)
    assert dice(empty, empty) == 1.0
    assert dice(empty, full) == 0.0


def test_dice_without_the_painted_slice_ignores_what_was_given() -> None:
    truth = block((3, 4, 4), (0, 3), (0, 4), (0, 4))
    only_painted = block((3, 4, 4), (1, 2), (0, 4), (0, 4))
    assert dice(only_painted, truth) == 0.5
    assert dice_without_slice(only_painted, truth, 1) == 0.0


def test_slice_dice_is_nan_where_neither_has_anything() -> None:
    truth = block((4, 2, 2), (0, 2), (0, 2), (0, 2))
    result = block((4, 2, 2), (1, 3), (0, 2), (0, 2))
    np.testing.assert_array_equal(slice_dice(result, truth), [0.0, 1.0, 0.0, np.nan])


def test_the_surface_of_a_3x3x3_cube_is_all_but_its_centre() -> None:
    cube = block((5, 5, 5), (1, 4), (1, 4), (1, 4))
    points = surface_points(cube, (1.0, 1.0, 1.0))
    assert len(points) == 26
    assert [2.0, 2.0, 2.0] not in points.tolist()


def test_a_mask_that_touches_the_border_has_its_surface_there() -> None:
    assert len(surface_points(np.ones((3, 3, 3), bool), (1.0, 1.0, 1.0))) == 26


def test_hausdorff_of_two_single_voxels_is_their_distance_in_mm() -> None:
    one, other = np.zeros((3, 5, 5), bool), np.zeros((3, 5, 5), bool)
    one[0, 0, 0] = other[1, 0, 4] = True
    assert hausdorff_95(one, other, (3.0, 1.0, 1.0)) == pytest.approx(5.0)


def test_hausdorff_takes_the_worse_of_both_directions() -> None:
    small, large = np.zeros((1, 1, 41), bool), np.zeros((1, 1, 41), bool)
    small[0, 0, 0] = True
    large[0, 0, :] = True
    # from the small one 0; from the large one distances 0..40, whose 95th percentile is 38
    assert hausdorff_95(small, large, (1.0, 1.0, 1.0)) == pytest.approx(38.0)
    assert hausdorff_95(large, small, (1.0, 1.0, 1.0)) == pytest.approx(38.0)


def test_one_stray_voxel_in_a_large_mask_does_not_decide_the_95_percent_distance() -> None:
    truth = block((12, 12, 60), (1, 11), (1, 11), (1, 11))
    result = truth.copy()
    result[5, 5, 58] = True
    assert hausdorff_95(result, truth, (1.0, 1.0, 1.0)) == 0.0


def test_hausdorff_of_empty_masks_is_zero_for_two_and_infinite_for_one() -> None:
    empty, full = np.zeros((2, 2, 2), bool), np.ones((2, 2, 2), bool)
    assert hausdorff_95(empty, empty, (1.0, 1.0, 1.0)) == 0.0
    assert hausdorff_95(empty, full, (1.0, 1.0, 1.0)) == float("inf")
    assert hausdorff_95(full, empty, (1.0, 1.0, 1.0)) == float("inf")


def test_running_on_and_stopping_short_are_counted_at_each_end() -> None:
    truth = block((20, 1, 1), (5, 11), (0, 1), (0, 1))
    result = block((20, 1, 1), (7, 15), (0, 1), (0, 1))
    assert end_error(result, truth) == EndError(over_low=0, over_high=4, under_low=2, under_high=0)
    assert end_error(truth, truth) == EndError(0, 0, 0, 0)


def test_the_ends_of_an_empty_mask_are_an_error() -> None:
    with pytest.raises(ValueError, match="empty mask"):
        end_error(np.zeros((2, 2, 2), bool), np.ones((2, 2, 2), bool))


MASKS = st.integers(0, 2**32 - 1).map(lambda n: np.random.default_rng(n).random((4, 6, 7)) < 0.3)


@settings(max_examples=30, deadline=None)
@given(MASKS, MASKS)
def test_dice_agrees_with_simpleitk(one: np.ndarray, other: np.ndarray) -> None:
    sitk = pytest.importorskip("SimpleITK")
    measure = sitk.LabelOverlapMeasuresImageFilter()
    measure.Execute(sitk.GetImageFromArray(one.astype(np.uint8)), sitk.GetImageFromArray(other.astype(np.uint8)))
    assert dice(one, other) == pytest.approx(measure.GetDiceCoefficient())
    assert dice(one, other) == dice(other, one)


@settings(max_examples=30, deadline=None)
@given(MASKS, MASKS)
def test_hausdorff_agrees_with_simpleitk_distance_maps(one: np.ndarray, other: np.ndarray) -> None:
    sitk = pytest.importorskip("SimpleITK")
    spacing = (2.5, 1.5, 0.5)

    def distances(source: np.ndarray, target: np.ndarray) -> np.ndarray:
        images = []
        for mask in (source, target):
            image = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
            image.SetSpacing(spacing[::-1])
            images.append(sitk.LabelContour(image, fullyConnected=False))
        away = sitk.SignedMaurerDistanceMap(images[1], squaredDistance=False, useImageSpacing=True)
        return np.abs(sitk.GetArrayFromImage(away))[sitk.GetArrayFromImage(images[0]) > 0]

    expected = max(np.percentile(distances(one, other), 95), np.percentile(distances(other, one), 95))
    assert hausdorff_95(one, other, spacing) == pytest.approx(float(expected), abs=1e-4)
