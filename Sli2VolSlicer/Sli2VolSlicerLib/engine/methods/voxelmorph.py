"""Propagation by learned registration: masks are moved by a network's displacement field (VoxelMorph in 2D)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..devices import Device
from ..displacement import MARGIN, DisplacementNetwork, warp
from ..protocol import Carrier, PassRules, Reference, Region, SliceSource
from .plain import RuledMethod


class VoxelMorph(RuledMethod):
    """A registering network with the plainest rules, as where it is compared with Sli2Vol: hard masks, no verification.

    Args:
        network: trained.
        device: where it runs.
    """

    def __init__(self, network: DisplacementNetwork, device: Device) -> None:
        super().__init__("voxelmorph", device.kind, PassRules())
        self._network = network.eval().to(device.kind).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = device

    def open(self, source: SliceSource) -> Carrier:
        return _VoxelMorphCarrier(source, self._network, self._device)


class _VoxelMorphCarrier:
    def __init__(self, source: SliceSource, network: DisplacementNetwork, device: Device) -> None:
        self._source = source
        self._network = network
        self._device = device

    @torch.inference_mode()
    def carry(
        self, references: Sequence[Reference], target: int, region: Region, *, rehearse: bool = False
    ) -> np.ndarray:
        """The nearest reference's labels, moved to slice `target`.

        Returns:
            float32 (labels, region rows, region columns), 0..1.
        """
        nearest = references[0]
        settings, shape = self._network.settings, self._source.shape
        area = region.grown(settings.receptive_margin + MARGIN, shape).snapped(settings.alignment, shape)
        fixed, moving = (
            torch.from_numpy(self._source.intensity(index)[area.slices].copy())[None, None].to(self._device.kind)
            for index in (target, nearest.slice_index)
        )
        soft = torch.from_numpy(np.ascontiguousarray(nearest.soft[(slice(None), *area.slices)]))
        with self._device.autocast():
            flow = self._network(fixed, moving)
        moved = warp(soft[None].to(self._device.kind), flow)[0]
        carried: np.ndarray = moved[(slice(None), *region.within(area))].clamp(0, 1).cpu().numpy()
        return carried
