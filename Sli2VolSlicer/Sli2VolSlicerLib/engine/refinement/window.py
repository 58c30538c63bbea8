"""The square that a pass is looked at through: large enough for the structure, always the same number of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

SIDE = 64
"""Pixels along either side of a view."""

_LEAST_SIDE = 24
_WIDER = 1.3
_BORDER = 10


@dataclass(frozen=True)
class SquareWindow:
    """A square of a slice, in pixels; it may reach beyond the slice.

    Attributes:
        top: its first row.
        left: its first column.
        side: rows, and columns.
    """

    top: int
    left: int
    side: int

    @staticmethod
    def around(mask: np.ndarray, magnified: float = 1.0) -> SquareWindow:
        """The window for a structure.

        Args:
            mask: bool (rows, columns), not empty: wherever a pass has found it.
            magnified: how much larger than the volume's slice `mask` is; as much more is seen around it.
        """
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        first_row, last_row, first_column, last_column = (int(v) for v in (*rows[[0, -1]], *columns[[0, -1]]))
        longer = max(last_row - first_row, last_column - first_column) + 1
        side = max(round(_LEAST_SIDE * magnified), round(_WIDER * longer) + round(_BORDER * magnified))
        return SquareWindow((first_row + last_row + 1 - side) // 2, (first_column + last_column + 1 - side) // 2, side)

    def on(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """The part of it that lies on a slice of `shape`, for indexing that slice."""
        return (
            slice(max(0, self.top), max(0, min(shape[0], self.top + self.side))),
            slice(max(0, self.left), max(0, min(shape[1], self.left + self.side))),
        )

    def cut(self, images: Sequence[np.ndarray]) -> torch.Tensor:
        """What is seen of some slices: float32 (slices, SIDE, SIDE), zero beyond their borders.

        Args:
            images: each (rows, columns), of one shape.
        """
        shape = (images[0].shape[0], images[0].shape[1])
        rows, columns = self.on(shape)
        part = torch.from_numpy(np.stack([image[rows, columns] for image in images]).astype(np.float32, copy=False))
        beyond = (
            columns.start - self.left,
            self.left + self.side - columns.stop,
            rows.start - self.top,
            self.top + self.side - rows.stop,
        )
        part = functional.pad(part, beyond) if any(beyond) else part
        return _resized(part, SIDE)

    def paste(self, seen: torch.Tensor, shape: tuple[int, int]) -> np.ndarray:
        """A view back on its part of a slice of `shape`: float32 (slices, rows on it, columns on it).

        Args:
            seen: (slices, SIDE, SIDE).
        """
        rows, columns = self.on(shape)
        whole = functional.interpolate(seen[None], size=(self.side,) * 2, mode="bilinear", align_corners=False)[0]
        part: np.ndarray = whole.numpy()[
            :, rows.start - self.top : rows.stop - self.top, columns.start - self.left : columns.stop - self.left
        ]
        return part


def _resized(images: torch.Tensor, side: int) -> torch.Tensor:
    size = (side, side)
    return functional.interpolate(images[None], size=size, mode="bilinear", align_corners=False, antialias=True)[0]
