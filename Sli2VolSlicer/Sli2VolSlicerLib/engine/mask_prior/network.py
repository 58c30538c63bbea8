"""The mask prior's network: a small U-Net that draws a correction of the neighbour's mask."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .view import CHANNELS, MASK

_COPIED = (0.03, 0.97)
"""The neighbour's mask is taken between these, so that its log odds stay finite."""


@dataclass(frozen=True)
class MaskPriorSettings:
    """What a weights file says about its network.

    Attributes:
        size: side of the square crop that it sees, in crop pixels; a multiple of 8.
        context: side of the crop over the longest side of the mask's bounding box.
        margin: least context on every side, in pixels of the slice.
        widths: channels at full, half, quarter and eighth resolution.
    """

    size: int = 80
    context: float = 1.8
    margin: float = 8.0
    widths: tuple[int, int, int, int] = (16, 32, 64, 112)


class MaskPriorNetwork(nn.Module):
    """Crops in; mask logits and a presence logit out.

    The thesis (mask propagation, 2019) takes a U-Net of depth 4; this one has 751,000 parameters, residual blocks,
    and a path by which the neighbour's mask reaches the end unchanged: what is learned is the difference.
    """

    def __init__(self, settings: MaskPriorSettings) -> None:
        super().__init__()
        self.settings = settings
        full, half, quarter, eighth = settings.widths
        self.at_full = _ConvolutionNorm(CHANNELS, full)
        self.to_half = _ConvolutionNorm(full, half, 2)
        self.at_half = _Residual(half)
        self.to_quarter = _ConvolutionNorm(half, quarter, 2)
        self.at_quarter = _Residual(quarter)
        self.to_eighth = _ConvolutionNorm(quarter, eighth, 2)
        self.at_eighth = nn.Sequential(_Residual(eighth), _Residual(eighth))
        self.overall = nn.Linear(eighth, eighth)
        self.from_eighth = nn.Conv2d(eighth, quarter, 1)
        self.quarter_after = _Residual(quarter)
        self.from_quarter = nn.Conv2d(quarter, half, 1)
        self.half_after = _Residual(half)
        self.from_half = nn.Conv2d(half, full, 1)
        self.last = _ConvolutionNorm(full, full)
        self.head = nn.Conv2d(full, 1, 3, padding=1)
        self.there = nn.Linear(eighth, 1)
        self.copied = nn.Parameter(torch.tensor(1.0))
        nn.init.zeros_(self.overall.weight)
        nn.init.zeros_(self.overall.bias)
        nn.init.constant_(self.there.bias, 2.0)

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw.

        Args:
            inputs: (batch, CHANNELS, size, size), as `network_inputs` makes them.

        Returns:
            logits of the mask (batch, size, size), and of the structure being there at all (batch,).
        """
        full = functional.relu(self.at_full(inputs))
        half = self.at_half(functional.relu(self.to_half(full)))
        quarter = self.at_quarter(functional.relu(self.to_quarter(half)))
        eighth = self.at_eighth(functional.relu(self.to_eighth(quarter)))
        pooled = eighth.mean(dim=(2, 3))
        there = self.there(pooled)[:, 0]
        eighth = eighth + self.overall(pooled)[:, :, None, None]
        quarter = self.quarter_after(functional.relu(quarter + _doubled(self.from_eighth(eighth))))
        half = self.half_after(functional.relu(half + _doubled(self.from_quarter(quarter))))
        full = functional.relu(self.last(functional.relu(full + _doubled(self.from_half(half)))))
        soft = (inputs[:, MASK] * 0.5 + 0.5).clamp(*_COPIED)
        logits = self.head(full)[:, 0] + self.copied * torch.logit(soft)
        # A structure that has ended takes every pixel's logit down.
        return logits - functional.softplus(-there)[:, None, None], there

    def folded(self) -> MaskPriorNetwork:
        """A copy for inference, its normalisations folded into its convolutions."""
        result = copy.deepcopy(self).eval()
        for module in result.modules():
            if isinstance(module, _ConvolutionNorm):
                module.fold()
        return result


class _ConvolutionNorm(nn.Module):
    """Convolution and batch normalisation; one convolution after folding."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.norm(self.convolution(x))
        return y

    def fold(self) -> None:
        """Put the normalisation into the convolution."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.convolution = fuse_conv_bn_eval(self.convolution.eval(), self.norm.eval())
            self.norm = nn.Identity()


class _Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _ConvolutionNorm(channels, channels)
        self.second = _ConvolutionNorm(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


def _doubled(x: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
