"""Volumes of nobody: tubes and organs in textured tissue, of random shape and contrast, and their labels.

After Billot et al. 2023 (SynthSeg), whose networks learn from random contrasts what no scanner has to show them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .refinement.objects import LEAST_SLICES, LabelledVolume, largest_part

GROUP = "invented"

_FIRST_ORGAN, _LAST_ORGAN = 5, 8
"""Labels of organs; tubes have the labels before them."""

_LEAST_TUBE, _LEAST_ORGAN = 150, 60
"""Voxels of a tube, and pixels of an organ's largest slice, that are worth a label; an organ is on five slices too."""

_WINDING = (0.015, 0.11)
"""Standard deviation of a tube's course, in sides of the slice."""

_BRIGHTEST = 1000
_DARKER = 0.3
"""Chance of being darker than the tissue around."""


@dataclass(frozen=True)
class InventionSettings:
    """What is drawn for a volume; pairs are the least and the most. Intensities are shares of the whole range.

    Attributes:
        slices: of the volume.
        side: rows, and columns.
        between_mm, pixel_mm: distance of slices, and of pixels.
        crowded: chance that organs fill the volume and touch, instead of lying apart in the tissue.
        crowd: how many there are then.
        gap: pixels of tissue between them, at most.
        organs: how many there are otherwise; four of them at most are labelled.
        organ_radius: half axes in pixels.
        tubes: how many there are, four at most.
        tube_radius: in pixels.
        organ_contrast, tube_contrast: to the tissue.
        like_an_organ: chance that a tube, or an organ of a crowd, has another organ's intensity but for
            `little_contrast`.
        little_contrast: to that organ.
        side_by_side: chance that a tube runs beside the one before.
        through: chance that a tube runs through the whole volume.
        walled: chance that a tube is darker within, as a gullet with air.
        noise: standard deviation.
        uneven: chance of uneven brightness.
    """

    slices: tuple[int, int] = (44, 89)
    side: int = 128
    between_mm: tuple[float, float] = (2.0, 5.0)
    pixel_mm: tuple[float, float] = (0.9, 1.7)
    crowded: float = 0.5
    crowd: tuple[int, int] = (15, 50)
    gap: float = 3.0
    organs: tuple[int, int] = (7, 12)
    organ_radius: tuple[float, float] = (7.0, 34.0)
    tubes: int = 4
    tube_radius: tuple[float, float] = (3.0, 11.0)
    organ_contrast: tuple[float, float] = (0.03, 0.3)
    tube_contrast: tuple[float, float] = (0.04, 0.3)
    like_an_organ: float = 0.35
    little_contrast: tuple[float, float] = (0.015, 0.06)
    side_by_side: float = 0.5
    through: float = 0.4
    walled: float = 0.2
    noise: tuple[float, float] = (0.006, 0.05)
    uneven: float = 0.3


def invented(name: str, settings: InventionSettings, generator: np.random.Generator) -> LabelledVolume:
    """One volume, int16, with labels 1 to 4 for its tubes and 5 to 8 for some of its organs.

    Args:
        name: of the volume and, as every volume is one, of its patient.
        settings: what may be drawn.
        generator: of every random choice.
    """
    return _Scene(settings, generator).volume(name)


@dataclass(frozen=True, eq=False)
class _Course:
    """Where a tube runs: per slice its centre in pixels and its radius."""

    row: np.ndarray
    column: np.ndarray
    radius: np.ndarray


class _Scene:
    """A volume in the making."""

    def __init__(self, settings: InventionSettings, generator: np.random.Generator) -> None:
        self._settings, self._generator = settings, generator
        slices = self._count(settings.slices)
        pixel = float(generator.uniform(*settings.pixel_mm))
        self._spacing = (float(generator.uniform(*settings.between_mm)), pixel, pixel)
        self._thick = self._spacing[0] / pixel
        self._pixels = (self._thick, 1.0, 1.0)
        self._shape = (slices, settings.side, settings.side)
        self._labels = np.zeros(self._shape, np.uint8)
        self._tissue = float(generator.uniform(0.3, 0.5))
        self._image = self._tissue + self._texture(6, 0.02) + self._texture(2, float(generator.uniform(0.005, 0.03)))
        is_fat = self._texture(14, 1.0) > generator.uniform(0.2, 1.2)
        self._image[is_fat] -= generator.uniform(0.08, 0.25)

    def volume(self, name: str) -> LabelledVolume:
        """What has been put in, as a scanner might show it."""
        settings, generator = self._settings, self._generator
        organs = self._put_crowd() if generator.random() < settings.crowded else self._put_organs()
        course: _Course | None = None
        for number in range(settings.tubes):
            course = self._course_beside(course)
            self._put_tube(1 + number, course, self._intensity(settings.tube_contrast, organs))
        return LabelledVolume(name, name, GROUP, self._scanned(), self._spacing, self._worth_a_label())

    def _put_crowd(self) -> list[float]:
        """Organs side by side, each ending where the next begins; returns their intensities.

        Where an organ ends against one that looks like it, there is no edge that tells, only the shape so far.
        """
        settings, generator = self._settings, self._generator
        count = self._count(settings.crowd)
        centres, sizes = generator.random((count, 3)) * self._shape, generator.uniform(0.6, 1.6, count)
        bent = [
            i * p + self._texture(10, 5.0)
            for i, p in zip(np.indices(self._shape, np.float32), self._pixels, strict=True)
        ]
        nearest, next_nearest = (np.full(self._shape, np.inf, np.float32) for _ in range(2))
        owner = np.zeros(self._shape, np.int64)
        for number, (centre, size) in enumerate(zip(centres * self._pixels, sizes, strict=True)):
            away = np.sqrt(sum((axis - place) ** 2 for axis, place in zip(bent, centre, strict=True))) / size
            is_nearer = away < nearest
            next_nearest = np.where(is_nearer, nearest, np.minimum(next_nearest, away))
            owner[is_nearer], nearest = number, np.minimum(nearest, away)
        organs: list[float] = []
        for _ in range(count):
            organs.append(self._intensity(settings.organ_contrast, organs))
        inside = next_nearest - nearest > generator.uniform(0, settings.gap)
        grain = self._texture(3, float(generator.uniform(0, 0.02)))
        self._image[inside] = (np.array(organs, np.float32)[owner] + grain)[inside]
        self._labels[inside] = (_FIRST_ORGAN + owner)[inside]
        return organs

    def _put_organs(self) -> list[float]:
        """Organs anywhere in the tissue; returns their intensities."""
        return [self._put_organ(_FIRST_ORGAN + number) for number in range(self._count(self._settings.organs))]

    def _put_organ(self, value: int) -> float:
        """An ellipsoid with dents; returns its intensity."""
        generator = self._generator
        radii = np.array([self._as_often_small(self._settings.organ_radius) for _ in range(3)])
        radii[0] *= generator.uniform(0.7, 1.4)
        margin = np.array([0.1, 0.15, 0.15])
        centre = (margin + (1 - 2 * margin) * generator.random(3)) * self._shape
        index = np.ogrid[tuple(slice(side) for side in self._shape)]
        squares = [((i - c) * p / r) ** 2 for i, c, p, r in zip(index, centre, self._pixels, radii, strict=True)]
        away = np.sqrt(squares[0] + squares[1] + squares[2])
        inside = largest_part(away + self._texture(7, float(generator.uniform(0.05, 0.25))) < 1)
        intensity = self._tissue + self._contrast(self._settings.organ_contrast)
        grain = self._texture(3, float(generator.uniform(0, 0.02))) + self._texture(
            1.2, float(generator.uniform(0, 0.02))
        )
        self._image[inside] = (intensity + grain)[inside]
        self._labels[inside] = value
        return intensity

    def _course_beside(self, before: _Course | None) -> _Course:
        """A winding course, sometimes beside the one before."""
        settings, generator = self._settings, self._generator
        side = settings.side
        radius = self._as_often_small(settings.tube_radius) * np.exp(self._walk(10, generator.uniform(0.05, 0.25)))
        if before is not None and generator.random() < settings.side_by_side:
            beside = generator.choice([-1, 1]) * before.radius.mean() * generator.uniform(1.6, 2.6)
            row = before.row + beside + self._walk(12, generator.uniform(1, 4))
            column = before.column + generator.uniform(-4, 4) + self._walk(12, generator.uniform(1, 4))
            return _Course(row, column, radius)
        row, column = (
            generator.uniform(0.2, 0.8) * side
            + self._walk(generator.uniform(8, 25), generator.uniform(*_WINDING) * side)
            for _ in range(2)
        )
        return _Course(row, column, radius)

    def _intensity(self, contrast: tuple[float, float], organs: list[float]) -> float:
        """An intensity of its own, or nearly one of the organs'."""
        settings, generator = self._settings, self._generator
        if organs and generator.random() < settings.like_an_organ:
            like = organs[int(generator.integers(len(organs)))]
            return like + float(generator.choice([-1, 1]) * generator.uniform(*settings.little_contrast))
        return self._tissue + self._contrast(contrast)

    def _put_tube(self, value: int, course: _Course, intensity: float) -> None:
        """A tube of elliptic cross-section along a course, through some of the slices."""
        generator = self._generator
        flat = np.exp(self._walk(10, generator.uniform(0.05, 0.4)))
        angle = generator.uniform(0, np.pi) + self._walk(15, 0.5)
        drift = intensity + self._walk(12, generator.uniform(0, 0.03))
        grain = self._texture(1.5, float(generator.uniform(0, 0.02)))
        is_walled = generator.random() < self._settings.walled
        rows, columns = np.ogrid[: self._shape[1], : self._shape[2]]
        for at in range(*self._extent()):
            down, right = rows - course.row[at], columns - course.column[at]
            cos, sin = np.cos(angle[at]), np.sin(angle[at])
            long, short = course.radius[at] * flat[at], course.radius[at] / flat[at]
            away = np.hypot((cos * down + sin * right) / long, (cos * right - sin * down) / short)
            inside = away < 1
            self._image[at][inside] = drift[at] + grain[at][inside]
            if is_walled:
                self._image[at][away < 0.6] -= 0.05
            self._labels[at][inside] = value

    def _extent(self) -> tuple[int, int]:
        """First slice of a tube, and the one after its last."""
        generator, slices = self._generator, self._shape[0]
        if generator.random() < self._settings.through:
            return 0, slices
        first, end = sorted(int(place) for place in generator.uniform(-0.2, 1.2, 2) * slices)
        if end - first < slices // 3:
            return 0, min(slices, max(slices // 2, int(generator.uniform(0.5, 1.2) * slices)))
        return max(0, first), min(slices, end)

    def _scanned(self) -> np.ndarray:
        """The image blurred and with noise, int16."""
        generator = self._generator
        widths = (generator.uniform(0.2, 0.6), *generator.uniform(0.4, 1.0, 2))
        image = ndimage.gaussian_filter(self._image, widths)
        noise = self._as_often_small(self._settings.noise)
        image += generator.standard_normal(self._shape, np.float32) * np.float32(noise)
        if generator.random() < self._settings.uneven:
            image *= 1 + self._texture(35, 0.08)
        result: np.ndarray = (np.clip(image, 0, 1) * _BRIGHTEST).astype(np.int16)
        return result

    def _worth_a_label(self) -> np.ndarray:
        """Labels of what can be seen of the tubes, and of the first organs that enough can be seen of."""
        kept = np.zeros_like(self._labels)
        for value in range(1, _FIRST_ORGAN):
            seen = self._labels == value
            if int(seen.sum()) > _LEAST_TUBE:
                kept[seen] = value
        values = np.unique(self._labels[self._labels >= _FIRST_ORGAN])
        organs = filter(_is_seen_enough_of, (largest_part(self._labels == value) for value in values))
        for free, seen in zip(range(_FIRST_ORGAN, _LAST_ORGAN + 1), organs, strict=False):
            kept[seen] = free
        return kept

    def _contrast(self, bounds: tuple[float, float]) -> float:
        """Brighter, or darker."""
        sign = -1 if self._generator.random() < _DARKER else 1
        return sign * self._as_often_small(bounds)

    def _count(self, bounds: tuple[int, int]) -> int:
        """A whole number between two, both of which may be."""
        fewest, most = bounds
        return int(self._generator.integers(fewest, most + 1))

    def _as_often_small(self, bounds: tuple[float, float]) -> float:
        """A number between two whose logarithm is evenly distributed."""
        low, high = bounds
        return low * (high / low) ** float(self._generator.random())

    def _texture(self, coarseness: float, deviation: float) -> np.ndarray:
        """A smooth random field, float32: its coarseness in pixels, its standard deviation."""
        field = self._generator.standard_normal(self._shape, np.float32)
        field = ndimage.gaussian_filter(field, (coarseness / self._thick, coarseness, coarseness), mode="nearest")
        result: np.ndarray = field * np.float32(deviation / max(float(field.std()), 1e-6))
        return result

    def _walk(self, coarseness: float, deviation: float) -> np.ndarray:
        """A smooth random course over the slices around nothing, float64."""
        margin = int(4 * coarseness)
        steps = self._generator.standard_normal(self._shape[0] + 2 * margin)
        smooth = ndimage.gaussian_filter1d(steps, coarseness)[margin : margin + self._shape[0]]
        result: np.ndarray = (smooth - smooth.mean()) * deviation / max(float(smooth.std()), 1e-6)
        return result


def _is_seen_enough_of(organ: np.ndarray) -> bool:
    areas = organ.sum(axis=(1, 2))
    return int((areas > 0).sum()) >= LEAST_SLICES and int(areas.max()) >= _LEAST_ORGAN
