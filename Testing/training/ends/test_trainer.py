"""Training of the end network: deterministic, resumable, honest about what it knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training.power_cut import unbroken_and_resumed
from training.refinement.toy import ball, volume

from Sli2VolSlicerLib.engine.errors import VolumeError, WeightsError
from Sli2VolSlicerLib.engine.weights_file import load_ends
from Sli2VolSlicerLib.training.ends import EndStructure, EndTrainer, EndTraining, end_structures
from Sli2VolSlicerLib.training.ends.batches import EndBatches
from Sli2VolSlicerLib.training.ends.trainer import HeldOutEnds, KindEnds

SMALL = EndTraining(
    widths=(4, 4, 4, 4), steps=5, held_out_every=5, checkpoint_every=1, batches=EndBatches(structures=2, slices=2)
)


def structures(is_held_out: bool) -> list[EndStructure]:
    return list(end_structures(volume(ball().astype(np.uint8)), is_held_out, 0, np.random.default_rng(0)))


BOTH = [*structures(False), *structures(True)]


def weights(trainer: EndTrainer) -> torch.Tensor:
    return torch.cat([each.flatten().float() for each in trainer.network.state_dict().values()])


def test_the_same_seed_gives_the_same_weights_and_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    unbroken, resumed = unbroken_and_resumed(lambda: EndTrainer(BOTH, SMALL), checkpoint)
    assert torch.equal(weights(resumed), weights(unbroken))
    with pytest.raises(WeightsError, match="other settings"):
        EndTrainer(BOTH, replace(SMALL, seed=2)).run_steps(checkpoint)


def test_ends_are_measured_along_the_acquired_slices_of_what_is_held_out() -> None:
    measured = EndTrainer(BOTH, SMALL).held_out_error()
    assert [(each.kind, each.ends) for each in measured.kinds] == [("ball 1", 4)]
    assert measured.kinds[0].way == pytest.approx(6, abs=3)
    assert EndTrainer(structures(False), SMALL).held_out_error().kinds == ()


@pytest.mark.parametrize(("missed", "recognised", "known"), [(1.0, 0.95, ("ball 1",)), (5.0, 0.95, ()), (1.0, 0.5, ())])
def test_a_kind_is_known_if_its_ends_are_found_and_it_is_recognised(
    missed: float, recognised: float, known: tuple[str, ...], tmp_path: Path
) -> None:
    trainer = EndTrainer(BOTH, SMALL)
    trainer.curve.append(
        HeldOutEnds(5, (KindEnds("", 4, 0.0, 9.0, 1.0), KindEnds("ball 1", 4, missed, 10.0, recognised)))
    )
    trainer.save(tmp_path / "ends.safetensors", {})
    assert load_ends(tmp_path / "ends.safetensors").settings.known == known


def test_the_kinds_to_serve_may_be_named(tmp_path: Path) -> None:
    trainer = EndTrainer(BOTH, SMALL, known=["ball 1"])
    trainer.save(tmp_path / "ends.safetensors", {})
    assert load_ends(tmp_path / "ends.safetensors").settings.known == ("ball 1",)
    with pytest.raises(VolumeError, match="no kind 'ball 2' to be known; the volumes have ball 1"):
        EndTrainer(BOTH, SMALL, known=["ball 2"])


def test_a_few_steps_lower_the_loss() -> None:
    losses: list[float] = []
    settings = replace(SMALL, steps=60, held_out_every=60, learning_rate=1e-2, batches=EndBatches(structures=4))
    EndTrainer(BOTH, settings).run_steps(on_step=lambda step, loss, measured: losses.append(loss))
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
