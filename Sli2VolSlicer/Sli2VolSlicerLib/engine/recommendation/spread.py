"""Policies that look at no picture: `keep-n`, evenly spaced, and `random`."""

from __future__ import annotations

import numpy as np

from .candidates import anchors_of, found_extent, free_slices, labels_asked
from .records import Recommendation, RecommendationRequest


def keep_n(request: RecommendationRequest, count: int) -> list[Recommendation]:
    """Evenly spaced slices ("Keep_n" of the paper on sparse slices).

    Before anything is drawn: `count` slices that part the range evenly. Afterwards, one after the other,
    the slice that brings the slices of the found extent nearest to an anchor on the mean: the middle of a gap
    between two anchors, two thirds of the way out beyond the last one.
    """
    first, last = extent_in_question(request)
    drawn = [anchor.slice_index for anchor in anchors_of(request, request.label)]
    if not drawn:
        step = (last - first + 1) / count
        indices = sorted({first + int((k + 0.5) * step) for k in range(count)})
        reason = f"one of {count} evenly spaced slices from {first} to {last}"
        return [Recommendation(request.stack.axis, i, 1.0 / len(indices), reason) for i in indices]
    found: list[Recommendation] = []
    everywhere = np.arange(first, last + 1)
    while len(found) < count:
        free = free_slices(first, last, set(drawn), with_neighbours=True)
        gap = np.abs(everywhere[:, None] - np.array(drawn)).min(axis=1)
        saved = [float((gap - np.minimum(gap, np.abs(everywhere - index))).sum()) for index in free]
        best = int(np.argmax(saved))
        away = int(gap[free[best] - first])
        score = saved[best] / max(1.0, float(gap.sum()))
        words = f"the widest gap between drawn slices: {away} slices from the nearest"
        found.append(Recommendation(request.stack.axis, free[best], score, words, request.label))
        drawn.append(free[best])
        if len(free) == 1:
            break
    return found


def random(request: RecommendationRequest, count: int) -> list[Recommendation]:
    """Slices drawn at random, all alike; the same seed and the same anchors give the same slices."""
    first, last = extent_in_question(request)
    taken = {anchor.slice_index for anchor in anchors_of(request, request.label)}
    free = free_slices(first, last, taken, with_neighbours=True)
    draw = np.random.default_rng([request.seed, len(taken)])
    chosen = draw.permutation(len(free))[:count]
    reason = f"drawn at random from slices {first} to {last}"
    return [Recommendation(request.stack.axis, free[int(i)], 1.0 / len(free), reason, request.label) for i in chosen]


def extent_in_question(request: RecommendationRequest) -> tuple[int, int]:
    """The found extent within the range, or the whole range before anything was found."""
    first, last = request.stack.range_within(request.slice_range)
    extent = found_extent(request.propagation, labels_asked(request)) if request.propagation is not None else None
    if extent is None or extent[0] > last or extent[1] < first:
        return first, last
    return max(first, extent[0]), min(last, extent[1])
