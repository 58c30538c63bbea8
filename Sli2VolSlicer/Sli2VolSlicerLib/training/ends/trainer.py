"""Supervised training of the end network, resumable and deterministic."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ...engine.devices import choose_device
from ...engine.ends.known_ends import FIRST_SLICES, EndSight, most_likely_end
from ...engine.ends.network import EndNetwork, EndOpinion, EndSettings
from ...engine.errors import VolumeError
from ...engine.weights_file import save_network
from ..resumable import ResumableRun, mean_or_nan, set_learning_rate
from .batches import EndBatch, EndBatches, EndSampler
from .structures import EndStructure, kinds_of

_AREA_WEIGHT, _KIND_WEIGHT = 0.3, 0.3
_AREA_TOLERANCE = 0.2


@dataclass(frozen=True)
class EndTraining:
    """One training run; together with the structures it decides the weights.

    Attributes:
        widths: the network's channels.
        steps: optimiser steps.
        learning_rate: the peak; it falls to nothing along a cosine.
        weight_decay: of AdamW.
        seed: of every random choice.
        held_out_every: every how many steps ends are measured on what was held out.
        held_out_slices: drawn slices of each structure held out.
        known_miss: a kind's ends are known if they are missed by this share of the way to them at most, ...
        known_recognised: ... and the kind is told by so much of the network's belief at least.
        checkpoint_every: steps between checkpoints.
        device: "cpu", "cuda" or "mps".
    """

    widths: tuple[int, int, int, int] = EndSettings().widths
    steps: int = 12_000
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    seed: int = 1
    held_out_every: int = 3000
    held_out_slices: int = 2
    known_miss: float = 0.35
    known_recognised: float = 0.9
    checkpoint_every: int = 250
    device: str = "cpu"
    batches: EndBatches = field(default_factory=EndBatches)


@dataclass(frozen=True)
class KindEnds:
    """How well the ends of one kind are found on structures never trained on.

    Attributes:
        kind: its name; "" for all that have none.
        ends: so many were measured.
        missed: mean slices between the found end and the true one.
        way: mean slices to the true one.
        recognised: mean share of belief in this kind.
    """

    kind: str
    ends: int
    missed: float
    way: float
    recognised: float


@dataclass(frozen=True)
class HeldOutEnds:
    """All kinds after one step."""

    step: int
    kinds: tuple[KindEnds, ...]

    @property
    def share_missed(self) -> float:
        """Mean over kinds of the share of the way by which ends are missed; NaN where nothing was held out."""
        shares = [each.missed / max(each.way, 1e-6) for each in self.kinds if each.kind]
        return mean_or_nan(shares)


class EndTrainer(ResumableRun[HeldOutEnds]):
    """One training run.

    Args:
        structures: what to learn from, and what is held out.
        settings: everything else.
        known: the kinds to serve; None: those that held-out structures show to be known.

    Raises:
        VolumeError: there is nothing to learn from, or no such kind.
        DeviceError: no such device here.
    """

    def __init__(
        self, structures: Sequence[EndStructure], settings: EndTraining, known: Sequence[str] | None = None
    ) -> None:
        super().__init__(settings, f"{asdict(settings)!r} {_fingerprint(structures)}")
        choose_device(settings.device)
        self.settings = settings
        kinds = kinds_of(structures)
        unknown = sorted(set(known or ()) - set(kinds))
        if unknown:
            msg = f"There is no kind {', '.join(map(repr, unknown))} to be known; the volumes have {', '.join(kinds)}."
            raise VolumeError(msg)
        self._asked = None if known is None else tuple(known)
        self._sampler = EndSampler(structures, kinds, settings.batches)
        self._held_out = [each for each in structures if each.is_held_out and each.source == each.kind]
        torch.manual_seed(settings.seed)
        self.network = EndNetwork(EndSettings(settings.widths, kinds)).to(settings.device)
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    @property
    def known(self) -> tuple[str, ...]:
        """Kinds that the weights will serve: as asked for, or those whose ends the last measurement found."""
        if self._asked is not None:
            return self._asked
        settings = self.settings
        return tuple(
            each.kind
            for each in self.curve[-1].kinds
            if each.kind
            and each.missed <= settings.known_miss * each.way
            and each.recognised > settings.known_recognised
        )

    def save(self, path: Path, facts: dict[str, str]) -> None:
        """Write the weights with the settings of the run and the kinds that are known."""
        network = EndNetwork(replace(self.network.settings, known=self.known))
        network.load_state_dict(self.network.state_dict())
        save_network(network, path, {"training": repr(asdict(self.settings)), **facts})

    @torch.no_grad()
    def held_out_error(self) -> HeldOutEnds:
        """How far ends are missed on what was held out."""
        self.network.eval()
        found: dict[str, list[tuple[float, float, float]]] = {}
        for number, one in enumerate(self._held_out):
            generator = np.random.default_rng([20_262, self.settings.seed, number])
            large = one.large_slices()
            chosen = generator.choice(large, min(len(large), self.settings.held_out_slices), replace=False)
            for anchor in chosen:
                found.setdefault(one.kind, []).extend(self._ends_from(one, int(anchor)))
        measured = [
            KindEnds(kind, len(values), *(float(v) for v in np.mean(values, axis=0))) for kind, values in found.items()
        ]
        return HeldOutEnds(self.step, tuple(sorted(measured, key=lambda each: each.kind)))

    def _ends_from(self, one: EndStructure, anchor: int) -> list[tuple[float, float, float]]:
        """Slices by which either end is missed, slices to it, and belief in the kind."""
        there, measured = np.flatnonzero(one.areas), []
        names = self.network.settings.kinds
        number = names.index(one.kind) if one.kind in names else len(names)
        for step, true in ((-1, anchor - there[0]), (1, there[-1] - anchor)):
            room = len(one.areas) - 1 - anchor if step > 0 else anchor
            if room < 1:
                continue
            sight = EndSight(self.network, one.volume.seen, one.volume.spacing_mm, anchor, step, one.drawn(anchor))
            opinion = sight.of(range(1, room + 1))
            belief = opinion.kind[:FIRST_SLICES].softmax(dim=1)[:, number].mean()
            missed = abs(most_likely_end(opinion.present.numpy()) - int(true))
            measured.append((float(missed), float(true), float(belief)))
        return measured

    def _one_step(self) -> float:
        settings = self.settings
        set_learning_rate(self._optimiser, settings.learning_rate, self.step, settings.steps)
        # Every step has a generator of its own: a resumed run draws what an unbroken one would.
        generator = np.random.default_rng([settings.seed, self.step])
        batch = self._sampler.draw(generator)
        torch.manual_seed(int(generator.integers(2**31)))
        self.network.train()
        opinion = self.network(batch.maps.to(settings.device), batch.measures.to(settings.device))
        loss = end_loss(opinion, batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        return float(loss.detach())

    def _state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimiser": self._optimiser.state_dict()}

    def _take_up(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])

    def _measured(self, kept: dict[str, Any]) -> HeldOutEnds:
        return HeldOutEnds(kept["step"], tuple(KindEnds(**each) for each in kept["kinds"]))


def end_loss(opinion: EndOpinion, batch: EndBatch) -> torch.Tensor:
    """Cross entropies of "it is there" and of the kind, and how far the area is off."""
    device = opinion.present.device
    present = functional.binary_cross_entropy_with_logits(opinion.present, batch.present.to(device))
    area = functional.smooth_l1_loss(opinion.area, batch.area.to(device), beta=_AREA_TOLERANCE)
    kind = functional.cross_entropy(opinion.kind, batch.kind.to(device))
    return present + _AREA_WEIGHT * area + _KIND_WEIGHT * kind


def _fingerprint(structures: Sequence[EndStructure]) -> str:
    """Which structures, and which of them held out."""
    words = [
        f"{e.source} {e.first_slice} {e.corner} {e.mask.shape} {int(e.mask.sum())} {e.is_held_out}" for e in structures
    ]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
