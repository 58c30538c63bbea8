"""Affinities kept from a rehearsal: they depend on two slices alone, not on what is drawn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch.nn import functional

from .affinity import FeaturePair, round_number


class KeptWeights:
    """Tiles' weights between one slice and another; speaks `TileWeights`.

    Args:
        tiles: int64 (tiles, 2), down and right on the whole slice's lattice of tiles.
        weights: (tiles, 64, block*block).
    """

    def __init__(self, tiles: torch.Tensor, weights: torch.Tensor) -> None:
        down, right = (int(value) + 1 for value in tiles.amax(dim=0))
        self._place = torch.full((down, right), -1, dtype=torch.long, device=tiles.device)
        self._place[tiles[:, 0], tiles[:, 1]] = torch.arange(len(tiles), device=tiles.device)
        self.weights = weights

    @property
    def megabytes(self) -> float:
        return self.weights.numel() * self.weights.element_size() / 1e6

    def seen_from(self, down: int, right: int) -> _Shifted:
        """The same for a part of the slice that begins at this tile."""
        return _Shifted(self, down, right)

    def places(self, tiles: torch.Tensor) -> torch.Tensor:
        """Where each tile's weights lie, -1 where they are not kept: int64 (tiles,)."""
        rows, columns = self._place.shape
        within = (tiles[:, 0] < rows) & (tiles[:, 1] < columns)
        found = self._place[tiles[:, 0].clamp(max=rows - 1), tiles[:, 1].clamp(max=columns - 1)]
        return torch.where(within, found, -1)


class _Shifted:
    def __init__(self, kept: KeptWeights, down: int, right: int) -> None:
        self._kept = kept
        self._origin = torch.tensor([down, right])

    def weights_of(self, wanted: torch.Tensor, pair: FeaturePair) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Kept tiles first, then those that must be computed."""
        tiles = torch.nonzero(wanted)
        places = self._kept.places(tiles + self._origin.to(tiles.device))
        is_kept = places >= 0
        if bool(is_kept.any()):
            chosen = round_number(torch.nonzero(is_kept)[:, 0])
            # Three times as fast as indexing with a tensor.
            yield tiles[chosen], self._kept.weights.index_select(0, places[chosen])
        missing = torch.zeros_like(wanted)
        missing[tuple(tiles[~is_kept].T)] = True
        yield from pair.weights_of(missing, pair)


class Rehearsed:
    """A rehearsal's affinities, of one pair of slices after the other, within a memory bound."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], KeptWeights] = OrderedDict()

    @property
    def megabytes(self) -> float:
        """What they occupy."""
        return sum(kept.megabytes for kept in self._kept.values())

    def find(self, reference: int, target: int) -> KeptWeights | None:
        return self._kept.get((reference, target))

    def keep(self, reference: int, target: int, kept: KeptWeights) -> None:
        self._kept[reference, target] = kept
        self._kept.move_to_end((reference, target))

    def forget_beyond(self, bound_mb: float) -> None:
        """Forget the oldest while all of them are more than this."""
        while self._kept and self.megabytes > bound_mb:
            self._kept.popitem(last=False)

    def forget_all(self) -> None:
        self._kept.clear()


class Recorder:
    """Computes tiles' weights, and those of the tiles around, and keeps them all; speaks `TileWeights`.

    What will be drawn is not known: a tile's width more on every side is likely to be asked for.

    Args:
        down, right: the part's first tile on the whole slice's lattice of tiles.
    """

    def __init__(self, down: int, right: int) -> None:
        self._origin = torch.tensor([down, right])
        self.kept: KeptWeights | None = None

    def weights_of(self, wanted: torch.Tensor, pair: FeaturePair) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """What is wanted; what lies around it is only kept."""
        if not bool(wanted.any()):
            return
        around = functional.max_pool2d(wanted[None, None].float(), 3, 1, 1)[0, 0] > 0
        parts = list(pair.weights_of(around, pair))
        tiles, weights = (torch.cat(each) for each in zip(*parts, strict=True))
        self.kept = KeptWeights(tiles + self._origin.to(tiles.device), weights)
        is_wanted = wanted[tiles[:, 0], tiles[:, 1]]
        yield tiles[is_wanted], weights[is_wanted]
