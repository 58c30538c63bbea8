"""keep-n and random."""

from __future__ import annotations

import numpy as np
from engine.recommendation.propagations import request, square, stack
from hypothesis import given
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.recommendation import RecommendationRequest, recommend
from Sli2VolSlicerLib.engine.records import Anchor


def named(asked: RecommendationRequest, policy: str, count: int = 1) -> list[int]:
    return [each.slice_index for each in recommend(asked, policy, count=count)]


def test_before_anything_is_drawn_slices_part_the_range_evenly() -> None:
    asked = RecommendationRequest(stack(20))
    assert named(asked, "keep-n") == [10]
    assert named(asked, "keep-n", 4) == [2, 7, 12, 17]
    assert named(RecommendationRequest(stack(20), slice_range=(10, 19)), "keep-n", 2) == [12, 17]


def test_one_at_a_time_halves_gaps_and_goes_two_thirds_out() -> None:
    asked = request([8] * 20, [0])
    assert named(asked, "keep-n") == [13]
    assert named(request([8] * 20, [0, 19]), "keep-n") in ([9], [10])


def test_only_the_found_extent_counts_once_something_is_found() -> None:
    sides = [0] * 5 + [8] * 10 + [0] * 5
    assert all(5 <= index <= 14 for index in named(request(sides, [9]), "keep-n", 6))
    assert all(5 <= index <= 14 for index in named(request(sides, [9]), "random", 6))


@given(st.integers(2, 40), st.integers(1, 8))
def test_asked_together_or_one_after_the_other_keep_n_names_the_same_slices(slices: int, count: int) -> None:
    drawn = [Anchor(0, 1, square(8))]
    together = named(RecommendationRequest(stack(slices), anchors=tuple(drawn)), "keep-n", count)
    after_each_other = []
    for _ in together:
        (index,) = named(RecommendationRequest(stack(slices), anchors=tuple(drawn)), "keep-n")
        after_each_other.append(index)
        drawn.append(Anchor(index, 1, square(8)))
    assert after_each_other == together


def test_random_is_repeatable_and_depends_on_seed_and_anchors() -> None:
    def draw(seed: int, anchors: list[int]) -> int:
        return named(request([8] * 20, anchors, seed=seed), "random")[0]

    assert draw(1, [3]) == draw(1, [3])
    assert len({draw(seed, [3]) for seed in range(30)}) > 5
    assert len({tuple(np.diff([draw(seed, [3]), draw(seed, [3, 4])])) for seed in range(10)}) > 1
