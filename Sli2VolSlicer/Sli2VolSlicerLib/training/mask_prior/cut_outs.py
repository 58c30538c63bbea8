"""What the mask prior learns to follow: structures with the slices around them, as the engine would see them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...engine.slice_stack import MINIMUM_SIDE, SliceStack
from ...engine.working_grid import WorkingGrid, working_scale
from ..refinement.objects import LEAST_SLICES, Family, LabelledVolume, TrainingObject, grown_objects, labelled_objects
from ..refinement.tracks import tracked_objects

_BEYOND = 6
"""Slices kept beyond a structure's ends, to learn where it ends."""

_AROUND = 0.5
_LEAST_AROUND = 16
"""Kept around a structure: this share of its longest side, and so many pixels at least."""


@dataclass(frozen=True)
class CutOutSettings:
    """How many structures are taken from a volume.

    Attributes:
        across_chance: that labelled structures are followed across the acquired slices as well, along one axis.
        grown, grown_unlabelled: grown regions in a volume with labels, and in one without.
        tracked: tracks along the acquired axis.
    """

    across_chance: float = 0.5
    grown: int = 2
    grown_unlabelled: int = 12
    tracked: int = 3


@dataclass(frozen=True, eq=False)
class CutOut:
    """One structure with its surroundings.

    Attributes:
        family: what it counts with.
        name: volume, structure and axis.
        is_held_out: it is only measured on.
        intensity: uint8 (slices, rows, columns), 0..255 for 0..1, at the engine's working size.
        mask: bool, the same shape.
    """

    family: Family
    name: str
    is_held_out: bool
    intensity: np.ndarray
    mask: np.ndarray


def cut_outs(volume: LabelledVolume, settings: CutOutSettings, seed: int, is_held_out: bool) -> list[CutOut]:
    """Every structure of a volume that is long enough to be followed.

    Args:
        volume: with labels or without.
        settings: how many regions and tracks, and whether across the slices too.
        seed: with the volume's name it decides every random choice.
        is_held_out: whether they are only measured on.

    Raises:
        VolumeError: the volume cannot be propagated through.
    """
    generator = np.random.default_rng([seed, zlib.crc32(volume.name.encode())])
    found = (
        _cut_out(stack, one, f"{volume.name} {one.family.group} {one.family.label} axis {stack.axis}", is_held_out)
        for stack, one in _objects(volume, settings, generator)
    )
    return [each for each in found if each is not None]


def _objects(
    volume: LabelledVolume, settings: CutOutSettings, generator: np.random.Generator
) -> Iterator[tuple[SliceStack, TrainingObject]]:
    along = SliceStack(volume.voxels, volume.spacing_mm, 0)
    for one in labelled_objects(volume):
        yield along, one
    if volume.labels is not None and generator.random() < settings.across_chance:
        axis = int(generator.integers(1, 3))
        if min(volume.voxels.shape) >= MINIMUM_SIDE:
            across = SliceStack(volume.voxels, volume.spacing_mm, axis, along.intensity_range)
            for one in labelled_objects(volume, is_across=True):
                yield across, one
    count = settings.grown_unlabelled if volume.labels is None else settings.grown
    for one in grown_objects(volume, count, generator):
        yield along, one
    for one in tracked_objects(along, settings.tracked, generator):
        yield along, one


def _cut_out(stack: SliceStack, one: TrainingObject, name: str, is_held_out: bool) -> CutOut | None:
    """None where the structure is on too few slices."""
    mask = stack.slices_first(one.mask)
    areas = mask.sum(axis=(1, 2))
    occupied = np.flatnonzero(areas)
    if occupied.size < LEAST_SLICES:
        return None
    grid = WorkingGrid(stack, working_scale(float(areas.max())))
    # Nothing is known beyond the ends of what is not whole.
    beyond = _BEYOND if one.is_whole else 0
    shown = range(max(0, int(occupied[0]) - beyond), min(stack.slice_count, int(occupied[-1]) + 1 + beyond))
    working = np.stack([grid.soft_from_mask(mask[index]) > 0.5 for index in shown])
    bounds = ndimage.find_objects(working.any(axis=0).astype(np.uint8))
    if not bounds or int(working.any(axis=(1, 2)).sum()) < LEAST_SLICES:
        return None
    reach = max(_LEAST_AROUND, round(_AROUND * max(side.stop - side.start for side in bounds[0])))
    area = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in bounds[0])
    intensity = np.stack([np.rint(grid.intensity(index)[area] * 255).astype(np.uint8) for index in shown])
    return CutOut(one.family, name, is_held_out, intensity, np.ascontiguousarray(working[(slice(None), *area)]))
