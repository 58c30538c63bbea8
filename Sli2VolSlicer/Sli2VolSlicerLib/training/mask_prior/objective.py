"""What the mask prior's training minimises."""

from __future__ import annotations

import torch
from torch.nn import functional

_DICE_PIXELS = 30.0
"""Added above and below, so that the last pixels of a structure do not decide everything."""

_PRESENCE_WEIGHT = 0.2
_MOST_EXCESS = 2.0


def mask_prior_loss(
    logits: torch.Tensor, there: torch.Tensor, truth: torch.Tensor, reference: torch.Tensor
) -> torch.Tensor:
    """Soft Dice and cross-entropy of the mask, and cross-entropy of the structure being there at all.

    Where the truth is empty Dice hardly changes with what is drawn; there the area drawn counts instead, as a share
    of the reference's. The thesis has the cross-entropy alone.

    Args:
        logits, truth, reference: (batch, size, size); the reference is the mask that was handed in.
        there: (batch,), logits.
    """
    soft = torch.sigmoid(logits)
    drawn, area = soft.sum(dim=(1, 2)), truth.sum(dim=(1, 2))
    dice = 1 - (2 * (soft * truth).sum(dim=(1, 2)) + _DICE_PIXELS) / (drawn + area + _DICE_PIXELS)
    excess = drawn / (reference.sum(dim=(1, 2)) + _DICE_PIXELS)
    present = (truth > 0.5).flatten(1).any(dim=1)
    pixels = functional.binary_cross_entropy_with_logits(logits, truth)
    presence = functional.binary_cross_entropy_with_logits(there, present.float())
    return torch.where(present, dice, excess.clamp(max=_MOST_EXCESS)).mean() + pixels + _PRESENCE_WEIGHT * presence
