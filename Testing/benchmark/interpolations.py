"""What fills the slices between drawn ones without looking at the volume."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from scipy.ndimage import distance_transform_edt

Drawn = Mapping[int, np.ndarray]
"""Slice -> bool (rows, columns); empty slices too."""

Shape = tuple[int, int, int]
Spacing = tuple[float, float, float]


def fill_between_slices(drawn: Drawn, shape: Shape, spacing_mm: Spacing) -> np.ndarray:
    """Slicer's "Fill between slices" of exactly these drawn slices, bool (slices, rows, columns).

    With one slice it is that slice alone. Nothing is filled next to a slice that was drawn empty.
    """
    from .slicer_effects import fill_pair

    result = np.zeros(shape, bool)
    for low, high in _gaps(drawn):
        result[low : high + 1] |= fill_pair(drawn[low], drawn[high], high - low, spacing_mm)
    return _with_drawn(result, drawn)


def shape_interpolation(drawn: Drawn, shape: Shape, spacing_mm: Spacing) -> np.ndarray:
    """Shape-based interpolation, bool (slices, rows, columns): signed distances of two drawn slices, mixed."""
    result = np.zeros(shape, bool)
    in_plane = spacing_mm[1:]
    for low, high in _gaps(drawn):
        one, other = (_signed_distance(drawn[index], in_plane) for index in (low, high))
        for index in range(low + 1, high):
            share = (index - low) / (high - low)
            result[index] = (1 - share) * one + share * other > 0
    return _with_drawn(result, drawn)


def _gaps(drawn: Drawn) -> list[tuple[int, int]]:
    """Drawn slices next to each other with something between them to fill."""
    return [
        (low, high)
        for low, high in pairwise(sorted(drawn))
        if high - low > 1 and drawn[low].any() and drawn[high].any()
    ]


def _with_drawn(result: np.ndarray, drawn: Drawn) -> np.ndarray:
    for index, mask in drawn.items():
        result[index] = mask
    return result


def _signed_distance(mask: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    inside = distance_transform_edt(mask, sampling=spacing_mm)
    return np.asarray(inside - distance_transform_edt(~mask, sampling=spacing_mm))
