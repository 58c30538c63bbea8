"""Verification of a carried mask by the intensities inside and around it (Sli2Vol, Eq. 4)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .methods.protocol import bounding_region

RING = 5
"""Iterations of 4-connected dilation that make the negative region N."""

_CLOSING = 2
_LEAST_AGREEMENT = 0.9
"""Dice between the drawn mask and what verification leaves of it, under which it steps back."""


class MeanVerification:
    """The paper's verification: nearer to the mean inside than to the mean around (Eq. 4).

    The two means p and n are updated with every verified slice. As in the authors' runs,
    holes are filled and the mask is closed afterwards.

    Args:
        intensity: (rows, columns) of the annotated slice, 0..1.
        mask: bool (rows, columns), what the user drew.
    """

    def __init__(self, intensity: np.ndarray, mask: np.ndarray) -> None:
        self.inside_mean = 0.0
        self.around_mean = 1.0
        self._update(intensity, mask)

    def verified(self, intensity: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """What Eq. 4 leaves of `mask` (bool, rows, columns) on a slice; p and n move along."""
        kept = self._kept(intensity, mask)
        if kept.any():
            self._update(intensity, kept)
        return kept

    def agreement(self, intensity: np.ndarray, mask: np.ndarray) -> float:
        """Dice between a drawn mask and what would be left of it: 1 when verification is harmless."""
        # Before holes are filled: on a textured structure filling would hide how little Eq. 4 finds.
        kept = mask & self._nearer(intensity)
        total = int(kept.sum()) + int(mask.sum())
        return 2.0 * int((kept & mask).sum()) / total if total else 1.0

    def _kept(self, intensity: np.ndarray, mask: np.ndarray) -> np.ndarray:
        region = bounding_region(mask)
        if region is None:
            return mask
        inside = region.grown(_CLOSING + 1, (mask.shape[0], mask.shape[1])).slices
        values = intensity[inside]
        kept = mask[inside] & self._nearer(values)
        kept = ndimage.binary_fill_holes(kept)
        inner = slice(_CLOSING, -_CLOSING)
        kept = ndimage.binary_closing(np.pad(kept, _CLOSING), iterations=_CLOSING)[inner, inner]
        result = np.zeros_like(mask)
        result[inside] = ndimage.binary_fill_holes(kept)
        return result

    def _nearer(self, values: np.ndarray) -> np.ndarray:
        """Where an intensity is nearer to p than to n (Eq. 4)."""
        result: np.ndarray = np.abs(values - self.inside_mean) < np.abs(values - self.around_mean)
        return result

    def _update(self, intensity: np.ndarray, mask: np.ndarray) -> None:
        region = bounding_region(mask)
        if region is None:
            return
        around = region.grown(RING + 1, (mask.shape[0], mask.shape[1])).slices
        inner = mask[around]
        ring = ndimage.binary_dilation(inner, iterations=RING) & ~inner
        self.inside_mean = float(intensity[around][inner].mean())
        if ring.any():
            self.around_mean = float(intensity[around][ring].mean())


def would_harm(intensity: np.ndarray, mask: np.ndarray) -> bool:
    """Whether verification would delete what the user drew, tried on the annotated slice itself."""
    return MeanVerification(intensity, mask).agreement(intensity, mask) < _LEAST_AGREEMENT


def make_verification(kind: str, intensity: np.ndarray, mask: np.ndarray) -> MeanVerification | None:
    """The verification that a pass starts with: None where there is none, or where it steps back.

    Args:
        kind: "none", "paper" or "self-checked".
        intensity: the annotated slice, (rows, columns), 0..1.
        mask: what was drawn on it, bool.
    """
    if kind == "none" or (kind == "self-checked" and would_harm(intensity, mask)):
        return None
    return MeanVerification(intensity, mask)
