"""What the end network learns from: structures, slice by slice, and what kind they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...engine.slice_stack import SliceStack
from ..refinement.objects import GROWN, LEAST_SLICES, LabelledVolume, TrainingObject, grown_objects, label_values
from ..refinement.objects import labelled_objects as _labelled

_FEW = 2
"""Volumes with so many structures at most are followed across their acquired slices too."""

_FAIR, _LARGE = 0.3, 0.75
"""Drawn slices have this share of the largest area: any in training, those that are measured on."""


@dataclass(frozen=True, eq=False)
class EndVolume:
    """A volume's slices along one axis, kept small.

    Attributes:
        intensity: uint8 (slices, rows, columns), 0..255 for 0..1.
        spacing_mm: between slices, rows, columns.
    """

    intensity: np.ndarray
    spacing_mm: tuple[float, float, float]

    def seen(self, index: int) -> np.ndarray:
        """Slice `index`, float32 (rows, columns), 0..1."""
        result: np.ndarray = self.intensity[index].astype(np.float32) / 255
        return result


@dataclass(frozen=True, eq=False)
class EndStructure:
    """One structure of one volume along one axis.

    Attributes:
        kind: its name, e.g. "headneck 3"; "" for anything that has none.
        source: what it counts with in sampling.
        volume: its slices.
        first_slice: of `mask`.
        corner: row and column where `mask` begins.
        mask: bool (slices, rows, columns), its bounding box.
        is_held_out: never trained on.
    """

    kind: str
    source: str
    volume: EndVolume
    first_slice: int
    corner: tuple[int, int]
    mask: np.ndarray
    is_held_out: bool

    @cached_property
    def areas(self) -> np.ndarray:
        """Pixels on every slice of the volume, int64 (slices,)."""
        result = np.zeros(len(self.volume.intensity), np.int64)
        result[self.first_slice : self.first_slice + len(self.mask)] = self.mask.sum(axis=(1, 2))
        return result

    def drawn(self, index: int) -> np.ndarray:
        """Its mask on slice `index`, bool (rows, columns)."""
        whole = np.zeros(self.volume.intensity.shape[1:], bool)
        row, column = self.corner
        rows, columns = self.mask.shape[1:]
        whole[row : row + rows, column : column + columns] = self.mask[index - self.first_slice]
        return whole

    def fair_slices(self) -> np.ndarray:
        """Slices that it may be drawn on."""
        return np.flatnonzero(self.areas >= _FAIR * self.areas.max())

    def large_slices(self) -> np.ndarray:
        """Those that a user would draw on."""
        return np.flatnonzero(self.areas >= _LARGE * self.areas.max())


def end_structures(
    volume: LabelledVolume, is_held_out: bool, grown: int, generator: np.random.Generator
) -> Iterator[EndStructure]:
    """A volume's labelled structures, along the acquired slices and, if they are few, across; and grown regions.

    Args:
        volume: with labels or without.
        is_held_out: its patient is.
        grown: regions of like intensity.
        generator: of their seeds.
    """
    few = 0 < len(label_values(volume)) <= _FEW
    for axis in (0, 1, 2) if few else (0,):
        stack = SliceStack(volume.voxels, volume.spacing_mm, axis)
        seen = _kept(stack)
        for one in _labelled(volume, axis > 0):
            yield from _structure(one, stack, seen, is_held_out)
        if axis == 0:
            for one in grown_objects(volume, grown, generator):
                yield from _structure(one, stack, seen, is_held_out)


def kinds_of(structures: Sequence[EndStructure]) -> tuple[str, ...]:
    """The kinds that are trained on, by name."""
    return tuple(sorted({each.kind for each in structures if each.kind and not each.is_held_out}))


def _kept(stack: SliceStack) -> EndVolume:
    slices = [(stack.intensity(index) * 255).clip(0, 255).astype(np.uint8) for index in range(stack.slice_count)]
    return EndVolume(np.stack(slices), stack.spacing_mm)


def _structure(one: TrainingObject, stack: SliceStack, seen: EndVolume, is_held_out: bool) -> Iterator[EndStructure]:
    """One structure; none if it is on too few slices."""
    mask = stack.slices_first(one.mask)
    slices, rows, columns = (np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    if len(slices) < LEAST_SLICES:
        return
    box = tuple(slice(int(each[0]), int(each[-1]) + 1) for each in (slices, rows, columns))
    family = one.family
    kind = "" if family.group == GROWN else f"{family.group} {family.label}"
    source = family.words if family.is_across or not kind else kind
    corner = box[1].start, box[2].start
    yield EndStructure(kind, source, seen, box[0].start, corner, np.ascontiguousarray(mask[box]), is_held_out)
