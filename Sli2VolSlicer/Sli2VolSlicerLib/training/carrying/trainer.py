"""Correspondence learned by carrying labels over several slices, and on as without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ...engine.network import DEFAULT_SETTINGS, CorrespondenceNetwork, NetworkSettings
from ..augmentation import AugmentationSettings, jitter_intensity
from ..objective import carrying_error
from ..refinement.objects import LabelledVolume
from ..resumable import digest_of_arrays, digest_of_weights
from ..trainer import Trainer, TrainingSettings
from .sampling import LabelRunSampler, RunSettings


@dataclass(frozen=True)
class CarryingTraining(TrainingSettings):
    """One training run; together with the volumes, their labels and the earlier weights it decides the weights.

    Attributes:
        runs: runs of labelled slices per step.
        carrying_weight: of their error against that of reconstruction.
        run: how they are drawn.
        run_augmentation: of their slices, each by itself: milder, since real neighbours differ as they are.
    """

    network: NetworkSettings = DEFAULT_SETTINGS
    steps: int = 3600
    pairs: int = 3
    deformed: int = 3
    learning_rate: float = 1e-3
    held_out_every: int = 500
    checkpoint_every: int = 100
    runs: int = 4
    carrying_weight: float = 0.3
    run: RunSettings = field(default_factory=RunSettings)
    run_augmentation: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(gamma=1.2, contrast=0.08, brightness=0.03, noise=0.02)
    )


class CarryingTrainer(Trainer):
    """One training run, from weights that were trained without labels.

    Args:
        volumes: what to learn from, labelled or not.
        held_out: patients whose labels are not read.
        settings: everything else.
        earlier: a network to begin with.

    Raises:
        VolumeError: there are no labels to carry.
    """

    def __init__(
        self,
        volumes: Sequence[LabelledVolume],
        held_out: frozenset[str],
        settings: CarryingTraining,
        earlier: CorrespondenceNetwork,
    ) -> None:
        super().__init__([v.unlabelled for v in volumes], settings)
        self.carrying = settings
        learnt_from = [v for v in volumes if v.patient not in held_out]
        self._runs = LabelRunSampler(learnt_from, settings.run)
        self.network.load_state_dict(earlier.state_dict())
        labels = digest_of_arrays((f"{v.name} {v.group}", v.labels) for v in learnt_from if v.labels is not None)
        self._identity += f" {labels} {digest_of_weights(earlier)}"

    def _loss(self, generator: np.random.Generator) -> torch.Tensor:
        return super()._loss(generator) + self.carrying.carrying_weight * self._carrying_loss(generator)

    def _carrying_loss(self, generator: np.random.Generator) -> torch.Tensor:
        settings = self.carrying
        drawn = [self._runs.draw_run(generator) for _ in range(settings.runs)]
        slices = torch.stack([run.slices for run in drawn])
        masks = torch.stack([run.masks for run in drawn]).to(settings.device)
        shown = jitter_intensity(slices.flatten(0, 1), settings.run_augmentation, generator)
        features = self._features(shown[:, None].to(settings.device)).unflatten(0, slices.shape[:2])
        return carrying_error(features, masks, settings.network.window_radius)
