"""Slicer's own tools on the same work, through slicer-core's real classes."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt

from .work import GIVEN_ENDS, RowResult, Work

INSIDE, OUTSIDE = 1, 2


def to_vtk(array: np.ndarray, spacing_mm: tuple[float, float, float]) -> object:
    """An oriented image that holds `array` (slices, rows, columns) with identity directions."""
    import slicer
    from vtk.util.numpy_support import numpy_to_vtk

    image = slicer.vtkOrientedImageData()
    image.SetDimensions(array.shape[2], array.shape[1], array.shape[0])
    image.SetSpacing(spacing_mm[2], spacing_mm[1], spacing_mm[0])
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(array).ravel(), deep=True))
    return image


def from_vtk(image: object) -> np.ndarray:
    """The image's voxels as (slices, rows, columns)."""
    from vtk.util.numpy_support import vtk_to_numpy

    columns, rows, slices = image.GetDimensions()  # type: ignore[attr-defined]
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(slices, rows, columns)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class GrowSettings:
    """What a user of "Grow from seeds" chooses.

    Attributes:
        gap_mm: distance between the painted contour and the ring of background around it.
        width_mm: width of that ring.
        reach: how far from the painted slice it may grow, as a share of the painted mask's mean
            diameter; None for the whole stack. Never less than 3 slices: where the effect itself
            stops, unless its "extentGrowthRatio" is raised.
        locality: the effect's "seed locality", 0 to 10 (intensity levels per mm).
    """

    gap_mm: float = 3.0
    width_mm: float = 5.0
    reach: float | None = 0.5
    locality: float = 10.0


def ring_around(mask: np.ndarray, spacing_mm: tuple[float, float], gap_mm: float, width_mm: float) -> np.ndarray:
    """Background seeds, bool (rows, columns): between `gap_mm` and `gap_mm + width_mm` away from the mask.

    At least one pixel wide and one pixel away, whatever the spacing.
    """
    pixel = max(spacing_mm)
    distance = distance_transform_edt(~mask, sampling=spacing_mm)
    start = max(gap_mm, 1.01 * pixel)
    return (distance > start) & (distance <= start + max(width_mm, 1.01 * pixel))


class GrowFromSeeds:
    """Slicer's "Grow from seeds" (vtkImageGrowCutSegment)."""

    name = "grow-from-seeds"

    def __init__(self, settings: GrowSettings | None = None) -> None:
        self.settings = settings or GrowSettings()

    def segment(self, work: Work) -> RowResult:
        """Seeds: the painted mask as the structure, a ring around it on the same slice as background."""
        import slicer

        started = time.perf_counter()
        settings, spacing = self.settings, work.spacing_mm
        ring = ring_around(work.painted, (spacing[1], spacing[2]), settings.gap_mm, settings.width_mm)
        window = self._window(work, ring)
        seeds = np.zeros(work.image.shape, np.uint8)
        seeds[work.seed_slice][ring] = OUTSIDE
        seeds[work.seed_slice][work.painted] = INSIDE
        grow = slicer.vtkImageGrowCutSegment()
        grow.SetIntensityVolume(to_vtk(work.image[window], spacing))
        grow.SetSeedLabelVolume(to_vtk(seeds[window], spacing))
        grow.SetDistancePenalty(settings.locality)
        grow.Update()
        mask = np.zeros(work.image.shape, bool)
        mask[window] = from_vtk(grow.GetOutput()) == INSIDE
        mask[work.seed_slice] = work.painted
        slices = window[0].stop - window[0].start - 1
        return RowResult(mask, time.perf_counter() - started, slices)

    def _reach_slices(self, work: Work) -> int:
        if self.settings.reach is None:
            return work.image.shape[0]
        area = np.count_nonzero(work.painted) * work.spacing_mm[1] * work.spacing_mm[2]
        diameter = 2.0 * float(np.sqrt(area / np.pi))
        return max(3, round(self.settings.reach * diameter / work.spacing_mm[0]))

    def _window(self, work: Work, ring: np.ndarray) -> tuple[slice, slice, slice]:
        """In the plane the seeds' box and 10 % of it (3 voxels at least), as in the effect; along the axis `reach`."""
        count = work.image.shape[0]
        reach = self._reach_slices(work)
        across = slice(max(0, work.seed_slice - reach), min(count, work.seed_slice + reach + 1))
        sides = []
        for axis, length in enumerate(ring.shape):
            hit = np.flatnonzero((ring | work.painted).any(axis=1 - axis))
            margin = max(3, int(0.1 * (hit[-1] - hit[0] + 1)))
            sides.append(slice(max(0, int(hit[0]) - margin), min(length, int(hit[-1]) + margin + 1)))
        return across, sides[0], sides[1]


class FillBetweenSlices:
    """Slicer's "Fill between slices" (vtkITKMorphologicalContourInterpolator).

    It interpolates and cannot go on past what was drawn: it is also given two more slices of the
    truth, the structure's ends, which no other row gets. It does not interpolate towards a few
    pixels or a thin line, so an end is the outermost slice that holds a 3x3 block and that the
    filter reaches, else the outermost that it reaches at all.
    """

    name = "fill-between-slices"

    def segment(self, work: Work) -> RowResult:
        """Interpolate from the painted slice to the first and to the last one."""
        started = time.perf_counter()
        mask = np.zeros(work.image.shape, bool)
        slices = 0
        for step in (-1, 1):
            for end in end_candidates(work.truth, work.seed_slice, step):
                low, high = sorted((end, work.seed_slice))
                filled = fill_between(work, low, high)
                if filled.any(axis=(1, 2)).all():
                    mask[low : high + 1] |= filled
                    slices += high - low - 1
                    break
        mask[work.seed_slice] = work.painted
        return RowResult(mask, time.perf_counter() - started, slices, notes=(GIVEN_ENDS,))


def end_candidates(truth: np.ndarray, seed: int, step: int) -> list[int]:
    """Slices to offer as the end on one side (step -1 or 1), best first."""
    there = [int(index) for index in np.flatnonzero(truth.any(axis=(1, 2))) if (index - seed) * step > 0]
    outwards = sorted(there, key=lambda index: -abs(index - seed))
    block = np.ones((3, 3), bool)
    large = [index for index in outwards if binary_erosion(truth[index], block).any()]
    # The neighbour of the painted slice leaves nothing to fill: only where there is no other.
    candidates = [index for index in (*large, *outwards) if abs(index - seed) > 1]
    return candidates or outwards


def fill_between(work: Work, low: int, high: int) -> np.ndarray:
    """The filter's result between two slices of the truth, bool (high - low + 1, rows, columns)."""
    return fill_pair(work.truth[low], work.truth[high], high - low, work.spacing_mm)


def fill_pair(first: np.ndarray, last: np.ndarray, steps: int, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """The filter's result between two drawn slices, bool (steps + 1, rows, columns).

    Args:
        first, last: bool (rows, columns), neither empty.
        steps: how many slices `last` is after `first`.
    """
    import slicer

    either = first | last
    rows, columns = (np.flatnonzero(either.any(axis=axis)) for axis in (1, 0))
    box = tuple(slice(max(0, int(hit[0]) - 2), int(hit[-1]) + 3) for hit in (rows, columns))
    label = np.zeros((steps + 1, *first.shape), np.uint8)
    label[0], label[-1] = first, last
    fill = slicer.vtkITKMorphologicalContourInterpolator()
    fill.SetInputData(to_vtk(np.pad(label[(slice(None), *box)], ((1, 1), (0, 0), (0, 0))), spacing_mm))
    fill.SetAxis(2)
    fill.Update()
    result = np.zeros(label.shape, bool)
    result[(slice(None), *box)] = from_vtk(fill.GetOutput())[1:-1] > 0
    return result
