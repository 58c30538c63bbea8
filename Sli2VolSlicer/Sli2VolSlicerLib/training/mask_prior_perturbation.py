"""What is done to the mask prior's crops: other scanners' images, and masks as propagation leaves them."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from ..engine.mask_prior import local_range


def _drawn(count: int, low: float, high: float, generator: np.random.Generator, axes: int = 3) -> torch.Tensor:
    """One number per sample, shaped to multiply (count, ...) arrays of 1 + `axes` axes."""
    values = generator.uniform(low, high, (count, *[1] * axes)).astype(np.float32)
    return torch.from_numpy(values)


def _chosen(count: int, share: float, generator: np.random.Generator, axes: int = 3) -> torch.Tensor:
    return torch.from_numpy(generator.random((count, *[1] * axes)) < share)


def _field(count: int, nodes: int, size: int, generator: np.random.Generator, channels: int = 1) -> torch.Tensor:
    """Smooth noise: (count, channels, size, size)."""
    coarse = torch.from_numpy(generator.normal(0, 1, (count, channels, nodes, nodes)).astype(np.float32))
    return functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)


def alter_images(images: torch.Tensor, masks: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Contrast, bias, blur and noise, mostly the same for all slices of a sample.

    Args:
        images: (batch, slices, size, size), 0..1.
        masks: (batch, size, size), the structure on the second slice: windows and noise are in
            proportion to the contrast in and around it.
    """
    count, slices, size = images.shape[:3]
    result = images.clamp(1e-4, 1) ** torch.exp(_drawn(count, -0.6, 0.6, generator))
    low, high = (v[:, None] for v in local_range(result[:, 1], masks))
    below, above = (_drawn(count, 0.0, 1.0, generator) for _ in range(2))
    windowed = (result - low) / (high - low) + below
    windowed = windowed / (1 + below + above)
    result = torch.where(_chosen(count, 0.4, generator), windowed.clamp(0, 1), result)
    result = torch.where(_chosen(count, 0.25, generator), 1 - result, result)
    blurred = functional.avg_pool2d(functional.pad(result, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    result = torch.where(_chosen(count, 0.2, generator), blurred, result)
    coarse = functional.interpolate(functional.avg_pool2d(result, 3), size=(size, size), mode="bilinear")
    result = torch.where(_chosen(count, 0.1, generator), coarse, result)
    low, high = (v[:, None] for v in local_range(result[:, 1], masks))
    contrast = (high - low).clamp(max=0.5)
    bias = contrast * _field(count, 3, size, generator) * _drawn(count, 0.0, 0.3, generator)
    result = torch.where(_chosen(count, 0.4, generator), result + bias, result)
    shift = torch.from_numpy(generator.normal(0, 0.04, (count, slices, 1, 1)).astype(np.float32))
    seed = torch.Generator().manual_seed(int(generator.integers(2**31)))
    strength = _drawn(count, -0.08, 0.16, generator).clamp(min=0)
    return result + contrast * (shift + torch.randn(result.shape, generator=seed) * strength)


def perturb_masks(masks: torch.Tensor, generator: np.random.Generator, clean_share: float = 0.25) -> torch.Tensor:
    """Masks as a few steps of propagation leave them: displaced, grown or shrunk, ragged, torn, leaking, soft.

    Args:
        masks: (batch, size, size), 0..1.
        clean_share: share left as it is, as on a slice that the user drew.
    """
    count, size = masks.shape[0], masks.shape[-1]
    result = functional.grid_sample(masks[:, None], _displaced(count, size, generator), align_corners=False)
    reach = int(generator.integers(1, 4))
    blurred = functional.avg_pool2d(result, 2 * reach + 1, stride=1, padding=reach)
    ragged = _field(count, int(generator.integers(8, 20)), size, generator) * _drawn(count, 0, 0.2, generator)
    grown = blurred - 0.5 + _drawn(count, -0.3, 0.3, generator) + ragged
    # No mask appears where none was near.
    result = torch.sigmoid(grown * _drawn(count, 8, 30, generator)) * (blurred > 0.02)
    for leak in (True, False):
        bumps = torch.stack([_bump(m[0], generator) for m in result])[:, None]
        changed = torch.maximum(result, bumps) if leak else result * (1 - bumps)
        result = torch.where(_chosen(count, 0.22, generator), changed, result)
    faded = result * _drawn(count, 0.6, 1.0, generator)
    result = torch.where(_chosen(count, 0.2, generator), faded, result)
    return torch.where(_chosen(count, clean_share, generator), masks[:, None], result)[:, 0]


def _displaced(count: int, size: int, generator: np.random.Generator) -> torch.Tensor:
    """Sampling grids (count, size, size, 2) of small rotations, scalings, shifts and bends."""
    angle = generator.normal(0, np.deg2rad(3), count)
    scale = np.exp(generator.uniform(-0.1, 0.1, (count, 2)))
    shift = generator.normal(0, 0.03, (count, 2))
    matrix = np.zeros((count, 2, 3), np.float32)
    matrix[:, 0, 0], matrix[:, 0, 1] = np.cos(angle) * scale[:, 0], -np.sin(angle)
    matrix[:, 1, 0], matrix[:, 1, 1] = np.sin(angle), np.cos(angle) * scale[:, 1]
    matrix[:, :, 2] = shift
    grid = functional.affine_grid(torch.from_numpy(matrix), [count, 1, size, size], align_corners=False)
    bend = _field(count, int(generator.integers(4, 8)), size, generator, 2) * _drawn(count, 0, 0.05, generator)
    return grid + bend.permute(0, 2, 3, 1)


def _bump(mask: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """A soft disk on the mask's boundary: (size, size), 0..1."""
    size = mask.shape[-1]
    boundary = torch.nonzero((mask - 0.5).abs() < 0.4)
    if len(boundary) == 0:
        return torch.zeros_like(mask)
    row, column = boundary[int(generator.integers(len(boundary)))].tolist()
    radius = float(generator.uniform(0.04, 0.2)) * size
    stretch = float(np.exp(generator.normal(0, 0.4)))
    line = torch.arange(size, dtype=torch.float32)
    distance = ((line[:, None] - row) * stretch) ** 2 + ((line[None, :] - column) / stretch) ** 2
    return torch.sigmoid((radius - torch.sqrt(distance)) * 1.5)
