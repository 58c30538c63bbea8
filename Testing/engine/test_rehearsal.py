"""A rehearsal: the correction comes sooner and is the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.affinity import TILE, FeaturePair
from Sli2VolSlicerLib.engine.errors import AnnotationError, PropagationCancelled
from Sli2VolSlicerLib.engine.kept_affinity import KeptWeights, Recorder, Rehearsed
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.records import Anchor
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SHAPE = (12, 48, 52)
RADIUS = 2


def cone() -> tuple[np.ndarray, np.ndarray]:
    """A bright cone within the volume, and its truth."""
    depth, row, column = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    truth = (row - 24) ** 2 + (column - 22) ** 2 < np.clip(14 - 1.5 * np.abs(depth - 5), 0, None) ** 2
    noise = np.random.default_rng(0).normal(0, 0.05, SHAPE)
    return (np.where(truth, 1.0, 0.3) + noise).astype(np.float32), truth


def session() -> tuple[PropagationSession, np.ndarray]:
    volume, truth = cone()
    return PropagationSession(SliceStack(volume), create_method("random-weights", device="cpu")), truth


def pair(rows: int = 32, columns: int = 24) -> FeaturePair:
    generator = torch.Generator().manual_seed(0)
    query = torch.rand((1, 4, rows, columns), generator=generator)
    return FeaturePair(query, torch.rand((1, 4, rows + 2 * RADIUS, columns + 2 * RADIUS), generator=generator), RADIUS)


@settings(max_examples=15, deadline=None)
@given(corrected=st.integers(0, 11), shift=st.integers(-6, 6))
def test_a_rehearsed_correction_gives_what_an_unrehearsed_one_gives(corrected: int, shift: int) -> None:
    rehearsed, truth = session()
    plain, _ = session()
    drawn = Anchor(5, 1, truth[5])
    if corrected == 5:
        return
    correction = Anchor(corrected, 1, np.roll(truth[corrected], shift, axis=1))
    rehearsed.rehearse(rehearsed.propagate([drawn]), [drawn], corrected)
    plain.propagate([drawn])
    ours, theirs = (each.propagate([drawn, correction]) for each in (rehearsed, plain))
    np.testing.assert_array_equal(ours.masks[1], theirs.masks[1])
    np.testing.assert_allclose(ours.doubt, theirs.doubt, atol=1e-3)


def test_a_slice_accepted_as_it_is_costs_nothing_after_its_rehearsal() -> None:
    propagate, truth = session()
    drawn = Anchor(5, 1, truth[5])
    first = propagate.propagate([drawn])
    propagate.rehearse(first, [drawn], 8)
    assert propagate.propagate([drawn, Anchor(8, 1, first.masks[1][8])]).slices_propagated == 0


def test_a_rehearsal_may_be_cancelled_and_a_slice_off_the_volume_is_refused() -> None:
    propagate, truth = session()
    drawn = Anchor(5, 1, truth[5])
    first = propagate.propagate([drawn])
    with pytest.raises(PropagationCancelled):
        propagate.rehearse(first, [drawn], 8, is_cancelled=lambda: True)
    with pytest.raises(AnnotationError, match="no slice 12"):
        propagate.rehearse(first, [drawn], 12)


def test_the_tiles_around_those_wanted_are_kept_too() -> None:
    wanted = torch.zeros(4, 3, dtype=torch.bool)
    wanted[0, 0] = True
    recorder = Recorder(down=2, right=1)
    ((tiles, weights),) = recorder.weights_of(wanted, pair())
    assert tiles.tolist() == [[0, 0]]
    torch.testing.assert_close(weights, pair().weights(torch.tensor([[0, 0]])))
    assert recorder.kept is not None
    whole = torch.tensor([[2, 1], [3, 2], [2, 3], [0, 0], [9, 9]])
    assert (recorder.kept.places(whole) >= 0).tolist() == [True, True, False, False, False]


def test_kept_weights_are_taken_and_only_the_others_computed() -> None:
    marked = KeptWeights(torch.tensor([[1, 1]]), torch.full((1, TILE * TILE, (TILE + 2 * RADIUS) ** 2), 7.0))
    wanted = torch.zeros(4, 3, dtype=torch.bool)
    wanted[0, 0] = wanted[1, 0] = True
    (kept, sevens), (others, computed) = marked.seen_from(down=0, right=1).weights_of(wanted, pair())
    # Each named as often as makes a round number.
    assert ({*map(tuple, kept.tolist())}, {*map(tuple, others.tolist())}) == ({(1, 0)}, {(0, 0)})
    assert (len(sevens), len(computed)) == (16, 16)
    assert (sevens == 7).all()
    torch.testing.assert_close(computed[:1], pair().weights(torch.tensor([[0, 0]])))


def test_beyond_the_memory_bound_the_oldest_are_forgotten() -> None:
    rehearsed = Rehearsed()
    for target in range(4):
        rehearsed.keep(target + 1, target, KeptWeights(torch.tensor([[0, 0]]), torch.zeros(1, 64, 250)))
    assert rehearsed.megabytes == pytest.approx(4 * 0.064)
    rehearsed.forget_beyond(0.13)
    assert [rehearsed.find(target + 1, target) is not None for target in range(4)] == [False, False, True, True]
