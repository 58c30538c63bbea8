"""What is done to a refined pass at the end: outlines drawn to edges, parts that hang in the air taken away."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

EDGE_REACH = 0.05
"""Radius within which an outline is drawn to edges, as a share of the square root of the drawn area."""

_FLATNESS = 0.02
"""Variance, as a share of the squared contrast, under which a place has no edge to draw to."""


def drawn_to_edges(soft: np.ndarray, intensity: np.ndarray, reach: int, contrast: float) -> np.ndarray:
    """Soft masks that follow the edges near their outlines: guided filtering (He et al. 2013, Eq. 5, 6 and 8).

    A network that sees a large structure through 64x64 pixels draws it coarser than the slice shows it.

    Args:
        soft: float32 (slices, rows, columns), 0..1.
        intensity: float32, the same shape.
        reach: radius in pixels; 0 leaves everything as it is.
        contrast: the range of intensities around the structure.
    """
    if reach < 1:
        return soft
    guide, mask = torch.from_numpy(intensity), torch.from_numpy(soft)
    of_guide, of_mask, squares, products = _means(torch.stack([guide, mask, guide * guide, guide * mask], 1), reach)
    slope = (products - of_guide * of_mask) / (squares - of_guide * of_guide + _FLATNESS * contrast**2)
    slopes, offsets = _means(torch.stack([slope, of_mask - slope * of_guide], 1), reach)
    result: np.ndarray = (slopes * guide + offsets).clamp_(0, 1).numpy()
    return result


def _means(maps: torch.Tensor, reach: int) -> tuple[torch.Tensor, ...]:
    """Means over squares, of (slices, maps, rows, columns), one tensor per map."""
    rows, columns = maps.shape[-2:]
    # Of this size products with band matrices take a fifth of the time of torch's pooling.
    return (_averaging(rows, reach) @ maps @ _averaging(columns, reach).T).unbind(1)


def _averaging(count: int, reach: int) -> torch.Tensor:
    """What takes each of `count` values to the mean of those within `reach` of it: (count, count)."""
    place = torch.arange(count)
    near = ((place[:, None] - place).abs() <= reach).float()
    return near / near.sum(dim=1, keepdim=True)


def connected(soft: np.ndarray, drawn: np.ndarray, reach: int = 1) -> np.ndarray:
    """Soft masks without the parts that do not touch the slice before.

    Args:
        soft: float32 (slices, rows, columns), the slices of a pass in its order.
        drawn: bool (rows, columns), what it starts from.
        reach: pixels from which on a part no longer touches; more where they are magnified.
    """
    result, before = soft.copy(), drawn
    for each in result:
        there = each > 0.5
        touching = _grown(before, reach) & there
        if not touching.any():
            continue
        parts, count = ndimage.label(there)
        if count > 1:
            each[there & ~np.isin(parts, np.unique(parts[touching]))] = 0.0
        before = each > 0.5
    return result


def _grown(mask: np.ndarray, by: int) -> np.ndarray:
    """A mask larger by so many pixels on each of four sides."""
    grown = mask.copy()
    for each in range(1, by + 1):
        grown[each:] |= mask[:-each]
        grown[:-each] |= mask[each:]
        grown[:, each:] |= mask[:, :-each]
        grown[:, :-each] |= mask[:, each:]
    return grown
