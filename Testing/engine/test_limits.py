"""Limits: slices on which a segment may be at all, per label and side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.errors import AnnotationError
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.records import Anchor, Direction, Propagation, SliceLimits, StopReason
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SHAPE = (12, 16, 18)


@pytest.fixture
def session() -> PropagationSession:
    """Copies every mask on and on, so that only limits, ranges and anchors end a pass."""
    volume = np.random.default_rng(3).random(SHAPE)
    return PropagationSession(SliceStack(volume), create_method("copy", device="cpu"))


@pytest.fixture
def drawn() -> np.ndarray:
    mask = np.zeros(SHAPE[1:], bool)
    mask[4:9, 5:12] = True
    return mask


def filled(result: Propagation, label: int) -> list[int]:
    return np.flatnonzero(result.masks[label].any(axis=(1, 2))).tolist()


def test_each_label_has_its_own_limits(session: PropagationSession, drawn: np.ndarray) -> None:
    anchors = [Anchor(5, 1, drawn), Anchor(6, 2, drawn), Anchor(6, 3, drawn)]
    limits = {1: SliceLimits(3, 7), 2: SliceLimits(last=8)}
    result = session.propagate(anchors, limits=limits)
    assert filled(result, 1) == [3, 4, 5, 6, 7]
    assert filled(result, 2) == list(range(9))
    assert filled(result, 3) == list(range(12))


def test_a_pass_says_that_the_limit_ended_it(session: PropagationSession, drawn: np.ndarray) -> None:
    result = session.propagate([Anchor(5, 1, drawn)], limits={1: SliceLimits(last=7)})
    assert [(p.step, p.last_slice, p.reason) for p in result.passes] == [
        (-1, 0, StopReason.END_OF_VOLUME),
        (1, 7, StopReason.RANGE),
    ]


def test_a_limit_may_lie_on_the_anchor_itself(session: PropagationSession, drawn: np.ndarray) -> None:
    result = session.propagate([Anchor(5, 1, drawn)], limits={1: SliceLimits(5, 5)})
    assert filled(result, 1) == [5]
    assert result.slices_propagated == 0


def test_a_limit_and_the_range_both_count(session: PropagationSession, drawn: np.ndarray) -> None:
    result = session.propagate([Anchor(5, 1, drawn)], slice_range=(2, 9), limits={1: SliceLimits(4, 30)})
    assert filled(result, 1) == [4, 5, 6, 7, 8, 9]
    apart = session.propagate([Anchor(5, 1, drawn)], slice_range=(0, 2), limits={1: SliceLimits(first=4)})
    assert filled(apart, 1) == [5]


def test_setting_and_lifting_a_limit_computes_nothing_twice(session: PropagationSession, drawn: np.ndarray) -> None:
    everything = session.propagate([Anchor(5, 1, drawn)])
    limited = session.propagate([Anchor(5, 1, drawn)], limits={1: SliceLimits(last=7)})
    lifted = session.propagate([Anchor(5, 1, drawn)])
    assert limited.slices_propagated == lifted.slices_propagated == 0
    np.testing.assert_array_equal(lifted.masks[1], everything.masks[1])
    np.testing.assert_array_equal(limited.masks[1][:8], everything.masks[1][:8])
    assert limited.passes[1].last_slice == 7


@pytest.mark.parametrize("empty", [False, True])
def test_an_anchor_outside_the_limits_is_refused_by_name(
    session: PropagationSession, drawn: np.ndarray, empty: bool
) -> None:
    beyond = np.zeros_like(drawn) if empty else drawn
    with pytest.raises(AnnotationError, match=r"label 2 on slice 9 .*\(slices up to 8\)"):
        session.propagate([Anchor(5, 2, drawn), Anchor(9, 2, beyond)], limits={2: SliceLimits(last=8)})
    with pytest.raises(AnnotationError, match=r"label 1 on slice 1 .*\(slices from 2 on\)"):
        session.propagate([Anchor(1, 1, drawn)], limits={1: SliceLimits(first=2)})


def test_limits_that_leave_nothing_are_refused() -> None:
    with pytest.raises(AnnotationError, match="7 to 3"):
        SliceLimits(7, 3)


@given(
    anchor=st.integers(0, 11),
    first=st.none() | st.integers(0, 11),
    last=st.none() | st.integers(0, 11),
    direction=st.sampled_from(Direction),
)
def test_nothing_lies_outside_the_limits_and_everything_within_is_reached(
    anchor: int, first: int | None, last: int | None, direction: Direction
) -> None:
    low, high = min(anchor, 11 if first is None else first), max(anchor, 0 if last is None else last)
    limits = SliceLimits(None if first is None else low, None if last is None else high)
    mask = np.zeros(SHAPE[1:], bool)
    mask[2:6, 3:9] = True
    volume = np.random.default_rng(3).random(SHAPE)
    session = PropagationSession(SliceStack(volume), create_method("copy", device="cpu"))
    result = session.propagate([Anchor(anchor, 1, mask)], direction=direction, limits={1: limits})
    bottom = anchor if direction is Direction.UP else limits.first or 0
    top = anchor if direction is Direction.DOWN else 11 if limits.last is None else limits.last
    assert filled(result, 1) == list(range(bottom, top + 1))
