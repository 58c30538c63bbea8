"""Drawing pairs of slices together with their pseudo-labels, both through one frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...engine.slice_stack import SliceStack
from ..sampling import PairSampler, SamplingSettings, TrainingVolume, through_frame

_TRIES = 6
_FLAT = 0.03
"""Standard deviation (intensities 0..1) under which a crop shows nothing worth learning."""


class GuidedSampler(PairSampler):
    """Draws two near slices of one volume and, through the very same frame, one structure of their pseudo-labels.

    The crops of slices and of pseudo-labels show the same place; in the code published with the paper they do not.

    Args:
        volumes: what to draw from.
        labels: uint8 on each volume's grid, 0 where nothing is; all 0 where there are no pseudo-labels.
        settings: how.
        guided: share of the pairs that are drawn around a structure; the others show any place.
    """

    def __init__(
        self,
        volumes: Sequence[TrainingVolume],
        labels: Sequence[np.ndarray],
        settings: SamplingSettings,
        guided: float,
    ) -> None:
        super().__init__(volumes, settings)
        for volume, each in zip(volumes, labels, strict=True):
            if each.shape != volume.voxels.shape:
                msg = f"The pseudo-labels of {volume.name} have shape {each.shape}, the volume {volume.voxels.shape}."
                raise ValueError(msg)
        self._labels = list(labels)
        self._numbers = [[int(number) for number in np.unique(each) if number] for each in labels]
        self._guided = guided

    def draw_guided(self, generator: np.random.Generator) -> torch.Tensor:
        """One pair and its pseudo-labels.

        Returns:
            float32 (2, 2, crop, crop): first the two slices, intensities 0..1, then the structure's mask on each.
        """
        both = self._draw_guided_once(generator)
        for _ in range(_TRIES - 1):
            if float(both[0].std()) > _FLAT:
                break
            both = self._draw_guided_once(generator)
        return both

    def _draw_guided_once(self, generator: np.random.Generator) -> torch.Tensor:
        volume, stack = self._some_stack(generator)
        labels = stack.slices_first(self._labels[volume])
        numbers = self._numbers[volume]
        number = int(generator.choice(numbers)) if numbers else 0
        gap = self._some_gap(stack, generator)
        first = int(generator.integers(0, stack.slice_count - gap))
        centre = None
        if number and generator.random() < self._guided:
            first, centre = self._around(labels == number, gap, generator)
        pair = [first, first + gap] if generator.random() < 0.5 else [first + gap, first]
        frame = self._frame(stack, generator, centre)
        slices, masks = _shown(stack, labels, pair, number, frame)
        return torch.stack([self._windowed(slices, generator), masks])

    def _around(self, mask: np.ndarray, gap: int, generator: np.random.Generator) -> tuple[int, tuple[float, float]]:
        """The first of two slices of which one at least shows the structure, and a place on it."""
        there = np.flatnonzero(mask.any(axis=(1, 2)))
        shown = int(generator.choice(there))
        first = int(np.clip(shown - int(generator.integers(0, 2)) * gap, 0, mask.shape[0] - 1 - gap))
        pixels = np.argwhere(mask[shown])
        row, column = pixels[int(generator.integers(len(pixels)))]
        return first, (float(row), float(column))


def _shown(
    stack: SliceStack, labels: np.ndarray, pair: Sequence[int], number: int, frame: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Slices and masks of one structure, each (2, crop, crop), through one frame.

    Args:
        labels: (slices, rows, columns).
        number: the structure's; 0 for none.
    """
    slices = torch.from_numpy(np.stack([stack.intensity(index) for index in pair]))
    masks = torch.from_numpy(np.stack([(labels[index] == number) & (number > 0) for index in pair]).astype(np.float32))
    # One call, so that no frame can ever be drawn for one of them alone.
    crops = through_frame(torch.cat([slices, masks]), frame)
    return crops[:2], crops[2:]
