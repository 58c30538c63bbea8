"""Object-estimation-guided training: correspondence learned on slices and on their pseudo-labels (Sli2Vol+, 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...engine.network import PLUS_SETTINGS, CorrespondenceNetwork, NetworkSettings
from ..augmentation import jitter_intensity
from ..objective import reconstruction_error
from ..resumable import digest_of_arrays, digest_of_weights
from ..sampling import PairSampler, TrainingVolume
from ..trainer import Trainer, TrainingSettings
from .sampling import GuidedSampler


@dataclass(frozen=True)
class PlusTraining(TrainingSettings):
    """One training run; together with the volumes and their pseudo-labels it decides the weights.

    As in the paper nothing but reconstruction is asked for. Its rate of 1e-4 is for epochs of more slices than a CPU
    gets through; the steps are for a network that begins with the weights of `sli2vol`.

    Attributes:
        weight_decay: of AdamW, as in the paper.
        guided: share of the pairs that are drawn around a structure.
        label_weight: of the pseudo-labels' reconstruction error against that of the slices.
    """

    network: NetworkSettings = PLUS_SETTINGS
    steps: int = 450
    pairs: int = 4
    deformed: int = 0
    edge_targets: bool = False
    learning_rate: float = 1e-3
    held_out_every: int = 50
    checkpoint_every: int = 25
    weight_decay: float = 0.005
    guided: float = 0.75
    label_weight: float = 1.0


class PlusTrainer(Trainer):
    """One training run on two paths that share their weights.

    Args:
        volumes: what to learn from; some are held out.
        labels: the pseudo-labels, uint8 on each volume's grid, by the volume's name; a volume may have none.
        settings: everything else.
        earlier: a network to begin with, as far as its layers fit; by default a new one.
    """

    def __init__(
        self,
        volumes: Sequence[TrainingVolume],
        labels: Mapping[str, np.ndarray],
        settings: PlusTraining,
        earlier: CorrespondenceNetwork | None = None,
    ) -> None:
        self._labels = labels
        super().__init__(volumes, settings)
        self.plus = settings
        self.layers_taken = 0 if earlier is None else _begin_with(self.network, earlier)
        begun_with = "" if earlier is None else digest_of_weights(earlier)
        self._identity += f" {digest_of_arrays(sorted(labels.items()))} {begun_with}"

    def _make_sampler(self, volumes: Sequence[TrainingVolume]) -> GuidedSampler:
        maps = [self._labels.get(v.name, np.zeros(v.voxels.shape, np.uint8)) for v in volumes]
        assert isinstance(self.settings, PlusTraining)
        return GuidedSampler(volumes, maps, self.settings.sampling, self.settings.guided)

    def _make_optimiser(self) -> torch.optim.Optimizer:
        assert isinstance(self.settings, PlusTraining)
        parameters = self.network.parameters()
        return torch.optim.AdamW(parameters, lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay)

    def _loss(self, generator: np.random.Generator) -> torch.Tensor:
        settings = self.plus
        sampler: PairSampler = self._sampler
        assert isinstance(sampler, GuidedSampler)
        drawn = torch.stack([sampler.draw_guided(generator) for _ in range(settings.pairs)])
        clean, masks = drawn[:, 0], drawn[:, 1]
        shown = jitter_intensity(clean.flatten(0, 1), settings.augmentation, generator)
        # Both paths in one call: they share the statistics of their normalisation as they share their weights.
        inputs = torch.cat([shown, masks.flatten(0, 1)])[:, None].to(settings.device)
        slices, objects = self._features(inputs).unflatten(0, (2, settings.pairs, 2))
        targets = drawn.to(settings.device)
        return guided_error(slices, objects, targets[:, 0], targets[:, 1], settings.label_weight, self._radius)

    @property
    def _radius(self) -> int:
        return self.settings.network.window_radius


def guided_error(
    slice_features: torch.Tensor,
    object_features: torch.Tensor,
    slices: torch.Tensor,
    masks: torch.Tensor,
    label_weight: float,
    radius: int,
) -> torch.Tensor:
    """Errors of rebuilding a slice and its pseudo-label, both by one affinity (Sli2Vol+, Fig. 1 and Eq. 2).

    Features of the slice and of its pseudo-label are put one behind the other, so that the logits of both paths add up.
    In propagation there are no pseudo-labels, and the slices' features speak alone.

    Args:
        slice_features, object_features: (pairs, 2, channels, rows, columns), source and target.
        slices, masks: (pairs, 2, rows, columns), likewise.
        label_weight: of the masks' error.
        radius: of the window.

    Returns:
        mean absolute error of the slices, and `label_weight` times that of the masks.
    """
    key, query = torch.cat([slice_features, object_features], dim=2).unbind(1)
    source, target = torch.stack([slices, label_weight * masks], dim=2).unbind(1)
    # The mean over the two values is half of the sum of their means.
    return 2 * reconstruction_error(query, key, source, target, radius)


def _begin_with(network: CorrespondenceNetwork, earlier: CorrespondenceNetwork) -> int:
    """Take over the tensors that fit in name and shape; returns how many."""
    own = network.state_dict()
    taken = {name: t for name, t in earlier.state_dict().items() if name in own and own[name].shape == t.shape}
    network.load_state_dict({**own, **taken})
    return len(taken)
