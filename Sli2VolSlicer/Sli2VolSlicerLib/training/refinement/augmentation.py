"""What is done to passes so that few of them teach much."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch.nn import functional

from ...engine.passes import PRESENT
from ...engine.refinement.network_refinement import log_odds
from ...engine.refinement.view import AREA_BOUNDS, AREA_SCALE
from ..augmentation import AugmentationSettings, jitter_intensity
from .batches import PassBatch

_DISTANCE = 0
_AREA = 2
_BEYOND_THE_STOP_RULES = 6
_SIZE_IN_PIXELS = 8
"""Places among a slice's measures (`engine/refinement/view.py`)."""


@dataclass(frozen=True)
class PassAugmentation:
    """Drawn for each pass; flips for the whole batch.

    Attributes:
        intensity: gamma, contrast, brightness and noise, one draw for all slices of a pass.
        inverted: chance that bright becomes dark.
        turned: chance that a batch is turned, zoomed and shifted.
        turn: largest angle, in radians.
        zoom: largest logarithm of the magnification.
        shift: largest shift, as a share of half the view.
        drifting: chance that the masks of a pass shrink or swell from some slice on, as carried masks do. Tiny
            structures dwindle away before the stop rules speak, and few of the passes show it.
        swelling: chance that they swell then.
        drift: least and largest drift of the log odds from slice to slice.
        farthest_drift: largest fall and rise of the log odds in all.
        measure_noise: standard deviation.
        size_hidden: chance that the structure's size in pixels is not told.
        stop_hidden: chance that it is not told where the stop rules spoke.
        distance_hidden: chance that the distance from the anchor is not told. Told always, the network learns that
            what is far is gone.
        distance_shrunk: chance that it is told too small.
        distance_shrunk_to: the smallest share of it that is told then.
    """

    intensity: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(gamma=2.0, contrast=0.35, brightness=0.12, noise=0.04)
    )
    inverted: float = 0.35
    turned: float = 0.7
    turn: float = 0.5
    zoom: float = 0.22
    shift: float = 0.1
    drifting: float = 0.3
    swelling: float = 0.2
    drift: tuple[float, float] = (0.1, 0.8)
    farthest_drift: tuple[float, float] = (5.0, 1.5)
    measure_noise: float = 0.03
    size_hidden: float = 0.5
    stop_hidden: float = 0.3
    distance_hidden: float = 0.35
    distance_shrunk: float = 0.35
    distance_shrunk_to: float = 0.25


def augmented(batch: PassBatch, settings: PassAugmentation, generator: np.random.Generator) -> PassBatch:
    """A batch seen otherwise; intensity, masks and truth stay aligned."""
    moved = _drifted(_moved(batch, settings, generator), settings, generator)
    # A pass's slices and its anchor's one below the other: the draw is then the same for all of them.
    pictures = torch.cat([moved.intensity, moved.drawn_on[:, None]], dim=1)
    column = _inverted(pictures.flatten(1, 2), settings.inverted, generator)
    pictures = jitter_intensity(column, settings.intensity, generator).reshape(pictures.shape)
    return replace(
        moved,
        intensity=pictures[:, :-1],
        drawn_on=pictures[:, -1],
        measures=_half_told(moved.measures, settings, generator),
    )


def _moved(batch: PassBatch, settings: PassAugmentation, generator: np.random.Generator) -> PassBatch:
    """Everything flipped, and turned, zoomed and shifted, alike."""
    parts = (batch.intensity, batch.soft, batch.truth, batch.drawn[:, None], batch.drawn_on[:, None])
    everything = torch.cat(parts, dim=1)
    flips = [axis for axis in (2, 3) if generator.random() < 0.5]
    everything = everything.flip(flips) if flips else everything
    if generator.random() < 0.5:
        everything = everything.transpose(2, 3)
    if generator.random() < settings.turned:
        frame = functional.affine_grid(
            _similarities(len(everything), settings, generator), list(everything.shape), align_corners=False
        )
        everything = functional.grid_sample(everything.contiguous(), frame, align_corners=False)
    intensity, soft, truth, drawn, drawn_on = everything.split([part.shape[1] for part in parts], dim=1)
    return replace(
        batch, intensity=intensity, soft=soft, truth=truth, drawn=drawn[:, 0].contiguous(), drawn_on=drawn_on[:, 0]
    )


def _drifted(batch: PassBatch, settings: PassAugmentation, generator: np.random.Generator) -> PassBatch:
    """Some passes as if they had lost, or gained, a little at every slice from some slice on."""
    passes, slices = batch.soft.shape[:2]
    drifts = generator.random(passes) < settings.drifting
    swells = generator.random(passes) < settings.swelling
    least, most = settings.drift
    by_slice = np.exp(generator.uniform(np.log(least), np.log(most), passes)) * np.where(swells, 1, -1) * drifts
    begins = generator.integers(1, max(2, slices), passes)
    steps = np.clip(np.arange(slices) - begins[:, None] + 1, 0, None)
    fall, rise = settings.farthest_drift
    by = torch.from_numpy(np.clip(by_slice[:, None] * steps, -fall, rise).astype(np.float32))[..., None, None]
    drifted = torch.sigmoid(log_odds(batch.soft) + by)
    # Where nothing was found nothing swells, and what is left of nearly nothing is nothing.
    is_left = (batch.soft >= PRESENT) & (drifted >= PRESENT)
    soft = torch.where(by == 0, batch.soft, torch.where(is_left, drifted, 0.0))
    was, became = ((each > 0.5).sum((2, 3)) for each in (batch.soft, soft))
    measures = batch.measures.clone()
    logarithm = measures[..., _AREA] * AREA_SCALE + torch.log2((became + 1) / (was + 1))
    measures[..., _AREA] = logarithm.clamp(*AREA_BOUNDS) / AREA_SCALE
    return replace(batch, soft=soft, measures=measures)


def _similarities(count: int, settings: PassAugmentation, generator: np.random.Generator) -> torch.Tensor:
    """Float32 (count, 2, 3), as `affine_grid` takes them."""
    angle = generator.uniform(-settings.turn, settings.turn, count)
    zoom = np.exp(generator.uniform(-settings.zoom, settings.zoom, count))
    shift = generator.uniform(-settings.shift, settings.shift, (count, 2))
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    rows = [np.stack([cos, -sin, shift[:, 0]], axis=1), np.stack([sin, cos, shift[:, 1]], axis=1)]
    return torch.from_numpy(np.stack(rows, axis=1).astype(np.float32))


def _inverted(pictures: torch.Tensor, chance: float, generator: np.random.Generator) -> torch.Tensor:
    is_inverted = torch.from_numpy(generator.random(len(pictures)) < chance)[:, None, None]
    return torch.where(is_inverted, 1 - pictures, pictures)


def _half_told(measures: torch.Tensor, settings: PassAugmentation, generator: np.random.Generator) -> torch.Tensor:
    """Measures with noise; some kinds of them hidden from some passes, and some passes told to be shorter."""
    noise = generator.normal(0, settings.measure_noise, measures.shape).astype(np.float32)
    told = measures + torch.from_numpy(noise)
    passes = (len(measures), 1)
    is_shrunk = generator.random(passes) < settings.distance_shrunk
    share = np.where(is_shrunk, generator.uniform(settings.distance_shrunk_to, 1, passes), 1).astype(np.float32)
    told[..., _DISTANCE] *= torch.from_numpy(share)
    for place, chance in (
        (_SIZE_IN_PIXELS, settings.size_hidden),
        (_BEYOND_THE_STOP_RULES, settings.stop_hidden),
        (_DISTANCE, settings.distance_hidden),
    ):
        is_told = torch.from_numpy(generator.random(passes) >= chance)
        told[..., place] *= is_told
    return told
