"""Slices that repeat the one before, as resampling to thinner slices leaves them: passes take them in one step.

A repeated slice holds nothing new, and every step costs a pass some of its outline. So passes run over the slices that
differ, and what is found on one of them holds for those that repeat it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .records import Anchor, Direction, PassReport, Propagation, StopReason, anchors_of
from .slice_stack import SliceStack

_LOOK = 16
"""Every so many pixels are compared first: most slices differ there already."""

_FARTHEST_MM = 10.0
"""Slices that differ may be so far apart. Rules and refinement were not made on thicker ones, and from a slice drawn
near an end passes over them run on beyond it (Docs/results.md)."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What a call asks for.

    Attributes:
        anchors: what was drawn.
        direction: which way passes run.
        allowed: label -> first and last slice that may be filled.
    """

    anchors: Sequence[Anchor]
    direction: Direction
    allowed: Mapping[int, tuple[int, int]]


class DistinctSlices:
    """The slices of a stack that differ from the one before, as a stack of their own.

    Args:
        stack: the volume's slices.
    """

    def __init__(self, stack: SliceStack) -> None:
        count = stack.slice_count
        differs = np.array([True, *(not _are_alike(stack, index - 1, index) for index in range(1, count))])
        repeats = float(np.median(np.diff(np.append(np.flatnonzero(differs), count))))
        # Of one picture all along nothing can be followed, and a stack has two slices at least.
        if differs.sum() < 2 or (repeats > 1 and repeats * stack.spacing_mm[0] > _FARTHEST_MM):
            differs[:] = True
        self._place = np.cumsum(differs) - 1
        self._first = np.flatnonzero(differs)
        self.are_all = bool(differs.all())
        """Whether every slice is taken for one of its own."""
        self.stack = stack if self.are_all else _only(stack, self._first, repeats)

    def first(self, place: int) -> int:
        """The slice of the volume that a distinct one is the first of."""
        return int(self._first[place])

    def asked(self, asked: Asked) -> Asked:
        """The same in distinct slices."""
        if self.are_all:
            return asked
        last = self._place.size - 1
        allowed = {
            label: (int(self._place[min(low, last)]), int(self._place[max(high, 0)]))
            for label, (low, high) in asked.allowed.items()
        }
        return Asked(self.anchors(asked.anchors), asked.direction, allowed)

    def anchors(self, anchors: Sequence[Anchor]) -> Sequence[Anchor]:
        """The anchors on the distinct slices; of several of a label that are drawn on one picture the lowest."""
        if self.are_all:
            return anchors
        found: dict[tuple[int, int], Anchor] = {}
        for anchor in sorted(anchors, key=lambda each: each.slice_index):
            place = int(self._place[anchor.slice_index])
            found.setdefault((anchor.label, place), replace(anchor, slice_index=place))
        return tuple(found.values())

    def expanded(self, found: Propagation, asked: Asked) -> Propagation:
        """A propagation over the distinct slices as one over the volume's, the anchors bit-identical."""
        if self.are_all:
            return found
        masks, confidence = {}, {}
        for label in found.masks:
            masks[label], confidence[label] = self._label(found, asked, label)
        return replace(
            found,
            masks=masks,
            doubt=found.doubt[self._place],
            slice_confidence=confidence,
            passes=tuple(self._report(each, asked) for each in found.passes),
        )

    def _label(self, found: Propagation, asked: Asked, label: int) -> tuple[np.ndarray, np.ndarray]:
        """One label's mask and slice confidence."""
        mask, confidence = found.masks[label][self._place], found.slice_confidence[label][self._place]
        low, high = asked.allowed[label]
        own = anchors_of(label, asked.anchors)
        for index, place in enumerate(self._place.tolist()):
            alike = [anchor for anchor in own if self._place[anchor.slice_index] == place]
            if alike:
                mask[index] = min(alike, key=lambda anchor: abs(anchor.slice_index - index)).mask
            if not low <= index <= high or not self._is_reached(index, alike, asked.direction, found.masks[label]):
                mask[index], confidence[index] = False, np.nan
        for anchor in own:
            mask[anchor.slice_index], confidence[anchor.slice_index] = anchor.mask, 1.0
        return mask, confidence

    def _is_reached(self, index: int, alike: Sequence[Anchor], direction: Direction, mask: np.ndarray) -> bool:
        """Whether passes of this direction reach a slice, where `alike` is drawn on its picture."""
        if direction is Direction.BOTH or not alike:
            return True
        step = 1 if direction is Direction.UP else -1
        before = int(self._place[index]) - step
        from_before = 0 <= before < len(mask) and bool(mask[before].any())
        return from_before or any((index - anchor.slice_index) * step >= 0 for anchor in alike)

    def _report(self, report: PassReport, asked: Asked) -> PassReport:
        """A pass's report in the volume's slice numbers."""
        step, own = report.step, anchors_of(report.label, asked.anchors)
        alike = [each.slice_index for each in own if self._place[each.slice_index] == report.anchor_slice]
        anchor = max(alike, key=lambda index: index * step)
        end = int(np.flatnonzero(self._place == report.last_slice)[-1 if step > 0 else 0])
        limit = asked.allowed[report.label][1 if step > 0 else 0]
        is_cut = (end - limit) * step > 0
        # A pass cannot end before it began, wherever the limit is.
        last = max(anchor, limit if is_cut else end, key=lambda index: index * step)
        reason = StopReason.RANGE if is_cut else report.reason
        return replace(report, anchor_slice=anchor, last_slice=last, reason=reason)


def _are_alike(stack: SliceStack, one: int, other: int) -> bool:
    first, second = stack.raw(one), stack.raw(other)
    return bool(np.array_equal(first[::_LOOK, ::_LOOK], second[::_LOOK, ::_LOOK]) and np.array_equal(first, second))


def _only(stack: SliceStack, first: np.ndarray, repeats: float) -> SliceStack:
    """The stack of these slices, as far from each other as most of them are: so many of the volume's slices."""
    between, row, column = stack.spacing_mm
    kept = np.stack([stack.raw(int(index)) for index in first])
    return SliceStack(kept, (between * repeats, row, column), 0, stack.intensity_range)
