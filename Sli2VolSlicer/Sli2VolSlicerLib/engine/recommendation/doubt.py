"""The policy `confidence` (Slice-and-Conquer, Eq. 2): the slice with the most voxels in doubt."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..errors import RecommendationError
from ..records import Propagation
from .candidates import anchors_of, labels_asked, needed_propagation
from .records import Recommendation, RecommendationRequest

NAME = "confidence"

THRESHOLD = 0.75
"""tau of Eq. 2: a voxel that the engine is less sure of is in doubt."""

_BAND = 1
"""The boundary band reaches this many pixels to either side of the outline."""

_MEDIAN = 5
"""Side, in pixels, of the neighbourhood whose median a voxel of the band gets."""

_AROUND = 6
"""With several labels, voxels this far (in pixels, on their slice) from a label's mask are its business."""


def confidence(request: RecommendationRequest, count: int) -> list[Recommendation]:
    """Slices by the number of voxels in question that are less sure than tau, most first.

    Eq. 2 looks for the slice with the fewest confident voxels of all; what is sure to be background is left
    out here, so that slices of different sizes (three axes) compare. Slices next to anchors are skipped.

    Raises:
        RecommendationError: nothing is drawn yet, or no slice is left.
    """
    propagation = needed_propagation(request, NAME)
    labels = tuple(label for label in labels_asked(request) if label in propagation.masks)
    doubtful = doubtful_voxels(propagation, labels)
    total = max(1, int(doubtful.sum()))
    scored: list[tuple[float, int, int]] = []
    painted = request.stack.axis
    others = [axis for axis in range(3) if axis != painted]
    for place, axis in enumerate([painted, *others] if request.all_axes else [painted]):
        counts = doubtful.sum(axis=tuple(a for a in range(3) if a != place))
        for index in _candidates(request, propagation, labels, counts) if axis == painted else range(counts.size):
            scored.append((counts[index] / total, axis, index))
    scored.sort(key=lambda each: -each[0])
    found: list[Recommendation] = []
    for score, axis, index in scored:
        if len(found) < count and all(each.axis != axis or abs(each.slice_index - index) > 1 for each in found):
            reason = _reason(request, propagation, labels, axis, index, score)
            found.append(Recommendation(axis, index, float(score), reason, request.label))
    return found


def doubtful_voxels(propagation: Propagation, labels: tuple[int, ...], threshold: float = THRESHOLD) -> np.ndarray:
    """Voxels of the labels less sure than the threshold, edges enhanced, bool (slices, rows, columns)."""
    result = np.zeros(propagation.doubt.shape, bool)
    for index in np.flatnonzero(propagation.doubt.any(axis=(1, 2))):
        masks = [propagation.masks[label][index] for label in labels]
        union = np.logical_or.reduce(masks)
        enhanced = enhance_edges(1 - propagation.doubt[index], masks)
        result[index] = enhanced <= threshold
        if len(labels) < len(propagation.masks) and union.any():
            result[index] &= ndimage.binary_dilation(union, iterations=_AROUND)
    return result


def enhance_edges(confidence: np.ndarray, masks: list[np.ndarray]) -> np.ndarray:
    """Confidence of one slice in which the boundary band has its local median (Slice-and-Conquer, section 3.3).

    An outline is always in doubt, everywhere and a pixel or two wide; that says nothing about the slice.

    Args:
        confidence: float32 (rows, columns).
        masks: bool (rows, columns), one per label.
    """
    box = _box((confidence < 1) | np.logical_or.reduce(masks), confidence.shape)
    if box is None:
        return confidence
    result = confidence.copy()
    smooth = ndimage.median_filter(confidence[box], size=_MEDIAN, mode="nearest")
    for mask in masks:
        band = outline(mask[box], _BAND)
        result[box][band] = smooth[band]
    return result


def outline(mask: np.ndarray, width: int) -> np.ndarray:
    """The pixels at most `width` away from the mask's outline, on both sides, bool (rows, columns)."""
    grown = ndimage.binary_dilation(mask, iterations=width)
    shrunk = ndimage.binary_erosion(mask, iterations=width, border_value=1)
    return grown & ~shrunk


def _box(mask: np.ndarray, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    sides = ((rows, shape[0]), (columns, shape[1]))
    top, left = (slice(max(0, int(i[0]) - _MEDIAN), min(n, int(i[-1]) + 1 + _MEDIAN)) for i, n in sides)
    return top, left


def _candidates(
    request: RecommendationRequest, propagation: Propagation, labels: tuple[int, ...], counts: np.ndarray
) -> list[int]:
    first, last = request.stack.range_within(request.slice_range)
    there = np.logical_or.reduce([propagation.masks[label].any(axis=(1, 2)) for label in labels])
    drawn = {anchor.slice_index for anchor in anchors_of(request, request.label)}
    free = [i for i in range(first, last + 1) if (there[i] or counts[i]) and i not in drawn]
    if not free:
        msg = f"Every slice from {first} to {last} that shows the structure is drawn; nothing is left to recommend."
        raise RecommendationError(msg)
    apart = [index for index in free if not {index - 1, index + 1} & drawn]
    return apart or free


def _reason(
    request: RecommendationRequest,
    propagation: Propagation,
    labels: tuple[int, ...],
    axis: int,
    index: int,
    score: float,
) -> str:
    if axis != request.stack.axis:
        return f"{score:.1%} of all voxels in doubt lie on this slice".replace("%", " %")
    band = np.logical_or.reduce([outline(propagation.masks[label][index], _BAND) for label in labels])
    unsure = float((1 - propagation.doubt[index][band] <= THRESHOLD).mean()) if band.any() else 1.0
    anchors = [a.slice_index for a in anchors_of(request, request.label) if a.mask.any()]
    nearest = min(anchors, key=lambda anchor: abs(anchor - index)) if anchors else index
    return f"the pass from slice {nearest} is unsure here: {unsure:.0%} of the outline is in doubt".replace("%", " %")
