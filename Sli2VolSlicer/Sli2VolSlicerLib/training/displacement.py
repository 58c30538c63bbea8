"""Training of VoxelMorph in 2D: a slice is warped onto its neighbour, smoothly (Balakrishnan et al. 2019, Eq. 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..engine.displacement import DisplacementNetwork, warp
from ..engine.network import CorrespondenceNetwork
from .augmentation import jitter_intensity
from .objective import MARGIN
from .sampling import TrainingVolume
from .trainer import Trainer, TrainingSettings


@dataclass(frozen=True)
class DisplacementTraining(TrainingSettings):
    """One training run.

    Attributes:
        smoothness: weight of the displacements' squared gradient against the mean squared error (the paper's lambda).
    """

    smoothness: float = 0.02


class DisplacementTrainer(Trainer):
    """One training run of a registering network.

    Args:
        volumes: what to learn from; some are held out.
        settings: everything else.
    """

    def __init__(self, volumes: Sequence[TrainingVolume], settings: DisplacementTraining) -> None:
        super().__init__(volumes, settings)
        self._smoothness = settings.smoothness

    @property
    def _trained(self) -> DisplacementNetwork:
        return self._displacement

    def _make_network(self) -> CorrespondenceNetwork:
        self._displacement = DisplacementNetwork(self.settings.network).to(self.settings.device)
        return self._displacement.features

    def _loss(self, generator: np.random.Generator) -> torch.Tensor:
        settings = self.settings
        clean = torch.stack([self._sampler.draw(generator) for _ in range(settings.pairs)])
        shown = jitter_intensity(clean.flatten(0, 1), settings.augmentation, generator).unflatten(0, clean.shape[:2])
        clean = clean.to(settings.device)
        flow = self._flow(shown.to(settings.device))
        difference = warp(clean[:, :1], flow) - clean[:, 1:]
        return (difference[_MIDDLE] ** 2).mean() + self._smoothness * roughness(flow)

    def _error_of(self, pairs: torch.Tensor) -> torch.Tensor:
        return (warp(pairs[:, :1], self._flow(pairs)) - pairs[:, 1:])[_MIDDLE].abs().mean()

    def _flow(self, pairs: torch.Tensor) -> torch.Tensor:
        """Where each pixel of the second slices lies in the first: (pairs, 2, crop, crop)."""
        features = self._features(pairs.flatten(0, 1)[:, None]).unflatten(0, pairs.shape[:2])
        return self._displacement.between(features[:, 1], features[:, 0])


_MIDDLE = (..., slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
"""As with the other networks, what is near the border of a crop is seen but not rebuilt."""


def roughness(flow: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of the displacements of neighbouring pixels.

    Args:
        flow: (batch, 2, rows, columns), in pixels.
    """
    down, right = flow.diff(dim=2), flow.diff(dim=3)
    return ((down**2).mean() + (right**2).mean()) / 2
