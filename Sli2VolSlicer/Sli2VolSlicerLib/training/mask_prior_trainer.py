"""Training the mask prior: class-agnostic, deterministic under a seed, resumable."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ..engine.errors import WeightsError
from ..engine.mask_prior import AppearanceModel, MaskPrior, save_mask_prior
from ..engine.mask_prior_network import MaskPriorNetwork, MaskPriorSettings
from .mask_prior_objects import (
    LabelledVolume,
    TrainingObject,
    grown_objects,
    labelled_objects,
    synthetic_objects,
)
from .mask_prior_samples import Batch, SampleSettings, Task, TaskSampler

CHECKPOINT_VERSION = 1
_DICE_PIXELS = 30.0


@dataclass(frozen=True)
class MaskPriorTraining:
    """One training run; together with the volumes it decides the weights.

    Attributes:
        network: what is trained.
        steps: optimiser steps.
        batch: samples per step.
        learning_rate: the peak; it falls to nothing along a cosine.
        averaging: decay of the running mean of the weights, which is what is saved.
        drift_share: largest share of a batch that goes on from the network's own drawings.
        drift_from: share of the steps after which that begins.
        labelled_share, grown_share, synthetic_share: of the samples.
        grown_per_volume, synthetic: how many such objects there are.
        seed: of every random choice.
        held_out_every: every how many steps the held-out Dice is measured.
        checkpoint_every: steps between checkpoints.
        mixed_precision: bfloat16 convolutions.
    """

    network: MaskPriorSettings = field(default_factory=MaskPriorSettings)
    samples: SampleSettings = field(default_factory=SampleSettings)
    steps: int = 8000
    batch: int = 8
    learning_rate: float = 1.3e-3
    averaging: float = 0.998
    drift_share: float = 0.45
    drift_from: float = 0.08
    labelled_share: float = 0.36
    grown_share: float = 0.24
    synthetic_share: float = 0.4
    grown_per_volume: int = 4
    synthetic: int = 450
    seed: int = 1
    held_out_every: int = 1000
    checkpoint_every: int = 250
    mixed_precision: bool = True


@dataclass(frozen=True)
class HeldOutDice:
    """Mean Dice on objects never trained on, of the network and of copying the reference's mask.

    Attributes:
        step: of training.
        single, single_copy: one step, from the true mask.
        ended: share of slices past a structure's end that are left empty.
        rolled: family -> volume Dice of a propagation from the largest slice to both ends.
        rolled_copy: the same of copying the largest slice to the structure's true ends.
    """

    step: int
    single: float
    single_copy: float
    ended: float
    rolled: dict[str, float]
    rolled_copy: dict[str, float]


StepCallback = Callable[[int, float, HeldOutDice | None], None]


def family_shares(objects: Sequence[TrainingObject], settings: MaskPriorTraining) -> dict[str, float]:
    """The weight of each family: labelled ones by the root of their number, so that none drowns the others."""
    counts: dict[str, int] = {}
    for one in objects:
        counts[one.family] = counts.get(one.family, 0) + 1
    roots = {f: float(np.sqrt(n)) * (4.0 if "GTV" in f else 1.0) for f, n in counts.items() if f.startswith("label")}
    total = sum(roots.values())
    shares = {f: settings.labelled_share * r / total for f, r in roots.items()}
    return {**shares, "grown": settings.grown_share, "synthetic": settings.synthetic_share}


def split_patients(patients: Sequence[str]) -> set[str]:
    """Patients to hold out: every tenth of each kind of name (what comes before the last underscore), at least one."""
    kinds: dict[str, list[str]] = {}
    for patient in sorted(set(patients)):
        kinds.setdefault(patient.rpartition("_")[0], []).append(patient)
    return {p for group in kinds.values() if len(group) > 2 for p in group[2::10]}


class MaskPriorTrainer:
    """One training run.

    Args:
        objects: what to learn from.
        held_out: what the held-out Dice is measured on; may be empty.
        settings: everything else.
    """

    def __init__(
        self, objects: Sequence[TrainingObject], held_out: Sequence[TrainingObject], settings: MaskPriorTraining
    ) -> None:
        self.settings = settings
        self._sampler = TaskSampler(objects, family_shares(objects, settings), settings.network, settings.samples)
        self._held_out = list(held_out)
        torch.manual_seed(settings.seed)
        network = MaskPriorNetwork(settings.network)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean = copy.deepcopy(self.network).eval()
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        self._optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
        )
        self.step = 0
        self.curve: list[HeldOutDice] = []
        self._waiting: list[Task] = []

    def run(self, checkpoint: Path | None = None, on_step: StepCallback | None = None) -> tuple[HeldOutDice, ...]:
        """Train to the last step, resuming from `checkpoint` if it exists.

        Raises:
            WeightsError: the checkpoint belongs to other settings.
        """
        settings = self.settings
        if checkpoint is not None and checkpoint.exists():
            self._restore(checkpoint)
        while self.step < settings.steps:
            loss = self._one_step()
            self.step += 1
            last = self.step == settings.steps
            held_out = None
            if self._held_out and (self.step % settings.held_out_every == 0 or last):
                held_out = held_out_dice(self.mean, self._held_out, self.step, settings)
                self.curve.append(held_out)
            if checkpoint is not None and (self.step % settings.checkpoint_every == 0 or last):
                self._keep(checkpoint)
            if on_step is not None:
                on_step(self.step, loss, held_out)
        return tuple(self.curve)

    def _one_step(self) -> float:
        settings = self.settings
        for group in self._optimiser.param_groups:
            group["lr"] = settings.learning_rate * _schedule(self.step, settings.steps)
        # Every step has a generator of its own: a resumed run draws what an unbroken one would.
        generator = np.random.default_rng([settings.seed, self.step])
        tasks = self._waiting + [self._sampler.draw(generator) for _ in range(settings.batch - len(self._waiting))]
        batch = self._sampler.render(tasks, generator)
        self.network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.mixed_precision):
            logits, there = self.network(batch.inputs.contiguous(memory_format=torch.channels_last))
        logits, there = logits.float(), there.float()
        loss = mask_loss(logits, there, batch.truth, batch.reference)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self._optimiser.step()
        self._average()
        self._waiting = []
        if self.step >= settings.drift_from * settings.steps:
            self._waiting = self._continued(tasks, torch.sigmoid(logits.detach()), batch, generator)
        return float(loss.detach())

    def _continued(
        self, tasks: Sequence[Task], drawn: torch.Tensor, batch: Batch, generator: np.random.Generator
    ) -> list[Task]:
        """Tasks that go on from what was just drawn."""
        room = int(self.settings.drift_share * self.settings.batch)
        result: list[Task] = []
        for i in generator.permutation(len(tasks)):
            if len(result) == room:
                break
            following = self._sampler.continued(tasks[i], drawn[i], batch.truth[i], generator)
            if following is not None:
                result.append(following)
        return result

    @torch.no_grad()
    def _average(self) -> None:
        """Move the running mean towards the network; quickly at first."""
        share = 1 - min(self.settings.averaging, (self.step + 1) / (self.step + 10))
        now = self.network.state_dict()
        for name, value in self.mean.state_dict().items():
            if value.is_floating_point():
                value.lerp_(now[name], share)
            else:
                value.copy_(now[name])

    def _keep(self, path: Path) -> None:
        temporary = path.with_name(path.name + ".part")
        torch.save(
            {
                "version": CHECKPOINT_VERSION,
                "settings": repr(asdict(self.settings)),
                "step": self.step,
                "network": self.network.state_dict(),
                "mean": self.mean.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "waiting": [{**vars(t), "frame": torch.from_numpy(t.frame)} for t in self._waiting],
                "curve": [asdict(e) for e in self.curve],
            },
            temporary,
        )
        temporary.replace(path)

    def _restore(self, path: Path) -> None:
        kept = torch.load(path, weights_only=True)
        if kept.get("version") != CHECKPOINT_VERSION or kept["settings"] != repr(asdict(self.settings)):
            msg = f"The checkpoint {path} was made with other settings; give the same ones, or another checkpoint file."
            raise WeightsError(msg)
        self.step = kept["step"]
        self.network.load_state_dict(kept["network"])
        self.mean.load_state_dict(kept["mean"])
        self._optimiser.load_state_dict(kept["optimiser"])
        self._waiting = [Task(**{**t, "frame": t["frame"].numpy()}) for t in kept["waiting"]]
        self.curve = [HeldOutDice(**e) for e in kept["curve"]]


def mask_loss(logits: torch.Tensor, there: torch.Tensor, truth: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Soft Dice and cross-entropy of the mask, and cross-entropy of the structure being there at all.

    Where the truth is empty Dice hardly changes with what is drawn; there the area drawn counts
    instead, as a share of the reference's.

    Args:
        logits, truth, reference: (batch, size, size); the reference is the mask that was handed in.
        there: (batch,).
    """
    soft = torch.sigmoid(logits)
    drawn, area = soft.sum(dim=(1, 2)), truth.sum(dim=(1, 2))
    dice = 1 - (2 * (soft * truth).sum(dim=(1, 2)) + _DICE_PIXELS) / (drawn + area + _DICE_PIXELS)
    excess = drawn / (reference.sum(dim=(1, 2)) + _DICE_PIXELS)
    present = (truth > 0.5).flatten(1).any(dim=1)
    entropy = functional.binary_cross_entropy_with_logits(logits, truth)
    absent = functional.binary_cross_entropy_with_logits(there, present.float())
    return torch.where(present, dice, excess.clamp(max=2)).mean() + entropy + 0.2 * absent


def held_out_dice(
    network: MaskPriorNetwork, objects: Sequence[TrainingObject], step: int, settings: MaskPriorTraining
) -> HeldOutDice:
    """How well the network does on objects that it never saw."""
    generator = np.random.default_rng([20_260, settings.seed])
    sampler = TaskSampler(objects, {o.family: 1.0 for o in objects}, settings.network, settings.samples)
    batch = sampler.render([sampler.draw(generator) for _ in range(128)], None)
    network.eval()
    with torch.inference_mode():
        drawn = torch.cat([network(part)[0] for part in batch.inputs.split(16)]) > 0
    truth, copied = batch.truth > 0.5, batch.reference > 0.5
    present = truth.flatten(1).any(dim=1)
    prior = MaskPrior(network)
    rolled: dict[str, list[float]] = {}
    rolled_copy: dict[str, list[float]] = {}
    for one in objects:
        rolled.setdefault(one.family, []).append(_dice(rolled_out(prior, one), one.mask))
        largest = one.mask[int(one.mask.sum(axis=(1, 2)).argmax())]
        kept = one.mask.any(axis=(1, 2), keepdims=True) & largest
        rolled_copy.setdefault(one.family, []).append(_dice(kept, one.mask))
    return HeldOutDice(
        step,
        float(np.mean([_dice(a.numpy(), b.numpy()) for a, b in zip(drawn[present], truth[present], strict=True)])),
        float(np.mean([_dice(a.numpy(), b.numpy()) for a, b in zip(copied[present], truth[present], strict=True)])),
        float((~drawn[~present].flatten(1).any(dim=1)).float().mean()),
        {f: float(np.mean(v)) for f, v in rolled.items()},
        {f: float(np.mean(v)) for f, v in rolled_copy.items()},
    )


def rolled_out(prior: MaskPrior, one: TrainingObject) -> np.ndarray:
    """Propagate an object's largest slice to both ends, stopping where nothing is drawn: bool, the object's shape."""
    largest = int(one.mask.sum(axis=(1, 2)).argmax())
    result = np.zeros_like(one.mask)
    result[largest] = one.mask[largest]
    intensity = one.intensity.astype(np.float32)
    appearance = AppearanceModel.from_anchor(intensity[largest], one.mask[largest])
    for step in (1, -1):
        soft = one.mask[largest].astype(np.float32)
        target = largest + step
        while 0 <= target < len(result):
            soft = prior.draw(intensity[target], intensity[target - step], soft, appearance)
            result[target] = soft > 0.5
            if not result[target].any():
                break
            target += step
    return result


def train_mask_prior(
    volumes: Sequence[LabelledVolume],
    weights: Path,
    settings: MaskPriorTraining | None = None,
    checkpoint: Path | None = None,
    on_step: StepCallback | None = None,
) -> tuple[HeldOutDice, ...]:
    """Train on volumes, labelled or not, and write the weights.

    Args:
        volumes: what to learn from; every tenth patient is held out.
        weights: the .safetensors file to write.
        settings: the run's; the defaults take about an hour of one core.
        checkpoint: kept there, and resumed from there.
        on_step: called after every step with its number, its loss and, now and then, the held-out Dice.

    Returns:
        the held-out Dice through training, the last that of the weights written.

    Raises:
        WeightsError: the checkpoint belongs to other settings.
    """
    settings = settings or MaskPriorTraining()
    trained, held_out = gather_objects(volumes, settings)
    trainer = MaskPriorTrainer(trained, held_out, settings)
    began = time.perf_counter()
    curve = trainer.run(checkpoint, on_step)
    facts = {"training": repr(asdict(settings)), "seconds": f"{time.perf_counter() - began:.0f}"}
    save_mask_prior(trainer.mean, weights, {**facts, "held_out": repr(curve[-1:])})
    return curve


def gather_objects(
    volumes: Sequence[LabelledVolume], settings: MaskPriorTraining
) -> tuple[list[TrainingObject], list[TrainingObject]]:
    """Objects of all kinds out of volumes: to train on, and held out by patient."""
    kept_out = split_patients([v.patient for v in volumes])
    trained: list[TrainingObject] = []
    held_out: list[TrainingObject] = []
    for number, volume in enumerate(volumes):
        generator = np.random.default_rng([settings.seed, 1, number])
        found = labelled_objects(volume) + grown_objects(volume, settings.grown_per_volume, generator)
        (held_out if volume.patient in kept_out else trained).extend(found)
    generator = np.random.default_rng([settings.seed, 2])
    return trained + synthetic_objects(settings.synthetic, trained, generator), held_out


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0


def _schedule(step: int, steps: int) -> float:
    """A short warm-up, then a cosine to nothing."""
    warm_up = min(200, max(1, steps // 20))
    if step < warm_up:
        return (step + 1) / warm_up
    return float(0.5 * (1 + np.cos(np.pi * (step - warm_up) / max(1, steps - warm_up))))
