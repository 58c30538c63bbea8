"""Results that a method makes as a whole from the drawn slices, without passes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .errors import PropagationCancelled
from .fusion import doubt_of
from .protocol import Filling, SliceSource, WholeMethod
from .records import (
    Anchor,
    IsCancelled,
    PassReport,
    Progress,
    ProgressCallback,
    Propagation,
    StopReason,
)


@dataclass(frozen=True, eq=False)
class WholeLabel:
    """One label of a whole result.

    Attributes:
        label: the segment's label value.
        anchors: sorted by slice.
        allowed: first and last slice that may be filled.
    """

    label: int
    anchors: tuple[Anchor, ...]
    allowed: tuple[int, int]


def propagate_whole(
    method: WholeMethod,
    source: SliceSource,
    labels: Sequence[WholeLabel],
    progress: ProgressCallback | None,
    is_cancelled: IsCancelled | None,
) -> Propagation:
    """Every label's result, slice by slice, the anchors bit-identical.

    Raises:
        AnnotationError: too little is drawn for this method.
        PropagationCancelled: `is_cancelled` said so.
    """
    began = time.perf_counter()
    fillings = {each.label: method.plan(source, each.anchors) for each in labels}
    work = [
        (each, fillings[each.label], index)
        for each in labels
        for index in fillings[each.label].slices
        if each.allowed[0] <= index <= each.allowed[1]
    ]
    masks = {each.label: np.zeros((source.slice_count, *source.shape), bool) for each in labels}
    confidence = {each.label: np.full(source.slice_count, np.nan, np.float32) for each in labels}
    doubt = np.zeros((source.slice_count, *source.shape), np.float32)
    for done, (each, filling, index) in enumerate(work):
        if is_cancelled is not None and is_cancelled():
            msg = f"Cancelled after {done} of {len(work)} slices; nothing was changed."
            raise PropagationCancelled(msg)
        confidence[each.label][index] = _fill(filling, index, masks[each.label][index], doubt[index])
        if progress is not None:
            progress(Progress(done + 1, len(work), index, f"slice {index}"))
    for each in labels:
        for anchor in each.anchors:
            masks[each.label][anchor.slice_index] = anchor.mask
            confidence[each.label][anchor.slice_index] = 1.0
    took = time.perf_counter() - began
    return Propagation(
        masks=masks,
        doubt=doubt,
        slice_confidence=confidence,
        passes=tuple(report for each in labels for report in _reports(each)),
        seconds={"filling": took, "total": took},
        slices_propagated=len(work),
        device=method.device_name,
        notes=method.notes,
    )


def _fill(filling: Filling, index: int, mask: np.ndarray, doubt: np.ndarray) -> float:
    """Write one slice into its mask, bool, and its doubt, float32, both (rows, columns); the Dice to be expected."""
    filled = filling.fill(index)
    here = doubt[filled.region.slices]
    mask[filled.region.slices] = filled.soft > 0.5
    np.maximum(here, doubt_of(filled.soft), out=here)
    return filled.expected_dice


def _reports(each: WholeLabel) -> Iterator[PassReport]:
    """As passes would have ended: at the next drawn slice, at the range, or where they began."""
    low, high = each.allowed
    beside: Mapping[tuple[int, int], int] = {
        key: end.slice_index
        for one, other in pairwise(each.anchors)
        if one.mask.any() and other.mask.any()
        for key, end in (((one.slice_index, 1), other), ((other.slice_index, -1), one))
    }
    for anchor in each.anchors:
        if not anchor.mask.any():
            continue
        index = anchor.slice_index
        for step in (-1, 1):
            end = beside.get((index, step))
            if end is None:
                yield PassReport(each.label, index, step, index, StopReason.NOT_DRAWN)
                continue
            limit = high if step > 0 else low
            is_cut = (limit - (end - step)) * step < 0
            last = (max(index, limit) if step > 0 else min(index, limit)) if is_cut else end - step
            yield PassReport(each.label, index, step, last, StopReason.RANGE if is_cut else StopReason.NEXT_ANCHOR)
