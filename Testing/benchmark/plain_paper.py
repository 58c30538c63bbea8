"""`sli2vol-paper` the plain way: what the speed of everything else is compared with.

Full slices, both slices' features computed for every step, every key gathered once for each of the
225 positions of the window, float32. No cropping, no tiling, nothing kept from the step before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

ROWS_AT_ONCE = 32
"""Rows of queries gathered together: all at once would take 3.8 GB for a 256x256 slice."""


def plain_copy(query: torch.Tensor, key: torch.Tensor, values: torch.Tensor, radius: int) -> torch.Tensor:
    """Sli2Vol's Eq. 2 and 3 as they are written.

    Keys outside the slice take no part.

    Args:
        query, key: (channels, rows, columns) features of the slice to fill and of the one to copy from.
        values: (labels, rows, columns) of the slice to copy from.
        radius: of the window, in pixels.

    Returns:
        (labels, rows, columns).
    """
    import torch
    from torch.nn import functional

    channels, rows, columns = query.shape
    side = 2 * radius + 1
    padded = [functional.pad(x, (radius,) * 4) for x in (key, values, torch.ones(1, rows, columns))]
    bands = []
    for start in range(0, rows, ROWS_AT_ONCE):
        stop = min(rows, start + ROWS_AT_ONCE)
        keys, copied, inside = (
            functional.unfold(x[None, :, start : stop + 2 * radius], side).reshape(len(x), side * side, -1)
            for x in padded
        )
        logits = (query[:, start:stop].reshape(channels, 1, -1) * keys).sum(dim=0)
        weights = torch.softmax(logits.masked_fill(inside[0] == 0, float("-inf")), dim=0)
        bands.append((weights[None] * copied).sum(dim=1).reshape(-1, stop - start, columns))
    return torch.cat(bands, dim=1)


def plain_step(
    network: nn.Module, reference: torch.Tensor, target: torch.Tensor, values: torch.Tensor, radius: int
) -> torch.Tensor:
    """Carry `values` from one slice to the next.

    Args:
        network: slices (1, 1, rows, columns) in, features (1, channels, rows, columns) out.
        reference, target: (rows, columns), 0..1.
        values: (labels, rows, columns) on the reference.
        radius: of the window, in pixels.

    Returns:
        (labels, rows, columns) on the target.
    """
    import torch

    with torch.inference_mode():
        key = network(reference[None, None])[0]
        query = network(target[None, None])[0]
        return plain_copy(query, key, values, radius)
