"""The gradient-enhanced image: what the network of Sli2Vol+ sees of a slice (An et al. 2025, section 3.3)."""

from __future__ import annotations

import torch
from torch.nn import functional

DIRECTIONS: tuple[tuple[int, int], ...] = ((0, 1), (1, 1), (1, 0), (1, -1))
"""d = 4 directions, as (row, column) steps: a second derivative is the same either way along a line."""

SCALES: tuple[int, ...] = (1, 2, 4)
"""s = 3 scales: half the window whose middle is the pixel."""

CHANNELS = len(DIRECTIONS) * len(SCALES)
"""Of the derivatives; the intensity is one more."""

INTENSITY_SCALE = 30.0
"""Intensities in 0..1 are multiplied by this before the softmax.

The paper names neither a scale nor d and s. As with the edge profile, it decides what the softmax says: on 0..1 it is
almost uniform. With 30 its entropy on training slices is near that of the edge profile with its 50.
"""


def gradient_enhanced(slices: torch.Tensor, intensity_scale: float = INTENSITY_SCALE) -> torch.Tensor:
    """Second derivatives in 4 directions at 3 scales, softmax over all 12, and the intensity (Sli2Vol+, Eq. 3).

    Args:
        slices: (batch, 1, rows, columns), intensities in 0..1.
        intensity_scale: contrast given to the softmax.

    Returns:
        (batch, 13, rows, columns): 12 channels that sum to 1, and the intensity less one half.
    """
    reach = max(SCALES)
    rows, columns = slices.shape[-2:]
    padded = functional.pad(slices, (reach, reach, reach, reach), mode="replicate")

    def moved(row: int, column: int) -> torch.Tensor:
        return padded[..., reach + row : reach + row + rows, reach + column : reach + column + columns]

    derivatives = [
        moved(scale * row, scale * column) - 2 * slices + moved(-scale * row, -scale * column)
        for scale in SCALES
        for row, column in DIRECTIONS
    ]
    histogram = torch.softmax(intensity_scale * torch.cat(derivatives, dim=1), dim=1)
    return torch.cat([histogram, slices - 0.5], dim=1)
