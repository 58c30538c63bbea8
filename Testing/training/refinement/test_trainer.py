"""Training of the refinement: deterministic, resumable, and it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training.power_cut import PowerCut, cut_after_three_steps, unbroken_and_resumed
from training.refinement.toy import SMALL, example, known_up_to, sent_on

from Sli2VolSlicerLib.engine.errors import WeightsError
from Sli2VolSlicerLib.engine.refinement.network import MAPS, MEASURES, RefinementNetwork
from Sli2VolSlicerLib.engine.weights_file import load_refinement
from Sli2VolSlicerLib.training.refinement import BatchSettings, RefinementTrainer, RefinementTraining, grown

SETTINGS = RefinementTraining(
    SMALL,
    steps=4,
    held_out_every=2,
    checkpoint_every=2,
    mixed_precision=False,
    batches=BatchSettings(slices=15),
)
EXAMPLES = [example(5), example(6), example(6, "grown", 0), example(6, is_held_out=True)]


def weights(network: RefinementNetwork) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    trainers = [RefinementTrainer(EXAMPLES, replace(SETTINGS, seed=seed)) for seed in (1, 1, 2)]
    for trainer in trainers:
        trainer.run_steps()
    first, second, other = (weights(trainer.averaged) for trainer in trainers)
    assert torch.equal(first, second) and not torch.equal(first, other)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    unbroken, resumed = unbroken_and_resumed(lambda: RefinementTrainer(EXAMPLES, SETTINGS), tmp_path / "run.checkpoint")
    assert torch.equal(weights(resumed.averaged), weights(unbroken.averaged))
    assert torch.equal(weights(resumed.network), weights(unbroken.network))
    assert resumed.curve == unbroken.curve and [each.step for each in resumed.curve] == [2, 4]


def test_a_checkpoint_of_other_settings_or_examples_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    RefinementTrainer(EXAMPLES, SETTINGS).run_steps(checkpoint)
    for examples, settings in ((EXAMPLES, replace(SETTINGS, seed=2)), (EXAMPLES[1:], SETTINGS)):
        with pytest.raises(WeightsError, match="other settings"):
            RefinementTrainer(examples, settings).run_steps(checkpoint)


def test_the_averaged_weights_are_saved(tmp_path: Path) -> None:
    trainer = RefinementTrainer(EXAMPLES, SETTINGS)
    trainer.run_steps()
    trainer.save(tmp_path / "weights.safetensors", {"method": "sli2vol-refinement"})
    kept = load_refinement(tmp_path / "weights.safetensors")
    assert kept.settings == SMALL
    # float16 in the file
    torch.testing.assert_close(weights(kept), weights(trainer.averaged), atol=1e-3, rtol=1e-3)
    assert not torch.equal(weights(trainer.averaged), weights(trainer.network))


def test_an_untrained_network_leaves_held_out_passes_as_they_are() -> None:
    measured = RefinementTrainer(EXAMPLES, SETTINGS).held_out_error()
    assert [(each.family, each.passes) for each in measured.families] == [("ball", 1)]
    assert measured.before == measured.after == pytest.approx(2 / 3, abs=0.05)


def test_the_held_out_dice_leaves_out_what_is_not_known() -> None:
    right = known_up_to(3, is_held_out=True)
    right.soft[:3] = right.truth[:3]
    right.soft[3:] = 255 - right.truth[3:]
    measured = RefinementTrainer([*EXAMPLES[:3], right], SETTINGS).held_out_error()
    assert measured.before == measured.after == 1


def test_without_anything_held_out_training_goes_on_unmeasured() -> None:
    trainer = RefinementTrainer(EXAMPLES[:2], SETTINGS)
    trainer.run_steps()
    assert trainer.curve[-1].families == ()


def earlier(seed: int = 5) -> RefinementNetwork:
    torch.manual_seed(seed)
    return RefinementNetwork(SMALL)


def test_a_second_round_begins_with_the_weights_of_the_first() -> None:
    trainer = RefinementTrainer(EXAMPLES, SETTINGS, earlier())
    assert torch.equal(weights(trainer.network), weights(earlier()))
    assert torch.equal(weights(trainer.averaged), weights(earlier()))
    assert not torch.equal(weights(RefinementTrainer(EXAMPLES, SETTINGS).network), weights(earlier()))
    trainer.run_steps()
    assert not torch.equal(weights(trainer.averaged), weights(earlier()))


def test_a_second_round_goes_on_from_its_own_checkpoint_only(tmp_path: Path) -> None:
    examples = [*EXAMPLES, sent_on(example(7))]
    unbroken = RefinementTrainer(examples, SETTINGS, earlier())
    unbroken.run_steps()
    checkpoint = tmp_path / "run.checkpoint"
    with pytest.raises(PowerCut):
        RefinementTrainer(examples, SETTINGS, earlier()).run_steps(checkpoint, cut_after_three_steps)
    for other in (earlier(6), None):
        with pytest.raises(WeightsError, match="other settings"):
            RefinementTrainer(examples, SETTINGS, other).run_steps(checkpoint)
    resumed = RefinementTrainer(examples, SETTINGS, earlier())
    resumed.run_steps(checkpoint)
    assert torch.equal(weights(resumed.averaged), weights(unbroken.averaged))


def test_how_often_a_pass_was_sent_on_does_not_tell_runs_apart(tmp_path: Path) -> None:
    """Processors that round otherwise send it on more often or less; whether it was makes another run."""
    checkpoint, stage = tmp_path / "run.checkpoint", sent_on(example(7))
    RefinementTrainer([*EXAMPLES, stage], SETTINGS).run_steps(checkpoint)
    RefinementTrainer([*EXAMPLES, stage, stage], SETTINGS).run_steps(checkpoint)
    with pytest.raises(WeightsError, match="other settings"):
        RefinementTrainer(EXAMPLES, SETTINGS).run_steps(checkpoint)


def test_passes_that_were_sent_on_are_measured_by_themselves() -> None:
    held_out = [example(6, is_held_out=True), sent_on(example(6, is_held_out=True))]
    measured = RefinementTrainer([*EXAMPLES[:3], *held_out], SETTINGS).held_out_error()
    assert [each.family for each in measured.families] == ["ball", "ball sent on"]


def test_a_few_steps_make_passes_better() -> None:
    losses: list[float] = []
    trainer = RefinementTrainer(
        EXAMPLES, replace(SETTINGS, steps=80, held_out_every=80, learning_rate=2e-2, averaging=0.9)
    )
    trainer.run_steps(on_step=lambda step, loss, measured: losses.append(loss))
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    assert trainer.curve[-1].after > trainer.curve[-1].before


def test_a_network_that_has_grown_says_what_it_said_and_learns_more() -> None:
    torch.manual_seed(0)
    network = RefinementNetwork(SMALL)
    torch.nn.init.normal_(network.change.weight)
    deeper = grown(network, seed=1)
    seen = torch.randn(2, MAPS, 5, 32, 32), torch.randn(2, 5, MEASURES)
    for said, says in zip(network(*seen), deeper(*seen), strict=True):
        assert torch.equal(said, says)
    run = RefinementTrainer(EXAMPLES, replace(SETTINGS, network=deeper.settings), deeper)
    run.run_steps(None)
    added = [name for name, tensor in run.averaged.state_dict().items() if name not in network.state_dict()]
    assert len(added) > 50
    for name in added:
        if name.endswith("added.weight"):
            assert deeper.state_dict()[name].count_nonzero() == 0
            assert run.averaged.state_dict()[name].count_nonzero() > 0, name
