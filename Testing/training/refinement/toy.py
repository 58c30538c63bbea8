"""Small volumes and passes to learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from Sli2VolSlicerLib.engine.refinement.network import MEASURES, RefinementSettings
from Sli2VolSlicerLib.engine.refinement.window import SIDE
from Sli2VolSlicerLib.training.refinement import LabelledVolume, PassExample
from Sli2VolSlicerLib.training.refinement.objects import Family

SHAPE = (14, 40, 44)
TUBE_SHAPE = (36, 64, 66)
SMALL = RefinementSettings((4, 4, 4, 4))


def ball(radius: float = 6.0) -> np.ndarray:
    """Bool, SHAPE: a ball in the middle."""
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return (k - 7) ** 2 + (j - 20) ** 2 + (i - 22) ** 2 <= radius**2


def volume(labels: np.ndarray | None = None, name: str = "ball_1") -> LabelledVolume:
    """A bright ball in noise."""
    noise = np.random.default_rng(0).normal(0, 0.03, SHAPE)
    return LabelledVolume(
        name, name, "ball", (0.2 + 0.6 * ball() + noise).astype(np.float32), (1.0, 1.0, 1.0), labels=labels
    )


def tube(ends: int = TUBE_SHAPE[0], goes_on: bool = False) -> LabelledVolume:
    """A bright cylinder in noise.

    Args:
        ends: the first slice that it is not on.
        goes_on: from there on it is elsewhere.
    """
    k, j, i = np.mgrid[: TUBE_SHAPE[0], : TUBE_SHAPE[1], : TUBE_SHAPE[2]]
    here = (j - 30) ** 2 + (i - 26) ** 2 <= 64
    elsewhere = (j - 30) ** 2 + (i - 42) ** 2 <= 64
    inside = np.where(k < ends, here, elsewhere & goes_on)
    noise = np.random.default_rng(0).normal(0, 0.03, TUBE_SHAPE)
    return LabelledVolume("tube_1", "tube_1", "tube", (0.2 + 0.6 * inside + noise).astype(np.float32), (3.0, 1.0, 1.0))


def known_up_to(first_unknown: int, slices: int = 6, is_held_out: bool = False) -> PassExample:
    """The same pass as `example` makes, with nothing known from one slice on."""
    known = torch.arange(slices) < first_unknown
    return replace(example(slices, is_held_out=is_held_out), known=known)


def sent_on(made: PassExample) -> PassExample:
    """The same, of a pass that was sent on."""
    return replace(made, family=replace(made.family, is_sent_on=True))


def example(
    slices: int = 6, group: str = "ball", label: int = 1, is_across: bool = False, is_held_out: bool = False
) -> PassExample:
    """A pass that lost the right half of a disc after its anchor; its last slice holds nothing."""
    row, column = np.mgrid[:SIDE, :SIDE]
    disc = torch.from_numpy((row - 32) ** 2 + (column - 32) ** 2 < 200)
    truth = disc.repeat(slices, 1, 1)
    truth[-1] = False
    soft = truth.clone()
    soft[1:, :, 32:] = False
    pictures = (255 * part.to(torch.uint8) for part in (truth, soft, truth))
    intensity, found, wanted = pictures
    measures = torch.zeros(slices, MEASURES)
    name = f"{group} {label} {is_across} {slices} {is_held_out}"
    return PassExample(
        Family(group, label, is_across),
        name,
        is_held_out,
        intensity // 2,
        found,
        wanted,
        measures,
        known=torch.ones(slices, dtype=torch.bool),
        usual_length=slices - 1,
    )
