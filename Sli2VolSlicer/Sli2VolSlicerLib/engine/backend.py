"""The network on a device, and the way back to the CPU when the device's memory runs out."""

from __future__ import annotations

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .devices import Device, choose_device
from .network import CorrespondenceNetwork, ResidualBlock, ResNet18Stride1


class Backend:
    """A network ready for inference, batch normalisations folded into the convolutions.

    Args:
        network: trained (or, for comparison, untrained).
        device: where it runs.
    """

    def __init__(self, network: CorrespondenceNetwork, device: Device) -> None:
        self.device = device
        self.settings = network.settings
        self.notes: tuple[str, ...] = ()
        self._network = _folded_network(network.eval())
        self._move()

    @torch.inference_mode()
    def features(self, slices: torch.Tensor) -> torch.Tensor:
        """Features of slices (batch, 1, rows, columns), 0..1, in the device's precision, on the device."""
        features: torch.Tensor = self._network(slices.to(self.device.kind))
        return features.to(self.device.precision)

    def fall_back_to_cpu(self) -> None:
        """Go on on the CPU; a note says so."""
        self.notes = (*self.notes, f"The device {self.device.kind} ran out of memory; went on on the CPU.")
        self.device = choose_device("cpu")
        self._move()

    def _move(self) -> None:
        self._network.backbone.to(self.device.precision)
        self._network.to(self.device.kind)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that a GPU's memory ran out (MPS has no class of its own for it)."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)


def _folded_network(network: CorrespondenceNetwork) -> CorrespondenceNetwork:
    for module in list(network.modules()):
        if isinstance(module, torch.nn.Sequential):
            for index in range(len(module) - 1):
                module[index], module[index + 1] = _folded(module[index], module[index + 1])
        if isinstance(module, ResidualBlock):
            module.first, module.first_norm = _folded(module.first, module.first_norm)
            module.second, module.second_norm = _folded(module.second, module.second_norm)
        if isinstance(module, ResNet18Stride1):
            module.stem, module.stem_norm = _folded(module.stem, module.stem_norm)
    return network


def _folded(convolution: torch.nn.Module, norm: torch.nn.Module) -> tuple[torch.nn.Module, torch.nn.Module]:
    if not isinstance(convolution, torch.nn.Conv2d) or not isinstance(norm, torch.nn.BatchNorm2d):
        return convolution, norm
    return fuse_conv_bn_eval(convolution, norm), torch.nn.Identity()
