"""The correspondence networks psi: an edge profile in, one feature vector per pixel out (Sli2Vol, Eq. 1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from . import gradient_enhanced as second_order
from .edge_profile import CHANNELS, edge_profile


@dataclass(frozen=True)
class NetworkSettings:
    """What a weights file says about its network.

    Attributes:
        architecture: "resnet18-stride1" (the paper's) or "pyramid" (ours).
        channels: feature channels out.
        window_radius: the affinity looks this many pixels around (7 is a 15x15 window).
        normalised: features have unit length and the dot product a learned scale.
        intensity_input: the locally centred intensity joins the edge profile.
        receptive_margin: pixels of context that a crop needs around it for exact features.
        alignment: crops start at multiples of this many pixels.
        descriptor: what the network sees of a slice: "edge-profile", or "gradient-enhanced" (Sli2Vol+).
    """

    architecture: str
    channels: int
    window_radius: int
    normalised: bool
    intensity_input: bool
    receptive_margin: int
    alignment: int
    descriptor: str = "edge-profile"


PAPER_SETTINGS = NetworkSettings("resnet18-stride1", 64, 7, False, False, 44, 1)
DEFAULT_SETTINGS = NetworkSettings("pyramid", 32, 7, True, True, 48, 4)
PLUS_SETTINGS = replace(DEFAULT_SETTINGS, descriptor="gradient-enhanced")
"""Sli2Vol+ on the backbone of the default, not on the paper's: what is compared is the descriptor and the training."""


def input_channels(settings: NetworkSettings) -> int:
    """Channels of what the network sees of a slice.

    Raises:
        ValueError: no such descriptor.
    """
    if settings.descriptor == "gradient-enhanced":
        return second_order.CHANNELS + 1
    if settings.descriptor != "edge-profile":
        msg = f"There is no descriptor {settings.descriptor!r}; install a newer version."
        raise ValueError(msg)
    return CHANNELS + (1 if settings.intensity_input else 0)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (the ResNet18 basic block, stride 1)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first: nn.Module = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.first_norm: nn.Module = nn.BatchNorm2d(outputs)
        self.second: nn.Module = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm: nn.Module = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return functional.relu(y + self.shortcut(x))


class ResNet18Stride1(nn.Module):
    """ResNet18 with every stride 1 and 16 filters first (Sli2Vol, table 3)."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.stem: nn.Module = nn.Conv2d(input_channels(settings), 16, 7, padding=3, bias=False)
        self.stem_norm: nn.Module = nn.BatchNorm2d(16)
        widths = [16, 16, 16, 32, 32, 64, 64, 128, 128]
        self.blocks = nn.Sequential(*(ResidualBlock(a, b) for a, b in pairwise(widths)))
        self.head = nn.Conv2d(128, settings.channels, 3, padding=1)

    def forward(self, profile: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.stem_norm(self.stem(profile)))
        features: torch.Tensor = self.head(self.blocks(x))
        return features


class Pyramid(nn.Module):
    """Ours, made for a CPU: most of the work at half and quarter resolution, features at full.

    About 48,000 multiply-adds per pixel, against 790,000 for the paper's network, and a
    receptive field about 75 pixels wide instead of 49.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        inputs = input_channels(settings)
        self.full = nn.Sequential(nn.Conv2d(inputs, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        self.to_half = nn.Sequential(
            nn.Conv2d(24, 48, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU()
        )
        self.half_before = ResidualBlock(48, 48)
        self.to_quarter = nn.Sequential(
            nn.Conv2d(48, 64, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()
        )
        self.quarter = nn.Sequential(ResidualBlock(64, 64), ResidualBlock(64, 64))
        self.from_quarter = nn.Conv2d(64, 48, 1)
        self.half_after = ResidualBlock(48, 48)
        self.from_half = nn.Conv2d(48, 24, 1)
        self.merge = nn.Sequential(nn.Conv2d(24, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.head = nn.Conv2d(32, settings.channels, 1)

    def forward(self, profile: torch.Tensor) -> torch.Tensor:
        full = self.full(profile)
        half = self.half_before(self.to_half(full))
        quarter = self.quarter(self.to_quarter(half))
        half = self.half_after(half + _doubled(self.from_quarter(quarter), half))
        features: torch.Tensor = self.head(self.merge(full + _doubled(self.from_half(half), full)))
        return features


def _doubled(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Twice the size by bilinear interpolation, cut to the size of `like`."""
    larger = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return larger[..., : like.shape[-2], : like.shape[-1]]


class CorrespondenceNetwork(nn.Module):
    """Slices in, key/query features out: psi(g(S)) of Sli2Vol Eq. 1, the profile included."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        self.backbone = ResNet18Stride1(settings) if settings.architecture == "resnet18-stride1" else Pyramid(settings)
        self.log_scale = nn.Parameter(torch.tensor(2.7), requires_grad=settings.normalised)

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """Features whose dot product is the affinity's logit.

        Args:
            slices: (batch, 1, rows, columns), 0..1.

        Returns:
            (batch, channels, rows, columns).
        """
        inputs = self._described(slices).to(next(self.backbone.parameters()).dtype)
        features: torch.Tensor = self.backbone(inputs)
        if self.settings.normalised:
            # Half of the scale on either side: query and key come from the same features.
            features = functional.normalize(features.float(), dim=1) * torch.exp(0.5 * self.log_scale.float())
        return features

    def _described(self, slices: torch.Tensor) -> torch.Tensor:
        if self.settings.descriptor == "gradient-enhanced":
            return second_order.gradient_enhanced(slices)
        profile = edge_profile(slices)
        return torch.cat([profile, slices - 0.5], dim=1) if self.settings.intensity_input else profile
