"""Interpolation: the slices between drawn ones, from the drawn outlines alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.errors import AnnotationError, PropagationCancelled
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.records import Anchor, Progress, Propagation, SliceLimits, StopReason
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SHAPE = (12, 40, 44)


@pytest.fixture
def session() -> PropagationSession:
    return new_session()


def new_session() -> PropagationSession:
    volume = np.random.default_rng(3).random(SHAPE)
    return PropagationSession(SliceStack(volume, (2.0, 1.0, 1.0)), create_method("interpolation"))


def disc(radius: float, row: float = 20, column: float = 22) -> np.ndarray:
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    return np.asarray((rows - row) ** 2 + (columns - column) ** 2 < radius**2)


def filled(result: Propagation, label: int = 1) -> list[int]:
    return np.flatnonzero(result.masks[label].any(axis=(1, 2))).tolist()


def test_halfway_between_two_discs_lies_the_disc_of_the_mean_radius(session: PropagationSession) -> None:
    result = session.propagate([Anchor(2, 1, disc(6)), Anchor(8, 1, disc(12))])
    middle, wanted = result.masks[1][5], disc(9)
    assert 2 * (middle & wanted).sum() / (middle.sum() + wanted.sum()) > 0.97
    assert filled(result) == list(range(2, 9))


def test_equal_slices_are_joined_by_the_same(session: PropagationSession) -> None:
    result = session.propagate([Anchor(2, 1, disc(7)), Anchor(6, 1, disc(7))])
    assert (result.masks[1][2:7] == disc(7)).all()


def test_a_drawing_that_fills_its_slice_is_no_trouble(session: PropagationSession) -> None:
    everything = np.ones(SHAPE[1:], bool)
    result = session.propagate([Anchor(2, 1, everything), Anchor(6, 1, everything)])
    assert result.masks[1][2:7].all()


def test_one_drawn_slice_is_refused_with_what_to_do(session: PropagationSession) -> None:
    with pytest.raises(AnnotationError, match=r"Label 2 is drawn on slice 5 only.*at least two.*another slice"):
        session.propagate([Anchor(5, 2, disc(7)), Anchor(7, 2, np.zeros(SHAPE[1:], bool))])


def test_nothing_is_filled_beside_a_slice_that_was_drawn_empty(session: PropagationSession) -> None:
    nothing = np.zeros(SHAPE[1:], bool)
    result = session.propagate([Anchor(1, 1, nothing), Anchor(3, 1, disc(7)), Anchor(6, 1, disc(7))])
    assert filled(result) == [3, 4, 5, 6]
    assert [(p.anchor_slice, p.step, p.last_slice, p.reason) for p in result.passes] == [
        (3, -1, 3, StopReason.NOT_DRAWN),
        (3, 1, 5, StopReason.NEXT_ANCHOR),
        (6, -1, 4, StopReason.NEXT_ANCHOR),
        (6, 1, 6, StopReason.NOT_DRAWN),
    ]


def test_a_range_and_limits_are_kept(session: PropagationSession) -> None:
    anchors = [Anchor(2, 1, disc(7)), Anchor(9, 1, disc(9))]
    ranged = session.propagate(anchors, slice_range=(0, 5))
    assert filled(ranged) == [2, 3, 4, 5, 9]
    assert [(p.last_slice, p.reason) for p in ranged.passes] == [
        (2, StopReason.NOT_DRAWN),
        (5, StopReason.RANGE),
        (3, StopReason.NEXT_ANCHOR),
        (9, StopReason.NOT_DRAWN),
    ]
    with pytest.raises(AnnotationError, match="outside its limits"):
        session.propagate(anchors, limits={1: SliceLimits(last=8)})


def test_confidence_falls_with_the_distance_from_what_was_drawn(session: PropagationSession) -> None:
    confidence = session.propagate([Anchor(2, 1, disc(6)), Anchor(8, 1, disc(8))]).slice_confidence[1]
    assert confidence[2] == confidence[8] == 1
    assert 1 > confidence[3] > confidence[4] > confidence[5]
    assert confidence[4] == pytest.approx(confidence[6])
    assert np.isnan(confidence[[0, 1, 9, 10, 11]]).all()


def test_doubt_lies_along_the_outline_and_not_on_drawn_slices(session: PropagationSession) -> None:
    doubt = session.propagate([Anchor(2, 1, disc(8)), Anchor(8, 1, disc(8))]).doubt
    assert doubt[5, 20, 30] > 0.3
    assert doubt[5, 20, 22] < 0.1
    assert not doubt[[0, 2, 8]].any()


def test_every_slice_is_told_and_it_can_be_cancelled(session: PropagationSession) -> None:
    anchors = [Anchor(2, 1, disc(6)), Anchor(8, 1, disc(8))]
    seen: list[Progress] = []
    session.propagate(anchors, progress=seen.append)
    assert [(p.done, p.total, p.slice_index) for p in seen] == [(n, 5, n + 2) for n in range(1, 6)]
    with pytest.raises(PropagationCancelled, match="after 0 of 5"):
        session.propagate(anchors, is_cancelled=lambda: True)


def test_there_is_nothing_to_rehearse(session: PropagationSession) -> None:
    anchors = [Anchor(2, 1, disc(6)), Anchor(8, 1, disc(8))]
    session.rehearse(session.propagate(anchors), anchors, 5)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_anchor_of_every_label_comes_back_bit_for_bit(data: st.DataObject) -> None:
    generator = np.random.default_rng(data.draw(st.integers(0, 999)))
    slices = st.lists(st.integers(0, 11), min_size=2, max_size=5, unique=True)
    anchors = [
        Anchor(index, label, generator.random(SHAPE[1:]) > generator.uniform(0, 0.95))
        for label in (1, 2)
        for index in data.draw(slices)
    ]
    result = new_session().propagate(anchors)
    for anchor in anchors:
        np.testing.assert_array_equal(result.masks[anchor.label][anchor.slice_index], anchor.mask)
