"""Means count every structure once, and intervals hold them."""

from __future__ import annotations

import math

import pytest

from sli2vol_benchmark.records import CaseResult
from sli2vol_benchmark.summary import (
    bootstrap,
    confidence_correlation,
    family_means,
    row_mean,
    structure_means,
)

from .results import result


def two_families(liver: tuple[float, ...], kidney: float) -> list[CaseResult]:
    livers = [result(volume=f"a_{i}", family="a", structure="liver", dice=d) for i, d in enumerate(liver)]
    return [*livers, result(volume="b_1", family="b", structure="kidney", dice=kidney)]


def test_a_structure_in_many_volumes_counts_once() -> None:
    results = two_families((0.2, 0.4, 0.6), 0.8)
    assert structure_means(results) == pytest.approx({("a", "liver"): 0.4, ("b", "kidney"): 0.8})
    assert row_mean(results).mean == pytest.approx(0.6)
    assert family_means(results) == pytest.approx({"a": 0.4, "b": 0.8})


def test_an_infinite_distance_is_left_out_of_the_mean() -> None:
    results = [result(volume="a_1", hd95_mm=4.0), result(volume="a_2", hd95_mm=math.inf)]
    assert row_mean(results, lambda r: r.hd95_mm).mean == 4.0


def test_the_interval_holds_the_mean_and_is_a_point_for_equal_values() -> None:
    spread = bootstrap([0.1, 0.5, 0.9, 0.3])
    assert spread.low < spread.mean < spread.high
    assert bootstrap([0.5, 0.5]).low == bootstrap([0.5, 0.5]).high == 0.5
    assert math.isnan(bootstrap([]).mean)


def test_a_volume_painted_on_several_slices_counts_once() -> None:
    often = [result(volume="a_1", seed=seed, dice=0.5) for seed in range(3)]
    assert structure_means([*often, result(volume="a_2", dice=1.0)]) == {("hnCT", "liver"): 0.75}


def test_confidence_that_orders_slices_as_their_dice_does_correlates_fully() -> None:
    good = result(slice_confidence=(0.1, 0.2, 0.3, 0.4, 0.5), slice_dice=(0.2, 0.3, 0.5, 0.6, 0.9))
    flat = result(slice_confidence=(0.5,) * 5, slice_dice=(0.2, 0.3, 0.5, 0.6, 0.9))
    assert confidence_correlation([good, flat]) == (pytest.approx(1.0), 1, 1)
