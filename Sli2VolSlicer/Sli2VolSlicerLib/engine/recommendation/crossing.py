"""Expected gain of slices that cross the painted ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..records import Propagation
from .outlook import Outlook
from .records import Recommendation, RecommendationRequest


def crossing_gains(
    request: RecommendationRequest, propagation: Propagation, outlooks: Mapping[int, Outlook], count: int
) -> list[Recommendation]:
    """The best `count` slices along each of the other two axes.

    The error expected of every painted slice is put where the engine is in doubt there; a crossing slice
    would mend what lies on it, and less and less of what lies beside it, as along the painted axis in mm.
    """
    found = []
    others = [axis for axis in range(3) if axis != request.stack.axis]
    for label, outlook in outlooks.items():
        error = expected_error(propagation, label, outlook)
        total = max(1.0, float(outlook.weight.sum()))
        steps = np.abs(np.diff(outlook.position))
        loss_per_mm = float(np.median(steps)) / request.stack.spacing_mm[0] if steps.size else 0.1
        for place, axis in enumerate(others, start=1):
            profile = error.sum(axis=tuple(a for a in range(3) if a != place), dtype=np.float64)
            away = np.abs(np.subtract.outer(np.arange(profile.size), np.arange(profile.size)))
            gains = np.exp(-loss_per_mm * request.stack.spacing_mm[place] * away) @ profile / total
            for index in _apart(gains, count):
                share = profile[index] / max(1e-9, float(profile.sum()))
                reason = f"{share:.1%} of the expected error lies on this slice alone, across those drawn"
                found.append(
                    Recommendation(axis, index, min(1.0, float(gains[index])), reason.replace("%", " %"), label)
                )
    return found


def expected_error(propagation: Propagation, label: int, outlook: Outlook) -> np.ndarray:
    """Pixels expected to be wrong, shared out over the voxels in doubt, float32 (slices, rows, columns)."""
    mask = propagation.masks[label]
    result = np.zeros(mask.shape, np.float32)
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        doubt = np.where(mask[index] | (propagation.confidence[index] < 1), 1 - propagation.confidence[index], 0)
        shared = doubt if doubt.any() else mask[index].astype(np.float32)
        wrong = outlook.found[index] * (1 - outlook.slice_dice[index])
        result[index] = shared * np.float32(wrong / max(1e-9, float(shared.sum())))
    return result


def _apart(gains: np.ndarray, count: int) -> list[int]:
    """The largest, none next to another."""
    chosen: list[int] = []
    for index in np.argsort(-gains, kind="stable"):
        if len(chosen) < count and gains[index] > 0 and all(abs(int(index) - other) > 1 for other in chosen):
            chosen.append(int(index))
    return chosen
