"""The policy `expected-gain`: the slice whose drawing is expected to improve the volume most."""

from __future__ import annotations

import numpy as np

from ..errors import RecommendationError
from .candidates import anchors_of, labels_asked, needed_propagation
from .crossing import crossing_gains
from .outlook import Outlook, make_outlook
from .records import Recommendation, RecommendationRequest

NAME = "expected-gain"

_LEAST_PRESENCE = 0.05
"""Slices on which the structure is expected less than this are not worth a look."""


def expected_gain(request: RecommendationRequest, count: int) -> list[Recommendation]:
    """Slices by the expected rise of the volume's Dice, counting all slices that the new anchor would reach.

    The estimated Dice of every slice is `Propagation.slice_confidence`; the quality that a new anchor brings
    decays with distance as it did in this very propagation. Slices beyond the ends of passes count by the
    chance that the structure goes on there.

    Raises:
        RecommendationError: nothing is drawn yet, or no slice is left.
    """
    propagation = needed_propagation(request, NAME)
    labels = [label for label in labels_asked(request) if label in propagation.masks]
    outlooks = {
        label: make_outlook(propagation, anchors_of(request, label), label, request.stack.spacing_mm)
        for label in labels
    }
    found: list[Recommendation] = []
    if request.all_axes:
        found.extend(crossing_gains(request, propagation, outlooks, count))
    along: list[Recommendation] = []
    while len(along) < count:
        best = max(
            (_best(request, outlook, label) for label, outlook in outlooks.items()),
            key=lambda each: each.score if each is not None else -1.0,
            default=None,
        )
        if best is None:
            break
        along.append(best)
        if best.label is not None:
            outlooks[best.label].draw(best.slice_index)
    found.extend(along)
    if not found:
        first, last = request.stack.range_within(request.slice_range)
        msg = f"Every slice from {first} to {last} that may show the structure is drawn; nothing is left to recommend."
        raise RecommendationError(msg)
    return sorted(found, key=lambda each: -each.score)[:count]


def _best(request: RecommendationRequest, outlook: Outlook, label: int) -> Recommendation | None:
    first, last = request.stack.range_within(request.slice_range)
    inside = np.zeros(outlook.area.size, bool)
    inside[first : last + 1] = True
    open_slices = inside & (outlook.segment >= 0) & (outlook.presence > _LEAST_PRESENCE)
    drawn = outlook.segment < 0
    beside = np.concatenate([drawn[1:], [False]]) | np.concatenate([[False], drawn[:-1]])
    candidates = np.flatnonzero(open_slices & ~beside)
    if not candidates.size:
        candidates = np.flatnonzero(open_slices)
    if not candidates.size:
        return None
    gains = [outlook.gain(int(index)) for index in candidates]
    best = int(np.argmax(gains))
    index = int(candidates[best])
    reason = _reason(request, outlook, label, index)
    return Recommendation(request.stack.axis, index, gains[best], reason, label)


def _reason(request: RecommendationRequest, outlook: Outlook, label: int, index: int) -> str:
    """In words, why slice `index`."""
    anchors = [anchor.slice_index for anchor in anchors_of(request, label) if anchor.mask.any()]
    nearest = min(anchors, key=lambda anchor: abs(anchor - index))
    if not outlook.found[index]:
        return _reason_beyond(outlook, nearest, index)
    estimated = f"(estimated Dice {outlook.slice_dice[index]:.2f})"
    if outlook.presence[index] < 0.5:
        return f"the pass from slice {nearest} may have run on past the structure's end here {estimated}"
    better = np.flatnonzero((outlook.quality_after(index) - outlook.quality > 0.02) & (outlook.presence >= 0.5))
    reach = f"slices {better[0]} to {better[-1]}" if better.size > 1 else "this slice"
    return f"the pass from slice {nearest} is unsure here {estimated}; drawing it would help {reach}"


def _reason_beyond(outlook: Outlook, nearest: int, index: int) -> str:
    step = 1 if index > nearest else -1
    end = nearest
    while outlook.found[end + step]:
        end += step
    share = 100 * outlook.found[end] / outlook.found.max()
    return (
        f"the pass from slice {nearest} ended at slice {end}, where it still had {share:.0f} % of its largest area: "
        f"the structure may go on (chance here {100 * outlook.presence[index]:.0f} %)"
    )
