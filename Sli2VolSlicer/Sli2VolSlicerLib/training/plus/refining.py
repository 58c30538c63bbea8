"""A 3D network that refines pseudo-labels (Sli2Vol+, section 3.2): MONAI's UNETR, trained on them and applied to them.

The paper's UNETR++ learns classes of structures from their images. Here structures are of any class, so the network is
also shown what was drawn on the one slice. It never sees the pseudo-label that it is to refine: errors that are not
repeated from one structure to the next are what it cannot learn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ...engine.devices import choose_device
from ...engine.errors import MethodError
from ..resumable import ResumableRun, mean_or_nan, set_learning_rate
from .boxes import SIZE, Box, resized
from .pseudo_labels import PseudoLabels

_HELD_OUT_EVERY = 10
"""Every so many volumes one is kept out."""

_KEPT = 0.45
"""What the pseudo-label counts against the network.

The paper takes the network's answer alone (0), after 1000 epochs on one kind of structure. After some minutes on many
kinds that makes pseudo-labels worse (mean Dice with 198 labelled training structures 0.474, propagated 0.549). With
0.45 voxels change only where the network is sure (0.551).
"""

_ROOM = 20.0
"""Voxels added above and below in Dice."""


@dataclass(frozen=True)
class RefiningTraining:
    """One training of the 3D network.

    Attributes:
        steps: optimiser steps.
        boxes: per step.
        learning_rate: of AdamW, at its peak (the paper's SGD with 0.01 needs its 1000 epochs).
        feature_size: of UNETR's finest level.
        hidden_size: of its transformer.
        seed: of every random choice.
        held_out_every: steps from one measurement to the next.
        checkpoint_every: steps between checkpoints.
        device: "cpu", "cuda" or "mps".
        mixed_precision: bfloat16 where the device has it.
    """

    steps: int = 300
    boxes: int = 2
    learning_rate: float = 1e-3
    feature_size: int = 8
    hidden_size: int = 96
    seed: int = 1
    held_out_every: int = 50
    checkpoint_every: int = 50
    device: str = "cpu"
    mixed_precision: bool = True


@dataclass(frozen=True)
class HeldOutAgreement:
    """Mean Dice of the network's answers with pseudo-labels of volumes that it did not learn from."""

    step: int
    dice: float


class PseudoLabelRefiner(ResumableRun[HeldOutAgreement]):
    """Trains the 3D network, and refines pseudo-labels with it.

    Args:
        boxes: of all volumes' structures; some volumes' are held out.
        settings: everything else.

    Raises:
        MethodError: MONAI is not installed.
        DeviceError: no such device here.
    """

    def __init__(self, boxes: Sequence[Box], settings: RefiningTraining) -> None:
        super().__init__(settings, repr(asdict(settings)) + _fingerprint(boxes))
        self.settings = settings
        self._device = choose_device(settings.device)
        names = sorted({box.volume for box in boxes})
        held_out = set(names[_HELD_OUT_EVERY // 2 :: _HELD_OUT_EVERY])
        self._learnt = [box for box in boxes if box.volume not in held_out]
        self._held_out = [box for box in boxes if box.volume in held_out]
        torch.manual_seed(settings.seed)
        self.network = make_unetr(settings.feature_size, settings.hidden_size).to(settings.device)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=settings.learning_rate)

    @torch.no_grad()
    def held_out_error(self) -> HeldOutAgreement:
        """How far the network agrees with pseudo-labels that it has not seen; NaN if there are none."""
        found = [float(_dice(self.probabilities(box) > 0.5, box.target)) for box in self._held_out]
        return HeldOutAgreement(self.step, mean_or_nan(found))

    @torch.no_grad()
    def probabilities(self, box: Box) -> torch.Tensor:
        """How likely each voxel of a box is the structure's: float32 SIZE, on the CPU."""
        self.network.eval()
        return self._logits(box.inputs[None])[0].sigmoid().cpu()

    def _one_step(self) -> float:
        settings = self.settings
        set_learning_rate(self._optimiser, settings.learning_rate, self.step, settings.steps)
        generator = np.random.default_rng([settings.seed, self.step])
        chosen = [self._learnt[int(i)] for i in generator.integers(len(self._learnt), size=settings.boxes)]
        inputs = torch.stack([box.inputs for box in chosen]).float()
        target = torch.stack([box.target for box in chosen]).float()
        flips = [axis for axis in (1, 2, 3) if generator.random() < 0.5]
        inputs, target = inputs.flip([axis + 1 for axis in flips]), target.flip(flips)
        inputs[:, 0] = inputs[:, 0] ** float(np.exp(generator.uniform(-0.4, 0.4)))
        self.network.train()
        logits = self._logits(inputs)
        target = target.to(logits.device)
        loss = functional.binary_cross_entropy_with_logits(logits, target) + 1 - _dice(logits.sigmoid(), target)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        return float(loss.detach())

    def _logits(self, inputs: torch.Tensor) -> torch.Tensor:
        settings = self.settings
        with self._device.autocast(is_wanted=settings.mixed_precision):
            logits: torch.Tensor = self.network(inputs.float().to(settings.device))
        return logits[:, 0].float()

    def _state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimiser": self._optimiser.state_dict()}

    def _take_up(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])

    def _measured(self, kept: dict[str, Any]) -> HeldOutAgreement:
        return HeldOutAgreement(**kept)


def refined(made: PseudoLabels, answers: Iterator[tuple[Box, torch.Tensor]]) -> np.ndarray:
    """A volume's pseudo-labels, changed where the network is sure of something else: uint8 on the volume's grid.

    Where two structures are both likely, the likelier one is there. The drawn slice stays as it was drawn.

    Args:
        made: the pseudo-labels.
        answers: this volume's boxes and the network's probabilities, SIZE.
    """
    labels = np.zeros_like(made.labels)
    best = np.full(labels.shape, 0.5, np.float32)
    for box, answer in answers:
        size = tuple(side.stop - side.start for side in box.place)
        likely = resized(_KEPT * box.target + (1 - _KEPT) * answer, size).numpy()
        wins = likely > best[box.place]
        best[box.place][wins] = likely[wins]
        labels[box.place][wins] = box.number
    labels[made.slice_index] = made.drawn
    return labels


def require_monai() -> None:
    """Find out that MONAI is there before anything long is begun.

    Raises:
        MethodError: it is not installed.
    """
    make_unetr(1, 4)


def make_unetr(feature_size: int, hidden_size: int) -> nn.Module:
    """A small UNETR (Hatamizadeh et al. 2022) for boxes of SIZE.

    Raises:
        MethodError: MONAI is not installed.
        DeviceError: no such device here.
    """
    try:
        # einops is looked for too: MONAI finds only when the network is made that it is missing.
        import einops  # noqa: F401
        from monai.networks.nets.unetr import UNETR
    except ImportError as error:
        msg = (
            f"Pseudo-labels are refined by a network of MONAI, which is not installed ({error}): "
            "`pip install 'sli2volslicer[plus]'` installs it; or leave them unrefined with --unrefined."
        )
        raise MethodError(msg) from error
    network: nn.Module = UNETR(
        in_channels=2,
        out_channels=1,
        img_size=SIZE,
        feature_size=feature_size,
        hidden_size=hidden_size,
        mlp_dim=2 * hidden_size,
        num_heads=4,
        norm_name="instance",
    )
    return network


def _dice(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    both = [each.float().reshape(-1, SIZE[0] * SIZE[1] * SIZE[2]) for each in (one, other)]
    shared = (both[0] * both[1]).sum(1)
    return ((2 * shared + _ROOM) / (both[0].sum(1) + both[1].sum(1) + _ROOM)).mean()


def _fingerprint(boxes: Sequence[Box]) -> str:
    digest = hashlib.sha256()
    for box in boxes:
        digest.update(f"{box.volume} {box.number} {box.place}".encode())
        digest.update(box.inputs.numpy().tobytes())
        digest.update(np.packbits(box.target.numpy()).tobytes())
    return digest.hexdigest()
