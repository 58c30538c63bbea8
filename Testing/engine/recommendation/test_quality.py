"""The estimate of how good it is, and of when to stop."""

from __future__ import annotations

import pytest
from engine.recommendation.propagations import propagation, square

from Sli2VolSlicerLib.engine.recommendation import estimate_quality
from Sli2VolSlicerLib.engine.records import Anchor, StopReason


def test_the_expected_dice_is_the_slices_mean_by_area() -> None:
    made = propagation([10, 10, 20], [0], [1.0, 0.5, 0.75])
    assert estimate_quality(made, 1).dice == pytest.approx((100 + 50 + 300) / 600)


def test_a_good_propagation_is_good_enough() -> None:
    found = estimate_quality(propagation([10] * 8, [3], [0.95] * 8), 1)
    assert found.good_enough
    assert "good enough to stop: the expected Dice is 0.96" in found.reason


def test_a_good_mean_with_a_poor_part_is_not_good_enough() -> None:
    found = estimate_quality(propagation([10] * 20, [3], [0.99] * 17 + [0.5] * 3), 1)
    assert found.dice > 0.9
    assert not found.good_enough
    assert "around slice 17" in found.reason


def test_what_passes_may_have_missed_counts_when_anchors_are_given() -> None:
    sides = [0] * 8 + [16] * 8 + [0] * 8
    made = propagation(sides, [12], [0.97] * 24, StopReason.CONFIDENCE)
    without = estimate_quality(made, 1)
    assert estimate_quality(made, 1, (Anchor(12, 1, square(16)),)).dice < without.dice


def test_nothing_found_is_not_good() -> None:
    assert estimate_quality(propagation([0, 0], []), 1).dice == 0
