"""The settings that the shipped weights were trained with, by method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..engine.errors import MethodError
from ..engine.network import DEFAULT_SETTINGS, PAPER_SETTINGS
from .displacement import DisplacementTrainer, DisplacementTraining
from .resumable import steps_wanted
from .sampling import TrainingVolume
from .trainer import Trainer, TrainingSettings

_PRESETS = {
    "sli2vol": TrainingSettings(DEFAULT_SETTINGS, steps=2600, held_out_every=200, checkpoint_every=200),
    # The paper trains for epochs at 1e-4; with far fewer steps on a CPU a larger rate gets
    # further, and to the rival's advantage.
    "sli2vol-paper": TrainingSettings(
        PAPER_SETTINGS,
        steps=600,
        pairs=4,
        deformed=0,
        edge_targets=False,
        learning_rate=1e-3,
        held_out_every=100,
        checkpoint_every=100,
    ),
    "voxelmorph": DisplacementTraining(
        DEFAULT_SETTINGS,
        steps=400,
        deformed=0,
        edge_targets=False,
        learning_rate=1e-3,
        held_out_every=100,
        checkpoint_every=50,
    ),
}

TRAINABLE: tuple[str, ...] = tuple(_PRESETS)
"""Methods that `training_settings` knows."""


def training_settings(
    method: str = "sli2vol", steps: int | None = None, seed: int = 1, device: str = "cpu"
) -> TrainingSettings:
    """The settings for training a method's weights.

    Args:
        method: one of TRAINABLE.
        steps: optimiser steps; the shipped weights' number by default.
        seed: of every random choice.
        device: "cpu", "cuda" or "mps".

    Raises:
        MethodError: no such method, or one that is not trained, or a number of steps under one.
    """
    preset = _PRESETS.get(method)
    if preset is None:
        msg = f"Method {method!r} is not trained; choose one of {', '.join(TRAINABLE)}."
        raise MethodError(msg)
    return replace(preset, steps=steps_wanted(steps, preset.steps), seed=seed, device=device)


def make_trainer(volumes: Sequence[TrainingVolume], settings: TrainingSettings) -> Trainer:
    """The training run that these settings are for.

    Args:
        volumes: what to learn from; some are held out.
        settings: of `training_settings`.
    """
    if isinstance(settings, DisplacementTraining):
        return DisplacementTrainer(volumes, settings)
    return Trainer(volumes, settings)
