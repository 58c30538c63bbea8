"""What every propagation method speaks: it carries labels from slice to slice, or makes the whole result at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from .passes import Pass, SliceResult
    from .records import Anchor


@dataclass(frozen=True)
class Region:
    """A rectangle of a slice, in pixels, stop exclusive."""

    row_start: int
    row_stop: int
    column_start: int
    column_stop: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing an array whose last two axes are rows and columns."""
        return slice(self.row_start, self.row_stop), slice(self.column_start, self.column_stop)

    @property
    def shape(self) -> tuple[int, int]:
        return self.row_stop - self.row_start, self.column_stop - self.column_start

    def within(self, outer: Region) -> tuple[slice, slice]:
        """For indexing an array that covers `outer` only: where this region lies in it."""
        top, left = self.row_start - outer.row_start, self.column_start - outer.column_start
        rows, columns = self.shape
        return slice(top, top + rows), slice(left, left + columns)

    def grown(self, margin: int, shape: tuple[int, int]) -> Region:
        """Larger by `margin` pixels on every side, clipped to a slice of `shape`."""
        return Region(
            max(0, self.row_start - margin),
            min(shape[0], self.row_stop + margin),
            max(0, self.column_start - margin),
            min(shape[1], self.column_stop + margin),
        )

    def shrunk(self, margin: int, shape: tuple[int, int]) -> Region:
        """Smaller by `margin` pixels on every side that is not at the border of a slice of `shape`."""
        return Region(
            self.row_start + (margin if self.row_start > 0 else 0),
            self.row_stop - (margin if self.row_stop < shape[0] else 0),
            self.column_start + (margin if self.column_start > 0 else 0),
            self.column_stop - (margin if self.column_stop < shape[1] else 0),
        )

    def snapped(self, step: int, shape: tuple[int, int]) -> Region:
        """Larger until every side lies at a multiple of `step` pixels, or at the border of a slice of `shape`."""
        return Region(
            self.row_start // step * step,
            min(shape[0], -(-self.row_stop // step) * step),
            self.column_start // step * step,
            min(shape[1], -(-self.column_stop // step) * step),
        )

    def contains(self, other: Region) -> bool:
        return (
            self.row_start <= other.row_start
            and self.row_stop >= other.row_stop
            and self.column_start <= other.column_start
            and self.column_stop >= other.column_stop
        )

    def union(self, other: Region) -> Region:
        return Region(
            min(self.row_start, other.row_start),
            max(self.row_stop, other.row_stop),
            min(self.column_start, other.column_start),
            max(self.column_stop, other.column_stop),
        )


def bounding_region(mask: np.ndarray) -> Region | None:
    """The smallest region holding every non-zero pixel of `mask` (rows, columns); None if there is none."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return Region(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


@dataclass(frozen=True, eq=False)
class Reference:
    """A slice whose labels are known: float32 (labels, rows, columns), full slice, 0..1."""

    slice_index: int
    soft: np.ndarray


@dataclass(frozen=True)
class PassRules:
    """How passes of a method are run, step by step.

    Attributes:
        soft: carry soft masks on; else each step's mask is made hard first (the paper).
        verification: "none", "paper" (Eq. 4 always), "self-checked" or "histogram".
        least_area: a pass ends when the area falls under this share of its anchor's.
        least_confidence: a pass ends when a slice's confidence falls under this.
        confidence_drop: a pass ends when a slice's confidence falls this far under that of its first slices.
        least_overlap: a pass ends when a slice's mask overlaps the one before by less than this (Dice).
        rescale: large structures are computed at half size.
        overtime: a pass goes on for a while after a stop rule spoke, for refinement to judge.
        sent_on: refinement may send a pass on that has stopped.
        second_opinion: where verification took much, the pass is run without it too, and the better one believed.
        magnify: passes of small structures are run at twice their size too, and those believed that find more.
    """

    soft: bool = False
    verification: str = "none"
    least_area: float = 0.0
    least_confidence: float = 0.0
    confidence_drop: float = 1.0
    least_overlap: float = 0.0
    rescale: bool = False
    overtime: bool = False
    sent_on: bool = True
    second_opinion: bool = True
    magnify: bool = False


class SliceSource(Protocol):
    """What a method may ask of the volume."""

    @property
    def slice_count(self) -> int: ...

    @property
    def shape(self) -> tuple[int, int]: ...

    @property
    def spacing_mm(self) -> tuple[float, float, float]: ...

    def intensity(self, index: int) -> np.ndarray:
        """Slice `index`, float32 (rows, columns), 0..1."""
        ...


class Carrier(Protocol):
    """A method bound to one stack of slices; it may keep what it computes."""

    def carry(
        self, references: Sequence[Reference], target: int, region: Region, *, rehearse: bool = False
    ) -> np.ndarray:
        """Carry the references' labels, nearest reference first, to slice `target`.

        Args:
            rehearse: the same slices will soon be asked for with labels that lie somewhat otherwise; what does
                not depend on the labels may be kept.

        Returns:
            float32 (labels, region rows, region columns), 0..1.
        """
        ...


class Refinement(Protocol):
    """Looks at a pass as a whole when it has ended, and mends, extends or shortens it."""

    @property
    def beyond(self) -> int:
        """So many slices beyond a pass's last one it may speak of."""
        ...

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        """What the pass says of the slices after its anchor, in its order.

        The pass is left as it is; empty slices at its end are left out.

        Args:
            length: slices after the anchor that it may speak of at most.
        """
        ...


class Method(Protocol):
    """A way of getting from slices where labels are known to slices where they are not.

    It is a `CarryingMethod`, a `ChoosingMethod` or a `WholeMethod`; the session asks which.
    """

    @property
    def name(self) -> str: ...

    @property
    def device_name(self) -> str:
        """Where it computes, in words, e.g. "cpu (bfloat16)"."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told, e.g. that a GPU ran out of memory."""
        ...


@runtime_checkable
class CarryingMethod(Method, Protocol):
    """Carries labels from slice to slice; the session runs passes by it."""

    @property
    def rules(self) -> PassRules: ...

    @property
    def refinement(self) -> Refinement | None:
        """What mends a pass when it has ended; None where passes stand as they are."""
        ...

    def open(self, source: SliceSource) -> Carrier: ...


@runtime_checkable
class ChoosingMethod(Method, Protocol):
    """Several carrying methods; the session asks for every pass which of them runs it."""

    @property
    def candidates(self) -> Sequence[CarryingMethod]: ...

    def choose(self, reproduced: Mapping[str, float]) -> CarryingMethod:
        """What runs a pass.

        Args:
            reproduced: by a candidate's name, the Dice between the drawn slice and what came back of it when the
                candidate went from there to its neighbour and back.
        """
        ...


@dataclass(frozen=True, eq=False)
class FilledSlice:
    """What a method made of one slice.

    Attributes:
        region: where `soft` lies; nothing of the structure is outside.
        soft: float32 (region rows, region columns), 0..1.
        expected_dice: 0..1, how good the mask probably is.
    """

    region: Region
    soft: np.ndarray
    expected_dice: float


class Filling(Protocol):
    """One label whose drawn slices are known, ready to be made slice by slice."""

    @property
    def slices(self) -> Sequence[int]:
        """The slices that it can speak of, none of them drawn."""
        ...

    def fill(self, index: int) -> FilledSlice: ...


@runtime_checkable
class WholeMethod(Method, Protocol):
    """Makes a label's whole result from all its drawn slices; nothing is carried from slice to slice."""

    def plan(self, source: SliceSource, anchors: Sequence[Anchor]) -> Filling:
        """Get ready to fill one label.

        Args:
            anchors: all of the label's drawn slices, in order; some may be empty.

        Raises:
            AnnotationError: it needs more to be drawn; the message says what.
        """
        ...


Tell = Callable[[int, int], None]
"""Steps done and steps in all; called before every step, and may raise to cancel."""


@dataclass(frozen=True, eq=False)
class Draft:
    """One label's result when all passes have ended, before a last look.

    Attributes:
        mask: bool (slices, rows, columns).
        doubt: float32, the same shape, 0..0.5: of this label alone.
        confidence: float32 (slices,), the Dice to be expected; NaN where no pass went.
        drawn: the slices that are as they were drawn.
    """

    mask: np.ndarray
    doubt: np.ndarray
    confidence: np.ndarray
    drawn: frozenset[int]

    def soft(self, index: int) -> np.ndarray:
        """One slice's soft mask, float32 (rows, columns)."""
        return np.where(self.mask[index], 1 - self.doubt[index], self.doubt[index]).astype(np.float32)


@runtime_checkable
class Finishing(Protocol):
    """A carrying method that has a last look at a label's result when all passes have ended."""

    def finish(self, source: SliceSource, draft: Draft, tell: Tell) -> Mapping[int, FilledSlice]:
        """The slices that it would have otherwise; what it says of drawn ones is not heard."""
        ...
