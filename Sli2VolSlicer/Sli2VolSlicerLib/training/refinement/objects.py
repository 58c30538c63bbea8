"""What passes are run on for training: labelled structures, and regions grown by intensity."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...engine.slice_stack import MINIMUM_SIDE, SliceStack
from ..sampling import TrainingVolume

GROWN = "grown"
"""The group of all grown regions."""

TRACKED = "tracked"
"""The group of all tracks (`tracks.py`)."""

LEAST_SLICES = 5
NOTHING_TO_LEARN_FROM = (
    "The volumes give nothing to learn from: no labelled structure on five slices or more and no region of "
    "like intensity outside the patients held out. Give more volumes, or hold fewer patients out."
)
"""Said where a sampler is left without structures."""

_LEAST_AREA = 9
"""Mean area in pixels of a grown region's slices."""

_LEAST_VOXELS = 250
_TRIES = 60
"""Seeds per region wanted; most give nothing."""

_LARGEST_ALIKENESS = 0.5
"""Grown regions whose surroundings look more like them than this end where the growing did, not the image."""

_LEAST_FILLED = 0.22
"""Of its bounding box; less is a net or a shell."""

_MOST_OUTSIDE = 0.35
"""Voxels on its box's faces, per two-thirds power of its size: more has leaked out of the box."""

_MOST_EROSIONS = 7
_BALL = ndimage.generate_binary_structure(3, 1)
_DISK = _BALL & (np.arange(3) == 1)[:, None, None]


@dataclass(frozen=True, eq=False)
class LabelledVolume:
    """A volume to learn from.

    Attributes:
        name: for messages; names decide the random choices, so they should differ.
        patient: volumes of one patient are held out together.
        group: volumes of one kind (body region, structures labelled); groups count alike.
        voxels: any real dtype, 3D.
        spacing_mm: per numpy axis.
        labels: whole numbers on the same grid, 0 where nothing is labelled; None: no labels.
    """

    name: str
    patient: str
    group: str
    voxels: np.ndarray
    spacing_mm: tuple[float, float, float]
    labels: np.ndarray | None = None

    @property
    def identity(self) -> str:
        """What tells it from others where something made of it is kept: all but whose it is."""
        arrays = [zlib.crc32(np.ascontiguousarray(a).data) for a in (self.voxels, self.labels) if a is not None]
        return repr([self.name, self.group, self.spacing_mm, self.voxels.shape, *arrays])

    @property
    def unlabelled(self) -> TrainingVolume:
        """What is learned from without labels."""
        return TrainingVolume(self.name, self.voxels, self.spacing_mm)


@dataclass(frozen=True)
class Family:
    """What counts alike in sampling.

    Attributes:
        group: that of its volumes, GROWN or TRACKED.
        label: value in the label map; 0 for grown regions and tracks.
        is_across: a labelled structure followed across the acquired slices; tracks are one family either way.
        is_sent_on: passes that were sent on when they stopped (`sent_on.py`).
    """

    group: str
    label: int = 0
    is_across: bool = False
    is_sent_on: bool = False

    @property
    def words(self) -> str:
        """Group, direction and round, for reports."""
        return f"{self.group}{' across' * self.is_across}{' sent on' * self.is_sent_on}"


@dataclass(frozen=True, eq=False)
class TrainingObject:
    """One structure.

    Attributes:
        family: what it counts with.
        mask: bool, on the volume's grid.
        is_whole: the mask is all of it; else nothing is known of slices that the mask is not on.
    """

    family: Family
    mask: np.ndarray
    is_whole: bool = True


def label_values(volume: LabelledVolume) -> list[int]:
    """The structures that a volume's label map holds."""
    return [] if volume.labels is None else [int(value) for value in np.unique(volume.labels) if value]


def labelled_objects(volume: LabelledVolume, is_across: bool = False) -> Iterator[TrainingObject]:
    """Every labelled structure of a volume, one mask at a time.

    Args:
        volume: with labels or without.
        is_across: they are to be followed across the acquired slices.
    """
    for value in label_values(volume):
        yield TrainingObject(Family(volume.group, value, is_across), np.asarray(volume.labels) == value)


def grown_objects(volume: LabelledVolume, count: int, generator: np.random.Generator) -> Iterator[TrainingObject]:
    """Regions of like intensity around random seeds: compact, closed by opening, ended by the image itself.

    Args:
        volume: where to look.
        count: as many as this if that many are found.
    """
    if count < 1 or min(volume.voxels.shape) < MINIMUM_SIDE:
        return
    stack = SliceStack(volume.voxels, volume.spacing_mm, 0)
    image = np.stack([stack.intensity(index) for index in range(stack.slice_count)])
    ground = _Ground.of(image, volume.spacing_mm[0] / volume.spacing_mm[1], generator)
    found = 0
    for _ in range(count * _TRIES):
        mask = ground.grow(generator)
        if mask is None or not _is_large_enough(mask) or alikeness(image, mask) >= _LARGEST_ALIKENESS:
            continue
        yield TrainingObject(Family(GROWN), mask)
        found += 1
        if found == count:
            return


def alikeness(image: np.ndarray, mask: np.ndarray) -> float:
    """Overlap of the intensity histograms inside a region and in a shell around it: 0 apart, 1 the same."""
    around = tuple(slice(max(0, s.start - 5), s.stop + 5) for s in ndimage.find_objects(mask.astype(np.uint8))[0])
    inner, near = mask[around], image[around]
    flat = np.zeros((3, 3, 3), bool)
    flat[1] = True
    shell = ndimage.binary_dilation(ndimage.binary_dilation(inner, flat, iterations=3), _BALL) & ~inner
    inside, outside = near[inner], near[shell]
    if min(inside.size, outside.size) < 50:
        return 1.0
    low, high = np.percentile(np.concatenate([inside, outside]), [0.5, 99.5])
    if high <= low:
        return 1.0
    shares = [np.histogram(np.clip(v, low, high), 24, (low, high))[0] / v.size for v in (inside, outside)]
    return float(np.minimum(*shares).sum())


def largest_part(mask: np.ndarray) -> np.ndarray:
    """What hangs together most of a bool array, which is all of it if there is nothing else."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    result: np.ndarray = parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())
    return result


def _is_large_enough(mask: np.ndarray) -> bool:
    slices = int(mask.any(axis=(1, 2)).sum())
    return slices >= LEAST_SLICES and int(mask.sum()) >= _LEAST_AREA * slices


@dataclass(frozen=True, eq=False)
class _Ground:
    """What regions grow on.

    Attributes:
        smooth: the image without its noise.
        edges: strength of its edges.
        thick: slice distance in pixels.
        bright: intensities that seeds have.
    """

    smooth: np.ndarray
    edges: np.ndarray
    thick: float
    bright: tuple[float, float]

    @classmethod
    def of(cls, image: np.ndarray, thick: float, generator: np.random.Generator) -> _Ground:
        sigma = float(generator.uniform(0.7, 1.6))
        smooth = ndimage.gaussian_filter(image, (min(1.0, sigma / thick), sigma, sigma))
        edges = ndimage.gaussian_gradient_magnitude(image, (min(0.8, 0.8 / thick), 0.8, 0.8))
        low, high = (float(q) for q in np.quantile(smooth[::2, ::3, ::3], [0.35, 0.999]))
        return cls(smooth, edges, thick, (max(0.02, low), high))

    def grow(self, generator: np.random.Generator) -> np.ndarray | None:
        """One region on the whole volume, or None where a random seed gives nothing compact."""
        seed = self._calm_place(generator)
        if not self.bright[0] <= float(self.smooth[tuple(seed)]) <= self.bright[1]:
            return None
        radius = float(np.exp(generator.uniform(np.log(8), np.log(50))))
        reach = np.array([max(6, radius / self.thick * 1.3), radius, radius]).astype(int)
        box = _around(seed, reach)
        near = self.smooth[_around(seed, (1, 2, 2))]
        width = float(generator.uniform(1.0, 3.0)) * min(0.04, float(near.std())) + float(
            generator.uniform(0.015, 0.07)
        )
        band = np.abs(self.smooth[box] - float(near.mean())) < width
        edges = self.edges[box]
        core = band & (edges < np.quantile(edges[::2, ::2, ::3], generator.uniform(0.5, 0.92)))
        start = tuple(int(s) - side.start for s, side in zip(seed, box, strict=True))
        element = _BALL if self.thick < 2 else _DISK
        region = _unleaked(band, core, start, element, int(generator.integers(0, 3)))
        if region is None:
            return None
        region = ndimage.binary_closing(np.pad(region, 2), _BALL)[2:-2, 2:-2, 2:-2]
        for plane in region:
            ndimage.binary_fill_holes(plane, output=plane)
        bounds = ndimage.find_objects(region.astype(np.uint8))[0]
        if region.sum() < _LEAST_FILLED * np.prod([side.stop - side.start for side in bounds]):
            return None
        whole = np.zeros(self.smooth.shape, bool)
        whole[box] = region
        return whole

    def _calm_place(self, generator: np.random.Generator) -> np.ndarray:
        """The weakest edge near a random voxel."""
        around = _around(np.array([generator.integers(1, n - 1) for n in self.smooth.shape]), (1, 4, 4))
        calmest = np.unravel_index(int(np.argmin(self.edges[around])), self.edges[around].shape)
        return np.array([side.start + int(c) for side, c in zip(around, calmest, strict=True)])


def _around(place: np.ndarray | tuple[int, ...], reach: np.ndarray | tuple[int, ...]) -> tuple[slice, ...]:
    """The box around a voxel; it may reach beyond the volume's end, as slices may, never before its start."""
    return tuple(slice(max(0, int(p) - int(r)), int(p) + int(r) + 1) for p, r in zip(place, reach, strict=True))


def _unleaked(
    band: np.ndarray, core: np.ndarray, seed: tuple[int, ...], element: np.ndarray, opened: int
) -> np.ndarray | None:
    """The seed's component, opened until it no longer runs out of the box; None if nothing is left.

    Args:
        band: bool: near the seed's intensity.
        core: those of it away from edges.
        opened: erosions to begin with.
    """
    inner = core
    for eroded in range(_MOST_EROSIONS):
        if eroded:
            inner = ndimage.binary_erosion(inner, element, border_value=1)
        if not inner[seed]:
            near = _around(seed, (2, 8, 8))
            left = np.argwhere(inner[near])
            if not len(left):
                return None
            middle = np.array(seed) - [side.start for side in near]
            nearest = left[int(np.argmin(((left - middle) ** 2).sum(axis=1)))]
            seed = tuple(int(n) + side.start for n, side in zip(nearest, near, strict=True))
        if eroded < opened:
            continue
        components, _ = ndimage.label(inner)
        region = ndimage.binary_dilation(components == components[seed], element, iterations=eroded + 1, mask=band)
        size = int(region.sum())
        if size < _LEAST_VOXELS:
            return None
        faces = sum(int(np.take(region, side, axis=axis).sum()) for axis in range(3) for side in (0, -1))
        if faces < _MOST_OUTSIDE * size ** (2 / 3):
            return np.asarray(region)
    return None
