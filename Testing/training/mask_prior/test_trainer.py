"""Training of the mask prior: deterministic, resumable, and it learns from its own drawings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training.mask_prior.toy import PLAIN, SMALL, cone
from training.power_cut import unbroken_and_resumed

from Sli2VolSlicerLib.engine.errors import WeightsError
from Sli2VolSlicerLib.engine.mask_prior.network import MaskPriorNetwork
from Sli2VolSlicerLib.engine.weights_file import load_mask_prior
from Sli2VolSlicerLib.training.mask_prior import MaskPriorTrainer, MaskPriorTraining
from Sli2VolSlicerLib.training.mask_prior.objective import mask_prior_loss

SETTINGS = MaskPriorTraining(
    SMALL, steps=4, episodes=3, held_out_every=2, checkpoint_every=2, mixed_precision=False, sampling=PLAIN
)
CUT_OUTS = [cone(), cone(group="other"), cone(is_held_out=True)]


def weights(network: MaskPriorNetwork) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten().float() for tensor in network.state_dict().values()])


def earlier(seed: int = 5) -> MaskPriorNetwork:
    torch.manual_seed(seed)
    return MaskPriorNetwork(SMALL)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    trainers = [MaskPriorTrainer(CUT_OUTS, replace(SETTINGS, seed=seed)) for seed in (1, 1, 2)]
    for trainer in trainers:
        trainer.run_steps()
    first, second, other = (weights(trainer.averaged) for trainer in trainers)
    assert torch.equal(first, second) and not torch.equal(first, other)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    unbroken, resumed = unbroken_and_resumed(lambda: MaskPriorTrainer(CUT_OUTS, SETTINGS), tmp_path / "run.checkpoint")
    assert torch.equal(weights(resumed.averaged), weights(unbroken.averaged))
    assert resumed.curve == unbroken.curve and [each.step for each in resumed.curve] == [2, 4]


def test_a_checkpoint_of_other_settings_cut_outs_or_first_weights_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    MaskPriorTrainer(CUT_OUTS, SETTINGS).run_steps(checkpoint)
    for other in (
        MaskPriorTrainer(CUT_OUTS, replace(SETTINGS, seed=2)),
        MaskPriorTrainer(CUT_OUTS[1:], SETTINGS),
        MaskPriorTrainer(CUT_OUTS, SETTINGS, earlier()),
    ):
        with pytest.raises(WeightsError, match="other settings"):
            other.run_steps(checkpoint)


def test_a_run_begins_with_the_weights_given_and_saves_the_averaged_ones(tmp_path: Path) -> None:
    trainer = MaskPriorTrainer(CUT_OUTS, SETTINGS, earlier())
    assert torch.equal(weights(trainer.network), weights(earlier()))
    trainer.run_steps()
    trainer.save(tmp_path / "weights.safetensors", {"method": "mask-prior"})
    kept = load_mask_prior(tmp_path / "weights.safetensors")
    assert kept.settings == SMALL
    torch.testing.assert_close(weights(kept), weights(trainer.averaged), atol=2e-3, rtol=2e-3)
    assert not torch.equal(weights(trainer.averaged), weights(trainer.network))


def test_without_anything_held_out_training_goes_on_unmeasured() -> None:
    trainer = MaskPriorTrainer(CUT_OUTS[:2], SETTINGS)
    trainer.run_steps()
    assert trainer.curve[-1].families == ()


def test_what_is_drawn_where_nothing_is_costs_by_its_area() -> None:
    truth, reference, there = torch.zeros(1, 8, 8), torch.ones(1, 8, 8), torch.zeros(1)
    much, little = torch.full((1, 8, 8), 3.0), torch.full((1, 8, 8), -3.0)
    assert mask_prior_loss(much, there, truth, reference) > 2 + mask_prior_loss(little, there, truth, reference)


def test_a_right_drawing_costs_next_to_nothing() -> None:
    truth = torch.zeros(1, 16, 16)
    truth[:, 4:12, 4:12] = 1
    logits = (truth * 2 - 1) * 12
    assert float(mask_prior_loss(logits, torch.full((1,), 12.0), truth, truth)) < 0.01


@pytest.mark.slow
def test_a_few_steps_follow_a_cone_better_than_copying_does() -> None:
    losses: list[float] = []
    settings = replace(SETTINGS, steps=120, episodes=4, held_out_every=120, learning_rate=1e-2, averaging=0.9)
    trainer = MaskPriorTrainer(CUT_OUTS, settings)
    trainer.run_steps(on_step=lambda step, loss, measured: losses.append(loss))
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])
    last = trainer.curve[-1]
    assert last.drawn > last.copied
