"""The edge profile g(S): what the network sees instead of raw intensities (Sli2Vol, section 2.3)."""

from __future__ import annotations

import torch
from torch.nn import functional

DIRECTIONS: tuple[tuple[int, int], ...] = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""d = 8 directions, as (row, column) steps."""

SCALES: tuple[int, ...] = (1, 2, 4)
"""s = 3 scales, in pixels."""

CHANNELS = len(DIRECTIONS) * len(SCALES)

INTENSITY_SCALE = 50.0
"""Intensities in 0..1 are multiplied by this before the softmax.

The paper does not give a scale, and it decides everything: on 0..1 the softmax is almost
uniform and carries nothing, on 0..255 it is almost one-hot on noise.
"""


def edge_profile(slices: torch.Tensor, intensity_scale: float = INTENSITY_SCALE) -> torch.Tensor:
    """Derivatives in 8 directions at 3 scales, softmax over all 24 (Sli2Vol, section 2.3).

    Args:
        slices: (batch, 1, rows, columns), intensities in 0..1.
        intensity_scale: contrast given to the softmax.

    Returns:
        (batch, 24, rows, columns), summing to 1 over the channels.
    """
    reach = max(SCALES)
    rows, columns = slices.shape[-2:]
    padded = functional.pad(slices * intensity_scale, (reach, reach, reach, reach), mode="replicate")
    centre = padded[..., reach : reach + rows, reach : reach + columns]
    derivatives = [
        centre
        - padded[
            ...,
            reach + scale * row : reach + scale * row + rows,
            reach + scale * column : reach + scale * column + columns,
        ]
        for scale in SCALES
        for row, column in DIRECTIONS
    ]
    return torch.softmax(torch.cat(derivatives, dim=1), dim=1)
