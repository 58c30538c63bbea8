"""The boxes around pseudo-labels that the 3D network looks through, all of one small size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from ...engine.slice_stack import IntensityRange, SliceStack
from ..refinement.objects import LabelledVolume
from .pseudo_labels import PseudoLabels

SIZE = (32, 64, 64)
"""Voxels of every box as the network sees it: slices, rows, columns."""

_MARGIN = 0.25
"""Of the structure's own extent, on either side."""

_LEAST_MARGIN = (2, 6, 6)
_FADING = 0.25
"""Of a box's slices: so far from the drawn one its mask is shown at half strength."""


@dataclass(frozen=True, eq=False)
class Box:
    """One structure of one volume.

    Attributes:
        volume: the volume's name.
        number: the structure's, in the pseudo-labels.
        place: where in the volume it is.
        inputs: float16 (2, *SIZE): the intensity, and the mask on the drawn slice, fading to slices farther away.
        target: bool SIZE, the pseudo-label.
    """

    volume: str
    number: int
    place: tuple[slice, slice, slice]
    inputs: torch.Tensor
    target: torch.Tensor


def boxes_of(volume: LabelledVolume, made: PseudoLabels) -> Iterator[Box]:
    """A box around every structure of a volume's pseudo-labels."""
    intensities = SliceStack(volume.voxels, volume.spacing_mm, 0).intensity_range
    for number, found in enumerate(ndimage.find_objects(made.labels), start=1):
        if found is None or number not in made.numbers:
            continue
        place = _grown(found, made.labels.shape)
        image = resized(_normalised(volume.voxels[place], intensities), SIZE)
        drawn = made.drawn[place[1:]] == number
        target = resized((made.labels[place] == number).astype(np.float32), SIZE) > 0.5
        hint = _hint(drawn, made.slice_index - place[0].start, place[0].stop - place[0].start)
        yield Box(volume.name, number, place, torch.stack([image, hint]).half(), target)


def resized(array: np.ndarray | torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """float32 (slices, rows, columns) brought to another size by trilinear interpolation."""
    tensor = torch.as_tensor(np.ascontiguousarray(array) if isinstance(array, np.ndarray) else array)
    return functional.interpolate(tensor[None, None].float(), size, mode="trilinear", align_corners=False)[0, 0]


def _hint(drawn: np.ndarray, index: int, slices: int) -> torch.Tensor:
    """What was drawn, on all slices of a box, weaker the farther they are: float32 SIZE."""
    plane = torch.from_numpy(drawn.astype(np.float32))[None, None]
    plane = functional.interpolate(plane, SIZE[1:], mode="bilinear", align_corners=False)[0, 0]
    at = (index + 0.5) * SIZE[0] / slices - 0.5
    away = (torch.arange(SIZE[0]) - at).abs() / (_FADING * SIZE[0])
    return plane * (1 / (1 + away))[:, None, None]


def _grown(place: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    sides = []
    for side, least, length in zip(place, _LEAST_MARGIN, shape, strict=True):
        margin = max(least, round(_MARGIN * (side.stop - side.start)))
        sides.append(slice(max(0, side.start - margin), min(length, side.stop + margin)))
    return sides[0], sides[1], sides[2]


def _normalised(voxels: np.ndarray, intensities: IntensityRange) -> np.ndarray:
    low, high = intensities.low, intensities.high
    normalised: np.ndarray = np.clip((voxels.astype(np.float32) - low) / (high - low), 0, 1)
    return normalised
