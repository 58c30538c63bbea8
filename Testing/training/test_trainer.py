"""Training: deterministic, resumable, and it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from training.power_cut import unbroken_and_resumed

from Sli2VolSlicerLib.engine.errors import MethodError, WeightsError
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS
from Sli2VolSlicerLib.engine.weights_file import load_network
from Sli2VolSlicerLib.training import SamplingSettings, Trainer, TrainingSettings, TrainingVolume, training_settings
from Sli2VolSlicerLib.training.trainer import split_volumes

SMALL = TrainingSettings(
    DEFAULT_SETTINGS,
    steps=4,
    pairs=2,
    deformed=1,
    held_out_every=4,
    checkpoint_every=2,
    sampling=SamplingSettings(crop=64),
    mixed_precision=False,
)


def volume(seed: int = 0) -> TrainingVolume:
    """Smooth blobs that move a little from slice to slice."""
    noise = np.random.default_rng(seed).normal(size=(12, 72, 72))
    return TrainingVolume(
        f"blobs {seed}", ndimage.gaussian_filter(noise, (2, 4, 4)).astype(np.float32), (2.0, 1.0, 1.0)
    )


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in trainer.network.parameters()])


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = Trainer([volume()], SMALL), Trainer([volume()], SMALL)
    first.run_steps()
    second.run_steps()
    assert torch.equal(weights(first), weights(second))


def test_another_seed_gives_other_weights() -> None:
    first, second = Trainer([volume()], SMALL), Trainer([volume()], replace(SMALL, seed=2))
    first.run_steps()
    second.run_steps()
    assert not torch.equal(weights(first), weights(second))


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    unbroken, resumed = unbroken_and_resumed(lambda: Trainer([volume()], SMALL), tmp_path / "run.checkpoint")
    assert torch.equal(weights(resumed), weights(unbroken))
    assert resumed.curve == unbroken.curve


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    Trainer([volume()], SMALL).run_steps(checkpoint)
    with pytest.raises(WeightsError, match="other settings"):
        Trainer([volume()], replace(SMALL, seed=2)).run_steps(checkpoint)


def test_a_checkpoint_of_other_volumes_is_refused_whatever_they_are_called(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    Trainer([volume()], SMALL).run_steps(checkpoint)
    for other in (replace(volume(1), name=volume().name), replace(volume(), spacing_mm=(3.0, 1.0, 1.0))):
        with pytest.raises(WeightsError, match="or volumes"):
            Trainer([other], SMALL).run_steps(checkpoint)


def test_the_saved_weights_compute_what_the_trained_network_does(tmp_path: Path) -> None:
    trainer = Trainer([volume()], SMALL)
    trainer.run_steps()
    trainer.save(tmp_path / "weights.safetensors", {"method": "sli2vol"})
    slices = torch.rand((1, 1, 32, 32))
    with torch.no_grad():
        kept, trained = load_network(tmp_path / "weights.safetensors")(slices), trainer.network(slices)
    # float16 in the file
    np.testing.assert_allclose(kept.numpy(), trained.numpy(), atol=0.05)


def test_every_tenth_volume_is_held_out() -> None:
    trained, held_out = split_volumes([volume(i) for i in range(15)])
    assert [v.name for v in held_out] == ["blobs 4", "blobs 14"] and len(trained) == 13


def test_only_methods_with_a_network_are_trained() -> None:
    assert training_settings("sli2vol", steps=7).steps == 7
    with pytest.raises(MethodError, match="'copy' is not trained"):
        training_settings("copy")
    with pytest.raises(MethodError, match="at least 1 step, got 0"):
        training_settings(steps=0)


@pytest.mark.slow
def test_training_learns_to_rebuild_slices_better_than_copying_them() -> None:
    trainer = Trainer([volume(0), volume(1)], replace(SMALL, steps=60, pairs=4, deformed=2, held_out_every=60))
    untrained = trainer.held_out_error()
    trainer.run_steps()
    trained = trainer.curve[-1]
    assert trained.network < 0.8 * untrained.network
    assert trained.network < trained.copying
