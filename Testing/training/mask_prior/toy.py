"""Small structures to follow."""

from __future__ import annotations

import numpy as np

from Sli2VolSlicerLib.engine.mask_prior.network import MaskPriorSettings
from Sli2VolSlicerLib.training.mask_prior import CutOut, EpisodeSettings
from Sli2VolSlicerLib.training.refinement.objects import Family

SHAPE = (16, 48, 48)
SMALL = MaskPriorSettings(size=32, widths=(8, 8, 8, 8))
PLAIN = EpisodeSettings(steps=2, scene=48, inverted=0, mask_moved=0, skipped=0)


def cone(is_held_out: bool = False, group: str = "cone") -> CutOut:
    """A bright cone that grows by a pixel a slice and ends before the last three."""
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    mask = ((j - 24) ** 2 + (i - 22) ** 2 <= (4 + k) ** 2) & (k < 13)
    noise = np.random.default_rng(0).normal(0, 8, SHAPE)
    intensity = np.clip(60 + 120 * mask + noise, 0, 255).astype(np.uint8)
    return CutOut(Family(group, 1), f"{group} {is_held_out}", is_held_out, intensity, mask)
