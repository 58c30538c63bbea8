"""Training runs that save an average of the weights over their steps."""

from __future__ import annotations

import copy
import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import nn

from ..engine.mask_prior.network import MaskPriorNetwork
from ..engine.refinement.network import RefinementNetwork
from ..engine.weights_file import save_network
from .resumable import MeasuredT, ResumableRun, RunSettings, digest_of_weights, set_learning_rate

_AVERAGING_BEGINS = 20
"""The average over steps forgets faster at first: after n steps it keeps n / (n + this)."""

_LONGEST_GRADIENT = 1.0


class AveragedSettings(RunSettings, Protocol):
    """What such a run must know; a dataclass.

    Attributes:
        learning_rate: the peak; it falls to nothing along a cosine.
        averaging: what the averaged weights keep of themselves at each step.
        seed: of every random choice.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def learning_rate(self) -> float: ...

    @property
    def averaging(self) -> float: ...

    @property
    def seed(self) -> int: ...


NetworkT = TypeVar("NetworkT", MaskPriorNetwork, RefinementNetwork)
SettingsT = TypeVar("SettingsT", bound=AveragedSettings)


class AveragedRun(ResumableRun[MeasuredT], Generic[MeasuredT, NetworkT, SettingsT]):
    """A resumable run of which the averaged weights are measured and saved.

    Args:
        settings: everything but what is learned from.
        identity: in words, everything that decides the weights.
        network: what is trained, on its device.
        optimiser: of its parameters; the learning rate is set at each step.
        longest_gradient: longer ones are cut down to this.
    """

    def __init__(
        self,
        settings: SettingsT,
        identity: str,
        network: NetworkT,
        optimiser: torch.optim.Optimizer,
        longest_gradient: float = _LONGEST_GRADIENT,
    ) -> None:
        super().__init__(settings, identity)
        self.settings = settings
        self.network: NetworkT = network
        self.averaged: NetworkT = copy.deepcopy(network).eval()
        self._optimiser = optimiser
        self._longest_gradient = longest_gradient

    def save(self, path: Path, facts: dict[str, str]) -> None:
        """Write the averaged weights with the settings of the run."""
        save_network(self.averaged, path, {"training": repr(asdict(self.settings)), **facts})

    @abstractmethod
    def _learnt(self, generator: np.random.Generator) -> float:
        """Draw what to learn from and gather gradients; returns the loss."""

    def _one_step(self) -> float:
        settings = self.settings
        set_learning_rate(self._optimiser, settings.learning_rate, self.step, settings.steps)
        self.network.train()
        self._optimiser.zero_grad(set_to_none=True)
        # Every step has a generator of its own: a resumed run draws what an unbroken one would.
        loss = self._learnt(np.random.default_rng([settings.seed, self.step]))
        length = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._longest_gradient)
        if torch.isfinite(length):
            # In bfloat16 a batch of two slices was once seen to give no finite gradient; it would end the run.
            self._optimiser.step()
            self._average()
        return loss

    @torch.no_grad()
    def _average(self) -> None:
        done = self.step + 1
        kept = min(self.settings.averaging, done / (done + _AVERAGING_BEGINS))
        latest = self.network.state_dict()
        for name, average in self.averaged.state_dict().items():
            if average.is_floating_point():
                average.lerp_(latest[name], 1 - kept)
            else:
                average.copy_(latest[name])

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


def begun_network(network: NetworkT, earlier: NetworkT | None) -> NetworkT:
    """The network, with the weights of an earlier one if there is one."""
    if earlier is not None:
        network.load_state_dict(earlier.state_dict())
    return network


def run_identity(settings: AveragedSettings, names: Sequence[str], earlier: nn.Module | None) -> str:
    """What decides the weights of a run, in words.

    Args:
        settings: of the run.
        names: of what it learns from and what is held out.
        earlier: the network that it begins with.
    """
    begun_with = "" if earlier is None else f" {digest_of_weights(earlier)}"
    learnt_from = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return f"{asdict(settings)!r} {learnt_from}{begun_with}"
