"""Does confidence say where a result is wrong? Per slice and per voxel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from .metrics import slice_dice

LEAST_SLICES = 5
"""A rank correlation over fewer slices says nothing."""


def rank_correlation(said: Sequence[float] | np.ndarray, true: Sequence[float] | np.ndarray) -> float:
    """Spearman's; NaN over fewer than `LEAST_SLICES`, or where either is all alike."""
    if len(said) < LEAST_SLICES or np.ptp(said) == 0 or np.ptp(true) == 0:
        return float("nan")
    return float(spearmanr(said, true).statistic)


def slice_correlation(
    confidence: np.ndarray, result: np.ndarray, truth: np.ndarray, drawn: Collection[int], *, unlooked: bool = False
) -> float:
    """Spearman's rank correlation between the confidence of slices and their true Dice; NaN where there is none.

    Over the slices on which the result or the truth is not empty, the drawn ones left out.

    Args:
        confidence: float (slices,), NaN where no pass looked.
        result, truth: bool (slices, rows, columns).
        unlooked: slices where no pass looked count as confidence 0; else they are left out.
    """
    true = slice_dice(result, truth)
    known = np.nan_to_num(confidence, nan=0.0) if unlooked else np.asarray(confidence, np.float64)
    chosen = np.isfinite(true) & np.isfinite(known)
    chosen[list(drawn)] = False
    return rank_correlation(known[chosen], true[chosen])


@dataclass(frozen=True)
class Rejection:
    """Areas under error-rejection curves, 0..1; smaller is better.

    The curve: of the voxels in question the least sure are rejected, and the share of errors among the rest is
    counted; the area is its mean over all shares rejected.

    Attributes:
        area: by the confidence.
        best: if the errors themselves were rejected first.
        error_rate: without any order (and the share of errors with nothing rejected).
    """

    area: float
    best: float
    error_rate: float


def rejection(
    confidence: np.ndarray, result: np.ndarray, truth: np.ndarray, drawn: Collection[int]
) -> Rejection | None:
    """The areas over the voxels in question: in the result, in the truth, or in doubt; None if there are none.

    Args:
        confidence: float (slices, rows, columns), 1 where nothing is in question.
        result, truth: bool, alike.
        drawn: slices that are left out.
    """
    question = result | truth | (confidence < 1)
    question[list(drawn)] = False
    if not question.any():
        return None
    wrong = (result != truth)[question]
    known = confidence[question]
    return Rejection(_area(known, wrong), _area(~wrong, wrong), float(wrong.mean()))


def _area(order: np.ndarray, wrong: np.ndarray) -> float:
    """Mean over all shares kept of the share of errors among the kept; equals are kept in no order."""
    values, inverse, counts = np.unique(-order.astype(np.float64), return_inverse=True, return_counts=True)
    errors = np.bincount(inverse.ravel(), weights=wrong, minlength=values.size)
    kept = np.concatenate([[0], np.cumsum(counts)])
    found = np.concatenate([[0.0], np.cumsum(errors)])
    every = np.arange(1, wrong.size + 1)
    return float((np.interp(every, kept, found) / every).mean())
