"""Verification of a carried mask by the intensities inside and around it (Sli2Vol, Eq. 4)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import ndimage

from .appearance import AppearanceModel
from .protocol import bounding_region

RING = 5
"""Iterations of 4-connected dilation that make the negative region N."""

_CLOSING = 2

LEAST_AGREEMENT = 0.8
"""Dice between the drawn mask and what verification leaves of it, under which it steps back."""

_SMOOTHING = 0.7
"""Pixels over which the histograms' verdict is averaged: single pixels are noise."""

_FOLLOWING = 0.3
"""Weight of each new slice in the histograms that follow the structure."""


class Verification(Protocol):
    """Corrects a carried mask on each slice by what is seen there."""

    def settled(self, intensity: np.ndarray, soft: np.ndarray) -> np.ndarray:
        """The corrected soft mask; arguments and result (rows, columns), 0..1."""
        ...


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
        self._follow(intensity, mask)

    def settled(self, intensity: np.ndarray, soft: np.ndarray) -> np.ndarray:
        """A soft mask with what verification takes away brought under one half, and what filling adds over it."""
        kept = self.verified(intensity, soft > 0.5)
        result: np.ndarray = np.where(kept, np.maximum(soft, 0.55), np.minimum(soft, 0.45))
        return result

    def verified(self, intensity: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """What is left of `mask` (bool, rows, columns) on a slice; the description moves along."""
        kept = self._kept(intensity, mask)
        if kept.any():
            self._follow(intensity, kept)
        return kept

    def agreement(self, intensity: np.ndarray, mask: np.ndarray) -> float:
        """Dice between a drawn mask and what would be left of it: 1 when verification is harmless."""
        # Before holes are filled: on a textured structure filling would hide how little is found.
        kept = mask & self._belongs(intensity)
        total = int(kept.sum()) + int(mask.sum())
        return 2.0 * int((kept & mask).sum()) / total if total else 1.0

    def _kept(self, intensity: np.ndarray, mask: np.ndarray) -> np.ndarray:
        region = bounding_region(mask)
        if region is None:
            return mask
        inside = region.grown(_CLOSING + 2, (mask.shape[0], mask.shape[1])).slices
        kept = ndimage.binary_fill_holes(mask[inside] & self._belongs(intensity[inside]))
        inner = slice(_CLOSING, -_CLOSING)
        kept = ndimage.binary_closing(np.pad(kept, _CLOSING), iterations=_CLOSING)[inner, inner]
        result = np.zeros_like(mask)
        result[inside] = ndimage.binary_fill_holes(kept)
        return result

    def _belongs(self, values: np.ndarray) -> np.ndarray:
        """Where an intensity is nearer to p than to n (Eq. 4)."""
        result: np.ndarray = np.abs(values - self.inside_mean) < np.abs(values - self.around_mean)
        return result

    def _follow(self, intensity: np.ndarray, mask: np.ndarray) -> None:
        region = bounding_region(mask)
        if region is None:
            return
        around = region.grown(RING + 1, (mask.shape[0], mask.shape[1])).slices
        inner = mask[around]
        ring = ndimage.binary_dilation(inner, iterations=RING) & ~inner
        self.inside_mean = float(intensity[around][inner].mean())
        if ring.any():
            self.around_mean = float(intensity[around][ring].mean())


class HistogramVerification(MeanVerification):
    """The same with histograms for means: an intensity belongs where it is more common inside than around.

    Two means cannot describe a structure between a darker and a brighter neighbour; histograms can.
    They keep most of the drawn slice and follow the structure slowly.
    """

    def __init__(self, intensity: np.ndarray, mask: np.ndarray) -> None:
        self._model = AppearanceModel.from_anchor(intensity, mask)

    def _belongs(self, values: np.ndarray) -> np.ndarray:
        result: np.ndarray = ndimage.gaussian_filter(self._model.map(values), _SMOOTHING, mode="nearest") > 0
        return result

    def _follow(self, intensity: np.ndarray, mask: np.ndarray) -> None:
        self._model = self._model.updated(intensity, mask, _FOLLOWING)


def make_verification(kind: str, intensity: np.ndarray, mask: np.ndarray) -> Verification | None:
    """The verification that a pass starts with: None where there is none, or where it steps back.

    It steps back where it would delete what the user drew, tried on the annotated slice itself.

    Args:
        kind: "none", "paper", "self-checked" (the paper's, checked) or "histogram" (checked).
        intensity: the annotated slice, (rows, columns), 0..1.
        mask: what was drawn on it, bool.
    """
    if kind == "none":
        return None
    made = HistogramVerification(intensity, mask) if kind == "histogram" else MeanVerification(intensity, mask)
    return made if kind == "paper" or made.agreement(intensity, mask) >= LEAST_AGREEMENT else None
