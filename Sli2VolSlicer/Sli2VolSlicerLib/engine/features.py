"""Features of slices, computed once, only where they are asked for, within a memory bound."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .devices import Device
from .methods.protocol import Region, SliceSource
from .network import CorrespondenceNetwork, ResidualBlock, ResNet18Stride1

_SLACK = 8
"""Pixels computed beyond what was asked for, so that a mask that drifts need not pay again."""


def ready_for_inference(network: CorrespondenceNetwork, device: Device) -> CorrespondenceNetwork:
    """Fold the batch normalisations into the convolutions and move to the device's precision."""
    network = network.eval()
    for module in list(network.modules()):
        if isinstance(module, torch.nn.Sequential):
            _fold_sequence(module)
        if isinstance(module, ResidualBlock):
            module.first, module.first_norm = _folded(module.first, module.first_norm)
            module.second, module.second_norm = _folded(module.second, module.second_norm)
        if isinstance(module, ResNet18Stride1):
            module.stem, module.stem_norm = _folded(module.stem, module.stem_norm)
    network.backbone.to(device.precision)
    network.to(device.kind)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _folded(convolution: torch.nn.Module, norm: torch.nn.Module) -> tuple[torch.nn.Module, torch.nn.Module]:
    if not isinstance(convolution, torch.nn.Conv2d) or not isinstance(norm, torch.nn.BatchNorm2d):
        return convolution, norm
    return fuse_conv_bn_eval(convolution, norm), torch.nn.Identity()


def _fold_sequence(sequence: torch.nn.Sequential) -> None:
    for index in range(len(sequence) - 1):
        sequence[index], sequence[index + 1] = _folded(sequence[index], sequence[index + 1])


class FeatureCache:
    """Features of the slices of one source.

    A slice's features serve as query and as key, in both directions, for every label and every
    later call. Each slice keeps one rectangle; asked for more, it computes the union anew.

    Args:
        source: the slices.
        network: ready for inference.
        device: where it runs.
        bound_mb: features beyond this many megabytes are forgotten, oldest first.
    """

    def __init__(self, source: SliceSource, network: CorrespondenceNetwork, device: Device, bound_mb: float) -> None:
        self._source = source
        self._network = network
        self._device = device
        self._bound_bytes = bound_mb * 1e6
        self._kept: OrderedDict[int, tuple[Region, torch.Tensor]] = OrderedDict()
        self.slices_computed = 0

    def features(self, index: int, region: Region) -> torch.Tensor:
        """Features of slice `index` within `region`: (1, channels, region rows, region columns)."""
        kept = self._kept.get(index)
        if kept is None or not kept[0].contains(region):
            wanted = region.grown(_SLACK, self._source.shape)
            if kept is not None:
                wanted = wanted.union(kept[0])
            kept = (wanted, self._computed(index, wanted))
            self._kept[index] = kept
            self._forget()
        self._kept.move_to_end(index)
        have, tensor = kept
        top, left = region.row_start - have.row_start, region.column_start - have.column_start
        rows, columns = region.shape
        return tensor[..., top : top + rows, left : left + columns]

    @property
    def megabytes(self) -> float:
        """What the kept features occupy."""
        return sum(t.numel() * t.element_size() for _, t in self._kept.values()) / 1e6

    @torch.inference_mode()
    def _computed(self, index: int, region: Region) -> torch.Tensor:
        settings = self._network.settings
        context = region.grown(settings.receptive_margin, self._source.shape)
        step = settings.alignment
        context = Region(
            context.row_start // step * step,
            context.row_stop,
            context.column_start // step * step,
            context.column_stop,
        )
        slices = torch.from_numpy(self._source.intensity(index)[context.slices].copy())[None, None]
        features = self._network(slices.to(self._device.kind))
        self.slices_computed += 1
        top, left = region.row_start - context.row_start, region.column_start - context.column_start
        rows, columns = region.shape
        cut = features[..., top : top + rows, left : left + columns]
        return cut.to(self._device.precision).contiguous()

    def _forget(self) -> None:
        while self.megabytes * 1e6 > self._bound_bytes and len(self._kept) > 4:
            self._kept.popitem(last=False)
