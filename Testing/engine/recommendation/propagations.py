"""Made-up propagations whose quality is known slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from Sli2VolSlicerLib.engine.recommendation import RecommendationRequest
from Sli2VolSlicerLib.engine.records import Anchor, PassReport, Propagation, StopReason
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SIDE = 32


def stack(slices: int = 20, axis: int = 0) -> SliceStack:
    """Noise."""
    shape = [SIDE, SIDE]
    shape.insert(axis, slices)
    return SliceStack(np.random.default_rng(0).normal(size=shape), axis=axis)


def square(side: int) -> np.ndarray:
    """A centred square, bool (32, 32)."""
    mask = np.zeros((SIDE, SIDE), bool)
    low = (SIDE - side) // 2
    mask[low : low + side, low : low + side] = True
    return mask


def propagation(
    sides: Sequence[int],
    anchors: Sequence[int],
    quality: Sequence[float] | None = None,
    reason: StopReason = StopReason.EMPTY,
    doubtful: Mapping[int, int] | None = None,
    label: int = 1,
) -> Propagation:
    """One label: squares of these sides, estimated Dice per slice, and where there is doubt.

    Args:
        anchors: drawn slices; from each non-empty one passes go both ways.
        reason: why the outermost passes ended.
        doubtful: slice -> side of the central square of it that is in doubt.
    """
    masks = np.stack([square(side) for side in sides])
    doubt = np.zeros(masks.shape, np.float32)
    for index, side in (doubtful or {}).items():
        doubt[index][square(side)] = 0.4
    estimated = np.asarray(quality if quality is not None else [0.9] * len(sides), np.float32)
    estimated = np.where(masks.any(axis=(1, 2)), estimated, np.nan).astype(np.float32)
    estimated[list(anchors)] = 1
    return Propagation({label: masks}, doubt, {label: estimated}, _passes(sides, anchors, reason, label), {}, 0, "")


def _passes(sides: Sequence[int], anchors: Sequence[int], reason: StopReason, label: int) -> tuple[PassReport, ...]:
    reports = []
    for anchor in anchors:
        for step in (-1, 1):
            last = anchor
            while 0 <= last + step < len(sides) and sides[last + step] and last + step not in anchors:
                last += step
            met = last + step in anchors
            if sides[anchor]:
                reports.append(PassReport(label, anchor, step, last, StopReason.NEXT_ANCHOR if met else reason))
    return tuple(reports)


def request(
    sides: Sequence[int],
    anchors: Sequence[int],
    quality: Sequence[float] | None = None,
    reason: StopReason = StopReason.EMPTY,
    doubtful: Mapping[int, int] | None = None,
    **rest: object,
) -> RecommendationRequest:
    """What a policy is asked on such a propagation."""
    made = propagation(sides, anchors, quality, reason, doubtful)
    drawn = tuple(Anchor(index, 1, square(sides[index])) for index in anchors)
    return RecommendationRequest(stack(len(sides)), made, drawn, **rest)  # type: ignore[arg-type]
