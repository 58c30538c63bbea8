"""Self-supervised training on anyone's volumes (Sli2Vol, section 2.2), resumable and deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..engine.devices import choose_device
from ..engine.displacement import DisplacementNetwork, warp
from ..engine.network import CorrespondenceNetwork, NetworkSettings
from ..engine.weights_file import save_network
from .augmentation import AugmentationSettings, jitter_intensity, random_flow
from .objective import MARGIN, correspondence_error, reconstruction_error, reconstruction_targets
from .resumable import ResumableRun, digest_of_arrays, set_learning_rate
from .sampling import PairSampler, SamplingSettings, TrainingVolume


@dataclass(frozen=True)
class TrainingSettings:
    """One training run; together with the volumes it decides the weights.

    Attributes:
        network: what is trained.
        steps: optimiser steps.
        pairs: real pairs of slices per step.
        deformed: slices per step paired with a known deformation of themselves (0: none, as in the paper).
        deformed_weight: weight of the correspondence error against the reconstruction error.
        edge_targets: reconstruct edge strength besides intensity.
        learning_rate: the peak; it falls to nothing along a cosine.
        seed: of every random choice.
        held_out_every: every how many steps the held-out error is measured.
        checkpoint_every: steps between checkpoints.
        device: "cpu", "cuda" or "mps".
        mixed_precision: bfloat16 convolutions where the device has them.
    """

    network: NetworkSettings
    steps: int = 20_000
    pairs: int = 6
    deformed: int = 6
    deformed_weight: float = 0.02
    edge_targets: bool = True
    learning_rate: float = 2e-3
    seed: int = 1
    held_out_every: int = 500
    checkpoint_every: int = 250
    device: str = "cpu"
    mixed_precision: bool = True
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)


@dataclass(frozen=True)
class HeldOutError:
    """Mean absolute reconstruction error on pairs never trained on, and that of copying the slice."""

    step: int
    network: float
    copying: float


def split_volumes(volumes: Sequence[TrainingVolume]) -> tuple[list[TrainingVolume], list[TrainingVolume]]:
    """Every tenth volume is kept out; with fewer than ten, the last; with one, none can be."""
    if len(volumes) < 2:
        return list(volumes), list(volumes)
    chosen = set(range(4, len(volumes), 10)) or {len(volumes) - 1}
    return (
        [v for i, v in enumerate(volumes) if i not in chosen],
        [v for i, v in enumerate(volumes) if i in chosen],
    )


class Trainer(ResumableRun[HeldOutError]):
    """One training run.

    Args:
        volumes: what to learn from; some are held out.
        settings: everything else.
    """

    def __init__(self, volumes: Sequence[TrainingVolume], settings: TrainingSettings) -> None:
        learnt_from = digest_of_arrays((f"{v.name} {v.spacing_mm}", v.voxels) for v in volumes)
        super().__init__(settings, f"{asdict(settings)!r} {learnt_from}")
        self.settings = settings
        trained, held_out = split_volumes(volumes)
        self.held_out_names = tuple(v.name for v in held_out)
        self._sampler = self._make_sampler(trained)
        self._held_out = self._draw_held_out(PairSampler(held_out, settings.sampling))
        torch.manual_seed(settings.seed)
        self._device = choose_device(settings.device)
        self.network = self._make_network().to(settings.device)
        if settings.device == "cpu":
            self.network = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimiser = self._make_optimiser()

    def save(self, path: Path, facts: dict[str, str]) -> None:
        """Write the weights with the settings of the run."""
        save_network(self._trained, path, {"training": repr(asdict(self.settings)), **facts})

    @property
    def _trained(self) -> CorrespondenceNetwork | DisplacementNetwork:
        """All that is trained and saved."""
        return self.network

    def _make_network(self) -> CorrespondenceNetwork:
        return CorrespondenceNetwork(self.settings.network)

    def _make_sampler(self, volumes: Sequence[TrainingVolume]) -> PairSampler:
        return PairSampler(volumes, self.settings.sampling)

    def _make_optimiser(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self._trained.parameters(), lr=self.settings.learning_rate)

    def _one_step(self) -> float:
        settings = self.settings
        set_learning_rate(self._optimiser, settings.learning_rate, self.step, settings.steps)
        self.network.train()
        # Every step has a generator of its own: a resumed run draws what an unbroken one would.
        loss = self._loss(np.random.default_rng([settings.seed, self.step]))
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._trained.parameters(), 1.0)
        self._optimiser.step()
        return float(loss.detach())

    def _loss(self, generator: np.random.Generator) -> torch.Tensor:
        """Reconstruction of real neighbours, and correspondence under known deformations."""
        settings = self.settings
        drawn = [self._sampler.draw(generator) for _ in range(settings.pairs)]
        clean = torch.stack(drawn)
        shown = jitter_intensity(clean.flatten(0, 1), settings.augmentation, generator).unflatten(0, clean.shape[:2])
        inputs = [shown[:, 0], shown[:, 1]]
        flows = torch.zeros(0)
        if settings.deformed:
            largest = settings.network.window_radius - 1.0
            flows = torch.stack(
                [random_flow(settings.sampling.crop, largest, generator) for _ in range(settings.deformed)]
            )
            still = torch.stack([drawn[i % len(drawn)][0] for i in range(settings.deformed)])
            moved = warp(still[:, None], flows)[:, 0]
            both = jitter_intensity(torch.cat([still, moved]), settings.augmentation, generator)
            inputs += [both[: settings.deformed], both[settings.deformed :]]
        device = settings.device
        counts = [len(i) for i in inputs]
        features = self._features(torch.cat(inputs)[:, None].to(device)).split(counts)
        targets = reconstruction_targets(clean.flatten(0, 1)[:, None].to(device)).unflatten(0, clean.shape[:2])
        if not settings.edge_targets:
            targets = targets[:, :, :1]
        radius = settings.network.window_radius
        loss = reconstruction_error(features[1], features[0], targets[:, 0], targets[:, 1], radius)
        if settings.deformed:
            loss = loss + settings.deformed_weight * correspondence_error(
                features[3], features[2], flows.to(device), radius
            )
        return loss

    def _features(self, slices: torch.Tensor) -> torch.Tensor:
        with self._device.autocast(is_wanted=self.settings.mixed_precision):
            if self._device.kind == "cpu":
                slices = slices.contiguous(memory_format=torch.channels_last)
            features: torch.Tensor = self.network(slices)
        return features.float()

    def _draw_held_out(self, sampler: PairSampler, count: int = 48) -> torch.Tensor:
        generator = np.random.default_rng([20_260, self.settings.seed])
        return torch.stack([sampler.draw(generator) for _ in range(count)])

    @torch.no_grad()
    def held_out_error(self) -> HeldOutError:
        """Mean absolute intensity error of reconstructing held-out slices from their neighbours."""
        self.network.eval()
        errors, copying = [], []
        for pairs in self._held_out.split(8):
            pairs = pairs.to(self.settings.device)
            errors.append(float(self._error_of(pairs)))
            middle = pairs[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
            copying.append(float((middle[:, 0] - middle[:, 1]).abs().mean()))
        return HeldOutError(self.step, float(np.mean(errors)), float(np.mean(copying)))

    def _error_of(self, pairs: torch.Tensor) -> torch.Tensor:
        """That of pairs (pairs, 2, crop, crop), the first of each to become the second."""
        key, query = (self._features(pairs[:, i : i + 1]) for i in (0, 1))
        return reconstruction_error(query, key, pairs[:, :1], pairs[:, 1:], self.settings.network.window_radius)

    def _state(self) -> dict[str, Any]:
        return {"network": self._trained.state_dict(), "optimiser": self._optimiser.state_dict()}

    def _take_up(self, state: dict[str, Any]) -> None:
        self._trained.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])

    def _measured(self, kept: dict[str, Any]) -> HeldOutError:
        return HeldOutError(**kept)
