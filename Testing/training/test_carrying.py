"""Training that carries labels: masks that lie on their slices, groups that count alike, held-out labels unread."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training.power_cut import unbroken_and_resumed

from Sli2VolSlicerLib.engine.errors import VolumeError, WeightsError
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS, CorrespondenceNetwork
from Sli2VolSlicerLib.training import SamplingSettings
from Sli2VolSlicerLib.training.carrying import CarryingTrainer, CarryingTraining, LabelRunSampler, RunSettings
from Sli2VolSlicerLib.training.refinement import LabelledVolume

SHAPE = (12, 72, 72)
FRAME = SamplingSettings(crop=64, zoom=(1.0, 1.0), window_share=0.0)
SMALL = CarryingTraining(
    steps=4,
    pairs=1,
    deformed=1,
    runs=2,
    held_out_every=4,
    checkpoint_every=2,
    sampling=SamplingSettings(crop=64),
    run=RunSettings(frame=FRAME),
    mixed_precision=False,
)


def labels() -> np.ndarray:
    """Two leaning columns, one of them on six slices only, uint8."""
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    result = np.zeros(SHAPE, np.uint8)
    result[(j - 30) ** 2 + (i - 24 - k) ** 2 <= 9**2] = 3
    result[((j - 50) ** 2 + (i - 50) ** 2 <= 6**2) & (k >= 6)] = 7
    return result


def volume(name: str, group: str = "columns", seed: int = 0, is_labelled: bool = True) -> LabelledVolume:
    """The columns, bright, in a little noise."""
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    image = (500.0 * (labels() > 0) + noise).astype(np.float32)
    return LabelledVolume(name, name, group, image, (2.0, 1.0, 1.0), labels() if is_labelled else None)


def sampler(*volumes: LabelledVolume) -> LabelRunSampler:
    return LabelRunSampler(volumes or (volume("one"),), RunSettings(frame=FRAME))


def test_masks_lie_on_what_their_slices_show() -> None:
    for seed in range(8):
        run = sampler().draw_run(np.random.default_rng(seed))
        assert run.slices.shape == (4, 64, 64) and run.masks.shape == (4, 4, 64, 64)
        masks = run.masks.sum(dim=1)
        assert float(run.slices[masks > 0.6].min()) > 0.5
        assert float(run.slices[0][masks[0] < 0.4].max()) < 0.5, "what appears later is not carried"


def test_the_first_slice_shows_the_structure_that_the_run_is_about() -> None:
    for seed in range(8):
        assert float(sampler().draw_run(np.random.default_rng(seed)).masks[0, 0].sum()) > 0


def test_structures_of_a_run_do_not_overlap_and_missing_ones_are_empty() -> None:
    run = sampler().draw_run(np.random.default_rng(0))
    assert float(run.masks.sum(dim=1).max()) <= 1 + 1e-5
    assert not run.masks[:, 2:].any(), "there are two structures"


def test_groups_of_volumes_count_alike() -> None:
    few, many = volume("few", "few"), [volume(f"many{n}", "many") for n in range(9)]
    few.voxels[:] = 500 - few.voxels
    runs = [sampler(few, *many).draw_run(np.random.default_rng(seed)) for seed in range(60)]
    inverted = sum(float(r.slices[0][r.masks[0, 0] > 0.5].mean()) < 0.5 for r in runs)
    assert 18 <= inverted <= 42


def test_volumes_without_labels_have_no_runs() -> None:
    with pytest.raises(VolumeError, match="no labels to carry"):
        sampler(volume("bare", is_labelled=False))


def untrained() -> CorrespondenceNetwork:
    torch.manual_seed(5)
    return CorrespondenceNetwork(DEFAULT_SETTINGS)


def trainer(held_out_labels: np.ndarray | None = None) -> CarryingTrainer:
    """One that holds the second of three volumes out."""
    second = volume("second", seed=1)
    second = second if held_out_labels is None else replace(second, labels=held_out_labels)
    return CarryingTrainer(
        [volume("first"), second, volume("third", seed=2)], frozenset({"second"}), SMALL, untrained()
    )


def weights(of: CorrespondenceNetwork) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in of.parameters()])


def test_training_begins_with_the_earlier_weights_and_changes_them() -> None:
    run = trainer()
    begun = weights(run.network)
    assert torch.equal(begun, weights(untrained()))
    run.run_steps()
    assert not torch.equal(weights(run.network), begun)


def test_labels_of_patients_held_out_are_not_read() -> None:
    right, wrong = trainer(), trainer(np.ones(SHAPE, np.uint8))
    for run in (right, wrong):
        run.run_steps()
    assert torch.equal(weights(right.network), weights(wrong.network))


def test_a_run_cut_short_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, resumed = unbroken_and_resumed(trainer, tmp_path / "checkpoint")
    assert torch.equal(weights(resumed.network), weights(whole.network))


def test_a_checkpoint_of_the_same_volumes_in_other_groups_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    trainer().run_steps(checkpoint)
    regrouped = [volume("first", "others"), volume("second", seed=1), volume("third", seed=2)]
    with pytest.raises(WeightsError, match="other settings or volumes"):
        CarryingTrainer(regrouped, frozenset({"second"}), SMALL, untrained()).run_steps(checkpoint)


def test_a_checkpoint_of_other_labels_is_refused_but_those_held_out_may_be_any(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    trainer().run_steps(checkpoint)
    trainer(np.ones(SHAPE, np.uint8)).run_steps(checkpoint)
    relabelled = [
        replace(volume("first"), labels=np.roll(labels(), 1, axis=1)),
        volume("second", seed=1),
        volume("third", seed=2),
    ]
    with pytest.raises(WeightsError, match="other settings or volumes"):
        CarryingTrainer(relabelled, frozenset({"second"}), SMALL, untrained()).run_steps(checkpoint)
