"""What training of the refinement minimises."""

from __future__ import annotations

import torch
from torch.nn import functional

from ...engine.refinement.network_refinement import log_odds
from .batches import PassBatch

_PIXELS, _SLICES, _PRESENCE, _QUALITY = 4.0, 0.5, 0.2, 0.2
"""Weights of the parts against the Dice of the whole pass."""

_SLICE_ROOM, _PASS_ROOM = 2.0, 20.0
"""Added above and below in Dice, in pixels: small structures count, empty ones do not blow up."""


def soft_dice(one: torch.Tensor, other: torch.Tensor, room: float) -> torch.Tensor:
    """Dice over the last dimension, `room` added to what is shared (twice) and to the sum of both."""
    return (2 * (one * other).sum(-1) + room) / (one.sum(-1) + other.sum(-1) + room)


def refinement_loss(change: torch.Tensor, verdicts: torch.Tensor, batch: PassBatch) -> torch.Tensor:
    """Cross-entropy of pixels, Dice of slices and passes, and what the network thinks of each slice itself.

    Args:
        change: float32 (passes, slices, side, side), of the log odds.
        verdicts: float32 (passes, slices, 2), logits of "the structure is here" and of the Dice after the change.
        batch: what the network was shown and should have answered, on the same device.
    """
    truth, counted = batch.truth, batch.counted
    odds = log_odds(batch.soft) + change
    found = odds.sigmoid()
    true_slices, found_slices = truth.flatten(2), found.flatten(2)

    def mean(of_slices: torch.Tensor) -> torch.Tensor:
        return (of_slices * counted).sum() / counted.sum().clamp(min=1)

    pixels = functional.binary_cross_entropy_with_logits(odds, truth, reduction="none").mean((2, 3))
    slices = 1 - soft_dice(found_slices, true_slices, _SLICE_ROOM)
    seen = counted[..., None]
    whole = 1 - soft_dice((found_slices * seen).flatten(1), (true_slices * seen).flatten(1), _PASS_ROOM)
    is_present = (true_slices > 0.5).any(2).float()
    with torch.no_grad():
        quality = soft_dice((odds > 0).flatten(2).float(), (true_slices > 0.5).float(), 1.0)
    presence = functional.binary_cross_entropy_with_logits(verdicts[..., 0], is_present, reduction="none")
    judged = functional.binary_cross_entropy_with_logits(verdicts[..., 1], quality, reduction="none")
    return (
        _PIXELS * mean(pixels)
        + _SLICES * mean(slices)
        + whole.mean()
        + _PRESENCE * mean(presence)
        + _QUALITY * mean(judged)
    )
