"""Volumes whose slices repeat: the result is that of the slices that differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.records import Anchor, Direction, Progress, Propagation, SliceLimits, StopReason
from Sli2VolSlicerLib.engine.repeated_slices import DistinctSlices
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SHAPE = (6, 24, 26)
TIMES = 3
SPACING = (6.0, 1.0, 1.0)


def pictures() -> np.ndarray:
    """A bright disc on noise, another one on every slice."""
    row, column = np.mgrid[: SHAPE[1], : SHAPE[2]]
    disc = (row - 12) ** 2 + (column - 12) ** 2 < 36
    noise = np.random.default_rng(0).normal(0, 0.05, SHAPE)
    return (np.where(disc, 0.9, 0.2) + noise).astype(np.float32)


def disc() -> np.ndarray:
    mask = np.zeros(SHAPE[1:], bool)
    mask[7:17, 7:17] = True
    return mask


def session(method: str = "copy", times: int = TIMES) -> PropagationSession:
    volume = np.repeat(pictures(), times, axis=0)
    stack = SliceStack(volume, (SPACING[0] / times, *SPACING[1:]))
    return PropagationSession(stack, create_method(method, device="cpu"))


def filled(result: Propagation, label: int = 1) -> list[int]:
    return np.flatnonzero(result.masks[label].any(axis=(1, 2))).tolist()


def test_the_result_is_that_of_the_slices_that_differ_each_repeated() -> None:
    plain = session("random-weights", 1).propagate([Anchor(2, 1, disc())])
    repeated = session("random-weights").propagate([Anchor(7, 1, disc())])
    np.testing.assert_array_equal(repeated.masks[1], np.repeat(plain.masks[1], TIMES, axis=0))
    np.testing.assert_array_equal(repeated.doubt, np.repeat(plain.doubt, TIMES, axis=0))
    np.testing.assert_array_equal(repeated.slice_confidence[1], np.repeat(plain.slice_confidence[1], TIMES))
    assert repeated.slices_propagated == plain.slices_propagated


def test_passes_are_told_in_the_volumes_slices() -> None:
    told: list[Progress] = []
    result = session().propagate([Anchor(7, 1, disc())], slice_range=(2, 99), progress=told.append)
    down, up = result.passes
    assert (down.anchor_slice, down.last_slice, down.reason) == (7, 2, StopReason.RANGE)
    assert (up.anchor_slice, up.last_slice, up.reason) == (7, 17, StopReason.END_OF_VOLUME)
    assert sorted((each.slice_index, each.message) for each in told) == [
        (0, "slice 0"),
        (3, "slice 3"),
        (9, "slice 9"),
        (12, "slice 12"),
        (15, "slice 15"),
    ]


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_anchor_comes_back_bit_for_bit_though_two_are_drawn_on_one_picture(data: st.DataObject) -> None:
    generator = np.random.default_rng(data.draw(st.integers(0, 999)))
    keys = data.draw(st.lists(st.tuples(st.integers(0, 17), st.integers(1, 2)), min_size=1, max_size=8, unique=True))
    anchors = [Anchor(index, label, generator.random(SHAPE[1:]) > 0.8) for index, label in keys]
    direction = data.draw(st.sampled_from(Direction))
    result = session().propagate(anchors, direction=direction)
    for anchor in anchors:
        np.testing.assert_array_equal(result.masks[anchor.label][anchor.slice_index], anchor.mask)
        assert result.slice_confidence[anchor.label][anchor.slice_index] == 1.0


def test_a_slice_between_two_drawn_on_one_picture_takes_after_the_nearer() -> None:
    other = disc()
    other[7] = False
    result = session(times=4).propagate([Anchor(8, 1, disc()), Anchor(11, 1, other)])
    np.testing.assert_array_equal(result.masks[1][9], disc())
    np.testing.assert_array_equal(result.masks[1][10], other)


@pytest.mark.parametrize("direction, expected", [(Direction.UP, list(range(7, 18))), (Direction.DOWN, list(range(8)))])
def test_one_way_leaves_the_other_alone_on_the_drawn_picture_too(direction: Direction, expected: list[int]) -> None:
    result = session().propagate([Anchor(7, 1, disc())], direction=direction)
    assert filled(result) == expected
    assert np.isnan(result.slice_confidence[1][6 if direction is Direction.UP else 8])


def test_a_pass_that_comes_from_below_fills_the_picture_that_the_next_anchor_is_on() -> None:
    result = session().propagate([Anchor(1, 1, disc()), Anchor(8, 1, disc())], direction=Direction.UP)
    assert filled(result) == list(range(1, 18))


def test_limits_hold_to_the_slice() -> None:
    result = session().propagate([Anchor(7, 1, disc())], limits={1: SliceLimits(4, 99)}, slice_range=(0, 10))
    assert filled(result) == list(range(4, 11))
    assert [(each.last_slice, each.reason) for each in result.passes] == [(4, StopReason.RANGE), (10, StopReason.RANGE)]


def test_a_picture_on_which_the_structure_is_said_not_to_be_is_empty_throughout() -> None:
    nothing = np.zeros(SHAPE[1:], bool)
    result = session().propagate([Anchor(7, 1, disc()), Anchor(13, 1, nothing)])
    assert filled(result) == list(range(12))


def test_slices_are_as_far_from_each_other_as_most_that_differ() -> None:
    volume = np.repeat(pictures(), [3, 3, 1, 3, 3, 5], axis=0)
    distinct = DistinctSlices(SliceStack(volume, (2.0, 0.5, 0.7)))
    assert distinct.stack.spacing_mm == (6.0, 0.5, 0.7)
    assert distinct.stack.slice_count == 6
    assert [distinct.first(place) for place in range(6)] == [0, 3, 6, 7, 10, 13]


def test_a_stack_in_which_nothing_repeats_is_taken_as_it_is() -> None:
    stack = SliceStack(pictures(), SPACING)
    assert DistinctSlices(stack).stack is stack


def test_slices_that_differ_but_lie_far_apart_are_taken_as_they_are() -> None:
    volume = np.repeat(pictures(), TIMES, axis=0)
    assert DistinctSlices(SliceStack(volume, (10 / TIMES, 1.0, 1.0))).stack.slice_count == SHAPE[0]
    stack = SliceStack(volume, (10.1 / TIMES, 1.0, 1.0))
    assert DistinctSlices(stack).stack is stack


def test_one_picture_all_along_is_taken_as_it_is() -> None:
    stack = SliceStack(np.repeat(pictures()[:1], 5, axis=0))
    assert DistinctSlices(stack).stack is stack


def test_the_next_propagate_after_a_rehearsal_gives_the_same() -> None:
    first, correction = Anchor(7, 1, disc()), Anchor(13, 1, disc())
    rehearsed, plain = session("random-weights"), session("random-weights")
    result = rehearsed.propagate([first])
    rehearsed.rehearse(result, [first], 13)
    np.testing.assert_array_equal(
        rehearsed.propagate([first, correction]).masks[1], plain.propagate([first, correction]).masks[1]
    )
