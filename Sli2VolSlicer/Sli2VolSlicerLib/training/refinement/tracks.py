"""Tracks: areas of like intensity followed from slice to slice, which vessels, bones and airways give in any volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...engine.slice_stack import SliceStack
from .objects import TRACKED, Family, TrainingObject, largest_part

LEAST_SLICES = 12
"""Of a track; one over fewer says little about how structures go on."""

_LEAST_LENGTH = 2.5
"""In square roots of the first area."""

_TRIES = 75
"""Places per track wanted; most give nothing."""

_SMOOTHING = 0.7
"""Pixels, within slices only."""

_DARKEST = 0.03
"""Intensities below it are air."""

_BANDS = (0.03, 0.15)
"""Half the width of the intensities that are followed, drawn between these."""

_AREAS = (12, 2500)
"""Pixels of the first area."""

_LEAST_FILLED = 0.45
"""Of its bounding box; less is a shell or branches."""

_MOST_ELONGATED = 2.2
"""Longer side of the bounding box over the shorter; more is a sheet, or a tube that lies in the slice."""

_REACH = 8
"""Pixels around an area in which the next slice's is looked for."""

_LEAST_OVERLAP = 0.72
"""Dice of the areas on neighbouring slices."""

_GROWTH = (0.35, 2.5)
"""Areas over the first."""

_MOST_SHARED = 0.3
"""Of the smaller of two tracks; more is the same track again."""


def tracked_objects(stack: SliceStack, count: int, generator: np.random.Generator) -> Iterator[TrainingObject]:
    """Compact areas around random places, each followed both ways for as long as it changes little.

    What such an area is part of may go on where its intensity changes: nothing is known beyond a track's ends.

    Args:
        stack: tracks run along its axis.
        count: as many as this if that many are found.
    """
    if count < 1 or stack.slice_count < LEAST_SLICES:
        return
    slices = [ndimage.gaussian_filter(stack.intensity(index), _SMOOTHING) for index in range(stack.slice_count)]
    found: list[np.ndarray] = []
    for _ in range(count * _TRIES):
        track = _track(slices, stack.spacing_mm, generator)
        if track is None or any(_is_same(track, other) for other in found):
            continue
        found.append(track)
        yield TrainingObject(Family(TRACKED), stack.volume_order(track), is_whole=False)
        if len(found) == count:
            return


@dataclass(frozen=True)
class _Band:
    """The intensities that are followed; without an end on one side where the surroundings lie on the other."""

    low: float
    high: float

    @classmethod
    def around(cls, intensity: float, generator: np.random.Generator) -> _Band:
        width = float(generator.uniform(*_BANDS))
        open_side = int(generator.integers(0, 3))
        return cls(
            -np.inf if open_side == 1 else intensity - width,
            np.inf if open_side == 2 else intensity + width,
        )

    def within(self, picture: np.ndarray) -> np.ndarray:
        return (picture > self.low) & (picture < self.high)


def _track(
    slices: list[np.ndarray], spacing_mm: tuple[float, float, float], generator: np.random.Generator
) -> np.ndarray | None:
    """Bool (slices, rows, columns) from one random place; None where nothing long enough begins."""
    rows, columns = slices[0].shape
    start = int(generator.integers(0, len(slices)))
    place = int(generator.integers(3, rows - 3)), int(generator.integers(3, columns - 3))
    intensity = float(slices[start][place])
    if intensity < _DARKEST:
        return None
    band = _Band.around(intensity, generator)
    first = _first_area(band.within(slices[start]), place)
    if first is None:
        return None
    track = np.zeros((len(slices), rows, columns), bool)
    track[start] = first
    length = 1 + _follow(track, slices, start, -1, band) + _follow(track, slices, start, 1, band)
    between, row, column = spacing_mm
    if length < LEAST_SLICES or length * between < _LEAST_LENGTH * np.sqrt(first.sum() * row * column):
        return None
    return _closed(track)


def _first_area(is_alike: np.ndarray, place: tuple[int, int]) -> np.ndarray | None:
    """What hangs together around a place, if that is compact."""
    areas, _ = ndimage.label(is_alike)
    if not areas[place]:
        return None
    mask = largest_part(_opened(areas == areas[place]))
    if not mask.any():
        return None
    area = int(mask.sum())
    sides = [side.stop - side.start for side in _box(mask, 0)]
    is_compact = area >= _LEAST_FILLED * sides[0] * sides[1] and max(sides) <= _MOST_ELONGATED * min(sides)
    return mask if is_compact and _AREAS[0] <= area <= _AREAS[1] else None


def _follow(track: np.ndarray, slices: list[np.ndarray], start: int, step: int, band: _Band) -> int:
    """Draw the area of slice `start` into the slices that way, as far as it overlaps; how many they are."""
    first = int(track[start].sum())
    index = start + step
    while 0 <= index < len(slices):
        box = _box(track[index - step], _REACH)
        before = track[index - step][box]
        parts, count = ndimage.label(_opened(band.within(slices[index][box])))
        shared = np.bincount(parts[before], minlength=count + 1)
        shared[0] = 0
        mask = parts == int(shared.argmax())
        area = int(mask.sum())
        if 2 * int(shared.max()) < _LEAST_OVERLAP * (area + int(before.sum())):
            break
        if not _GROWTH[0] < area / first < _GROWTH[1]:
            break
        track[index][box] = mask
        index += step
    return abs(index - start) - 1


def _opened(mask: np.ndarray) -> np.ndarray:
    """Without its holes, its whiskers, and its bridges of a pixel or two."""
    opened: np.ndarray = ndimage.binary_opening(ndimage.binary_fill_holes(mask))
    return opened


def _closed(track: np.ndarray) -> np.ndarray:
    """Without the notches in its slices."""
    for index in np.flatnonzero(track.any(axis=(1, 2))):
        mask = track[index]
        box = _box(mask, 2)
        mask[box] |= ndimage.binary_closing(mask[box])
    return track


def _box(mask: np.ndarray, reach: int) -> tuple[slice, slice]:
    """Rows and columns of what a mask holds and of so many pixels around it."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    return int((one & other).sum()) > _MOST_SHARED * min(int(one.sum()), int(other.sum()))
