"""What every training run does: steps, held-out measurements, checkpoints to go on from."""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import nn

from ..engine.errors import MethodError, WeightsError

CHECKPOINT_VERSION = 1

_LONGEST_WARM_UP = 200


class Measured(Protocol):
    """What is measured on what was held out: a dataclass that says after which step."""

    @property
    def step(self) -> int: ...


MeasuredT = TypeVar("MeasuredT", bound=Measured)


class RunSettings(Protocol):
    """What a run must know besides what it trains."""

    @property
    def steps(self) -> int: ...

    @property
    def held_out_every(self) -> int: ...

    @property
    def checkpoint_every(self) -> int: ...

    @property
    def device(self) -> str: ...


class ResumableRun(ABC, Generic[MeasuredT]):
    """A training run that can be stopped and goes on where its checkpoint says.

    Args:
        plan: how long it is, and how often it is measured and kept.
        identity: in words, everything that decides the weights; a checkpoint of another identity is refused.
    """

    def __init__(self, plan: RunSettings, identity: str) -> None:
        self._plan = plan
        self._identity = identity
        self.step = 0
        self.curve: list[MeasuredT] = []

    def run_steps(
        self, checkpoint: Path | None = None, on_step: Callable[[int, float, MeasuredT | None], None] | None = None
    ) -> float:
        """Train to the last step, resuming from `checkpoint` if it exists; returns the seconds it took.

        Raises:
            WeightsError: the checkpoint belongs to other settings.
        """
        plan = self._plan
        if checkpoint is not None and checkpoint.exists():
            self._restore(checkpoint)
        began = time.perf_counter()
        while self.step < plan.steps:
            loss = self._one_step()
            self.step += 1
            held_out = None
            if self.step % plan.held_out_every == 0 or self.step == plan.steps:
                held_out = self.held_out_error()
                self.curve.append(held_out)
            if checkpoint is not None and (self.step % plan.checkpoint_every == 0 or self.step == plan.steps):
                self._keep(checkpoint)
            if on_step is not None:
                on_step(self.step, loss, held_out)
        return time.perf_counter() - began

    @abstractmethod
    def held_out_error(self) -> MeasuredT:
        """How good the network is on what was held out."""

    @abstractmethod
    def _one_step(self) -> float:
        """Do step number `self.step`, counted from 0; returns the loss."""

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """State dicts of everything that changes from step to step."""

    @abstractmethod
    def _take_up(self, state: dict[str, Any]) -> None:
        """Go back to what `_state` gave."""

    @abstractmethod
    def _measured(self, kept: dict[str, Any]) -> MeasuredT:
        """An entry of the curve from its `asdict`."""

    def _keep(self, path: Path) -> None:
        temporary = path.with_name(path.name + ".part")
        kept = {
            "version": CHECKPOINT_VERSION,
            "settings": self._identity,
            "step": self.step,
            "curve": [asdict(each) for each in self.curve],  # type: ignore[call-overload]
        }
        torch.save({**kept, **self._state()}, temporary)
        temporary.replace(path)

    def _restore(self, path: Path) -> None:
        kept = torch.load(path, map_location=self._plan.device, weights_only=True)
        if kept.get("version") != CHECKPOINT_VERSION or kept["settings"] != self._identity:
            msg = f"The checkpoint {path} was made with other settings or volumes; give those, or another checkpoint."
            raise WeightsError(msg)
        self.step = kept["step"]
        self.curve = [self._measured(each) for each in kept["curve"]]
        self._take_up(kept)


def steps_wanted(asked: int | None, usual: int) -> int:
    """How long a run is to be.

    Raises:
        MethodError: under one step.
    """
    if asked is not None and asked < 1:
        msg = f"Training takes at least 1 step, got {asked}."
        raise MethodError(msg)
    return usual if asked is None else asked


def learning_rate_share(step: int, steps: int) -> float:
    """A short warm-up to 1, then a cosine to nothing."""
    warm_up = min(_LONGEST_WARM_UP, max(1, steps // 20))
    if step < warm_up:
        return (step + 1) / warm_up
    return float(0.5 * (1 + np.cos(np.pi * (step - warm_up) / max(1, steps - warm_up))))


def set_learning_rate(optimiser: torch.optim.Optimizer, peak: float, step: int, steps: int) -> None:
    """Give an optimiser its learning rate for a step: a share of the peak."""
    for group in optimiser.param_groups:
        group["lr"] = peak * learning_rate_share(step, steps)


def digest_of_arrays(named: Iterable[tuple[str, np.ndarray]]) -> str:
    """What tells volumes, or their labels, from others in a run's identity: their SHA-256, in this order."""
    digest = hashlib.sha256()
    for name, array in named:
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def digest_of_weights(network: nn.Module) -> str:
    """What tells weights to begin with from others in a run's identity: their SHA-256."""
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


@torch.no_grad()
def mix_in(network: nn.Module, other: nn.Module, share: float) -> None:
    """Turn a network's weights into a mean with another's (Wortsman et al. 2022, robust fine-tuning).

    Args:
        network: is changed.
        other: of the same settings.
        share: of the other network's weights in the mean, 0..1.
    """
    theirs = other.state_dict()
    for name, weight in network.state_dict().items():
        if weight.is_floating_point():
            weight.lerp_(theirs[name].to(weight), share)


def mean_or_nan(values: Sequence[float]) -> float:
    """The mean; NaN where nothing was measured."""
    return float(np.mean(values)) if values else float("nan")
