"""Supervised training of the mask prior's network, unrolled on its own drawings; resumable and deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from ...engine.devices import choose_device
from ...engine.mask_prior.crop import Crop
from ...engine.mask_prior.network import MaskPriorNetwork, MaskPriorSettings
from ...engine.mask_prior.prior import MaskPrior
from ...engine.mask_prior.view import network_inputs
from ..averaged import AveragedRun, begun_network, run_identity
from ..refinement.held_out import measured_by_family
from ..resumable import mean_or_nan
from .cut_outs import CutOut
from .episodes import Episode, EpisodeSampler, EpisodeSettings
from .objective import mask_prior_loss

_LONGEST_GRADIENT = 2.0

_LOST = 0.2
"""An episode in which the drawing overlaps the truth by less than this (Dice) is not gone on with."""


@dataclass(frozen=True)
class MaskPriorTraining:
    """One training run; together with the cut-outs it decides the weights.

    Attributes:
        network: what is trained.
        steps: optimiser steps.
        episodes: played side by side at each of them.
        learning_rate: the peak; it falls to nothing along a cosine.
        weight_decay: of AdamW.
        averaging: what the averaged weights, those that are saved, keep of themselves at each step.
        crop_shift, crop_zoom: how far a crop is off at most, as a share of its side and as a logarithm.
        seed: of every random choice.
        held_out_every: every how many steps the held-out Dice is measured.
        held_out_cut_outs: of each family's that are held out, so many are measured.
        checkpoint_every: steps between checkpoints.
        device: "cpu", "cuda" or "mps".
        mixed_precision: bfloat16 convolutions where the device has them.
    """

    network: MaskPriorSettings = field(default_factory=MaskPriorSettings)
    steps: int = 3500
    episodes: int = 5
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01
    averaging: float = 0.998
    crop_shift: float = 0.03
    crop_zoom: float = 0.08
    seed: int = 1
    held_out_every: int = 1000
    held_out_cut_outs: int = 20
    checkpoint_every: int = 100
    device: str = "cpu"
    mixed_precision: bool = True
    sampling: EpisodeSettings = field(default_factory=EpisodeSettings)


@dataclass(frozen=True)
class FamilyDice:
    """Mean Dice of whole structures but for the drawn slice: drawn to either end, and copied to the true ends."""

    family: str
    structures: int
    copied: float
    drawn: float


@dataclass(frozen=True)
class HeldOutDice:
    """How good the mask prior is on structures never trained on; families count alike."""

    step: int
    families: tuple[FamilyDice, ...]

    @property
    def copied(self) -> float:
        """NaN where nothing was held out."""
        return mean_or_nan([each.copied for each in self.families])

    @property
    def drawn(self) -> float:
        """NaN where nothing was held out."""
        return mean_or_nan([each.drawn for each in self.families])


class MaskPriorTrainer(AveragedRun[HeldOutDice, MaskPriorNetwork, MaskPriorTraining]):
    """One training run.

    Args:
        cut_outs: what to learn from, and what is held out.
        settings: everything else.
        earlier: training begins with this network, of the same settings, instead of anew.

    Raises:
        VolumeError: there is nothing to learn from.
        DeviceError: no such device here.
    """

    def __init__(
        self, cut_outs: Sequence[CutOut], settings: MaskPriorTraining, earlier: MaskPriorNetwork | None = None
    ) -> None:
        self._sampler = EpisodeSampler(cut_outs, settings.sampling)
        self._held_out = measured_by_family(
            cut_outs, settings.held_out_cut_outs, np.random.default_rng([20_262, settings.seed])
        )
        self._device = choose_device(settings.device)
        torch.manual_seed(settings.seed)
        network = begun_network(MaskPriorNetwork(settings.network), earlier)
        network = network.to(settings.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        weights = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        optimiser = torch.optim.AdamW(
            [{"params": weights, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
        )
        names = [f"{one.name} {one.is_held_out}" for one in cut_outs]
        super().__init__(settings, run_identity(settings, names, earlier), network, optimiser, _LONGEST_GRADIENT)

    def held_out_error(self) -> HeldOutDice:
        """Dice of the structures held out, drawn by the averaged weights from their largest slice to where they end."""
        prior = MaskPrior(self.averaged, replace(self._device, precision=torch.float32))
        measured = []
        for family, members in self._held_out.items():
            both = np.array([_copied_and_drawn(prior, one) for one in members])
            copied, drawn = (float(value) for value in both.mean(axis=0))
            measured.append(FamilyDice(family, len(members), copied, drawn))
        return HeldOutDice(self.step, tuple(measured))

    def _learnt(self, generator: np.random.Generator) -> float:
        episodes = [self._sampler.draw(generator) for _ in range(self.settings.episodes)]
        return self._played(episodes, generator)

    def _played(self, episodes: Sequence[Episode], generator: np.random.Generator) -> float:
        """Draw episodes slice by slice, each from what was drawn before, and gather gradients; the mean loss."""
        most = self.settings.sampling.steps
        softs = [each.drawn for each in episodes]
        going, losses = list(range(len(episodes))), []
        for step in range(1, most + 1):
            going = [n for n in going if step <= episodes[n].steps]
            crops = {n: crop for n in going if (crop := self._crop(softs[n], generator)) is not None}
            going = list(crops)
            if not going:
                break
            size = self.settings.network.size
            pairs = torch.stack([crops[n].cut(episodes[n].intensity[[step, step - 1]], size) for n in going])
            reference = torch.cat([crops[n].cut(softs[n][None], size, "zeros") for n in going])
            truth = torch.cat([crops[n].cut(episodes[n].truth[step][None], size, "zeros") for n in going])
            inputs = network_inputs(pairs[:, 0], pairs[:, 1], reference)
            inputs = inputs.to(self.settings.device, memory_format=torch.channels_last)
            with self._device.autocast(is_wanted=self.settings.mixed_precision):
                logits, there = self.network(inputs)
            logits, there = logits.float().cpu(), there.float().cpu()
            loss = mask_prior_loss(logits, there, truth, reference)
            # Every drawing counts alike, however many episodes have come this far; the drift itself is not learned
            # through: what was drawn before is taken as given.
            (loss * (len(going) / (most * len(episodes)))).backward()
            losses.append(float(loss.detach()))
            for n, drawn in zip(going, torch.sigmoid(logits.detach()), strict=True):
                softs[n] = crops[n].paste(drawn, (softs[n].shape[0], softs[n].shape[1]))
            going = [n for n in going if _is_gone_on_with(softs[n], episodes[n].truth[step])]
        return float(np.mean(losses)) if losses else 0.0

    def _crop(self, soft: np.ndarray, generator: np.random.Generator) -> Crop | None:
        """Where the engine would look, a little off."""
        settings, network = self.settings, self.settings.network
        crop = Crop.around(soft, network.context, network.margin)
        off = generator.uniform(-1, 1, 3)
        if crop is None:
            return None
        row, column = (float(value) * settings.crop_shift * crop.side for value in off[:2])
        return Crop(crop.row + row, crop.column + column, crop.side * float(np.exp(off[2] * settings.crop_zoom)))

    def _measured(self, kept: dict[str, Any]) -> HeldOutDice:
        return HeldOutDice(kept["step"], tuple(FamilyDice(**each) for each in kept["families"]))


def _is_gone_on_with(soft: np.ndarray, truth: np.ndarray) -> bool:
    """Whether propagation would go on, and is not somewhere else altogether; past an end it is left to go on."""
    drawn, there = soft > 0.5, truth > 0.5
    return bool(drawn.any()) and (not there.any() or _dice(drawn, there) >= _LOST)


def _copied_and_drawn(prior: MaskPrior, one: CutOut) -> tuple[float, float]:
    intensity = one.intensity.astype(np.float32) / 255
    anchor = int(one.mask.sum(axis=(1, 2)).argmax())
    copied = one.mask.any(axis=(1, 2), keepdims=True) & one.mask[anchor]
    drawn = np.zeros_like(one.mask)
    for step in (1, -1):
        soft, target = one.mask[anchor].astype(np.float32), anchor + step
        while 0 <= target < len(drawn):
            soft = prior.draw(intensity[target], intensity[target - step], soft[None])[0]
            drawn[target] = soft > 0.5
            if not drawn[target].any():
                break
            target += step
    others = np.arange(len(drawn)) != anchor
    return _dice(copied[others], one.mask[others]), _dice(drawn[others], one.mask[others])


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0
