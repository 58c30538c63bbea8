"""Drawing runs of slices with their labels, all through one frame around a structure's outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import ndimage

from ...engine.errors import VolumeError
from ..refinement.objects import LabelledVolume, label_values
from ..sampling import PairSampler, SamplingSettings, through_frame

_TRIES = 20
_PLUS = ndimage.generate_binary_structure(2, 1)


@dataclass(frozen=True)
class RunSettings:
    """How runs are drawn.

    Attributes:
        slices: of a run, the one that labels are carried from among them.
        labels: structures of a run, at most.
        least_area: pixels of the structure on the first slice.
        second_share: share of the runs over every second slice.
        frame: the crop.
    """

    slices: int = 4
    labels: int = 4
    least_area: int = 8
    second_share: float = 0.25
    frame: SamplingSettings = field(default_factory=lambda: SamplingSettings(zoom=(0.6, 1.8), window_share=0.25))


@dataclass(frozen=True, eq=False)
class LabelRun:
    """Some slices that follow each other, and the structures on them.

    Attributes:
        slices: float32 (slices, crop, crop), intensities 0..1.
        masks: float32 (slices, labels, crop, crop), 0..1; empty where there are fewer structures.
    """

    slices: torch.Tensor
    masks: torch.Tensor


class LabelRunSampler(PairSampler):
    """Draws runs of slices around structures' outlines; groups of volumes count alike.

    Args:
        volumes: what to draw from; those without labels are left out.
        settings: how.

    Raises:
        VolumeError: there are no labels.
    """

    def __init__(self, volumes: Sequence[LabelledVolume], settings: RunSettings) -> None:
        values = [label_values(volume) for volume in volumes]
        shown = [volume for volume, each in zip(volumes, values, strict=True) if each]
        if not shown:
            msg = "There are no labels to carry outside the patients held out. Give labels, or hold fewer patients out."
            raise VolumeError(msg)
        super().__init__([v.unlabelled for v in shown], settings.frame)
        self._runs = settings
        self._maps = [np.asarray(v.labels) for v in shown]
        self._values = [each for each in values if each]
        self._large_enough = [
            {value: np.flatnonzero((labels == value).sum(axis=(1, 2)) >= settings.least_area) for value in each}
            for labels, each in zip(self._maps, self._values, strict=True)
        ]
        groups = sorted({v.group for v in shown})
        self._of_group = [[place for place, v in enumerate(shown) if v.group == group] for group in groups]

    def draw_run(self, generator: np.random.Generator) -> LabelRun:
        """One run, from either side.

        Raises:
            VolumeError: structures are on too few slices.
        """
        for _ in range(_TRIES):
            group = self._of_group[int(generator.integers(len(self._of_group)))]
            place = group[int(generator.integers(len(group)))]
            found = self._run_in(place, generator)
            if found is not None:
                return found
        beside = self._runs.slices - 1
        msg = f"In {_TRIES} tries no structure had {beside} more slices beside it to be carried over."
        raise VolumeError(msg)

    def _run_in(self, place: int, generator: np.random.Generator) -> LabelRun | None:
        stack, labels = self._stacks[place][0], self._maps[place]
        value = int(generator.choice(self._values[place]))
        there = self._large_enough[place][value]
        step = (2 if generator.random() < self._runs.second_share else 1) * (1 if generator.random() < 0.5 else -1)
        reach = step * (self._runs.slices - 1)
        there = there[(there + reach >= 0) & (there + reach < stack.slice_count)]
        if not len(there):
            return None
        first = int(generator.choice(there))
        indices = range(first, first + reach + (1 if step > 0 else -1), step)
        frame = self._frame(stack, generator, _on_outline(labels[first] == value, generator))
        slices = through_frame(torch.from_numpy(np.stack([stack.intensity(index) for index in indices])), frame)
        is_seen = (_masks(labels[first], self._values[place], frame) > 0.5).any(dim=2).any(dim=1).tolist()
        others = [v for v, seen in zip(self._values[place], is_seen, strict=True) if seen and v != value]
        generator.shuffle(others)
        values = [value, *others[: self._runs.labels - 1]]
        masks = slices.new_zeros(len(slices), self._runs.labels, *slices.shape[1:])
        for number, index in enumerate(indices):
            masks[number, : len(values)] = _masks(labels[index], values, frame)
        return LabelRun(self._windowed(slices, generator), masks)


def _masks(labels: np.ndarray, values: Sequence[int], frame: torch.Tensor) -> torch.Tensor:
    """Structures on one slice through a frame: float32 (values, crop, crop)."""
    masks = torch.from_numpy(np.stack([labels == value for value in values]).astype(np.float32))
    return through_frame(masks, frame)


def _on_outline(mask: np.ndarray, generator: np.random.Generator) -> tuple[float, float]:
    """Row and column of some pixel on a structure's outline."""
    pixels = np.argwhere(mask & ~ndimage.binary_erosion(mask, _PLUS))
    row, column = pixels[int(generator.integers(len(pixels)))]
    return float(row), float(column)
