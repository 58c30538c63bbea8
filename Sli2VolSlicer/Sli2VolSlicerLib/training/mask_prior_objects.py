"""What the mask prior learns to follow: labelled structures, regions grown by intensity, synthetic anatomy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from ..engine.slice_stack import SliceStack

LARGEST_SIDE = 176
"""In-plane side in pixels of an object's surroundings; larger ones are kept at half, third, ... resolution."""

LEAST_SLICES = 5
LEAST_AREA = 9
"""Mean area in pixels of an object's slices."""
_LARGEST_ALIKENESS = 0.5
"""Grown regions whose surroundings look more like them than this end where the growing did, not the image."""

_BEYOND = 8
"""Slices kept beyond an object's ends, to learn where it ends."""


@dataclass(frozen=True, eq=False)
class LabelledVolume:
    """A volume to learn from.

    Attributes:
        name: for messages.
        patient: volumes of one patient are held out together.
        voxels: any real dtype, 3D.
        spacing_mm: per numpy axis.
        labels: structure name -> bool array on the same grid; may be empty.
    """

    name: str
    patient: str
    voxels: np.ndarray
    spacing_mm: tuple[float, float, float]
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TrainingObject:
    """One 3D object with its surroundings, slices first.

    Attributes:
        family: objects of one family share its weight in sampling.
        name: where it comes from.
        intensity: float16 (slices, rows, columns), 0..1.
        mask: bool, the same shape.
    """

    family: str
    name: str
    intensity: np.ndarray
    mask: np.ndarray

    @property
    def occupied(self) -> np.ndarray:
        """Slices on which there is any of it, ascending."""
        return np.flatnonzero(self.mask.any(axis=(1, 2)))


def cut_object(stack: SliceStack, mask: np.ndarray, family: str, name: str) -> TrainingObject | None:
    """An object and its surroundings out of a stack; None if it is too small or too short.

    Args:
        stack: where it is.
        mask: bool (slices, rows, columns), the stack's order.
    """
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    if slices.size < LEAST_SLICES or mask.sum() < LEAST_AREA * slices.size:
        return None
    flat = np.asarray(mask.any(axis=0))
    rows, columns = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    reach = max(14, int(0.5 * max(rows[-1] - rows[0], columns[-1] - columns[0])))
    area = (
        slice(max(0, rows[0] - reach), rows[-1] + 1 + reach),
        slice(max(0, columns[0] - reach), columns[-1] + 1 + reach),
    )
    first, last = max(0, slices[0] - _BEYOND), min(stack.slice_count, slices[-1] + 1 + _BEYOND)
    intensity = np.stack([stack.intensity(i)[area] for i in range(first, last)])
    part = mask[first:last][(slice(None), *area)]
    factor = int(np.ceil(max(intensity.shape[1:]) / LARGEST_SIDE))
    if factor > 1:
        intensity = _shrunk(intensity, factor)
        part = _shrunk(part.astype(np.float32), factor) > 0.5
    return TrainingObject(family, name, intensity.astype(np.float16), np.ascontiguousarray(part))


def labelled_objects(volume: LabelledVolume) -> list[TrainingObject]:
    """Every labelled structure of a volume, along the acquired axis."""
    stack = SliceStack(volume.voxels, volume.spacing_mm, 0)
    found = (cut_object(stack, mask, f"label {kind}", f"{volume.name} {kind}") for kind, mask in volume.labels.items())
    return [one for one in found if one is not None]


def grown_objects(
    volume: LabelledVolume, count: int, generator: np.random.Generator, tries: int = 60
) -> list[TrainingObject]:
    """Regions of like intensity around random seeds: compact, closed by opening, ended by the image itself.

    Args:
        volume: where to look.
        count: as many as this if they are found within `tries` tries each.
    """
    stack = SliceStack(volume.voxels, volume.spacing_mm, 0)
    image = np.stack([stack.intensity(i) for i in range(stack.slice_count)])
    thick = volume.spacing_mm[0] / volume.spacing_mm[1]
    sigma = float(generator.uniform(0.7, 1.6))
    smooth = ndimage.gaussian_filter(image, (min(1.0, sigma / thick), sigma, sigma))
    edges = ndimage.gaussian_gradient_magnitude(image, (min(0.8, 0.8 / thick), 0.8, 0.8))
    low, high = (float(q) for q in np.quantile(smooth[::2, ::3, ::3], [0.35, 0.999]))
    result: list[TrainingObject] = []
    for _ in range(count * tries):
        if len(result) >= count:
            break
        mask = _grow(smooth, edges, thick, (low, high), generator)
        if mask is None:
            continue
        found = cut_object(stack, mask, "grown", volume.name)
        if found is not None and alikeness(found) < _LARGEST_ALIKENESS:
            result.append(found)
    return result


def alikeness(one: TrainingObject) -> float:
    """Overlap of the intensity histograms inside an object and in a shell around it: 0 apart, 1 the same."""
    flat = np.zeros((3, 3, 3), bool)
    flat[1] = True
    shell = ndimage.binary_dilation(one.mask, flat, iterations=3)
    shell = ndimage.binary_dilation(shell, ndimage.generate_binary_structure(3, 1)) & ~one.mask
    inside, outside = (one.intensity[m].astype(np.float32) for m in (one.mask, shell))
    if min(inside.size, outside.size) < 50:
        return 1.0
    low, high = np.percentile(np.concatenate([inside, outside]), [0.5, 99.5])
    if high <= low:
        return 1.0
    shares = [np.histogram(np.clip(v, low, high), 24, (low, high))[0] / v.size for v in (inside, outside)]
    return float(np.minimum(*shares).sum())


def _grow(
    smooth: np.ndarray,
    edges: np.ndarray,
    thick: float,
    wanted: tuple[float, float],
    generator: np.random.Generator,
) -> np.ndarray | None:
    """One region, or None where the seed gives nothing compact."""
    shape = np.asarray(smooth.shape)
    seed = np.array([generator.integers(1, n - 1) for n in shape])
    around = tuple(slice(max(0, s - r), s + r + 1) for s, r in zip(seed, (1, 4, 4), strict=True))
    calmest = np.unravel_index(int(np.argmin(edges[around])), edges[around].shape)
    seed = np.array([a.start + int(c) for a, c in zip(around, calmest, strict=True)])
    level = float(smooth[tuple(seed)])
    if not wanted[0] <= level <= wanted[1] or level < 0.02:
        return None
    radius = float(np.exp(generator.uniform(np.log(8), np.log(50))))
    reach = np.array([max(6, radius / thick * 1.3), radius, radius]).astype(int)
    low, high = np.maximum(seed - reach, 0), np.minimum(seed + reach + 1, shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    part = smooth[box]
    near = smooth[tuple(slice(max(0, s - r), s + r + 1) for s, r in zip(seed, (1, 2, 2), strict=True))]
    spread = min(0.04, float(near.std()))
    width = float(generator.uniform(1.0, 3.0)) * spread + float(generator.uniform(0.015, 0.07))
    band = np.abs(part - float(near.mean())) < width
    core = band & (edges[box] < np.quantile(edges[box][::2, ::2, ::3], generator.uniform(0.5, 0.92)))
    ball = ndimage.generate_binary_structure(3, 1)
    disk = ball & (np.arange(3) == 1)[:, None, None]
    region = _unleaked(band, core, tuple(seed - low), ball if thick < 2 else disk, int(generator.integers(0, 3)))
    if region is None:
        return None
    region = ndimage.binary_closing(np.pad(region, 2), ball, iterations=1)[2:-2, 2:-2, 2:-2]
    for plane in region:
        ndimage.binary_fill_holes(plane, output=plane)
    where = ndimage.find_objects(region.astype(np.uint8))[0]
    if region.sum() < 0.22 * np.prod([s.stop - s.start for s in where]):
        return None
    whole = np.zeros(smooth.shape, bool)
    whole[box] = region
    return whole


def _unleaked(
    band: np.ndarray, core: np.ndarray, seed: tuple[int, ...], element: np.ndarray, opened: int
) -> np.ndarray | None:
    """The seed's component, opened until it no longer runs out of the box; None if nothing is left."""
    inner = core
    for eroded in range(7):
        if eroded:
            inner = ndimage.binary_erosion(inner, element, border_value=1)
        near = tuple(slice(max(0, s - r), s + r + 1) for s, r in zip(seed, (2, 8, 8), strict=True))
        if not inner[seed]:
            left = np.argwhere(inner[near])
            if not len(left):
                return None
            middle = np.array(seed) - [a.start for a in near]
            nearest = left[int(np.argmin(((left - middle) ** 2).sum(axis=1)))]
            seed = tuple(int(n) + a.start for n, a in zip(nearest, near, strict=True))
        if eroded < opened:
            continue
        labels, _ = ndimage.label(inner)
        region = labels == labels[seed]
        region = ndimage.binary_dilation(region, element, iterations=eroded + 1, mask=band)
        size = int(region.sum())
        if size < 250:
            return None
        if _touches(region) < 0.35 * size ** (2 / 3):
            return region
    return None


def _touches(region: np.ndarray) -> int:
    """Voxels of a region on its box's faces."""
    return int(sum(np.take(region, side, axis=a).sum() for a in range(3) for side in (0, -1)))


def synthetic_objects(
    count: int, backgrounds: Sequence[TrainingObject], generator: np.random.Generator
) -> list[TrainingObject]:
    """Rendered blobs and tubes, alone among others or inside real surroundings."""
    return [
        _pasted(backgrounds[int(generator.integers(len(backgrounds)))], generator)
        if backgrounds and generator.random() < 0.5
        else _rendered(generator)
        for _ in range(count)
    ]


def smooth_noise(shape: tuple[int, ...], nodes: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Noise of about unit strength that varies over a coarse grid of nodes: float32 of `shape`."""
    result: np.ndarray = generator.normal(0, 1.8, nodes).astype(np.float32)
    for axis, (length, count) in enumerate(zip(shape, nodes, strict=True)):
        place = np.linspace(0, count - 1, length, dtype=np.float32)
        weights = np.exp(-0.5 * ((place[:, None] - np.arange(count)) / 0.55) ** 2)
        weights /= weights.sum(axis=1, keepdims=True)
        result = np.moveaxis(np.tensordot(weights.astype(np.float32), result, axes=(1, axis)), 0, axis)
    return result


def random_shape(shape: tuple[int, int, int], generator: np.random.Generator) -> np.ndarray:
    """A smooth solid: a body around a wandering centre line whose radius comes and goes.

    Returns:
        float32 of `shape`, positive inside.
    """
    slices, rows, columns = shape
    z = np.linspace(-1, 1, slices, dtype=np.float32)
    low, high = -generator.uniform(0.3, 0.85), generator.uniform(0.3, 0.85)
    along = (z - (low + high) / 2) / ((high - low) / 2)
    power = generator.uniform(0.25, 1.2)
    radius = np.clip(1 - np.abs(along) ** generator.uniform(1.5, 6), 0, None) ** power
    radius = radius - 1e-3 * (np.abs(along) >= 1) - 3 * np.clip(np.abs(along) - 1, 0, None)
    base = min(rows, columns) * generator.uniform(0.1, 0.3)
    wander = [smooth_noise((slices,), (4,), generator) * generator.uniform(0, 0.13) * n for n in (rows, columns)]
    row = np.arange(rows, dtype=np.float32)[None, :, None] - rows / 2 - wander[0][:, None, None]
    column = np.arange(columns, dtype=np.float32)[None, None, :] - columns / 2 - wander[1][:, None, None]
    stretch = np.exp(generator.normal(0, 0.25))
    angle = generator.uniform(0, np.pi) + generator.uniform(-0.6, 0.6) * z[:, None, None]
    cos, sin = np.cos(angle), np.sin(angle)
    distance = np.sqrt(((cos * row - sin * column) * stretch) ** 2 + ((sin * row + cos * column) / stretch) ** 2)
    nodes = (int(generator.integers(3, 6)), int(generator.integers(3, 8)), int(generator.integers(3, 8)))
    lumps = smooth_noise(shape, nodes, generator) * generator.uniform(0.05, 0.45)
    field_ = radius[:, None, None] * (1 + lumps) - distance / base
    result: np.ndarray = field_.astype(np.float32)
    return result


def _texture(shape: tuple[int, int, int], generator: np.random.Generator) -> np.ndarray:
    """Noise at two scales, for the inside of something."""
    coarse = smooth_noise(shape, tuple(max(3, n // 8) for n in shape), generator)
    fine = ndimage.gaussian_filter(generator.normal(0, 1, shape).astype(np.float32), (0.3, 0.8, 0.8)) * 2
    return coarse * float(generator.uniform(0, 0.05)) + fine * float(generator.uniform(0.005, 0.06))


def _object_shape(shape: tuple[int, int, int], generator: np.random.Generator) -> np.ndarray:
    """A solid, sometimes of two parts: bool of `shape`, one connected piece in 3D."""
    level = random_shape(shape, generator)
    if generator.random() < 0.3:
        shift = [int(generator.integers(-n // 6, n // 6 + 1)) for n in shape]
        level = np.maximum(level, ndimage.shift(random_shape(shape, generator), shift, order=0, cval=-1))
    labels, found = ndimage.label(level > 0)
    if found > 1:
        return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return level > 0


def _rendered(generator: np.random.Generator) -> TrainingObject:
    """An object among others of random grey."""
    shape = (int(generator.integers(20, 44)), 96, 96)
    image = np.full(shape, generator.uniform(0.1, 0.9), np.float32) + smooth_noise(
        shape, (3, 4, 4), generator
    ) * generator.uniform(0, 0.15)
    for _ in range(int(generator.integers(2, 7))):
        level = random_shape(shape, generator)
        shift = [int(generator.integers(-n // 3, n // 3 + 1)) for n in shape]
        other = np.roll(level, shift, axis=(0, 1, 2)) > 0
        image = np.where(other, generator.uniform(0.05, 0.95) + _texture(shape, generator), image)
    mask = _object_shape(shape, generator)
    around = float(image[ndimage.binary_dilation(mask, iterations=3) & ~mask].mean()) if mask.any() else 0.5
    contrast = generator.uniform(0.06, 0.4) * (1 if generator.random() < 0.5 else -1)
    image = np.where(mask, np.clip(around + contrast, 0.03, 0.97) + _texture(shape, generator), image)
    return TrainingObject("synthetic", "rendered", _acquired(image, generator), mask)


def _pasted(background: TrainingObject, generator: np.random.Generator) -> TrainingObject:
    """An object half transparent in real surroundings."""
    image = background.intensity.astype(np.float32)
    if generator.random() < 0.5:
        image = image[::-1, :, ::-1].copy()
    mask = _object_shape(image.shape, generator)
    around = float(image[mask].mean()) if mask.any() else 0.5
    contrast = generator.uniform(0.06, 0.35) * (1 if generator.random() < 0.5 else -1)
    kept = generator.uniform(0.0, 0.6)
    inside = kept * image + (1 - kept) * around + contrast + _texture(image.shape, generator)
    soft = ndimage.gaussian_filter(mask.astype(np.float32), (0.3, 0.7, 0.7))
    image = image * (1 - soft) + inside * soft
    return TrainingObject("synthetic", "pasted", np.clip(image, 0, 1).astype(np.float16), mask)


def _acquired(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Blur, bias and noise of a scanner."""
    image = ndimage.gaussian_filter(image, (generator.uniform(0, 0.5), *[generator.uniform(0.4, 1.3)] * 2))
    image = image * (1 + smooth_noise(image.shape, (2, 3, 3), generator) * generator.uniform(0, 0.12))
    image = image + generator.normal(0, 1, image.shape).astype(np.float32) * generator.uniform(0, 0.04)
    return np.clip(image, 0, 1).astype(np.float16)


def _shrunk(array: np.ndarray, factor: int) -> np.ndarray:
    """Mean over factor x factor pixels, in plane."""
    rows, columns = (n // factor * factor for n in array.shape[1:])
    parts = array[:, :rows, :columns].reshape(len(array), rows // factor, factor, columns // factor, factor)
    result: np.ndarray = parts.mean(axis=(2, 4))
    return result
