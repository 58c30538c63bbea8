"""What is known of every slice along the painted axis, for drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..engine.records import SliceLimits, StopReason
from .anchors import SceneAnchor, list_anchors
from .capture import Capture, CapturedSegment
from .recommend import SceneRecommendation

if TYPE_CHECKING:
    from .logic import SceneResult

_NOT_WORTH_A_MARK = (StopReason.NEXT_ANCHOR, StopReason.END_OF_VOLUME)
"""Passes that end so have not stopped of themselves."""


@dataclass(frozen=True)
class TimelineStop:
    """Where a pass ended before it had to.

    Attributes:
        slice_index: the last slice that it filled.
        step: +1 when it ran towards higher slices, else -1.
        reason: why, in words.
        segment_id: the segment.
        name: its name.
    """

    slice_index: int
    step: int
    reason: str
    segment_id: str
    name: str


@dataclass(frozen=True, eq=False)
class Timeline:
    """One strip along the slices.

    Attributes:
        slice_count: how many slices there are.
        axis: of the grid.
        filled: bool, (slice_count,): a segment is on the slice now.
        confidence: float32, (slice_count,): that of the least sure segment, 0..1; 1 where all is the user's,
            NaN where nothing is known.
        segment_confidence: segment ID -> the same of one segment.
        anchors: the user's slices, segment by segment.
        stops: where passes ended before they had to.
        limits: first and last slice that any segment may be on; None for no limit on that side.
        segment_limits: segment ID -> limits, of those that have any.
        recommended: the slice to look at next; None if there is none.
        reason: why, in words; "" if there is none.
        recommended_segment_id: which segment it is about; None where it is about no one in particular.
    """

    slice_count: int
    axis: int
    filled: np.ndarray
    confidence: np.ndarray
    segment_confidence: Mapping[str, np.ndarray]
    anchors: tuple[SceneAnchor, ...]
    stops: tuple[TimelineStop, ...]
    limits: tuple[int | None, int | None]
    segment_limits: Mapping[str, SliceLimits]
    recommended: int | None = None
    reason: str = ""
    recommended_segment_id: str | None = None


def timeline_of(
    captured: Capture, result: SceneResult | None = None, recommendations: Sequence[SceneRecommendation] = ()
) -> Timeline:
    """What there is to draw.

    Args:
        captured: the segments as they are now.
        result: of the last propagation. What has changed since then takes no confidence from it; a result of
            another grid or axis says nothing at all.
        recommendations: best first; the first one of the painted axis is taken.
    """
    fitting = result if result is not None and _fits(captured, result.capture) else None
    confidences = {s.segment_id: _confidence(captured, s, fitting) for s in captured.segments}
    best = next((each for each in recommendations if _is_possible(captured, each)), None)
    return Timeline(
        slice_count=captured.slice_count,
        axis=captured.axis,
        filled=np.any([_filled(captured, segment) for segment in captured.segments], axis=0),
        confidence=_least(confidences.values(), captured.slice_count),
        segment_confidence=confidences,
        anchors=list_anchors(captured),
        stops=_stops(captured, fitting),
        limits=_common_limits(captured),
        segment_limits={s.segment_id: s.limits for s in captured.segments if s.limits},
        recommended=best.slice_index if best is not None else None,
        reason=best.reason if best is not None else "",
        recommended_segment_id=best.segment_id if best is not None else None,
    )


def _fits(now: Capture, then: Capture) -> bool:
    """Whether the slices of two captures are the same ones."""
    return (
        now.segmentation_node is then.segmentation_node
        and now.axis == then.axis
        and now.grid.shape == then.grid.shape
        and bool(np.allclose(now.grid.ijk_to_segmentation, then.grid.ijk_to_segmentation))
    )


def _is_possible(captured: Capture, recommendation: SceneRecommendation) -> bool:
    """Whether a recommendation still makes sense: its segment may have gone, or the slice become the user's."""
    segments = [s for s in captured.segments if recommendation.segment_id in (None, s.segment_id)]
    index = recommendation.slice_index
    return (
        recommendation.axis == captured.axis
        and 0 <= index < captured.slice_count
        and any(index not in segment.anchors for segment in segments)
    )


def _filled(captured: Capture, segment: CapturedSegment) -> np.ndarray:
    return segment.patch.filled(captured.axis)


def _confidence(captured: Capture, segment: CapturedSegment, result: SceneResult | None) -> np.ndarray:
    """Of one segment, float32, (slices,); NaN where nothing is known."""
    values = np.full(captured.slice_count, np.nan, dtype=np.float32)
    then = _segment_then(result, segment.segment_id)
    if result is not None and then is not None:
        known = np.asarray(result.propagation.slice_confidence[then.label], dtype=np.float32)
        found = result.found[then.label]
        # What was undone since is no longer what the engine was sure of.
        stands = found == _filled(captured, segment)
        values[stands] = known[stands]
        released = [i for i in then.anchors if i not in segment.anchors]
        values[released] = np.nan
    values[list(segment.anchors)] = 1.0
    return values


def _segment_then(result: SceneResult | None, segment_id: str) -> CapturedSegment | None:
    if result is None:
        return None
    return next((s for s in result.capture.segments if s.segment_id == segment_id), None)


def _least(values: Iterable[np.ndarray], count: int) -> np.ndarray:
    """The smallest of what is known, slice by slice."""
    least = np.full(count, np.nan, dtype=np.float32)
    for each in values:
        least = np.fmin(least, each)
    return least


def _stops(captured: Capture, result: SceneResult | None) -> tuple[TimelineStop, ...]:
    if result is None:
        return ()
    stops = []
    for segment in captured.segments:
        then = _segment_then(result, segment.segment_id)
        for each in result.propagation.passes if then is not None else ():
            is_own = then is not None and each.label == then.label and each.anchor_slice in segment.anchors
            if is_own and each.reason not in _NOT_WORTH_A_MARK:
                stop = TimelineStop(each.last_slice, each.step, each.reason.value, segment.segment_id, segment.name)
                stops.append(stop)
    return tuple(stops)


def _common_limits(captured: Capture) -> tuple[int | None, int | None]:
    """Beyond these no segment may be."""
    firsts = [segment.limits.first for segment in captured.segments]
    lasts = [segment.limits.last for segment in captured.segments]
    low = [first for first in firsts if first is not None]
    high = [last for last in lasts if last is not None]
    return (
        min(low) if low and len(low) == len(firsts) else None,
        max(high) if high and len(high) == len(lasts) else None,
    )
