"""The square of a slice that the mask prior sees: around the structure, so that one network serves any size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

_NOTHING = 0.05
"""A mask nowhere above this is empty."""


@dataclass(frozen=True)
class Crop:
    """A square of a slice, in pixels; the first pixel covers 0..1.

    Attributes:
        row, column: the centre.
        side: length of a side.
    """

    row: float
    column: float
    side: float

    @staticmethod
    def around(soft: np.ndarray, context: float, margin: float) -> Crop | None:
        """The square around a soft mask.

        Args:
            soft: (rows, columns), 0..1.
            context: side over the longest side of the mask's bounding box.
            margin: least context on every side, in pixels.

        Returns:
            None if the mask is empty.
        """
        peak = float(soft.max(initial=0.0))
        if peak <= _NOTHING:
            return None
        inside = soft > min(0.5, 0.5 * peak)
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        first, last = (rows[0], columns[0]), (rows[-1] + 1, columns[-1] + 1)
        longest = max(last[0] - first[0], last[1] - first[1])
        side = max(longest * context, longest + 2 * margin)
        return Crop(float(first[0] + last[0]) / 2, float(first[1] + last[1]) / 2, float(side))

    def cut(self, slices: np.ndarray, size: int, outside: str = "border") -> torch.Tensor:
        """Resample to size x size, averaging areas where that means shrinking.

        Args:
            slices: float32 (channels, rows, columns).
            size: side of the result.
            outside: "border" repeats the slice's border, "zeros" puts 0.

        Returns:
            float32 (channels, size, size).
        """
        factor = max(1, int(np.floor(self.side / size / 1.5 + 0.5)))
        rows, columns = slices.shape[-2:]
        reach = self.side / 2 + 2 * factor
        first_row = int(np.clip(np.floor(self.row - reach), 0, max(0, rows - factor)))
        first_column = int(np.clip(np.floor(self.column - reach), 0, max(0, columns - factor)))
        last_row = int(np.clip(np.ceil(self.row + reach), min(rows, first_row + factor), rows))
        last_column = int(np.clip(np.ceil(self.column + reach), min(columns, first_column + factor), columns))
        part = torch.from_numpy(np.ascontiguousarray(slices[:, first_row:last_row, first_column:last_column]))[None]
        if factor > 1:
            part = functional.avg_pool2d(part, factor, ceil_mode=True, count_include_pad=False)
        line = (torch.arange(size, dtype=torch.float32) + 0.5) / size - 0.5
        row = (self.row + line * self.side - first_row) / factor * (2 / part.shape[-2]) - 1
        column = (self.column + line * self.side - first_column) / factor * (2 / part.shape[-1]) - 1
        return functional.grid_sample(
            part, _lattice(row, column), mode="bilinear", padding_mode=outside, align_corners=False
        )[0]

    def paste(self, crop: torch.Tensor, shape: tuple[int, int]) -> np.ndarray:
        """The inverse of `cut`: a crop (size, size) on a slice of `shape`, 0 outside the square."""
        result = np.zeros(shape, np.float32)
        half = self.side / 2
        rows = slice(max(0, int(np.floor(self.row - half))), min(shape[0], int(np.ceil(self.row + half))))
        columns = slice(max(0, int(np.floor(self.column - half))), min(shape[1], int(np.ceil(self.column + half))))
        row = (torch.arange(rows.start, rows.stop, dtype=torch.float32) + 0.5 - self.row) / half
        column = (torch.arange(columns.start, columns.stop, dtype=torch.float32) + 0.5 - self.column) / half
        placed = functional.grid_sample(
            crop[None, None], _lattice(row, column), mode="bilinear", padding_mode="zeros", align_corners=False
        )
        result[rows, columns] = placed[0, 0].numpy()
        return result


def _lattice(row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
    """As `grid_sample` takes it: (1, rows, columns, 2)."""
    down, right = torch.meshgrid(row, column, indexing="ij")
    return torch.stack([right, down], dim=-1)[None]
