"""The grid that passes are computed on: the slices themselves, or reduced ones for large structures.

Windows and receptive fields are in pixels, structures in millimetres: a liver four hundred pixels
wide moves further than the window from slice to slice, and costs far more than it needs to. The features of a vessel
ten pixels wide are mostly of what lies around it: small structures are looked at on magnified slices, too.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property

import numpy as np
import torch
from torch.nn import functional

from .protocol import Region, bounding_region
from .slice_stack import SliceStack

_KEPT_MB = 64.0

LARGE_PIXELS = 90.0
"""Structures whose area has a larger square root than this are computed at half size."""

SMALL_PIXELS, MAGNIFICATION = 16.0, 2.0
"""Structures whose area has a smaller square root than this are computed at so many times their size, too."""


def working_scale(area_pixels: float) -> float:
    """The magnification for a structure of this area on its largest drawn slice."""
    return 0.5 if float(np.sqrt(area_pixels)) > LARGE_PIXELS else 1.0


class WorkingGrid:
    """A stack of slices at one magnification; speaks `SliceSource`.

    Args:
        stack: the volume's slices.
        scale: pixels of this grid per pixel of the volume.
    """

    def __init__(self, stack: SliceStack, scale: float) -> None:
        self._stack = stack
        self.scale = scale
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()

    @property
    def magnified(self) -> float:
        """Pixels of this grid per pixel of the volume, 1 at least: what is seen around a structure grows with it."""
        return max(1.0, self.scale)

    @property
    def slice_count(self) -> int:
        return self._stack.slice_count

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self._stack.shape
        return max(8, round(rows * self.scale)), max(8, round(columns * self.scale))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        between, row, column = self._stack.spacing_mm
        return between, row / self.scale, column / self.scale

    def intensity(self, index: int) -> np.ndarray:
        """Slice `index`, float32 (rows, columns), 0..1."""
        if index not in self._kept:
            self._kept[index] = self._resampled(self._stack.intensity(index), self.shape)
            if len(self._kept) > 1 and len(self._kept) * self._kept[index].nbytes > 1e6 * _KEPT_MB:
                self._kept.popitem(last=False)
        self._kept.move_to_end(index)
        return self._kept[index]

    def soft_from_mask(self, mask: np.ndarray) -> np.ndarray:
        """A mask of the volume's grid as a soft mask of this one, float32."""
        return self._resampled(mask.astype(np.float32), self.shape)

    def soft_to_volume(self, soft: np.ndarray, region: Region) -> tuple[Region, np.ndarray]:
        """A soft mask of this grid on the volume's.

        Args:
            soft: (region rows, region columns); nothing is outside.
            region: where it lies on this grid.

        Returns:
            Where it then lies on the volume's slices, and float32 of that many rows and columns.
        """
        soft = soft.astype(np.float32)
        if self.shape == self._stack.shape:
            return region, soft
        by_row, by_column = self._to_volume
        rows, columns = region.slices
        by_row, by_column = by_row[:, rows], by_column[:, columns]
        reached = bounding_region(np.outer(by_row.any(axis=1), by_column.any(axis=1)))
        assert reached is not None, region
        rows, columns = reached.slices
        # By torch: the threads of numpy's own products would wait for its.
        down, right, between = (torch.from_numpy(each) for each in (by_row[rows], by_column[columns], soft))
        return reached, (down @ between @ right.T).numpy()

    @cached_property
    def _to_volume(self) -> tuple[np.ndarray, np.ndarray]:
        """Resampling as matrices, (volume's rows, rows) and (volume's columns, columns)."""
        (rows, columns), (volume_rows, volume_columns) = self.shape, self._stack.shape
        back = _averaged if self.magnified > 1 else self._resampled
        return (
            back(np.eye(rows, dtype=np.float32), (volume_rows, rows)),
            back(np.eye(columns, dtype=np.float32), (volume_columns, columns)),
        )

    def _resampled(self, image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        if image.shape == shape:
            return image.astype(np.float32, copy=False)
        tensor = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None, None]
        result: np.ndarray = functional.interpolate(
            tensor, size=shape, mode="bilinear", align_corners=False, antialias=True
        )[0, 0].numpy()
        return result


def _averaged(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Each pixel the mean of those that it was magnified to: what is a pixel wide stays."""
    result: np.ndarray = functional.interpolate(torch.from_numpy(image)[None, None], size=shape, mode="area")[
        0, 0
    ].numpy()
    return result
