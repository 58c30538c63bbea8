"""Local affinity (Sli2Vol, Eq. 2) and weighted copying (Eq. 3) as tiled batched matrix products.

Every query pixel compares itself with the keys of a (2R+1)x(2R+1) window. Written plainly that
gathers every key 225 times; here 8x8 queries share one (8+2R)x(8+2R) block of keys, so that the
comparison is one matrix product per tile, for all labels at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import torch
from torch.nn import functional

TILE = 8
"""Queries per tile side."""


@lru_cache(maxsize=8)
def _window_bias(radius: int, device: torch.device) -> torch.Tensor:
    """0 where a key of the block is in the query's window, -inf elsewhere: (64, block*block)."""
    block = TILE + 2 * radius
    query = torch.arange(TILE, device=device) + radius
    key = torch.arange(block, device=device)
    near = (query[:, None] - key[None, :]).abs() <= radius
    inside = (near[:, None, :, None] & near[None, :, None, :]).reshape(TILE * TILE, block * block)
    return torch.zeros(inside.shape, device=device).masked_fill_(~inside, float("-inf"))


def query_tiles(query: torch.Tensor) -> torch.Tensor:
    """(batch, channels, rows, columns), sides multiples of 8 -> (batch, tiles, 64, channels)."""
    batch, channels, rows, columns = query.shape
    tiles = query.reshape(batch, channels, rows // TILE, TILE, columns // TILE, TILE)
    return tiles.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, TILE * TILE, channels)


def key_blocks(padded: torch.Tensor, radius: int) -> torch.Tensor:
    """(batch, channels, rows + 2R, columns + 2R) -> (batch, tiles, block*block, channels)."""
    block = TILE + 2 * radius
    windows = padded.unfold(2, block, TILE).unfold(3, block, TILE)
    batch, channels = windows.shape[:2]
    return windows.permute(0, 2, 3, 4, 5, 1).reshape(batch, -1, block * block, channels)


def untile(tiles: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """(batch, tiles, 64, channels) -> (batch, channels, rows, columns); inverse of `query_tiles`."""
    batch, _, _, channels = tiles.shape
    grid = tiles.reshape(batch, rows // TILE, columns // TILE, TILE, TILE, channels)
    return grid.permute(0, 5, 1, 3, 2, 4).reshape(batch, channels, rows, columns)


def tile_logits(
    query: torch.Tensor, padded_key: torch.Tensor, outside: torch.Tensor | None, radius: int
) -> torch.Tensor:
    """<q(u), k(v)> for every key v of every query's block; -inf outside the window and the slice.

    Args:
        query: (batch, channels, rows, columns), sides multiples of 8.
        padded_key: (batch, channels, rows + 2R, columns + 2R).
        outside: bool (rows + 2R, columns + 2R), True where a key lies outside the slice; None if none does.
        radius: window radius R in pixels.

    Returns:
        (batch, tiles, 64, block*block), float32.
    """
    logits = torch.matmul(query_tiles(query), key_blocks(padded_key, radius).transpose(-1, -2)).float()
    logits = logits + _window_bias(radius, query.device)
    if outside is not None and bool(outside.any()):
        hidden = key_blocks(outside[None, None].float(), radius)[..., 0] > 0
        logits = logits.masked_fill(hidden[:, :, None, :], float("-inf"))
    return logits


def padded(x: torch.Tensor, by: tuple[int, int, int, int], value: float = 0.0) -> torch.Tensor:
    """`functional.pad`, which copies even where nothing is to be added."""
    return functional.pad(x, by, value=value) if any(by) else x


def pad_to_tiles(x: torch.Tensor) -> torch.Tensor:
    """Zeros below and to the right until both sides are multiples of 8."""
    rows, columns = x.shape[-2:]
    return padded(x, (0, -columns % TILE, 0, -rows % TILE))


TILES_AT_ONCE = 192
"""Tiles whose weights are held in memory together (192 tiles are 24 MB)."""


_ROUND = 16


def round_number(chosen: torch.Tensor) -> torch.Tensor:
    """Some tiles, the last of them named again until they are a multiple of 16.

    A matrix product of a batch of a size not seen before costs half a millisecond more than of one that was.
    """
    missing = -len(chosen) % _ROUND
    return torch.cat([chosen, chosen[-1:].expand(missing, *chosen.shape[1:])]) if missing else chosen


def copy_by_affinity(query: torch.Tensor, key: torch.Tensor, values: torch.Tensor, radius: int) -> torch.Tensor:
    """Weight and copy `values` from the whole key slice to the whole query slice (Sli2Vol, Eq. 2 and 3).

    Args:
        query: (1, channels, rows, columns) features of the slice to fill.
        key: features of the slice to copy from, same shape.
        values: (1, labels, rows, columns) to copy.
        radius: window radius in pixels; keys outside the slice take no part.

    Returns:
        (1, labels, rows, columns), float32.
    """
    around = (radius,) * 4
    outside = torch.zeros(key.shape[-2:], dtype=torch.bool, device=key.device)
    return copy_where_open(
        query,
        functional.pad(key, around),
        functional.pad(values, around),
        functional.pad(outside, around, value=True),
        radius,
    )


def copy_where_open(
    query: torch.Tensor,
    padded_key: torch.Tensor,
    padded_values: torch.Tensor,
    outside: torch.Tensor,
    radius: int,
    tolerance: float = 1e-3,
    weights: TileWeights | None = None,
) -> torch.Tensor:
    """Sli2Vol, Eq. 2 and 3, computing only the tiles where the outcome is open.

    Where every key that a tile can see carries the same values, the weighted mean is that value
    whatever the weights: deep inside a structure and far outside it nothing needs computing.
    It computes in the features' precision.

    Args:
        query: (1, channels, rows, columns).
        padded_key: (1, channels, rows + 2R, columns + 2R).
        padded_values: (1, labels, rows + 2R, columns + 2R).
        outside: bool (rows + 2R, columns + 2R), True where a key must take no part.
        radius: window radius R in pixels.
        tolerance: values that differ by no more than this count as the same.
        weights: where the tiles' weights come from; computed by default.

    Returns:
        (1, labels, rows, columns), float32.
    """
    rows, columns = query.shape[-2:]
    labels = padded_values.shape[1]
    block = TILE + 2 * radius
    query = pad_to_tiles(query)
    full_rows, full_columns = query.shape[-2:]
    below, beside = full_rows - rows, full_columns - columns
    padded_key, padded_values = padded(padded_key, (0, beside, 0, below)), padded_values.float()
    if below or beside:
        padded_values = functional.pad(padded_values, (0, beside, 0, below), mode="replicate")
    outside = padded(outside, (0, beside, 0, below), value=True)
    highest = functional.max_pool2d(padded_values, block, TILE)[0]
    lowest = -functional.max_pool2d(-padded_values, block, TILE)[0]
    is_open = ((highest - lowest) > tolerance).any(dim=0)
    result = (0.5 * (highest + lowest)).repeat_interleave(TILE, 1).repeat_interleave(TILE, 2)
    tiles = result.reshape(labels, full_rows // TILE, TILE, full_columns // TILE, TILE)
    # A key outside the slice carries neither a value nor a share of the weights' sum.
    inside = (~outside).to(query.dtype)[None]
    shared = torch.cat([padded_values[0].to(query.dtype) * inside, inside])
    values = shared.unfold(1, block, TILE).unfold(2, block, TILE)
    pair = FeaturePair(query, padded_key, radius)
    for chosen, weighted in (weights or pair).weights_of(is_open, pair):
        down, right = chosen[:, 0], chosen[:, 1]
        v = values[:, down, right].transpose(0, 1).reshape(len(chosen), labels + 1, block * block)
        # This way round takes half the time of the other.
        sums = torch.bmm(v, weighted.transpose(1, 2)).float()
        tiles[:, down, :, right, :] = (sums[:, :labels] / sums[:, labels:]).reshape(-1, labels, TILE, TILE)
    return result[None, :, :rows, :columns]


class TileWeights(Protocol):
    """Gives tiles' affinities, computed or kept."""

    def weights_of(self, wanted: torch.Tensor, pair: FeaturePair) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The weights of some tiles, a part of them at a time.

        Args:
            wanted: bool (tiles down, tiles right).
            pair: computes what is not kept.

        Yields:
            The tiles, int64 (some, 2: down, right), and their weights, (some, 64, block*block), not yet summing to 1.
            A tile may be named twice.
        """
        ...


@dataclass(frozen=True, eq=False)
class FeaturePair:
    """Two slices' features, whose affinity is asked for tile by tile.

    Attributes:
        query: (1, channels, rows, columns), sides multiples of 8.
        padded_key: (1, channels, rows + 2R, columns + 2R).
        radius: window radius R in pixels.
    """

    query: torch.Tensor
    padded_key: torch.Tensor
    radius: int

    def weights_of(self, wanted: torch.Tensor, pair: FeaturePair) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All computed (`TileWeights`); `pair` is this one."""
        for chosen in torch.nonzero(wanted).split(TILES_AT_ONCE) if bool(wanted.any()) else ():
            rounded = round_number(chosen)
            yield rounded, self.weights(rounded)

    def weights(self, chosen: torch.Tensor) -> torch.Tensor:
        """Exponentials of the tiles' affinities less their maxima, (tiles, 64, block*block).

        Args:
            chosen: int64 (tiles, 2), down and right.
        """
        count, block = len(chosen), TILE + 2 * self.radius
        down, right = chosen[:, 0], chosen[:, 1]
        rows, columns = self.query.shape[-2:]
        queries = self.query[0].reshape(-1, rows // TILE, TILE, columns // TILE, TILE)
        keys = self.padded_key[0].unfold(1, block, TILE).unfold(2, block, TILE)
        q = queries[:, down, :, right].reshape(count, -1, TILE * TILE).transpose(1, 2)
        k = keys[:, down, right].permute(1, 0, 2, 3).reshape(count, -1, block * block)
        # Softmax by hand: torch's takes four times as long, and its division falls to the few sums of the copying.
        weights = torch.bmm(q, k).add_(_window_bias(self.radius, self.query.device).to(self.query.dtype))
        return weights.sub_(weights.amax(dim=-1, keepdim=True)).exp_()
