"""Held-out patients: the same under a seed, of every group, and never in a batch."""

from __future__ import annotations

import numpy as np
import pytest
from training.refinement.toy import example

from Sli2VolSlicerLib.engine.errors import VolumeError
from Sli2VolSlicerLib.training.refinement import BatchSettings, held_out_patients
from Sli2VolSlicerLib.training.refinement.batches import BatchSampler

PATIENTS = {f"{group}_{number}": group for group in ("head", "leg") for number in range(20)}


def test_every_group_gives_its_share() -> None:
    chosen = held_out_patients(PATIENTS, 0.1, seed=1)
    assert sorted(PATIENTS[patient] for patient in chosen) == ["head", "head", "leg", "leg"]


def test_the_seed_decides_who_is_held_out() -> None:
    assert held_out_patients(PATIENTS, 0.3, 1) == held_out_patients(dict(reversed(PATIENTS.items())), 0.3, 1)
    assert held_out_patients(PATIENTS, 0.3, 1) != held_out_patients(PATIENTS, 0.3, 2)


def test_of_few_patients_one_is_held_out_and_of_one_none() -> None:
    assert len(held_out_patients({"a": "x", "b": "y"}, 0.1, 1)) == 1
    assert held_out_patients({"a": "x"}, 0.1, 1) == frozenset()
    assert held_out_patients(PATIENTS, 0.0, 1) == frozenset()


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(VolumeError, match="held out"):
        held_out_patients(PATIENTS, share, 1)


def test_held_out_passes_are_never_drawn() -> None:
    kept, held_out = example(slices=6), example(slices=7, is_held_out=True)
    held_out.truth.fill_(77)
    sampler = BatchSampler([kept, held_out], BatchSettings(slices=12))
    for seed in range(20):
        batch = sampler.draw(np.random.default_rng(seed))
        assert not (batch.truth == 77 / 255).any()


def test_nothing_but_held_out_passes_is_refused() -> None:
    with pytest.raises(VolumeError, match="nothing to learn from"):
        BatchSampler([example(is_held_out=True)], BatchSettings())
