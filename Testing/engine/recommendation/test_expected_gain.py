"""Expected gain: where a new anchor reaches furthest into what is poor."""

from __future__ import annotations

import numpy as np
import pytest
from engine.recommendation.propagations import propagation, request, square

from Sli2VolSlicerLib.engine.recommendation import RecommendationRequest, recommend
from Sli2VolSlicerLib.engine.recommendation.outlook import Outlook, make_outlook
from Sli2VolSlicerLib.engine.records import Anchor, StopReason


def best(asked: RecommendationRequest) -> int:
    return recommend(asked, "expected-gain")[0].slice_index


def test_the_side_that_is_worse_is_named() -> None:
    quality = [0.95] * 10 + [0.9, 0.7, 0.6, 0.55, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert best(request([12] * 20, [9], quality, StopReason.END_OF_VOLUME)) in range(12, 18)


def test_not_the_worst_slice_at_the_end_but_one_that_reaches_others() -> None:
    quality = [1.0] + [0.95] * 4 + list(np.linspace(0.7, 0.4, 15))
    index = best(request([12] * 20, [0], quality, StopReason.END_OF_VOLUME))
    assert 8 <= index <= 17


def test_large_slices_count_more_than_small_ones() -> None:
    sides = [4] * 9 + [20] * 11
    quality = [0.6] * 20
    assert best(request(sides, [9], quality, StopReason.END_OF_VOLUME)) > 10


def test_a_pass_that_ended_while_the_structure_was_large_sends_the_user_beyond() -> None:
    sides = [0] * 4 + [16] * 6 + [12, 8, 4, 2] + [0] * 6
    quality = [0.97] * 20
    asked = request(sides, [7], quality, StopReason.CONFIDENCE, slice_range=(0, 3))
    (found,) = recommend(asked, "expected-gain")
    assert found.score > 0.02
    assert "the structure may go on" in found.reason
    assert "ended at slice 4" in found.reason


def test_an_empty_anchor_says_that_nothing_is_beyond() -> None:
    sides = [0] * 4 + [16] * 12 + [0] * 4
    asked = request(sides, [3, 10, 16], [0.97] * 20, StopReason.CONFIDENCE)
    assert all(4 <= each.slice_index <= 15 for each in recommend(asked, count=5))


def test_the_end_of_the_volume_and_of_the_range_have_nothing_beyond() -> None:
    sides = [0] * 4 + [16] * 12 + [0] * 4
    for reason in (StopReason.END_OF_VOLUME, StopReason.RANGE):
        outlook = make_outlook(propagation(sides, [10], reason=reason), [Anchor(10, 1, square(16))], 1, (1, 1, 1))
        assert not outlook.presence[:4].any()


def test_slices_that_no_pass_reached_between_two_anchors_are_expected_to_show_the_structure() -> None:
    sides = [12] * 6 + [0] * 8 + [12] * 6
    index = best(request(sides, [2, 17], [0.95] * 20, StopReason.CONFIDENCE))
    assert 6 <= index <= 13


def test_gain_is_nothing_where_all_is_well_and_at_most_what_is_missing() -> None:
    asked = request([12] * 10, [4], [1.0] * 10, StopReason.END_OF_VOLUME)
    assert recommend(asked)[0].score < 0.01
    outlook = make_outlook(propagation([12] * 10, [4], [0.5] * 10), [Anchor(4, 1, square(12))], 1, (1, 1, 1))
    for index in range(10):
        assert 0 <= outlook.gain(index) <= 1 - outlook.dice


def test_a_drawn_slice_changes_nothing_beyond_the_next_anchor() -> None:
    anchors = [Anchor(index, 1, square(12)) for index in (5, 12)]
    outlook = make_outlook(propagation([12] * 20, [5, 12], [0.5] * 20), anchors, 1, (1, 1, 1))
    after = outlook.quality_after(9)
    np.testing.assert_array_equal(after[:5], outlook.quality[:5])
    np.testing.assert_array_equal(after[13:], outlook.quality[13:])
    assert after[9] == pytest.approx(1)
    assert (after[6:12] >= outlook.quality[6:12]).all()


def test_between_two_anchors_that_show_it_the_structure_is_taken_for_there() -> None:
    anchors = [Anchor(index, 1, square(12)) for index in (5, 12)]
    outlook = make_outlook(propagation([12] * 20, [5, 12], [0.1] * 20), anchors, 1, (1, 1, 1))
    np.testing.assert_array_equal(outlook.presence[5:13], 1)
    assert (outlook.presence[13:] < 0.5).all()
    assert (np.diff(outlook.presence[12:]) <= 0).all()


def test_where_a_pass_seems_to_have_run_on_the_user_is_sent_to_where_that_began() -> None:
    """A slice drawn empty cuts off what lies beyond it, not what leads there."""
    quality = [0.95] * 8 + [0.02] * 12
    (found,) = recommend(request([12] * 20, [3], quality, StopReason.END_OF_VOLUME))
    assert 7 <= found.slice_index <= 10
    assert "may have run on past the structure's end" in found.reason or found.slice_index == 7


def test_the_gain_is_that_of_the_volume_s_dice() -> None:
    missing = Outlook(
        found=np.array([100.0, 0, 100]),
        area=np.full(3, 100.0),
        presence=np.ones(3),
        quality=np.array([1.0, 0, 1]),
        position=np.zeros(3),
        segment=np.array([-1, 1, -1]),
        outwards=np.zeros(3, np.int64),
    )
    too_many = Outlook(
        found=np.full(3, 100.0),
        area=np.full(3, 100.0),
        presence=np.array([1.0, 1, 0]),
        quality=np.ones(3),
        position=np.zeros(3),
        segment=np.array([0, -1, 1]),
        outwards=np.array([-1, 0, 1]),
    )
    assert missing.gain(1) == pytest.approx(1 - 4 / 5)
    assert too_many.gain(2) == pytest.approx(1 - 4 / 5)


def test_several_slices_are_spread_out() -> None:
    found = [e.slice_index for e in recommend(request([12] * 20, [9], [0.5] * 20, StopReason.END_OF_VOLUME), count=2)]
    assert min(found) < 9 < max(found)


def test_slices_next_to_anchors_are_left_out_while_there_are_others() -> None:
    quality = [1.0] * 8 + [0.1, 1.0, 0.1, 0.9, 0.9, 0.9]
    assert best(request([12] * 14, [9], quality, StopReason.END_OF_VOLUME)) not in (8, 10)
    assert best(request([12] * 3, [1], [0.5] * 3, StopReason.END_OF_VOLUME)) in (0, 2)


def test_of_two_labels_the_one_that_gains_more_is_named() -> None:
    good = propagation([12] * 10, [4], [0.98] * 10, StopReason.END_OF_VOLUME)
    poor = propagation([12] * 10, [4], [0.5] * 10, StopReason.END_OF_VOLUME, label=2)
    both = type(good)(
        {**good.masks, **poor.masks},
        good.doubt,
        {**good.slice_confidence, **poor.slice_confidence},
        good.passes + poor.passes,
        {},
        0,
        "",
    )
    anchors = tuple(Anchor(4, label, square(12)) for label in (1, 2))
    asked = RecommendationRequest(request([12] * 10, [4]).stack, both, anchors)
    assert recommend(asked)[0].label == 2
    only_one = RecommendationRequest(asked.stack, both, anchors, label=1)
    assert recommend(only_one)[0].label == 1


def test_where_nothing_is_known_to_be_poor_the_slice_that_reaches_most_is_named() -> None:
    """Methods without soft masks are always sure."""
    assert best(request([12] * 20, [2], [1.0] * 20, StopReason.END_OF_VOLUME)) in range(12, 17)
