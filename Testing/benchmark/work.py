"""What a row is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

GIVEN_ENDS = "also given the first and the last slice of the structure"
"""The note of rows that interpolate."""


@dataclass(frozen=True, eq=False)
class Work:
    """One structure to segment from one painted slice.

    Attributes:
        image: (slices, rows, columns), as stored.
        spacing_mm: per array axis.
        seed_slice: the painted slice.
        painted: bool, (rows, columns): the truth on that slice.
        truth: bool, (slices, rows, columns); only for rows that take more slices from it, and say so.
    """

    image: np.ndarray
    spacing_mm: tuple[float, float, float]
    seed_slice: int
    painted: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True, eq=False)
class RowResult:
    """What a row made of the work.

    Attributes:
        mask: bool, (slices, rows, columns), the painted slice included.
        seconds: wall time.
        slices: how many slices it computed, the painted one not counted.
        slice_confidence: float32 (slices,), NaN where nothing was looked at; None for rows without.
        stops: reasons for stopping, one per pass.
        notes: what the reader of the table should know.
        device: where it ran.
    """

    mask: np.ndarray
    seconds: float
    slices: int
    slice_confidence: np.ndarray | None = None
    stops: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    device: str = "cpu"


class RowSession(Protocol):
    """A row at work on one volume; what it keeps (features) serves all structures of the volume."""

    def segment(self, work: Work) -> RowResult: ...
