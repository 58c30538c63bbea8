"""A timeline as shapes in units of one slice, which the page draws as SVG."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..scene.colours import confidence_colour, sureness
from ..scene.timeline import Timeline
from ..scene.timeline_words import slice_in_words, timeline_in_words

TOP, BOTTOM = 14.0, 46.0
"""Of the bars, in pixels."""

ANCHORS = 54.0
"""Middle of the row of the user's slices, in pixels."""


def timeline_picture(timeline: Timeline | None) -> dict[str, Any]:
    """What the page draws; horizontal positions are in slices, vertical ones in pixels.

    Returns:
        count: slices; 0 where there is nothing to draw.
        bars: x, y, height and colour of every bar.
        anchors: x and kind ("drawn", "accepted", "empty") of the user's slices.
        stops: x and step of the ends of passes.
        hatched: x and width of what lies beyond the limits.
        recommended: the recommended slice, or -1.
        words: per slice what its tool tip says.
        description: the whole in a sentence.
    """
    if timeline is None:
        return {"count": 0, "description": timeline_in_words(None)}
    return {
        "count": timeline.slice_count,
        "bars": [_bar(int(index), float(timeline.confidence[index])) for index in _with_bars(timeline)],
        "anchors": [{"x": a.slice_index, "kind": _kind(a.is_empty, a.is_accepted)} for a in timeline.anchors],
        "stops": [{"x": s.slice_index + (s.step > 0), "step": s.step} for s in timeline.stops],
        "hatched": _hatched(timeline),
        "recommended": -1 if timeline.recommended is None else timeline.recommended,
        "words": [slice_in_words(timeline, index) for index in range(timeline.slice_count)],
        "description": timeline_in_words(timeline),
    }


def _with_bars(timeline: Timeline) -> np.ndarray:
    return np.flatnonzero(timeline.filled & ~np.isnan(timeline.confidence))


def _bar(index: int, confidence: float) -> dict[str, Any]:
    share = sureness(confidence)
    height = (BOTTOM - TOP - 2) * (0.25 + 0.75 * share)
    red, green, blue = confidence_colour(share)
    return {
        "x": index,
        "y": round(BOTTOM - 1 - height, 1),
        "h": round(height, 1),
        "c": f"#{red:02x}{green:02x}{blue:02x}",
    }


def _kind(is_empty: bool, is_accepted: bool) -> str:
    if is_empty:
        return "empty"
    return "accepted" if is_accepted else "drawn"


def _hatched(timeline: Timeline) -> list[dict[str, int]]:
    first, last = timeline.limits
    below = [] if first is None or first <= 0 else [{"x": 0, "w": first}]
    above = (
        []
        if last is None or last >= timeline.slice_count - 1
        else [{"x": last + 1, "w": timeline.slice_count - 1 - last}]
    )
    return [*below, *above]
