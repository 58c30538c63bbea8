"""What is done to a training pair so that matching intensities alone cannot solve it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional


@dataclass(frozen=True)
class AugmentationSettings:
    """Drawn for each slice of a pair independently.

    Attributes:
        gamma: largest exponent; its inverse is the smallest.
        contrast: largest relative change of contrast.
        brightness: largest shift (intensities 0..1).
        noise: largest standard deviation of white noise.
    """

    gamma: float = 1.5
    contrast: float = 0.15
    brightness: float = 0.06
    noise: float = 0.03


def jitter_intensity(
    slices: torch.Tensor, settings: AugmentationSettings, generator: np.random.Generator
) -> torch.Tensor:
    """Gamma, contrast, brightness and noise, drawn for every slice on its own.

    Args:
        slices: (count, rows, columns), 0..1.

    Returns:
        the same shape, clipped to 0..1.
    """
    count = slices.shape[0]

    def drawn(low: float, high: float) -> torch.Tensor:
        return torch.from_numpy(generator.uniform(low, high, (count, 1, 1)).astype(np.float32))

    exponent = torch.exp(drawn(-np.log(settings.gamma), np.log(settings.gamma)))
    result = slices.clamp(1e-4, 1) ** exponent
    result = (result - 0.5) * (1 + drawn(-settings.contrast, settings.contrast)) + 0.5
    result = result + drawn(-settings.brightness, settings.brightness)
    seed = int(generator.integers(2**31))
    noise = torch.randn(slices.shape, generator=torch.Generator().manual_seed(seed))
    result = result + noise * drawn(0, settings.noise)
    return result.clamp(0, 1)


def random_flow(crop: int, largest: float, generator: np.random.Generator) -> torch.Tensor:
    """A smooth random displacement field with a random similarity: what one slice does to the next.

    Args:
        crop: side in pixels.
        largest: no displacement is longer than this along either axis, in pixels.

    Returns:
        float32 (2, crop, crop): (row, column) displacement in pixels.
    """
    nodes = int(generator.integers(3, 9))
    coarse = torch.from_numpy(generator.normal(0, 1, (1, 2, nodes, nodes)).astype(np.float32))
    smooth = functional.interpolate(coarse, size=(crop, crop), mode="bicubic", align_corners=True)[0]
    smooth = smooth * float(generator.uniform(0, 2.5))
    line = torch.arange(crop, dtype=torch.float32) - (crop - 1) / 2
    row, column = torch.meshgrid(line, line, indexing="ij")
    growth, turn = generator.uniform(-0.08, 0.08), np.deg2rad(generator.uniform(-6, 6))
    shift = generator.uniform(-3, 3, 2)
    similarity = torch.stack([growth * row - turn * column + shift[0], turn * row + growth * column + shift[1]])
    return (smooth + similarity.float()).clamp(-largest, largest)
