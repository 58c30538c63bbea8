"""A trained mask prior at work on whole slices."""

from __future__ import annotations

import numpy as np
import torch

from ..devices import Device
from .crop import Crop
from .network import MaskPriorNetwork
from .view import network_inputs


class MaskPrior:
    """Draws masks on a slice from those on its neighbour.

    Args:
        network: trained; a folded copy is put on the device.
        device: where it computes.
    """

    def __init__(self, network: MaskPriorNetwork, device: Device) -> None:
        self.settings = network.settings
        self._device = device
        folded = network.folded().to(device.kind, device.precision)
        self._network = folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def draw(self, target: np.ndarray, reference: np.ndarray, softs: np.ndarray) -> np.ndarray:
        """All labels' masks on one slice, in one run of the network.

        Args:
            target, reference: float32 (rows, columns), intensities 0..1.
            softs: (labels, rows, columns), the masks on `reference`, 0..1; an empty one stays empty.

        Returns:
            float32 (labels, rows, columns), 0..1.
        """
        settings, result = self.settings, np.zeros(softs.shape, np.float32)
        crops = [Crop.around(soft, settings.context, settings.margin) for soft in softs]
        found = [(label, crop) for label, crop in enumerate(crops) if crop is not None]
        if not found:
            return result
        both = np.stack([target, reference]).astype(np.float32, copy=False)
        slices = torch.stack([crop.cut(both, settings.size) for _, crop in found])
        masks = torch.cat(
            [crop.cut(softs[label][None].astype(np.float32), settings.size, "zeros") for label, crop in found]
        )
        inputs = network_inputs(slices[:, 0], slices[:, 1], masks)
        inputs = inputs.to(self._device.kind, self._device.precision, memory_format=torch.channels_last)
        logits, _ = self._network(inputs)
        for (label, crop), drawn in zip(found, torch.sigmoid(logits.float()).cpu(), strict=True):
            result[label] = crop.paste(drawn, (softs.shape[1], softs.shape[2]))
        return result
