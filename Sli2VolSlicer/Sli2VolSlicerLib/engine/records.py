"""The records that cross the engine's border: anchors in, a propagation out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np

from .errors import AnnotationError


@dataclass(frozen=True, eq=False)
class Anchor:
    """One slice of one segment that the user has drawn; never overwritten.

    Attributes:
        slice_index: position along the painted axis.
        label: the segment's positive label value.
        mask: bool, (rows, columns); an empty mask says "the structure is not here".
    """

    slice_index: int
    label: int
    mask: np.ndarray


def anchors_of(label: int, anchors: Iterable[Anchor]) -> tuple[Anchor, ...]:
    """One label's anchors, by slice."""
    return tuple(sorted((each for each in anchors if each.label == label), key=lambda each: each.slice_index))


class Direction(Enum):
    """Which way passes run from the anchors."""

    BOTH = "both"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class SliceLimits:
    """How far one segment may reach along the painted axis, both slices included.

    Attributes:
        first: the lowest slice that may hold it; None for no limit on that side.
        last: the highest one.

    Raises:
        AnnotationError: the first slice lies beyond the last.
    """

    first: int | None = None
    last: int | None = None

    def __post_init__(self) -> None:
        if self.first is not None and self.last is not None and self.first > self.last:
            msg = f"The limits {self.first} to {self.last} leave no slice: the first must not lie beyond the last."
            raise AnnotationError(msg)

    def __bool__(self) -> bool:
        """Whether anything is limited at all."""
        return self.first is not None or self.last is not None

    def __str__(self) -> str:
        """In words, for messages."""
        if self.first is not None and self.last is not None:
            return f"slices {self.first} to {self.last}"
        if self.first is not None:
            return f"slices from {self.first} on"
        return f"slices up to {self.last}" if self.last is not None else "all slices"

    def allows(self, slice_index: int) -> bool:
        """Whether the segment may be on this slice."""
        low, high = self.within(slice_index, slice_index)
        return low <= high

    def within(self, low: int, high: int) -> tuple[int, int]:
        """The slices out of `low` to `high` that are allowed, first and last; first > last if there are none."""
        return max(low, low if self.first is None else self.first), min(high, high if self.last is None else self.last)


UNLIMITED = SliceLimits()


class StopReason(Enum):
    """Why a pass ended."""

    END_OF_VOLUME = "end of the volume"
    NEXT_ANCHOR = "reached the next anchor"
    EMPTY = "nothing was left of the structure"
    VERIFICATION = "verification found nothing that looks like the structure"
    AREA = "the area collapsed"
    CONFIDENCE = "confidence fell too low"
    JUMP = "the mask jumped away from the one before"
    RANGE = "end of the allowed range"
    REFINEMENT = "looking back at the whole pass, it ends here"
    KNOWN_END = "structures of this kind end here"
    FORK = "it divides here"
    NOT_DRAWN = "no slice drawn beyond it shows the structure"


@dataclass(frozen=True)
class PassReport:
    """One pass: from one anchor, in one direction, for one label.

    Attributes:
        label: the segment's label value.
        anchor_slice: where the pass began.
        step: +1 or -1.
        last_slice: the last slice that got a mask (the anchor itself if none did).
        reason: why the pass stopped.
    """

    label: int
    anchor_slice: int
    step: int
    last_slice: int
    reason: StopReason


@dataclass(frozen=True)
class Progress:
    """One slice is done: handed to the progress callback.

    Attributes:
        done: slices finished so far (over all passes).
        total: the most slices that there can be; passes that stop early end sooner.
        slice_index: the slice just finished.
        message: a short word for the user.
    """

    done: int
    total: int
    slice_index: int
    message: str


ProgressCallback = Callable[[Progress], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Propagation:
    """What one call of `PropagationSession.propagate` gives back.

    Attributes:
        masks: label -> bool, (slices, rows, columns); anchors bit-identical.
        doubt: float32, (slices, rows, columns), 0..0.5: how unsure the engine is of the label it gave each
            voxel (0 where nothing was in question, which is nearly everywhere).
        slice_confidence: label -> float32, (slices,), the Dice to be expected of each slice's mask, 1 on
            anchors; NaN where the label is absent and no pass looked.
        passes: one report per label, anchor and direction.
        seconds: stage name -> seconds ("features", "affinity", ... , "total").
        slices_propagated: number of (slice, direction) steps computed.
        device: e.g. "cpu (bfloat16)".
        notes: what the user should be told (a fallback from GPU to CPU, verification that
            stepped back, ...).
    """

    masks: Mapping[int, np.ndarray]
    doubt: np.ndarray
    slice_confidence: Mapping[int, np.ndarray]
    passes: tuple[PassReport, ...]
    seconds: Mapping[str, float]
    slices_propagated: int
    device: str
    notes: tuple[str, ...] = field(default=())

    @property
    def slices_filled(self) -> int:
        """Slices that passes gave a mask to, for one label at least; those drawn for it are not counted."""
        filled = {
            (each.label, index)
            for each in self.passes
            for index in range(each.anchor_slice, each.last_slice + each.step, each.step)
        }
        drawn = {(each.label, each.anchor_slice) for each in self.passes}
        return len({index for _, index in filled - drawn})

    @cached_property
    def confidence(self) -> np.ndarray:
        """How sure the engine is of each voxel's label, float32 (slices, rows, columns), 0.5..1."""
        sure: np.ndarray = 1 - self.doubt
        return sure

    def label_map(self) -> np.ndarray:
        """All labels on one grid, uint8 or uint16, (slices, rows, columns); the lower label wins an overlap."""
        largest = max(self.masks, default=0)
        kind = np.uint8 if largest <= np.iinfo(np.uint8).max else np.uint16
        first = next(iter(self.masks.values()))
        result = np.zeros(first.shape, dtype=kind)
        for label in sorted(self.masks, reverse=True):
            result[self.masks[label]] = label
        return result
