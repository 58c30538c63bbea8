"""Supervised training of the refinement network, resumable and deterministic."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...engine.devices import choose_device
from ...engine.refinement.network import RefinementNetwork, RefinementSettings
from ...engine.refinement.network_refinement import LOOKS, log_odds, looked_at_again
from ...engine.weights_file import save_network
from ..resumable import ResumableRun, learning_rate_share
from .augmentation import PassAugmentation, augmented
from .batches import BatchSampler, BatchSettings, PassBatch, whole_pass
from .examples import PassExample
from .objective import refinement_loss, soft_dice

_AVERAGING_BEGINS = 20
"""The average over steps forgets faster at first: after n steps it keeps n / (n + this)."""


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
        return float(np.mean([each.before for each in self.families])) if self.families else float("nan")

    @property
    def after(self) -> float:
        """NaN where nothing was held out."""
        return float(np.mean([each.after for each in self.families])) if self.families else float("nan")


class RefinementTrainer(ResumableRun[HeldOutDice]):
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
        begun_with = "" if earlier is None else f" {_checksum(earlier)}"
        super().__init__(settings, f"{asdict(settings)!r} {_fingerprint(examples)}{begun_with}")
        self.settings = settings
        self._sampler = BatchSampler(examples, settings.batches)
        self._held_out = _chosen(examples, settings)
        device = choose_device(settings.device)
        self._has_bfloat16 = settings.mixed_precision and device.precision == torch.bfloat16
        torch.manual_seed(settings.seed)
        self.network = RefinementNetwork(settings.network).to(settings.device)
        if earlier is not None:
            self.network.load_state_dict(earlier.state_dict())
        self.averaged = copy.deepcopy(self.network).eval()
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    def save(self, path: Path, facts: dict[str, str]) -> None:
        """Write the averaged weights with the settings of the run."""
        save_network(self.averaged, path, {"training": repr(asdict(self.settings)), **facts})

    @torch.no_grad()
    def held_out_error(self) -> HeldOutDice:
        """Dice of the passes held out before and after refinement by the averaged weights."""
        measured = []
        for family, examples in self._held_out.items():
            both = np.array([self._dice_of(example) for example in examples])
            before, after = (float(value) for value in both.mean(axis=0))
            measured.append(FamilyDice(family, len(examples), before, after))
        return HeldOutDice(self.step, tuple(measured))

    def _one_step(self) -> float:
        settings = self.settings
        for group in self._optimiser.param_groups:
            group["lr"] = settings.learning_rate * learning_rate_share(self.step, settings.steps)
        # Every step has a generator of its own: a resumed run draws what an unbroken one would.
        generator = np.random.default_rng([settings.seed, self.step])
        batch = augmented(self._sampler.draw(generator), settings.augmentation, generator)
        self.network.train()
        if generator.random() < settings.second_looks:
            with torch.no_grad():
                batch = self._mended(self.network, batch)
        change, verdicts = self._looked_at(self.network, batch)
        loss = refinement_loss(change, verdicts, _on(batch, settings.device))
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        length = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if torch.isfinite(length):
            # In bfloat16 a batch of two slices was once seen to give no finite gradient; it would end the run.
            self._optimiser.step()
            self._average()
        return float(loss.detach())

    @torch.no_grad()
    def _average(self) -> None:
        done = self.step + 1
        kept = min(self.settings.averaging, done / (done + _AVERAGING_BEGINS))
        for average, latest in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            average.lerp_(latest, 1 - kept)

    def _looked_at(self, network: RefinementNetwork, batch: PassBatch) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.settings.device
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=self._has_bfloat16):
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

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }

    def _take_up(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self._optimiser.load_state_dict(state["optimiser"])

    def _measured(self, kept: dict[str, Any]) -> HeldOutDice:
        return HeldOutDice(kept["step"], tuple(FamilyDice(**each) for each in kept["families"]))


def _fingerprint(examples: Sequence[PassExample]) -> str:
    """Which passes, and which of them held out; not what the engine made of them, which processors round otherwise."""
    names = [f"{each.name} {each.is_held_out}" for each in examples if not each.family.is_sent_on]
    # How often a pass was sent on is the engine's doing as well.
    names += dict.fromkeys(f"{each.name} {each.is_held_out}" for each in examples if each.family.is_sent_on)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _checksum(network: RefinementNetwork) -> str:
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def _chosen(examples: Sequence[PassExample], settings: RefinementTraining) -> dict[str, list[PassExample]]:
    """The passes that are measured, by family."""
    generator = np.random.default_rng([20_260, settings.seed])
    chosen: dict[str, list[PassExample]] = {}
    held_out = [example for example in examples if example.is_held_out]
    for family in sorted({example.family.words for example in held_out}):
        members = [example for example in held_out if example.family.words == family]
        order = generator.permutation(len(members))[: settings.held_out_passes]
        chosen[family] = [members[index] for index in order]
    return chosen


def _on(batch: PassBatch, device: str) -> PassBatch:
    """What the loss looks at, on the device."""
    return replace(batch, soft=batch.soft.to(device), truth=batch.truth.to(device), counted=batch.counted.to(device))
