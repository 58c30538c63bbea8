"""What the mask prior is shown of two slices: one contrast window for both, the mask, and which greys belong to it."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from ..appearance import AppearanceModel

CHANNELS = 5
MASK = 2
"""Place of the reference's mask among the channels."""

_LARGEST = 1.6
"""Windowed intensities are cut there; the window's ends lie at about half of it."""


def network_inputs(target: torch.Tensor, reference: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
    """Crops made into the network's channels: target, reference, mask, appearance on target and on reference.

    The window is set for what lies in and around the mask: neighbours of similar grey stay apart even where bone and
    air are in view. Appearance is how much each intensity speaks for the structure, by the reference's histograms.

    Args:
        target, reference: (batch, size, size), intensities 0..1.
        soft: (batch, size, size), the mask on the reference, 0..1.

    Returns:
        float32 (batch, CHANNELS, size, size).
    """
    low, high = (bound[:, None] for bound in local_range(reference, soft))
    pair = torch.stack([target, reference], dim=1)
    windowed = (pair - (low + high) / 2) / (0.6 * (high - low))
    appearance = torch.stack([_appearance(*each) for each in zip(pair, soft, strict=True)])
    return torch.cat([windowed.clamp(-_LARGEST, _LARGEST), soft[:, None] * 2 - 1, appearance], dim=1)


def local_range(slices: torch.Tensor, soft: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The 2nd and 98th percentile of the intensities in and around a mask.

    Args:
        slices: (batch, size, size), intensities.
        soft: (batch, size, size), the mask on them, 0..1.

    Returns:
        low and high, (batch, 1, 1) each; high is at least 0.02 above low.
    """
    coarse = functional.max_pool2d(soft[:, None], 2)
    inside = (coarse > 0.5 * coarse.amax(dim=(2, 3), keepdim=True)).float()
    near = functional.max_pool2d(inside, 9, stride=1, padding=4)[:, 0] > 0
    values = torch.where(near, slices[:, ::2, ::2], torch.nan).flatten(1)
    shares = torch.tensor([0.02, 0.98], dtype=values.dtype)
    low, high = torch.nanquantile(values, shares, dim=1).nan_to_num(0.0)[..., None, None]
    return low, torch.maximum(high, low + 0.02)


def _appearance(pair: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
    """(2, size, size), -1..1: on target and reference, by the mask on the reference."""
    slices = pair.numpy()
    model = AppearanceModel.from_anchor(slices[1], soft.numpy())
    return torch.from_numpy(model.map(slices).astype(np.float32))
