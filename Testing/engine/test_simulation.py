"""The simulated user: draws the truth, draws nothing twice, and changes nothing that is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.descriptors import descriptors_of
from Sli2VolSlicerLib.engine.errors import AnnotationError, PropagationCancelled, RecommendationError
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.recommendation import POLICIES
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.simulation import TOLD, SimulatedUser, simulate
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SHAPE = (18, 40, 44)


def cone() -> tuple[SliceStack, np.ndarray]:
    """A bright double cone in noise, and its truth."""
    depth, row, column = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    truth = (row - 20) ** 2 + (column - 22) ** 2 < np.clip(14 - 2.0 * np.abs(depth - 8), 0, None) ** 2
    noise = np.random.default_rng(0).normal(0, 0.05, SHAPE)
    return SliceStack((np.where(truth, 1.0, 0.3) + noise).astype(np.float32)), truth


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_plays_and_what_is_drawn_is_kept(policy: str) -> None:
    stack, truth = cone()
    method = create_method("random-weights", device="cpu")
    session = PropagationSession(stack, method)
    rounds = list(simulate(session, truth, SimulatedUser(policy, 4), features=descriptors_of(stack, method)))
    assert 2 <= len(rounds) <= 4
    drawn = [each.slice_index for each in rounds]
    assert len(set(drawn)) == len(drawn)
    for each in rounds:
        assert each.is_empty == (not truth[each.slice_index].any())
        for anchor in each.anchors:
            np.testing.assert_array_equal(each.propagation.masks[1][anchor.slice_index], truth[anchor.slice_index])
        assert 0 <= each.dice <= 1
    if policy in TOLD:
        assert all(truth[index].any() for index in drawn)
    else:
        assert drawn[0] == 8


def test_the_dice_is_the_volume_s() -> None:
    stack, truth = cone()
    session = PropagationSession(stack, create_method("copy"))
    (only,) = simulate(session, truth, SimulatedUser("keep-n", 1))
    mask = only.propagation.masks[1]
    assert only.dice == pytest.approx(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))
    assert only.volume_ml == pytest.approx(mask.sum() / 1000)


def test_a_user_who_is_told_never_draws_beyond_the_structure() -> None:
    stack, truth = cone()
    session = PropagationSession(stack, create_method("copy"))
    rounds = list(simulate(session, truth, SimulatedUser("keep-n", 30, told=True)))
    assert len(rounds) == truth.any(axis=(1, 2)).sum()
    assert all(truth[each.slice_index].any() for each in rounds)


def test_mistakes_are_named() -> None:
    stack, truth = cone()
    session = PropagationSession(stack, create_method("copy"))
    keep = SimulatedUser("keep-n", 2)
    with pytest.raises(AnnotationError, match="truth is empty"):
        next(simulate(session, truth & False, keep))
    with pytest.raises(AnnotationError, match="truth has shape"):
        next(simulate(session, truth[1:], keep))
    with pytest.raises(AnnotationError, match="not on slice 0"):
        next(simulate(session, truth, SimulatedUser("keep-n", 2, first=0)))
    with pytest.raises(RecommendationError, match="cannot be told"):
        next(simulate(session, truth, SimulatedUser("expected-gain", 2, told=True)))
    with pytest.raises(PropagationCancelled):
        next(simulate(session, truth, keep, is_cancelled=lambda: True))
