"""How good a mask is: Dice, 95 % Hausdorff distance, and how far it runs on or stops short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_erosion, generate_binary_structure
from scipy.spatial import cKDTree


def dice(result: np.ndarray, truth: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two bool arrays of one shape; 1 when both are empty."""
    total = int(np.count_nonzero(result)) + int(np.count_nonzero(truth))
    if total == 0:
        return 1.0
    return 2.0 * int(np.count_nonzero(result & truth)) / total


def dice_without_slice(result: np.ndarray, truth: np.ndarray, index: int) -> float:
    """Dice over all slices but one: the painted slice was given, not found."""
    return dice(np.delete(result, index, axis=0), np.delete(truth, index, axis=0))


def slice_dice(result: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Dice of every slice, float64 (slices,); NaN where both are empty."""
    sizes = result.sum(axis=(1, 2)) + truth.sum(axis=(1, 2))
    overlap = (result & truth).sum(axis=(1, 2))
    return np.where(sizes > 0, 2.0 * overlap / np.maximum(sizes, 1), np.nan)


def surface_points(mask: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """Centres of the surface voxels in mm, float64 (points, dimensions).

    A surface voxel is one of the mask with a face neighbour outside it; outside the array is outside.
    """
    inside = binary_erosion(mask, generate_binary_structure(mask.ndim, 1), border_value=0)
    return np.argwhere(mask & ~inside) * np.asarray(spacing_mm, dtype=np.float64)


def hausdorff_95(result: np.ndarray, truth: np.ndarray, spacing_mm: tuple[float, ...]) -> float:
    """The 95 % Hausdorff distance in mm.

    The larger of two numbers: the 95th percentile of the distances from the surface voxels of one
    mask to the nearest of the other, and the reverse. 0 when both masks are empty, infinite when
    one is.
    """
    if not result.any() and not truth.any():
        return 0.0
    if not result.any() or not truth.any():
        return float("inf")
    one, other = surface_points(result, spacing_mm), surface_points(truth, spacing_mm)
    to_other = cKDTree(other).query(one)[0]
    to_one = cKDTree(one).query(other)[0]
    return float(max(np.percentile(to_other, 95), np.percentile(to_one, 95)))


@dataclass(frozen=True)
class EndError:
    """How many slices a result runs on past the structure's ends, or stops short of them.

    Attributes:
        over_low, over_high: slices beyond the first and the last slice of the truth.
        under_low, under_high: slices missing before them. Of over and under one is 0 at each end.
    """

    over_low: int
    over_high: int
    under_low: int
    under_high: int


def end_error(result: np.ndarray, truth: np.ndarray) -> EndError:
    """Compare the first and last non-empty slices of two non-empty masks.

    Raises:
        ValueError: one of the masks is empty.
    """
    if not result.any() or not truth.any():
        msg = "The ends of an empty mask are not defined; the painted slice belongs to every result."
        raise ValueError(msg)
    result_low, result_high = _ends(result)
    truth_low, truth_high = _ends(truth)
    return EndError(
        over_low=max(0, truth_low - result_low),
        over_high=max(0, result_high - truth_high),
        under_low=max(0, result_low - truth_low),
        under_high=max(0, truth_high - result_high),
    )


def _ends(mask: np.ndarray) -> tuple[int, int]:
    indices = np.flatnonzero(mask.any(axis=(1, 2)))
    return int(indices[0]), int(indices[-1])
