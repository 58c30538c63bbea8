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
    """The best slices along each of the other two axes, at most `count` along each.

    The error expected of every painted slice is put where the engine is in doubt there. A crossing slice
    would mend what lies on it, and of what lies beside it as much as it offers a better quality, which
    falls with the distance in mm as it does along the painted axis.
    """
    found = []
    others = [axis for axis in range(3) if axis != request.stack.axis]
    for label, outlook in outlooks.items():
        error = expected_error(propagation, label, outlook)
        total = max(1.0, float(outlook.weight.sum()))
        steps = np.abs(np.diff(outlook.position))
        loss_per_mm = float(np.median(steps)) / request.stack.spacing_mm[0] if steps.size else 0.1
        for place, axis in enumerate(others, start=1):
            profile = error.sum(axis=3 - place, dtype=np.float64)
            whole = max(1e-9, float(profile.sum()))
            for index, mended in _best(
                profile, outlook.slice_dice, loss_per_mm * request.stack.spacing_mm[place], count
            ):
                reason = f"drawn across the others, it would mend {100 * mended / whole:.0f} % of the expected error"
                found.append(Recommendation(axis, index, min(1.0, mended / total), reason, label))
    return found


def expected_error(propagation: Propagation, label: int, outlook: Outlook) -> np.ndarray:
    """Pixels expected to be wrong, shared out over the voxels in doubt, float32 (slices, rows, columns)."""
    mask = propagation.masks[label]
    result = np.zeros(mask.shape, np.float32)
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        doubt = propagation.doubt[index]
        shared = doubt if doubt.any() else mask[index].astype(np.float32)
        wrong = outlook.found[index] * (1 - outlook.slice_dice[index])
        result[index] = shared * np.float32(wrong / max(1e-9, float(shared.sum())))
    return result


def _best(error: np.ndarray, quality: np.ndarray, loss: float, count: int) -> list[tuple[int, float]]:
    """Crossing slices and the error that each mends, one after the other, each of what those before left.

    Args:
        error: float64 (painted slices, crossing slices).
        quality: expected Dice of the painted slices.
        loss: logarithm of the quality lost from one crossing slice to the next.
    """
    error = error.copy()
    everywhere = np.arange(error.shape[1])
    left = np.maximum(1e-6, 1 - quality)[:, None]
    chosen: list[tuple[int, float]] = []
    candidates = np.flatnonzero(error.sum(axis=0) > 0)
    while len(chosen) < count:
        free = [int(i) for i in candidates if all(abs(int(i) - index) > 1 for index, _ in chosen)]
        if not free:
            break
        shares = [np.clip(1 - (1 - np.exp(-loss * np.abs(everywhere - index))) / left, 0, 1) for index in free]
        mended = [float((error * share).sum()) for share in shares]
        best = int(np.argmax(mended))
        chosen.append((free[best], mended[best]))
        error *= 1 - shares[best]
    return chosen
