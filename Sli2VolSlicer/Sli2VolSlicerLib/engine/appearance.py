"""Which intensities belong to a structure, learned from one drawn slice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

BINS = 48
_SMOOTHING = 1.5
_UNSEEN = 0.1 / BINS


@dataclass(frozen=True, eq=False)
class AppearanceModel:
    """Intensity histograms inside a mask and in a ring around it.

    Attributes:
        low, high: intensities of the first and last bin's centres.
        inside, outside: float32 (bins,), shares that sum to 1.
    """

    low: float
    high: float
    inside: np.ndarray
    outside: np.ndarray

    @staticmethod
    def from_anchor(intensity: np.ndarray, mask: np.ndarray) -> AppearanceModel:
        """From a drawn slice.

        Args:
            intensity: (rows, columns), 0..1.
            mask: bool or soft (rows, columns); empty masks give a model that knows nothing.
        """
        within, around = _inside_and_ring(intensity, mask)
        seen = np.concatenate([within, around])
        if within.size == 0 or around.size == 0:
            flat = np.full(BINS, 1 / BINS, np.float32)
            return AppearanceModel(0.0, 1.0, flat, flat)
        low, high = (float(v) for v in np.percentile(seen, [0.5, 99.5]))
        high = max(high, low + 1e-3)
        return AppearanceModel(low, high, _shares(within, low, high), _shares(around, low, high))

    def updated(self, intensity: np.ndarray, mask: np.ndarray, weight: float = 0.3) -> AppearanceModel:
        """With a share `weight` taken from another slice; unchanged if that slice shows nothing."""
        within, around = _inside_and_ring(intensity, mask)
        if within.size == 0 or around.size == 0:
            return self
        inside, outside = (_shares(v, self.low, self.high) for v in (within, around))
        return replace(
            self,
            inside=(1 - weight) * self.inside + weight * inside,
            outside=(1 - weight) * self.outside + weight * outside,
        )

    def map(self, intensity: np.ndarray) -> np.ndarray:
        """How much each intensity speaks for the structure: float32 of the same shape, -1..1.

        tanh of half the log ratio of the shares; 0 where neither side showed the intensity.
        """
        values = (self.inside - self.outside) / (self.inside + self.outside + _UNSEEN)
        place = (np.asarray(intensity, np.float32) - self.low) * ((BINS - 1) / (self.high - self.low))
        place = np.clip(place, 0, BINS - 1)
        below = np.minimum(place.astype(np.int32), BINS - 2)
        share = place - below
        result: np.ndarray = (values[below] * (1 - share) + values[below + 1] * share).astype(np.float32)
        return result


def _inside_and_ring(intensity: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intensities inside a mask and within about a half of its radius around it."""
    chosen = np.asarray(mask) > 0.5
    rows, columns = np.flatnonzero(chosen.any(axis=1)), np.flatnonzero(chosen.any(axis=0))
    if rows.size == 0:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    width = max(3, round(0.28 * float(np.sqrt(chosen.sum()))))
    area = (
        slice(max(0, rows[0] - width), rows[-1] + 1 + width),
        slice(max(0, columns[0] - width), columns[-1] + 1 + width),
    )
    near = torch.from_numpy(chosen[area].astype(np.float32))[None, None]
    near = functional.max_pool2d(near, (2 * width + 1, 1), 1, (width, 0))
    near = functional.max_pool2d(near, (1, 2 * width + 1), 1, (0, width))
    ring = (near[0, 0].numpy() > 0) & ~chosen[area]
    return intensity[area][chosen[area]], intensity[area][ring]


def _shares(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """A smoothed histogram that sums to 1; values out of range count in the first and last bin."""
    place = np.clip(np.rint((values - low) * ((BINS - 1) / (high - low))), 0, BINS - 1).astype(np.int64)
    counts = np.bincount(place.ravel(), minlength=BINS).astype(np.float32)
    reach = np.arange(-5, 6, dtype=np.float32)
    kernel = np.exp(-0.5 * (reach / _SMOOTHING) ** 2)
    smooth = np.convolve(np.pad(counts, 5, mode="edge"), kernel / kernel.sum(), mode="valid")
    result: np.ndarray = (smooth / smooth.sum()).astype(np.float32)
    return result
