"""Volumes as if of other patients: deformed, stretched, in another contrast phase, their labels with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from .refinement.objects import LabelledVolume, label_values

_HOUNSFIELD = -500.0
"""A volume whose least value is not above this is a CT: its intensities are shifted, others' are multiplied."""

_AIR = 50.0
"""Hounsfield units above the least value: what lies under is left out of a CT's range of intensities."""

_LEAST_SLICES = 24


@dataclass(frozen=True)
class DeformationSettings:
    """How far copies differ from their volume. Deviations are standard deviations of normal draws.

    Attributes:
        shift: deviation of each structure's intensity, in Hounsfield units, as in another contrast phase.
        share: the same of volumes that are no CTs, as a share; `most_share` at most.
        thick: millimetres; slices from this on are interpolated to more of them, others to more or fewer.
        more_thick, more_thin: how many times as many slices.
        thickness: of thick slices, how many times the distance that interpolation gave them they are told to have.
        turn: largest angle in the plane, in radians.
        zoom: largest logarithm of the magnification of rows and of columns.
        tilt: largest shift from slice to slice, in pixels per 5 mm.
        in_plane, across: deviation and coarseness, in mm, of the displacement in the plane and from slice to slice.
        gamma: largest logarithm of the exponent that intensities are raised to.
        bias: deviation of the uneven brightness of volumes that are no CTs; and its coarseness in mm.
        noise: least and most, as a share of the range of intensities.
        uneven: chance that the brightness differs from slice to slice.
        unevenness: its deviation, as a share of the range.
    """

    shift: float = 30.0
    share: float = 0.15
    most_share: float = 0.35
    thick: float = 4.0
    more_thick: tuple[float, float] = (1.0, 1.6)
    more_thin: tuple[float, float] = (0.75, 1.25)
    thickness: tuple[float, float] = (0.7, 1.1)
    turn: float = 0.2
    zoom: float = 0.16
    tilt: float = 0.25
    in_plane: tuple[float, float] = (5.0, 55.0)
    across: tuple[float, float] = (3.0, 80.0)
    gamma: float = 0.2
    bias: tuple[float, float] = (0.12, 120.0)
    noise: tuple[float, float] = (0.005, 0.03)
    uneven: float = 0.5
    unevenness: float = 0.01


def deformed(
    volume: LabelledVolume,
    settings: DeformationSettings,
    generator: np.random.Generator,
    same_contrast: frozenset[int] = frozenset(),
) -> LabelledVolume:
    """A copy of a volume as another patient might look.

    Args:
        volume: along its first axis it may get more slices, or fewer.
        settings: how far the copy may differ.
        generator: of every random choice.
        same_contrast: labels whose intensity stays: what holds air, and what takes up no contrast medium.
    """
    voxels = volume.voxels.astype(np.float32)
    is_ct = float(voxels.min()) <= _HOUNSFIELD
    voxels = _in_another_phase(voxels, volume, is_ct, settings, generator, same_contrast)
    places, between = _places(volume, settings, generator)
    image = ndimage.map_coordinates(voxels, places, order=1, mode="constant", cval=float(volume.voxels.min()))
    labels = None if volume.labels is None else _moved_labels(volume.labels, places)
    rows, columns = volume.spacing_mm[1:]
    grid = (between, rows, columns)
    image = _in_another_scanner(image, float(volume.voxels.min()), is_ct, grid, settings, generator)
    if volume.spacing_mm[0] >= settings.thick:
        grid = (between * float(generator.uniform(*settings.thickness)), rows, columns)
    return replace(volume, voxels=image, spacing_mm=grid, labels=labels)


def _in_another_phase(
    voxels: np.ndarray,
    volume: LabelledVolume,
    is_ct: bool,
    settings: DeformationSettings,
    generator: np.random.Generator,
    same_contrast: frozenset[int],
) -> np.ndarray:
    """Every structure a little brighter or darker as a whole."""
    labels = np.zeros(0) if volume.labels is None else volume.labels
    for value in label_values(volume):
        if value in same_contrast:
            continue
        mask = ndimage.gaussian_filter((labels == value).astype(np.float32), (0, 0.7, 0.7))
        if is_ct:
            voxels += mask * generator.normal(0, settings.shift)
        else:
            most = settings.most_share
            voxels *= 1 + mask * np.clip(generator.normal(0, settings.share), -most, most)
    return voxels


def _places(
    volume: LabelledVolume, settings: DeformationSettings, generator: np.random.Generator
) -> tuple[list[np.ndarray], float]:
    """Where in the volume each voxel of the copy comes from, per axis, and the distance of the copy's slices in mm."""
    slices, height, width = volume.voxels.shape
    thickness, row, column = volume.spacing_mm
    more_thick, more_thin = generator.uniform(*settings.more_thick), generator.uniform(*settings.more_thin)
    more = more_thick if thickness >= settings.thick else more_thin
    count = max(_LEAST_SLICES, round(slices * more))
    between = thickness * (slices - 1) / (count - 1)
    shape, spacing_mm = (count, height, width), (between, row, column)
    angle = generator.uniform(-settings.turn, settings.turn)
    zoom_rows, zoom_columns = np.exp(generator.uniform(-settings.zoom, settings.zoom, 2))
    tilt = generator.uniform(-settings.tilt, settings.tilt, 2)
    index, i, j = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in shape), indexing="ij")
    middle = (height - 1) / 2, (width - 1) / 2
    i, j = (i - middle[0]) * zoom_rows, (j - middle[1]) * zoom_columns
    away = (index - (count - 1) / 2) * thickness / 5
    rows = middle[0] + np.cos(angle) * i - np.sin(angle) * j + tilt[0] * away
    columns = middle[1] + np.sin(angle) * i + np.cos(angle) * j + tilt[1] * away
    rows += _smooth(shape, spacing_mm, *settings.in_plane, generator) / row
    columns += _smooth(shape, spacing_mm, *settings.in_plane, generator) / column
    along = index * (slices - 1) / (count - 1)
    along += _smooth(shape, spacing_mm, *settings.across, generator) / thickness
    # What lies beyond the first or the last slice is as there.
    return [np.clip(along, 0, slices - 1), rows, columns], between


def _smooth(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    deviation: float,
    coarseness_mm: float,
    generator: np.random.Generator,
) -> np.ndarray:
    """A smooth random field of this standard deviation."""
    knots = [max(3, round(side * mm / coarseness_mm) + 2) for side, mm in zip(shape, spacing_mm, strict=True)]
    zooms = [side / count for side, count in zip(shape, knots, strict=True)]
    field = ndimage.zoom(generator.normal(0, 1, knots), zooms, order=3, mode="nearest", grid_mode=True)
    result: np.ndarray = field / max(float(field.std()), 1e-6) * deviation
    return result


def _moved_labels(labels: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
    """Each voxel's label: the one that has most of it, if that is more than half."""
    moved = np.zeros(places[0].shape, labels.dtype)
    most = np.full(moved.shape, 0.5, np.float32)
    for value in np.unique(labels):
        if value:
            share = ndimage.map_coordinates((labels == value).astype(np.float32), places, order=1)
            has_most = share > most
            moved[has_most], most[has_most] = value, share[has_most]
    return moved


def _in_another_scanner(
    image: np.ndarray,
    least: float,
    is_ct: bool,
    spacing_mm: tuple[float, float, float],
    settings: DeformationSettings,
    generator: np.random.Generator,
) -> np.ndarray:
    """Another gamma, uneven brightness, noise: int16 like the image, and nothing under the volume's least value."""
    low, high = (float(value) for value in np.percentile(image[image > least + _AIR] if is_ct else image, [1, 99.5]))
    width = high - low
    part = np.clip((image - low) / width, 0, None)
    exponent = np.exp(generator.uniform(-settings.gamma, settings.gamma))
    bent = low + width * np.minimum(part, 1) ** exponent + width * np.maximum(part - 1, 0)
    image = np.where(image > low, bent, image)
    if not is_ct:
        image *= 1 + _smooth(image.shape, spacing_mm, *settings.bias, generator)
    grains = ndimage.gaussian_filter(generator.normal(0, 1, image.shape), (0, 0.6, 0.6))
    image += grains * width * generator.uniform(*settings.noise)
    if generator.random() < settings.uneven:
        by_slice = generator.normal(0, settings.unevenness, len(image))
        image += by_slice[:, None, None] * width * (image > low)
    return np.clip(image, least, np.iinfo(np.int16).max).round().astype(np.int16)
