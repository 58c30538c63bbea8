"""Supervised training of the refinement network, resumable and deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from ...engine.devices import choose_device
from ...engine.refinement.network import RefinementNetwork, RefinementSettings
from ...engine.refinement.network_refinement import LOOKS, log_odds, looked_at_again
from ..averaged import AveragedRun, begun_network, run_identity
from ..resumable import mean_or_nan
from .augmentation import PassAugmentation, augmented
from .batches import BatchSampler, BatchSettings, PassBatch, whole_pass
from .examples import PassExample
from .held_out import measured_by_family
from .objective import refinement_loss, soft_dice


@dataclass(frozen=True)
class RefinementTraining:
    """One training run; together with the examples it decides the weights.

    Attributes:
        network: what is trained.
        steps: optimiser steps.
        learning_rate: the peak; it falls to nothing along a cosine.
        weight_decay: of AdamW.
        second_looks: share of the batches that are shown as the network itself has mended them before.
        averaging: what the averaged weights, those that are saved, keep of themselves at each step.
        seed: of every random choice.
        held_out_every: every how many steps the held-out Dice is measured.
        held_out_passes: of each family's passes held out, so many are measured.
        checkpoint_every: steps between checkpoints.
        device: "cpu", "cuda" or "mps".
        mixed_precision: bfloat16 convolutions where the device has them.
    """

    network: RefinementSettings = field(default_factory=RefinementSettings)
    steps: int = 10_000
    learning_rate: float = 1.6e-3
    weight_decay: float = 1e-3
    second_looks: float = 0.5
    averaging: float = 0.998
    seed: int = 1
    held_out_every: int = 1000
    held_out_passes: int = 70
    checkpoint_every: int = 250
    device: str = "cpu"
    mixed_precision: bool = True
    batches: BatchSettings = field(default_factory=BatchSettings)
    augmentation: PassAugmentation = field(default_factory=PassAugmentation)


@dataclass(frozen=True)
class FamilyDice:
    """Mean Dice of whole passes but for anchors and what is not known, as the engine ended them and refined."""

    family: str
    passes: int
    before: float
    after: float


@dataclass(frozen=True)
class HeldOutDice:
    """How good refinement is on passes never trained on; families count alike."""

    step: int
    families: tuple[FamilyDice, ...]

    @property
    def before(self) -> float:
        """NaN where nothing was held out."""
        return mean_or_nan([each.before for each in self.families])

    @property
    def after(self) -> float:
        """NaN where nothing was held out."""
        return mean_or_nan([each.after for each in self.families])


class RefinementTrainer(AveragedRun[HeldOutDice, RefinementNetwork, RefinementTraining]):
    """One training run.

    Args:
        examples: what to learn from, and what is held out.
        settings: everything else.
        earlier: training begins with this network, of the same settings, instead of anew.

    Raises:
        VolumeError: there is nothing to learn from.
        DeviceError: no such device here.
    """

    def __init__(
        self, examples: Sequence[PassExample], settings: RefinementTraining, earlier: RefinementNetwork | None = None
    ) -> None:
        self._sampler = BatchSampler(examples, settings.batches)
        self._held_out = measured_by_family(
            examples, settings.held_out_passes, np.random.default_rng([20_260, settings.seed])
        )
        self._device = choose_device(settings.device)
        torch.manual_seed(settings.seed)
        network = begun_network(RefinementNetwork(settings.network), earlier).to(settings.device)
        # A step takes four fifths of the time that it takes with channels first.
        network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        super().__init__(settings, run_identity(settings, _names(examples), earlier), network, optimiser)

    @torch.no_grad()
    def held_out_error(self) -> HeldOutDice:
        """Dice of the passes held out before and after refinement by the averaged weights."""
        measured = []
        for family, examples in self._held_out.items():
            both = np.array([self._dice_of(example) for example in examples])
            before, after = (float(value) for value in both.mean(axis=0))
            measured.append(FamilyDice(family, len(examples), before, after))
        return HeldOutDice(self.step, tuple(measured))

    def _learnt(self, generator: np.random.Generator) -> float:
        settings = self.settings
        batch = augmented(self._sampler.draw(generator), settings.augmentation, generator)
        if generator.random() < settings.second_looks:
            with torch.no_grad():
                batch = self._mended(self.network, batch)
        change, verdicts = self._looked_at(self.network, batch)
        loss = refinement_loss(change, verdicts, _on(batch, settings.device))
        loss.backward()
        return float(loss.detach())

    def _looked_at(self, network: RefinementNetwork, batch: PassBatch) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.settings.device
        with self._device.autocast(is_wanted=self.settings.mixed_precision):
            change, verdicts = network(batch.maps().to(device), batch.measures.to(device))
        return change.float(), verdicts.float()

    def _mended(self, network: RefinementNetwork, batch: PassBatch) -> PassBatch:
        """A batch as the network's next look finds it."""
        change, _ = self._looked_at(network, batch)
        return replace(batch, soft=looked_at_again(batch.soft, log_odds(batch.soft) + change.cpu()))

    def _dice_of(self, example: PassExample) -> tuple[float, float]:
        """Before and after."""
        batch = whole_pass(example)
        known = example.known[1:]
        truth = (batch.truth[0, 1:] > 0.5)[known].flatten().float()
        before = batch.soft[0, 1:] > 0.5
        before[example.usual_length :] = False
        for _ in range(LOOKS - 1):
            batch = self._mended(self.averaged, batch)
        change, _ = self._looked_at(self.averaged, batch)
        after = (log_odds(batch.soft) + change.cpu())[0, 1:] > 0
        was, became = (float(soft_dice(each[known].flatten().float(), truth, 1.0)) for each in (before, after))
        return was, became

    def _measured(self, kept: dict[str, Any]) -> HeldOutDice:
        return HeldOutDice(kept["step"], tuple(FamilyDice(**each) for each in kept["families"]))


def grown(network: RefinementNetwork, seed: int) -> RefinementNetwork:
    """A deeper network that says what this one says, until it has learned more.

    Args:
        network: none of its layers is lost.
        seed: of what the layers beside them begin with.
    """
    torch.manual_seed(seed)
    deeper = RefinementNetwork(network.settings.deeper())
    deeper.load_state_dict({**deeper.state_dict(), **network.state_dict()})
    return deeper


def _names(examples: Sequence[PassExample]) -> list[str]:
    """Which passes, and which of them held out; not what the engine made of them, which processors round otherwise."""
    names = [f"{each.name} {each.is_held_out}" for each in examples if not each.family.is_sent_on]
    # How often a pass was sent on is the engine's doing as well.
    names += dict.fromkeys(f"{each.name} {each.is_held_out}" for each in examples if each.family.is_sent_on)
    return names


def _on(batch: PassBatch, device: str) -> PassBatch:
    """What the loss looks at, on the device."""
    return replace(batch, soft=batch.soft.to(device), truth=batch.truth.to(device), counted=batch.counted.to(device))
