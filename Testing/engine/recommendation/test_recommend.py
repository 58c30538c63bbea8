"""Policies by name, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from engine.recommendation.propagations import propagation, request, square, stack
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.errors import RecommendationError, SliceRangeError
from Sli2VolSlicerLib.engine.recommendation import (
    ALL_AXES_POLICIES,
    POLICIES,
    POLICIES_BEFORE_DRAWING,
    RecommendationRequest,
    recommend,
)
from Sli2VolSlicerLib.engine.records import Anchor

WITHOUT_FEATURES = [name for name in POLICIES if name != "perceptual"]


class Ramp:
    """Slices that look the more alike the nearer they are."""

    def descriptor(self, axis: int, index: int) -> np.ndarray:
        return np.array([index, 1.0], np.float32)


def test_the_policies_have_their_names() -> None:
    assert POLICIES == (
        "confidence",
        "expected-gain",
        "keep-n",
        "random",
        "k-means",
        "histogram",
        "ssim",
        "perceptual",
    )


def test_an_unknown_policy_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(RecommendationError, match=r"no policy 'magic'; choose one of confidence, expected-gain"):
        recommend(RecommendationRequest(stack()), "magic")


@pytest.mark.parametrize("policy", ALL_AXES_POLICIES)
def test_a_policy_that_judges_a_propagation_needs_one(policy: str) -> None:
    with pytest.raises(RecommendationError, match=rf"'{policy}' judges a propagation, and nothing is drawn"):
        recommend(RecommendationRequest(stack()), policy)


@pytest.mark.parametrize("policy", POLICIES_BEFORE_DRAWING)
def test_the_other_policies_work_before_anything_is_drawn(policy: str) -> None:
    asked = RecommendationRequest(stack(), slice_range=(5, 14), features=Ramp())
    indices = [each.slice_index for each in recommend(asked, policy, count=4)]
    assert len(set(indices)) == 4
    assert all(5 <= index <= 14 for index in indices)


@pytest.mark.parametrize("policy", POLICIES_BEFORE_DRAWING)
def test_a_policy_for_one_axis_refuses_all_axes(policy: str) -> None:
    with pytest.raises(RecommendationError, match=r"painted axis only; choose one of confidence, expected-gain"):
        recommend(RecommendationRequest(stack(), all_axes=True, features=Ramp()), policy)


def test_perceptual_says_what_it_needs() -> None:
    with pytest.raises(RecommendationError, match="needs a method with a network"):
        recommend(RecommendationRequest(stack()), "perceptual")


@pytest.mark.parametrize("policy", WITHOUT_FEATURES)
def test_when_every_slice_is_drawn_nothing_is_left(policy: str) -> None:
    everything = list(range(6))
    with pytest.raises(RecommendationError, match=r"nothing (is )?left to recommend"):
        recommend(request([8] * 6, everything), policy)


@pytest.mark.parametrize("policy", WITHOUT_FEATURES)
def test_no_more_slices_come_than_there_are(policy: str) -> None:
    asked = request([8] * 6, [2])
    found = recommend(asked, policy, count=20)
    indices = [each.slice_index for each in found]
    assert 1 <= len(indices) <= 5
    assert len(set(indices)) == len(indices)
    assert 2 not in indices


@pytest.mark.parametrize("count", [0, -3])
def test_at_least_one_slice_is_asked_for(count: int) -> None:
    with pytest.raises(RecommendationError, match=f"got {count}"):
        recommend(request([8] * 6, [2]), count=count)


def test_a_range_without_slices_and_a_label_that_is_nowhere_are_named() -> None:
    with pytest.raises(SliceRangeError, match="range 30 to 40 holds no slice"):
        recommend(RecommendationRequest(stack(), slice_range=(30, 40)), "keep-n")
    with pytest.raises(RecommendationError, match=r"Label 7 is not drawn anywhere; there is 1\."):
        recommend(request([8] * 6, [2], label=7), "confidence")


@settings(max_examples=40, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("policy", WITHOUT_FEATURES)
def test_a_recommended_slice_is_free_within_the_range_and_explained(policy: str, data: st.DataObject) -> None:
    sides = data.draw(st.lists(st.integers(2, 20), min_size=8, max_size=24))
    anchors = data.draw(st.lists(st.integers(0, len(sides) - 1), min_size=1, max_size=4, unique=True))
    quality = data.draw(st.lists(st.floats(0, 1), min_size=len(sides), max_size=len(sides)))
    low = data.draw(st.integers(0, len(sides) - 6))
    asked = request(sides, sorted(anchors), quality, slice_range=(low, len(sides) - 1))
    for each in recommend(asked, policy, count=3):
        assert low <= each.slice_index < len(sides)
        assert each.slice_index not in anchors
        assert each.axis == 0
        assert 0 <= each.score <= 1
        assert each.reason


@pytest.mark.parametrize("policy", ALL_AXES_POLICIES)
def test_all_axes_may_name_a_slice_along_any(policy: str) -> None:
    asked = request([12] * 12, [5], [0.8] * 12, doubtful={index: 8 for index in range(8, 12)}, all_axes=True)
    found = recommend(asked, policy, count=6)
    assert len(found) == 6
    assert len({each.axis for each in found}) > 1
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


@pytest.mark.parametrize("axis", [1, 2])
def test_slices_are_counted_along_the_painted_axis(axis: int) -> None:
    anchors = (Anchor(5, 1, square(8)),)
    asked = RecommendationRequest(stack(20, axis), propagation([8] * 20, [5], np.linspace(0.9, 0.5, 20)), anchors)
    (found,) = recommend(asked)
    assert found.axis == axis
    assert found.slice_index > 7
