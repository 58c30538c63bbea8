"""Policies that choose slices by how they look, before anything is drawn: one slice for every kind of slice.

After "Overfitting sparse slices" (2023): slices are clustered, and each cluster gives one. Three differences:
there are as many clusters as slices are wanted, not 15; a cluster gives the slice nearest its centre and not a
random one; a cluster that holds a drawn slice gives none, so that asking for one slice at a time makes sense.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import uniform_filter, zoom

from ..errors import RecommendationError
from .candidates import anchors_of, free_slices
from .clustering import cluster, medoids
from .records import Recommendation, RecommendationRequest

THUMBNAIL = 64
"""Slices are compared at about so many pixels a side."""

_BINS = 255
_WINDOW = 7
_C1, _C2 = 0.01**2, 0.03**2

Describe = Callable[[RecommendationRequest, range], np.ndarray]


def by_pixels(request: RecommendationRequest, slices: range) -> np.ndarray:
    """Every slice as the vector of its pixels (the policy `k-means`)."""
    return thumbnails(request, slices).reshape(len(slices), -1)


def by_histogram(request: RecommendationRequest, slices: range) -> np.ndarray:
    """Every slice as its histogram of 255 bins, as shares of its pixels (the policy `histogram`)."""
    counted = [np.histogram(request.stack.intensity(i), bins=_BINS, range=(0.0, 1.0))[0] for i in slices]
    counts = np.asarray(counted, np.float64)
    return counts / counts.sum(axis=1, keepdims=True)


def by_structure(request: RecommendationRequest, slices: range) -> np.ndarray:
    """Every slice as its structural similarities to all slices (the policy `ssim`)."""
    return structural_similarities(thumbnails(request, slices))


def by_features(request: RecommendationRequest, slices: range) -> np.ndarray:
    """Every slice as its perceptual distances to all slices (the policy `perceptual`).

    The paper takes LPIPS on AlexNet; here the features are those of the network that propagates.

    Raises:
        RecommendationError: the request brings no features.
    """
    if request.features is None:
        msg = "The policy 'perceptual' needs a method with a network: choose the method 'sli2vol', or another policy."
        raise RecommendationError(msg)
    vectors = np.stack([request.features.descriptor(request.stack.axis, i) for i in slices]).astype(np.float64)
    return np.asarray(np.linalg.norm(vectors[:, None] - vectors[None], axis=-1))


def representatives(request: RecommendationRequest, count: int, describe: Describe, words: str) -> list[Recommendation]:
    """The middle slices of the largest clusters in which nothing is drawn yet.

    Raises:
        RecommendationError: every slice in the range is drawn.
    """
    first, last = request.stack.range_within(request.slice_range)
    drawn = {anchor.slice_index for anchor in anchors_of(request, request.label)} & set(range(first, last + 1))
    free = free_slices(first, last, drawn, with_neighbours=True)
    count = min(count, len(free))
    slices = range(first, last + 1)
    vectors = describe(request, slices)
    belongs = cluster(vectors, len(drawn) + count, request.seed)
    taken = {int(belongs[index - first]) for index in drawn}
    middle = {k: first + item for k, item in medoids(vectors, belongs).items() if k not in taken}
    sizes = {k: int((belongs == k).sum()) for k in middle}
    chosen = sorted(middle, key=lambda k: -sizes[k])[:count]
    found = [
        Recommendation(
            request.stack.axis,
            middle[k],
            sizes[k] / len(slices),
            f"stands for {sizes[k]} of {len(slices)} slices that look alike ({words})",
            request.label,
        )
        for k in chosen
    ]
    # Fewer kinds of slices than slices asked for: go on with any that are free.
    for index in free:
        if len(found) < count and all(each.slice_index != index for each in found):
            found.append(Recommendation(request.stack.axis, index, 0.0, "looks like others already chosen"))
    return found


def thumbnails(request: RecommendationRequest, slices: range) -> np.ndarray:
    """Slices reduced to about 64 pixels a side, float32 (slices, rows, columns), 0..1."""
    return np.stack([reduced(request.stack.intensity(index)) for index in slices])


def reduced(picture: np.ndarray) -> np.ndarray:
    """A slice averaged over blocks and brought to 64x64 pixels, float32."""
    blocks = [max(1, side // THUMBNAIL) for side in picture.shape]
    rows, columns = (side // block * block for side, block in zip(picture.shape, blocks, strict=True))
    parts = picture[:rows, :columns].reshape(rows // blocks[0], blocks[0], columns // blocks[1], blocks[1])
    small = parts.mean(axis=(1, 3))
    factors = [THUMBNAIL / side for side in small.shape]
    return np.asarray(zoom(small, factors, order=1, mode="nearest", grid_mode=True), np.float32)


def structural_similarities(pictures: np.ndarray) -> np.ndarray:
    """SSIM of every two pictures, windows of 7x7 pixels, float64 (pictures, pictures).

    Args:
        pictures: float32 (pictures, rows, columns), 0..1.
    """

    def local_mean(array: np.ndarray) -> np.ndarray:
        return np.asarray(uniform_filter(array, size=(0, _WINDOW, _WINDOW), mode="nearest"))

    mean = local_mean(pictures)
    variance = local_mean(pictures**2) - mean**2
    result = np.ones((len(pictures), len(pictures)))
    for i in range(len(pictures) - 1):
        rest = slice(i + 1, None)
        shared = local_mean(pictures[i] * pictures[rest]) - mean[i] * mean[rest]
        numerator = (2 * mean[i] * mean[rest] + _C1) * (2 * shared + _C2)
        denominator = (mean[i] ** 2 + mean[rest] ** 2 + _C1) * (variance[i] + variance[rest] + _C2)
        result[i, rest] = result[rest, i] = (numerator / denominator).mean(axis=(1, 2))
    return result
