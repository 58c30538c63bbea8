"""Features of slices, computed once, only where they are asked for, within a memory bound."""

from __future__ import annotations

import math
from collections import OrderedDict

import torch

from .backend import Backend
from .protocol import Region, SliceSource

_LEAST_SLACK = 8
"""Pixels computed beyond what was asked for, so that a mask that drifts need not pay again."""

_SLACK_SHARE = 8
"""And at least the eighth part of the longer side: a corrected mask is often the larger one."""

_SNAP = 32
"""Crops begin and end at multiples of this: convolutions are set up anew for every size they meet."""


class FeatureCache:
    """Features of the slices of one source.

    A slice's features serve as query and as key, in both directions, for every label and every
    later call. Each slice keeps one rectangle; asked for more, it computes the union anew.

    Args:
        source: the slices.
        backend: computes them.
        bound_mb: features beyond this many megabytes are forgotten, oldest first.
    """

    def __init__(self, source: SliceSource, backend: Backend, bound_mb: float) -> None:
        self._source = source
        self._backend = backend
        self._bound_bytes = bound_mb * 1e6
        self._kept: OrderedDict[int, tuple[Region, torch.Tensor]] = OrderedDict()
        self.slices_computed = 0

    def features(self, index: int, region: Region) -> torch.Tensor:
        """Features of slice `index` within `region`: (1, channels, region rows, region columns)."""
        kept = self._kept.get(index)
        if kept is None or not kept[0].contains(region):
            wanted = region.grown(_slack(region), self._source.shape)
            if kept is not None:
                wanted = wanted.union(kept[0])
            kept = self._computed(index, wanted)
            self._kept[index] = kept
            # A slice computed anew has kept its old place, and must not be the one that goes.
            self._kept.move_to_end(index)
            self._forget()
        self._kept.move_to_end(index)
        have, tensor = kept
        return tensor[(..., *region.within(have))]

    @property
    def megabytes(self) -> float:
        """What the kept features occupy."""
        return sum(t.numel() * t.element_size() for _, t in self._kept.values()) / 1e6

    def forget_all(self) -> None:
        """Forget everything kept, as when the device changes."""
        self._kept.clear()

    def _computed(self, index: int, region: Region) -> tuple[Region, torch.Tensor]:
        """Features of all that is as if the whole slice had been computed: `region` or somewhat more."""
        settings = self._backend.settings
        shape = self._source.shape
        context = region.grown(settings.receptive_margin, shape)
        context = context.snapped(math.lcm(_SNAP, settings.alignment), shape)
        slices = torch.from_numpy(self._source.intensity(index)[context.slices].copy())[None, None]
        features = self._backend.features(slices)
        self.slices_computed += 1
        whole = context.shrunk(settings.receptive_margin, shape)
        return whole, features[(..., *whole.within(context))].contiguous()

    def _forget(self) -> None:
        while self.megabytes * 1e6 > self._bound_bytes and len(self._kept) > 4:
            self._kept.popitem(last=False)


def _slack(region: Region) -> int:
    return max(_LEAST_SLACK, max(region.shape) // _SLACK_SHARE)
