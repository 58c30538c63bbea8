"""The loss on hand-made masks."""

from __future__ import annotations

import math

import pytest
import torch
from training.refinement.toy import example, known_up_to

from Sli2VolSlicerLib.training.refinement.batches import PassBatch, whole_pass
from Sli2VolSlicerLib.training.refinement.objective import log_odds, refinement_loss, soft_dice


def answers(batch: PassBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """A change that makes the truth of it, and verdicts that are sure of it."""
    change = torch.where(batch.truth > 0.5, 30.0, -30.0) - log_odds(batch.soft)
    is_present = (batch.truth.flatten(2) > 0.5).any(2)
    verdicts = torch.stack([torch.where(is_present, 30.0, -30.0), torch.full(is_present.shape, 30.0)], dim=-1)
    return change, verdicts


def test_the_right_answer_costs_nothing() -> None:
    batch = whole_pass(example())
    assert float(refinement_loss(*answers(batch), batch)) == pytest.approx(0, abs=1e-4)


def test_no_change_costs_what_the_pass_left_wrong() -> None:
    batch = whole_pass(example())
    loss = refinement_loss(torch.zeros_like(batch.soft), torch.zeros(1, batch.soft.shape[1], 2), batch)
    assert float(loss) > 0.5


def test_what_does_not_count_costs_nothing() -> None:
    batch = whole_pass(example())
    change, verdicts = answers(batch)
    change[:, 0], verdicts[:, 0] = -change[:, 0], -verdicts[:, 0]
    assert float(refinement_loss(change, verdicts, batch)) == pytest.approx(0, abs=1e-4)
    change[:, 1] = -change[:, 1]
    assert float(refinement_loss(change, verdicts, batch)) > 0.5


def test_unknown_slices_do_not_change_the_loss() -> None:
    batch = whole_pass(known_up_to(3))
    change, verdicts = (part * 0.1 for part in answers(batch))
    loss = refinement_loss(change, verdicts, batch)
    change[:, 3:], verdicts[:, 3:] = 5, -5
    assert torch.equal(refinement_loss(change, verdicts, batch), loss)
    change[:, 2] = 5
    assert refinement_loss(change, verdicts, batch) > loss


def test_an_undecided_verdict_costs_its_weight() -> None:
    batch = whole_pass(example())
    change, verdicts = answers(batch)
    verdicts[..., 0] = 0
    assert float(refinement_loss(change, verdicts, batch)) == pytest.approx(0.2 * math.log(2), abs=1e-4)


def test_dice_of_half_is_two_thirds_and_of_nothing_is_one() -> None:
    one, other = torch.tensor([1.0, 1.0, 0.0]), torch.tensor([1.0, 0.0, 0.0])
    assert float(soft_dice(one, other, 0.0)) == pytest.approx(2 / 3)
    assert float(soft_dice(torch.zeros(3), torch.zeros(3), 1.0)) == 1.0


def test_nothing_is_beyond_being_changed() -> None:
    assert log_odds(torch.tensor([0.0, 0.5, 1.0])).tolist() == pytest.approx([-math.log(49), 0, math.log(49)], abs=1e-4)
