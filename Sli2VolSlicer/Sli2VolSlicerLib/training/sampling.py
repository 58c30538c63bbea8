"""Drawing training pairs: two near slices of one volume, seen through one random frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..engine.slice_stack import SliceStack

_TRIES = 6
_FLAT = 0.03
"""Standard deviation (intensities 0..1) under which a crop shows nothing worth learning."""


@dataclass(frozen=True, eq=False)
class TrainingVolume:
    """One volume to learn from.

    Attributes:
        name: for messages and the model card.
        voxels: any real dtype, 3D.
        spacing_mm: per numpy axis.
    """

    name: str
    voxels: np.ndarray
    spacing_mm: tuple[float, float, float]


@dataclass(frozen=True)
class SamplingSettings:
    """How pairs are drawn.

    Attributes:
        crop: side of the square crop in pixels.
        largest_gap: slices apart, 1..largest_gap.
        zoom: smallest and largest magnification.
        rotation_degrees: largest rotation either way.
        side_axis_share: share of pairs cut across the acquired slices.
        window_share: share of pairs shown in a contrast window of their own.
    """

    crop: int = 96
    largest_gap: int = 3
    zoom: tuple[float, float] = (0.7, 2.0)
    rotation_degrees: float = 180.0
    side_axis_share: float = 0.15
    window_share: float = 0.6


class PairSampler:
    """Draws pairs of slices from volumes; every draw depends on the generator alone.

    Args:
        volumes: what to draw from.
        settings: how.
    """

    def __init__(self, volumes: Sequence[TrainingVolume], settings: SamplingSettings) -> None:
        self.settings = settings
        self._stacks: list[tuple[SliceStack, ...]] = []
        weights = []
        for volume in volumes:
            axial = SliceStack(volume.voxels, volume.spacing_mm, 0)
            # Cutting across slices is only worth it where slices are not much thicker than pixels.
            isotropic = max(volume.spacing_mm) <= 2.5 * min(volume.spacing_mm)
            side = (1, 2) if isotropic and min(volume.voxels.shape) >= 32 else ()
            others = tuple(SliceStack(volume.voxels, volume.spacing_mm, a, axial.intensity_range) for a in side)
            self._stacks.append((axial, *others))
            weights.append(float(np.sqrt(axial.slice_count)))
        self._share = np.asarray(weights) / np.sum(weights)

    def draw(self, generator: np.random.Generator) -> torch.Tensor:
        """One pair: float32 (2, crop, crop), intensities 0..1, both under the same frame and window."""
        pair = self._draw_once(generator)
        for _ in range(_TRIES - 1):
            if float(pair.std()) > _FLAT:
                break
            pair = self._draw_once(generator)
        return pair

    def _draw_once(self, generator: np.random.Generator) -> torch.Tensor:
        stack = self._some_stack(generator)[1]
        gap = self._some_gap(stack, generator)
        first = int(generator.integers(0, stack.slice_count - gap))
        pair = np.stack([stack.intensity(first), stack.intensity(first + gap)])
        if generator.random() < 0.5:
            pair = pair[::-1].copy()
        crop = through_frame(torch.from_numpy(pair), self._frame(stack, generator))
        return self._windowed(crop, generator)

    def _some_stack(self, generator: np.random.Generator) -> tuple[int, SliceStack]:
        """The number of a volume, and its slices along some axis."""
        volume = int(generator.choice(len(self._stacks), p=self._share))
        stacks = self._stacks[volume]
        side = len(stacks) > 1 and generator.random() < self.settings.side_axis_share
        return volume, stacks[int(generator.integers(1, len(stacks)))] if side else stacks[0]

    def _some_gap(self, stack: SliceStack, generator: np.random.Generator) -> int:
        return int(generator.integers(1, min(self.settings.largest_gap, stack.slice_count - 1) + 1))

    def _frame(
        self, stack: SliceStack, generator: np.random.Generator, centre: tuple[float, float] | None = None
    ) -> torch.Tensor:
        """One random rotation, zoom and flip, as `grid_sample` takes it: (1, crop, crop, 2).

        Args:
            centre: row and column shown at most a quarter of the crop off its middle; by default any place.
        """
        rows, columns = stack.shape
        crop = self.settings.crop
        low, high = np.log(self.settings.zoom)
        zoom = float(np.exp(generator.uniform(low, high)))
        # A small slice is magnified rather than surrounded by nothing.
        zoom = max(zoom, 0.7 * crop / min(rows, columns))
        angle = np.deg2rad(generator.uniform(-1, 1) * self.settings.rotation_degrees)
        stretch = stack.spacing_mm[1] / stack.spacing_mm[2]
        flip = -1.0 if generator.random() < 0.5 else 1.0
        if centre is None:
            centre_row = generator.uniform(0.15, 0.85) * rows
            centre_column = generator.uniform(0.15, 0.85) * columns
        else:
            centre_row, centre_column = (c + generator.uniform(-0.25, 0.25) * crop / zoom for c in centre)
        offsets = (torch.arange(crop, dtype=torch.float32) - (crop - 1) / 2) / zoom
        down, right = torch.meshgrid(offsets, offsets * flip, indexing="ij")
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        row = (centre_row + (cos * down - sin * right)) * 2 / rows - 1
        column = (centre_column + (sin * down + cos * right) * stretch) * 2 / columns - 1
        return torch.stack([column, row], dim=-1)[None]

    def _windowed(self, pair: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
        """A contrast window as a reader would set for what is in view."""
        if generator.random() >= self.settings.window_share:
            return pair
        low_share, high_share = generator.uniform(0.0, 0.25), generator.uniform(0.9, 1.0)
        low, high = torch.quantile(pair, torch.tensor([low_share, high_share], dtype=torch.float32)).tolist()
        if high - low < 0.08:
            return pair
        return ((pair - low) / (high - low)).clamp(0, 1)


def through_frame(pictures: torch.Tensor, frame: torch.Tensor) -> torch.Tensor:
    """Several pictures of one slice's size through one frame: float32 (pictures, crop, crop).

    Args:
        pictures: float32 (pictures, rows, columns).
        frame: (1, crop, crop, 2), where each pixel of the crop lies.
    """
    return functional.grid_sample(pictures[None], frame, mode="bilinear", padding_mode="border", align_corners=False)[0]
