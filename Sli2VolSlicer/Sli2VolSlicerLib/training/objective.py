"""What training minimises: slice reconstruction, and correspondence under a known deformation."""

from __future__ import annotations

from types import EllipsisType

import torch
from torch.nn import functional

from ..engine.affinity import TILE, key_blocks, query_tiles, tile_logits, untile

MARGIN = 16
"""Pixels at the border of a training crop that are seen but not reconstructed."""

_LEAST_MASS = 4.0
"""Pixels of a structure in the middle of a crop, for it to be carried."""

_NEAR = 6
"""Pixels around a structure where its cross-entropy counts."""


def reconstruction_targets(slices: torch.Tensor) -> torch.Tensor:
    """What is weighed and copied: intensity, and the strength of edges.

    Edges among the targets ask for the right place, where intensity alone is satisfied by any
    pixel of the same grey.

    Args:
        slices: (batch, 1, rows, columns), 0..1.

    Returns:
        (batch, 2, rows, columns).
    """
    down = functional.pad(slices, (0, 0, 1, 1), mode="replicate")
    right = functional.pad(slices, (1, 1, 0, 0), mode="replicate")
    gradient = (down[..., 2:, :] - down[..., :-2, :]).abs() + (right[..., 2:] - right[..., :-2]).abs()
    return torch.cat([slices, functional.avg_pool2d(gradient, 3, stride=1, padding=1)], dim=1)


def reconstruction_error(
    query: torch.Tensor, key: torch.Tensor, source: torch.Tensor, target: torch.Tensor, radius: int
) -> torch.Tensor:
    """Mean absolute error between a slice and its copy by affinity (Sli2Vol, Eq. 3 and section 2.2).

    Only the middle of the crop is reconstructed: there every query sees its whole window, and
    the network its whole surroundings.

    Args:
        query, key: (batch, channels, rows, columns) features of target and source.
        source, target: (batch, values, rows, columns).
    """
    logits, outer = _middle_logits(query, key, radius)
    weights = torch.softmax(logits, dim=-1)
    copied = torch.matmul(weights, key_blocks(source[outer], radius))
    return (copied - query_tiles(target[_middle(query)])).abs().mean()


def correspondence_error(query: torch.Tensor, key: torch.Tensor, flow: torch.Tensor, radius: int) -> torch.Tensor:
    """Cross-entropy of the affinity against a known correspondence u -> u + flow(u).

    The true place lies between four keys; each gets its bilinear share. Queries whose place is
    outside the slice are left out.

    Args:
        query, key: (batch, channels, rows, columns).
        flow: (batch, 2, rows, columns), in pixels, at most `radius` - 1 either way.
    """
    rows, columns = query.shape[-2:]
    block = TILE + 2 * radius
    logits, _ = _middle_logits(query, key, radius)
    log_weights = torch.log_softmax(logits, dim=-1)
    line = [torch.arange(n, device=key.device, dtype=torch.float32) for n in (rows, columns)]
    place = torch.stack(torch.meshgrid(*line, indexing="ij"))[None] + flow
    inside = ((place >= 0) & (place <= torch.tensor([rows - 1.0, columns - 1.0])[:, None, None].to(place))).all(1)
    valid = query_tiles(inside[:, None].float()[_middle(query)])[..., 0]
    tiled = query_tiles(flow[_middle(query)])
    within = torch.arange(TILE, device=key.device, dtype=torch.float32) + radius
    row, column = tiled[..., 0] + within.repeat_interleave(TILE), tiled[..., 1] + within.repeat(TILE)
    above, left = row.floor(), column.floor()
    down, right = row - above, column - left
    first = (above * block + left).long()
    corners = torch.stack([first, first + 1, first + block, first + block + 1], dim=-1)
    shares = torch.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], dim=-1)
    picked = log_weights.gather(-1, corners.clamp(0, block * block - 1)).clamp(min=-30)
    return -((shares * picked).sum(dim=-1) * valid).sum() / valid.sum().clamp(min=1)


def _middle(features: torch.Tensor) -> tuple[slice | EllipsisType, ...]:
    """The part of a crop at least MARGIN pixels from its border."""
    rows, columns = features.shape[-2:]
    return ..., slice(MARGIN, rows - MARGIN), slice(MARGIN, columns - MARGIN)


def _middle_logits(
    query: torch.Tensor, key: torch.Tensor, radius: int
) -> tuple[torch.Tensor, tuple[slice | EllipsisType, ...]]:
    """Logits of the middle's queries, and where in the crop their keys are."""
    rows, columns = key.shape[-2:]
    edge = MARGIN - radius
    outer = ..., slice(edge, rows - edge), slice(edge, columns - edge)
    return tile_logits(query[_middle(query)], key[outer], None, radius), outer


def carrying_error(features: torch.Tensor, masks: torch.Tensor, radius: int) -> torch.Tensor:
    """Error of soft masks carried from the first slice of a run over all others, as a pass carries them (Eq. 3).

    Half of it is one less the soft Dice, half cross-entropy near the structure. A structure is followed while it is
    there; at the border of the crop, where not all keys are seen, the true mask is carried on.

    Args:
        features: (runs, slices, channels, rows, columns).
        masks: (runs, slices, labels, rows, columns), 0..1.
        radius: window radius in pixels.
    """
    carried = masks[:, 0]
    middle = _middle(masks)
    is_there = carried[middle].sum(dim=(2, 3)) >= _LEAST_MASS
    total, count = features.new_zeros(()), features.new_zeros(())
    for number in range(1, masks.shape[1]):
        logits, outer = _middle_logits(features[:, number], features[:, number - 1], radius)
        found = torch.matmul(torch.softmax(logits, dim=-1), key_blocks(carried[outer], radius))
        truth = masks[:, number][middle]
        is_there = is_there & (truth.sum(dim=(2, 3)) >= _LEAST_MASS)
        seen = untile(found, *truth.shape[-2:]).clamp(0, 1)
        total = total + (_carried_error(seen, truth) * is_there).sum()
        count = count + is_there.sum()
        carried = masks[:, number].clone()
        carried[middle] = seen
    return total / count.clamp(min=1)


def _carried_error(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """(runs, labels) of masks (runs, labels, rows, columns)."""
    common, mass = (found * truth).sum(dim=(2, 3)), (found + truth).sum(dim=(2, 3))
    near = functional.max_pool2d(truth, 2 * _NEAR + 1, 1, _NEAR)
    entropy = functional.binary_cross_entropy(found.clamp(1e-3, 1 - 1e-3), truth, reduction="none")
    pixels = (entropy * near).sum(dim=(2, 3)) / near.sum(dim=(2, 3)).clamp(min=1)
    return 0.5 * (1 - 2 * common / mass.clamp(min=1e-3)) + 0.5 * pixels
