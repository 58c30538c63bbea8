"""A session: anchors sacred, passes in both directions, nothing computed twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.errors import AnnotationError, MethodError, PropagationCancelled, WeightsError
from Sli2VolSlicerLib.engine.fusion import unheard
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.protocol import Method
from Sli2VolSlicerLib.engine.records import Anchor, Direction, Progress, StopReason
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SHAPE = (12, 40, 44)


def cone(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A bright cone that ends within the volume, and its truth."""
    depth, row, column = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    truth = (row - 20) ** 2 + (column - 22) ** 2 < np.clip(12 - 2.0 * np.abs(depth - 5), 0, None) ** 2
    noise = np.random.default_rng(seed).normal(0, 0.05, SHAPE)
    return (np.where(truth, 1.0, 0.3) + noise).astype(np.float32), truth


def session(method: str = "random-weights") -> tuple[PropagationSession, np.ndarray]:
    volume, truth = cone()
    return PropagationSession(SliceStack(volume), create_method(method, device="cpu")), truth


def test_the_anchor_comes_back_bit_for_bit() -> None:
    propagate, truth = session()
    drawn = truth[5] ^ (np.random.default_rng(1).random(SHAPE[1:]) > 0.9)
    result = propagate.propagate([Anchor(5, 1, drawn)])
    np.testing.assert_array_equal(result.masks[1][5], drawn)


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_anchor_of_every_label_comes_back_bit_for_bit(data: st.DataObject) -> None:
    propagate, _ = session("copy")
    generator = np.random.default_rng(data.draw(st.integers(0, 999)))
    keys = data.draw(st.lists(st.tuples(st.integers(0, 11), st.integers(1, 3)), min_size=1, max_size=6, unique=True))
    anchors = [Anchor(i, label, generator.random(SHAPE[1:]) > 0.8) for i, label in keys]
    result = propagate.propagate(anchors)
    for anchor in anchors:
        np.testing.assert_array_equal(result.masks[anchor.label][anchor.slice_index], anchor.mask)


def test_the_structure_is_followed_to_its_ends_and_the_reasons_are_given() -> None:
    propagate, truth = session()
    result = propagate.propagate([Anchor(5, 1, truth[5])])
    overlap = 2 * (result.masks[1] & truth).sum() / (result.masks[1].sum() + truth.sum())
    assert overlap > 0.85
    down, up = result.passes
    # The last slices hold less than a tenth of the drawn area.
    assert (down.anchor_slice, down.step, down.last_slice) == (5, -1, 1)
    assert {down.reason, up.reason} <= {StopReason.AREA, StopReason.EMPTY, StopReason.VERIFICATION}
    assert (up.anchor_slice, up.step, up.last_slice) == (5, 1, 9)


def test_copying_goes_on_to_the_end_of_the_volume() -> None:
    propagate, truth = session("copy")
    result = propagate.propagate([Anchor(5, 1, truth[5])])
    assert (result.masks[1] == truth[5]).all()
    assert {r.reason for r in result.passes} == {StopReason.END_OF_VOLUME}


def test_a_direction_and_a_range_limit_what_is_filled() -> None:
    propagate, truth = session("copy")
    result = propagate.propagate([Anchor(5, 1, truth[5])], direction=Direction.UP, slice_range=(2, 8))
    assert np.flatnonzero(result.masks[1].any(axis=(1, 2))).tolist() == [5, 6, 7, 8]
    assert result.passes[0].reason is StopReason.RANGE


def test_a_pass_ends_at_the_next_anchor_and_an_empty_anchor_ends_the_structure() -> None:
    propagate, truth = session("copy")
    empty = np.zeros(SHAPE[1:], bool)
    result = propagate.propagate([Anchor(5, 1, truth[5]), Anchor(8, 1, empty)])
    assert np.flatnonzero(result.masks[1].any(axis=(1, 2))).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert {r.reason for r in result.passes} == {StopReason.END_OF_VOLUME, StopReason.NEXT_ANCHOR}


def test_a_correction_changes_nothing_beyond_its_neighbouring_anchors() -> None:
    propagate, truth = session()
    anchors = [Anchor(3, 1, truth[3]), Anchor(7, 1, truth[7])]
    before = propagate.propagate(anchors).masks[1]
    after = propagate.propagate([*anchors, Anchor(5, 1, np.roll(truth[5], 3, axis=1))]).masks[1]
    np.testing.assert_array_equal(before[:4], after[:4])
    np.testing.assert_array_equal(before[7:], after[7:])
    assert (before[4:7] != after[4:7]).any()


def test_a_second_propagate_computes_nothing_and_gives_the_same() -> None:
    propagate, truth = session()
    first = propagate.propagate([Anchor(5, 1, truth[5])])
    second = propagate.propagate([Anchor(5, 1, truth[5])])
    assert first.slices_propagated > 0 and second.slices_propagated == 0
    np.testing.assert_array_equal(first.masks[1], second.masks[1])
    assert first.passes == second.passes


def test_labels_together_give_what_each_gives_alone() -> None:
    propagate, truth = session()
    other = np.roll(truth[6], 5, axis=0)
    together = propagate.propagate([Anchor(5, 1, truth[5]), Anchor(6, 2, other)])
    alone = session()[0].propagate([Anchor(6, 2, other)])
    assert (together.masks[2] != alone.masks[2]).mean() < 1e-3


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_axis_does_not_matter(axis: int) -> None:
    volume, truth = cone()
    method: Method = create_method("random-weights", device="cpu")
    turned = PropagationSession(SliceStack(np.moveaxis(volume, 0, axis), axis=axis), method)
    plain = PropagationSession(SliceStack(volume), method)
    anchor = Anchor(5, 1, truth[5])
    np.testing.assert_array_equal(turned.propagate([anchor]).masks[1], plain.propagate([anchor]).masks[1])


def test_progress_counts_every_slice() -> None:
    propagate, truth = session("copy")
    seen: list[Progress] = []
    propagate.propagate([Anchor(5, 1, truth[5])], progress=seen.append)
    assert [p.done for p in seen] == list(range(1, 12)) and {p.total for p in seen} == {11}


def test_cancelling_stops_between_slices_and_what_was_computed_is_kept() -> None:
    propagate, truth = session("copy")
    seen: list[Progress] = []
    with pytest.raises(PropagationCancelled, match="after 3 of at most 11"):
        propagate.propagate([Anchor(5, 1, truth[5])], progress=seen.append, is_cancelled=lambda: len(seen) >= 3)
    assert propagate.propagate([Anchor(5, 1, truth[5])]).slices_propagated == 8


def test_what_cannot_be_propagated_is_refused_by_name() -> None:
    propagate, truth = session("copy")
    with pytest.raises(AnnotationError, match="Nothing is drawn"):
        propagate.propagate([Anchor(5, 1, np.zeros(SHAPE[1:], bool))])
    with pytest.raises(AnnotationError, match="no slice 12"):
        propagate.propagate([Anchor(12, 1, truth[5])])
    with pytest.raises(AnnotationError, match=r"\(3, 3\)"):
        propagate.propagate([Anchor(5, 1, np.ones((3, 3), bool))])
    with pytest.raises(AnnotationError, match="two anchors on slice 5"):
        propagate.propagate([Anchor(5, 1, truth[5]), Anchor(5, 1, truth[5])])
    with pytest.raises(AnnotationError, match="20 to 30"):
        propagate.propagate([Anchor(5, 1, truth[5])], slice_range=(20, 30))
    with pytest.raises(MethodError, match="no method 'magic'"):
        create_method("magic")
    with pytest.raises(WeightsError, match="needs a weights file"):
        create_method("sli2vol")


def test_next_to_another_anchor_only_the_pass_from_there_is_heard() -> None:
    propagate, _ = session("copy")
    one, other = (np.zeros(SHAPE[1:], bool) for _ in range(2))
    one[10:20, 10:20] = other[12:22, 14:24] = True
    result = propagate.propagate([Anchor(0, 1, one), Anchor(11, 1, other)])
    np.testing.assert_array_equal(result.masks[1][1], one)
    np.testing.assert_array_equal(result.masks[1][10], other)
    assert not result.doubt[1].any() and result.doubt[2].any()
    assert {p.reason for p in result.passes if 0 < p.anchor_slice + p.step < 11} == {StopReason.NEXT_ANCHOR}


def test_a_pass_does_not_go_where_it_would_not_be_heard() -> None:
    propagate, truth = session("copy")
    propagate.propagate([Anchor(0, 1, truth[5])])
    again = propagate.propagate([Anchor(0, 1, truth[5]), Anchor(11, 1, truth[5])])
    assert again.slices_propagated == 9, "of the ten between, the last is left to the first anchor's pass"


@pytest.mark.parametrize(("gap", "slices"), [(1, 0), (6, 0), (7, 1), (12, 1), (13, 2), (19, 3)])
def test_a_pass_is_not_heard_on_the_last_sixth_of_its_way(gap: int, slices: int) -> None:
    assert unheard(gap) == slices
