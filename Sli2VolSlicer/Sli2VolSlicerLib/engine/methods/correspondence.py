"""Propagation by learned correspondence: features, local affinity, weighted copying (Sli2Vol)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from ..affinity import TILE, TileWeights, copy_where_open, padded
from ..backend import Backend, is_out_of_memory
from ..devices import Device
from ..features import FeatureCache
from ..kept_affinity import Recorder, Rehearsed
from ..network import CorrespondenceNetwork
from ..protocol import Carrier, PassRules, Reference, Refinement, Region, SliceSource
from .plain import RuledMethod


class Correspondence(RuledMethod):
    """A correspondence network with the rules to propagate by.

    Args:
        name: the method's name.
        network: trained (or, for comparison, untrained).
        device: where it runs.
        rules: how passes are run.
        bound_mb: memory bound of the kept features and affinities.
        refinement: mends passes when they have ended.
    """

    def __init__(
        self,
        name: str,
        network: CorrespondenceNetwork,
        device: Device,
        rules: PassRules,
        bound_mb: float = 512.0,
        refinement: Refinement | None = None,
    ) -> None:
        super().__init__(name, device.words, rules, refinement)
        self._backend = Backend(network, device)
        self._bound_mb = bound_mb

    @property
    def device_name(self) -> str:
        # Of the backend, which goes on with the CPU where a GPU's memory ends.
        return self._backend.device.words

    @property
    def notes(self) -> tuple[str, ...]:
        return self._backend.notes

    def open(self, source: SliceSource) -> Carrier:
        return CorrespondenceCarrier(source, self._backend, self._bound_mb)

    def describe(self, picture: np.ndarray) -> np.ndarray:
        """What a small slice looks like: its features, averaged over a 4x4 grid, float32 (values,).

        Args:
            picture: float32 (rows, columns), 0..1, both sides multiples of 32.
        """
        features = self._backend.features(torch.from_numpy(picture)[None, None])
        pooled: np.ndarray = functional.adaptive_avg_pool2d(features.float(), 4).flatten().cpu().numpy()
        return pooled


class CorrespondenceCarrier:
    """Copies labels by affinity between the kept features of two slices."""

    def __init__(self, source: SliceSource, backend: Backend, bound_mb: float) -> None:
        self._source = source
        self._backend = backend
        self._cache = FeatureCache(source, backend, bound_mb)
        self._rehearsed = Rehearsed()
        self._bound_mb = bound_mb
        self._kind = backend.device.kind
        self._radius = backend.settings.window_radius

    def carry(
        self, references: Sequence[Reference], target: int, region: Region, *, rehearse: bool = False
    ) -> np.ndarray:
        """Labels on slice `target`: the mean over the references of Eq. 3.

        Returns:
            float32 (labels, region rows, region columns), 0..1.
        """
        try:
            return self._carry(references, target, region, rehearse)
        except RuntimeError as error:
            if self._backend.device.kind == "cpu" or not is_out_of_memory(error):
                raise
        self._backend.fall_back_to_cpu()
        return self._carry(references, target, region, rehearse)

    @torch.inference_mode()
    def _carry(self, references: Sequence[Reference], target: int, region: Region, rehearse: bool) -> np.ndarray:
        if self._kind != self._backend.device.kind:
            # Another carrier of this method met the end of the GPU's memory.
            self._kind = self._backend.device.kind
            self._cache.forget_all()
            self._rehearsed.forget_all()
        radius = self._radius
        shape = self._source.shape
        # On the slice's own lattice of tiles, so that what was rehearsed for another mask fits.
        tiled = region.snapped(TILE, shape)
        keys = tiled.grown(radius, shape)
        # What the window reaches beyond the slice takes no part in the softmax.
        missing = (
            radius - (tiled.column_start - keys.column_start),
            radius - (keys.column_stop - tiled.column_stop),
            radius - (tiled.row_start - keys.row_start),
            radius - (keys.row_stop - tiled.row_stop),
        )
        query = self._cache.features(target, keys)[(..., *tiled.within(keys))]
        outside = padded(torch.zeros(keys.shape, dtype=torch.bool, device=query.device), missing, value=True)
        origin = tiled.row_start // TILE, tiled.column_start // TILE
        total = torch.zeros(0)
        for reference in references:
            key = padded(self._cache.features(reference.slice_index, keys), missing)
            values = torch.from_numpy(np.ascontiguousarray(reference.soft[(slice(None), *keys.slices)]))
            values = padded(values[None].to(query.device), missing)
            recorder = Recorder(*origin) if rehearse else None
            kept = None if rehearse else self._rehearsed.find(reference.slice_index, target)
            weights: TileWeights | None = kept.seen_from(*origin) if kept is not None else recorder
            copied = copy_where_open(query, key, values, outside, radius, weights=weights)[0]
            if recorder is not None and recorder.kept is not None:
                self._rehearsed.keep(reference.slice_index, target, recorder.kept)
            total = total + copied if total.numel() else copied
        self._rehearsed.forget_beyond(self._bound_mb - self._cache.megabytes)
        result: np.ndarray = (total / len(references))[(slice(None), *region.within(tiled))].cpu().numpy()
        return result
