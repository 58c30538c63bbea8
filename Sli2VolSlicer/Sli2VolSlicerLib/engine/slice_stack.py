"""A volume seen as a stack of slices along one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import SliceRangeError, VolumeError

MINIMUM_SIDE = 8
"""Smallest slice side in pixels: below it the edge profile has no neighbourhood to look at."""

_SAMPLES_FOR_RANGE = 2_000_000


@dataclass(frozen=True)
class IntensityRange:
    """The raw intensities that become 0 and 1."""

    low: float
    high: float


def robust_range(volume: np.ndarray) -> IntensityRange:
    """The 0.5th and 99.5th percentile of the volume without its constant background.

    The most frequent value is left out when it fills more than a tenth of the volume
    (air, or zero outside the body), else it would decide the percentiles.

    Raises:
        VolumeError: the volume holds NaN or infinity, or is constant.
    """
    finite = int(np.isfinite(volume).sum()) if volume.dtype.kind == "f" else volume.size
    if finite < volume.size:
        count = volume.size - finite
        msg = f"The volume holds {count} voxels that are NaN or infinite; replace them before propagating."
        raise VolumeError(msg)
    flat = volume.reshape(-1)
    stride = max(1, flat.size // _SAMPLES_FOR_RANGE)
    sample = flat[::stride].astype(np.float32)
    values, counts = np.unique(sample, return_counts=True)
    if values.size == 1 and volume.min() == volume.max():
        value = float(values[0])
        msg = f"The volume is constant (every voxel is {value:g}): there is nothing to follow from slice to slice."
        raise VolumeError(msg)
    commonest = int(counts.argmax())
    if counts[commonest] > 0.1 * sample.size:
        kept = sample[sample != values[commonest]]
        sample = kept if kept.size else sample
    low, high = (float(v) for v in np.percentile(sample, [0.5, 99.5]))
    if high <= low:
        low, high = float(volume.min()), float(volume.max())
    return IntensityRange(low, high)


class SliceStack:
    """The slices of one volume along one axis, with intensities brought to 0..1.

    The volume is kept as it is (no copy); slices are normalised when asked for.

    Args:
        volume: any real dtype, (slices, rows, columns) in numpy order before `axis` is applied.
        spacing_mm: voxel spacing per numpy axis.
        axis: the painted axis: slices are taken along it.
        intensity_range: raw values that become 0 and 1; the volume's robust range by default.

    Raises:
        VolumeError: not 3D, not real, no positive spacing, fewer than two slices, slices under 8x8, NaN,
            or constant.
    """

    def __init__(
        self,
        volume: np.ndarray,
        spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
        axis: int = 0,
        intensity_range: IntensityRange | None = None,
    ) -> None:
        volume = np.asarray(volume)
        if volume.ndim != 3:
            msg = (
                f"The volume must have 3 dimensions, got shape {volume.shape}; "
                "choose one scalar 3D volume (not a colour or time series)."
            )
            raise VolumeError(msg)
        if volume.dtype.kind not in "iuf":
            msg = f"The volume must hold real numbers, got {volume.dtype}; choose one scalar 3D volume."
            raise VolumeError(msg)
        if axis not in (0, 1, 2):
            msg = f"The axis must be 0, 1 or 2, got {axis}."
            raise VolumeError(msg)
        if len(spacing_mm) != 3 or not all(np.isfinite(s) and s > 0 for s in spacing_mm):
            msg = f"The spacing must be three positive lengths in mm, got {tuple(spacing_mm)}."
            raise VolumeError(msg)
        self.volume = volume
        self.axis = axis
        self._slices_first = np.moveaxis(volume, axis, 0)
        rest = [spacing_mm[a] for a in range(3) if a != axis]
        self.spacing_mm = (float(spacing_mm[axis]), float(rest[0]), float(rest[1]))
        if self.slice_count < 2:
            msg = f"The volume has {self.slice_count} slice along axis {axis}; propagation needs at least 2."
            raise VolumeError(msg)
        if min(self.shape) < MINIMUM_SIDE:
            size, least = f"{self.shape[0]}x{self.shape[1]}", f"{MINIMUM_SIDE}x{MINIMUM_SIDE}"
            msg = f"Slices along axis {axis} are {size} pixels; at least {least} are needed."
            raise VolumeError(msg)
        self.intensity_range = intensity_range or robust_range(volume)

    @property
    def slice_count(self) -> int:
        return self._slices_first.shape[0]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of every slice."""
        return self._slices_first.shape[1], self._slices_first.shape[2]

    def range_within(self, slice_range: tuple[int, int] | None) -> tuple[int, int]:
        """A range of slices cut to those that there are; all of them for None.

        Raises:
            SliceRangeError: none of the range's slices is in the volume.
        """
        last = self.slice_count - 1
        low, high = slice_range if slice_range is not None else (0, last)
        if low > high or high < 0 or low > last:
            msg = f"The range {low} to {high} holds no slice of this volume (0 to {last})."
            raise SliceRangeError(msg)
        return max(0, low), min(last, high)

    def raw(self, index: int) -> np.ndarray:
        """Slice `index` as it is in the volume, (rows, columns), a view."""
        slice_: np.ndarray = self._slices_first[index]
        return slice_

    def intensity(self, index: int) -> np.ndarray:
        """Slice `index`, float32 (rows, columns), clipped to 0..1."""
        low, high = self.intensity_range.low, self.intensity_range.high
        return np.clip((self.raw(index).astype(np.float32) - low) / (high - low), 0.0, 1.0)

    def slices_first(self, array: np.ndarray) -> np.ndarray:
        """A view of an array on the volume's grid with the painted axis first."""
        return np.moveaxis(array, self.axis, 0)

    def volume_order(self, array: np.ndarray) -> np.ndarray:
        """The inverse of `slices_first`: back to the volume's own axis order (a view)."""
        return np.moveaxis(array, 0, self.axis)
