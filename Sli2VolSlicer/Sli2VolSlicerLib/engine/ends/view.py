"""What the end network is shown of a drawn slice and of others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from .network import MAPS, MEASURES

SIDE = 64
"""Pixels along either side of a view."""

_NEAR, _NEAR_BORDER, _LEAST_NEAR = 1.3, 10, 24
_WIDE, _WIDE_BORDER, _LEAST_WIDE = 3.0, 20, 56
"""Sides of the two views, in lengths of what was drawn and pixels more; and pixels at least."""


@dataclass(frozen=True)
class Handling:
    """How a view is turned and shifted in training; as it is by default.

    Attributes:
        shift: rows and columns, as shares of the view's side.
        zoom: the side's magnification.
        turn: in radians.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    turn: float = 0.0


AS_IT_IS = Handling()


@dataclass(frozen=True)
class Frame:
    """Where what was drawn lies on its slice.

    Attributes:
        row, column: its middle.
        near, wide: sides of the two views, in pixels.
    """

    row: float
    column: float
    near: float
    wide: float

    @staticmethod
    def around(drawn: np.ndarray, magnified: float = 1.0) -> Frame:
        """The frame of a mask.

        Args:
            drawn: bool (rows, columns), not empty.
            magnified: how much larger than the volume's slice it is; as much more is seen around it.
        """
        rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
        longer = int(max(rows[-1] - rows[0], columns[-1] - columns[0])) + 1
        return Frame(
            row=float(rows[0] + rows[-1] + 1) / 2,
            column=float(columns[0] + columns[-1] + 1) / 2,
            near=max(_LEAST_NEAR * magnified, _NEAR * longer + _NEAR_BORDER * magnified),
            wide=max(_LEAST_WIDE * magnified, _WIDE * longer + _WIDE_BORDER * magnified),
        )


def maps_of(
    frame: Frame, drawn_on: torch.Tensor, drawn: torch.Tensor, others: torch.Tensor, handling: Handling = AS_IT_IS
) -> torch.Tensor:
    """The pictures of some slices as the network takes them, float32 (slices, MAPS, SIDE, SIDE), -1..1.

    Args:
        frame: around what was drawn.
        drawn_on: float32 (rows, columns), 0..1, the drawn slice.
        drawn: the same shape, what was drawn there.
        others: (slices, rows, columns), the slices in question.
    """
    stack = torch.cat([drawn_on[None], drawn[None], others])
    seen = [_seen(frame, stack, side, handling) for side in (frame.near, frame.wide)]
    count = len(others)
    maps = [part for each in seen for part in (*(each[:2, None].expand(2, count, SIDE, SIDE)), each[2:])]
    result = torch.stack(maps, dim=1) * 2 - 1
    assert result.shape[1] == MAPS, result.shape
    return result


def measures_of(away: np.ndarray, spacing_mm: tuple[float, float, float], area: float) -> torch.Tensor:
    """How far off some slices are, float32 (slices, MEASURES).

    Args:
        away: slices from the drawn one, 1 and more.
        spacing_mm: between slices, rows, columns.
        area: pixels that were drawn.
    """
    between, row, column = spacing_mm
    unit = math.sqrt(area * row * column)
    values = np.empty((len(away), MEASURES), np.float32)
    values[:, 0] = np.minimum(4.0, away * between / unit) / 2
    values[:, 1] = min(1.0, between / unit)
    values[:, 2] = math.log2(math.sqrt(area)) / 8
    values[:, 3] = np.minimum(3.0, away * between / 100)
    return torch.from_numpy(values)


def _seen(frame: Frame, stack: torch.Tensor, side: float, handling: Handling) -> torch.Tensor:
    """A square of all slices, (slices, SIDE, SIDE); nothing is seen beyond their borders."""
    rows, columns = stack.shape[-2:]
    half, (down, right) = side * handling.zoom / 2, handling.shift
    cosine, sine = math.cos(handling.turn) * half, math.sin(handling.turn) * half
    where = torch.tensor(
        [
            [cosine / (columns / 2), -sine / (columns / 2), 2 * (frame.column + right * side) / columns - 1],
            [sine / (rows / 2), cosine / (rows / 2), 2 * (frame.row + down * side) / rows - 1],
        ],
        dtype=torch.float32,
    )
    grid = functional.affine_grid(where[None], [1, len(stack), SIDE, SIDE], align_corners=False)
    return functional.grid_sample(stack[None], grid, align_corners=False)[0]
