"""Training of VoxelMorph in 2D, and moving by what it has learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training.test_trainer import volume

from Sli2VolSlicerLib.engine.devices import choose_device
from Sli2VolSlicerLib.engine.displacement import DisplacementNetwork
from Sli2VolSlicerLib.engine.errors import WeightsError
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.methods.voxelmorph import VoxelMorph
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS
from Sli2VolSlicerLib.engine.protocol import Reference, Region
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.weights_file import load_displacement
from Sli2VolSlicerLib.training import SamplingSettings, training_settings
from Sli2VolSlicerLib.training.displacement import DisplacementTrainer, DisplacementTraining, roughness
from Sli2VolSlicerLib.training.presets import make_trainer

SMALL = DisplacementTraining(
    DEFAULT_SETTINGS,
    steps=2,
    pairs=2,
    held_out_every=2,
    checkpoint_every=2,
    sampling=SamplingSettings(crop=64),
    mixed_precision=False,
)


class ShiftsByTwo(DisplacementNetwork):
    """Says that everything comes from two pixels further right."""

    def between(self, target: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        flow = torch.zeros((len(target), 2, *target.shape[-2:]))
        flow[:, 1] = 2
        return flow


def test_a_mask_is_moved_by_the_displacement() -> None:
    stack = SliceStack(np.random.default_rng(0).normal(size=(3, 40, 48)).astype(np.float32))
    mask = np.zeros((1, 40, 48), np.float32)
    mask[0, 10:20, 15:30] = 1
    carrier = VoxelMorph(ShiftsByTwo(DEFAULT_SETTINGS), choose_device("cpu")).open(stack)
    region = Region(4, 30, 8, 40)
    carried = carrier.carry([Reference(1, mask)], 2, region)
    np.testing.assert_allclose(carried, np.roll(mask, -2, axis=2)[:, 4:30, 8:40], atol=1e-4)


def test_without_weights_it_says_that_it_needs_some() -> None:
    with pytest.raises(WeightsError, match="'voxelmorph' needs a weights file"):
        create_method("voxelmorph")


def test_it_begins_without_displacement() -> None:
    network = DisplacementNetwork(DEFAULT_SETTINGS).eval()
    slices = torch.rand((2, 1, 32, 40))
    with torch.no_grad():
        assert float(network(slices[:1], slices[1:]).abs().max()) < 0.01


def test_the_roughness_of_a_shift_is_nothing_and_that_of_a_stretch_its_square() -> None:
    flow = torch.full((1, 2, 8, 8), 3.0)
    assert float(roughness(flow)) == 0
    flow[:, 1] = 0.5 * torch.arange(8)
    # A quarter per pixel to the right in one of two components, over two directions.
    assert float(roughness(flow)) == pytest.approx(0.25 / 4)


def test_the_same_seed_gives_the_same_weights_and_they_come_back_from_their_file(tmp_path: Path) -> None:
    first, second = DisplacementTrainer([volume()], SMALL), DisplacementTrainer([volume()], SMALL)
    first.run_steps()
    second.run_steps(tmp_path / "run.checkpoint")
    first.save(tmp_path / "first.safetensors", {})
    resumed = DisplacementTrainer([volume()], SMALL)
    resumed.run_steps(tmp_path / "run.checkpoint")
    resumed.save(tmp_path / "second.safetensors", {})
    one, other = (load_displacement(tmp_path / f"{name}.safetensors").state_dict() for name in ("first", "second"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_preset_gives_a_training_of_displacements() -> None:
    settings = replace(training_settings("voxelmorph", steps=3), mixed_precision=False)
    assert isinstance(make_trainer([volume()], settings), DisplacementTrainer)


@pytest.mark.slow
def test_training_learns_to_warp_slices_onto_their_neighbours() -> None:
    trainer = DisplacementTrainer([volume(0), volume(1)], replace(SMALL, steps=60, pairs=4, held_out_every=60))
    trainer.run_steps()
    trained = trainer.curve[-1]
    assert trained.network < 0.9 * trained.copying
