"""Rank correlation per slice and error-rejection per voxel, on arrays whose figures are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sli2vol_benchmark.confidence_metrics import rejection, slice_correlation


def slices(shares: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """A full truth, and results that hold so much of each slice."""
    truth = np.ones((len(shares), 10, 10), bool)
    result = np.zeros_like(truth)
    for index, share in enumerate(shares):
        result[index].reshape(-1)[: round(100 * share)] = True
    return result, truth


def test_confidence_in_the_order_of_dice_correlates_fully() -> None:
    result, truth = slices([0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
    confidence = np.array([0.5, 0.55, 0.6, 0.7, 0.8, 0.9])
    assert slice_correlation(confidence, result, truth, ()) == pytest.approx(1)
    assert slice_correlation(1 - confidence, result, truth, ()) == pytest.approx(-1)


def test_drawn_slices_and_those_that_are_empty_in_both_are_left_out() -> None:
    result, truth = slices([0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    confidence = np.array([0.5, 0.55, 0.6, 0.7, 0.8, 0.1, 0.1])
    truth[6] = result[6] = False
    assert slice_correlation(confidence, result, truth, {5}) == pytest.approx(1)


def test_slices_that_no_pass_looked_at_are_left_out_or_count_as_nothing() -> None:
    result, truth = slices([0.0, 0.9, 0.8, 0.7, 0.6, 0.5])
    confidence = np.array([np.nan, 0.5, 0.6, 0.7, 0.8, 0.9])
    assert slice_correlation(confidence, result, truth, ()) == pytest.approx(-1)
    assert slice_correlation(confidence, result, truth, (), unlooked=True) > -1


def test_four_slices_or_equal_confidences_have_no_correlation() -> None:
    result, truth = slices([0.1, 0.2, 0.4, 0.6])
    assert math.isnan(slice_correlation(np.arange(4.0), result, truth, ()))
    result, truth = slices([0.1, 0.2, 0.4, 0.6, 0.8])
    assert math.isnan(slice_correlation(np.ones(5), result, truth, ()))


def test_rejecting_the_wrong_voxels_first_is_the_best_there_is() -> None:
    truth = np.ones((1, 1, 4), bool)
    result = np.array([[[True, True, True, False]]])
    sure = rejection(np.array([[[0.9, 0.8, 0.7, 0.1]]]), result, truth, ())
    assert sure is not None
    assert sure.area == sure.best == pytest.approx((0 + 0 + 0 + 1 / 4) / 4)
    assert sure.error_rate == pytest.approx(1 / 4)
    wrong = rejection(np.array([[[0.1, 0.2, 0.3, 0.9]]]), result, truth, ())
    assert wrong is not None
    assert wrong.area == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


@given(st.integers(0, 999))
def test_no_order_gives_the_error_rate_and_every_order_lies_above_the_best(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, result = random.random((3, 4, 5)) > 0.4, random.random((3, 4, 5)) > 0.4
    flat = rejection(np.ones(truth.shape), result, truth, ())
    ordered = rejection(random.random(truth.shape), result, truth, ())
    assert flat is not None
    assert ordered is not None
    assert flat.area == pytest.approx(flat.error_rate)
    assert ordered.best - 1e-9 <= ordered.area <= 1


def test_nothing_in_question_has_no_curve() -> None:
    empty = np.zeros((2, 3, 3), bool)
    assert rejection(np.ones(empty.shape), empty, empty, ()) is None
    assert rejection(np.ones(empty.shape), ~empty, ~empty, (0, 1)) is None
