"""K-means, small and repeatable: which slices stand for all others."""

from __future__ import annotations

import numpy as np

_ROUNDS = 50


def cluster(vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """K-means with k-means++ starting points.

    Args:
        vectors: float (items, values).
        count: clusters; as many as there are different vectors at most.

    Returns:
        int (items,): the cluster of every item.
    """
    vectors = np.asarray(vectors, np.float64)
    random = np.random.default_rng(seed)
    centres = _starting_points(vectors, count, random)
    belongs = np.full(len(vectors), -1)
    for _ in range(_ROUNDS):
        before = belongs
        belongs = squared_distances(vectors, centres).argmin(axis=1)
        if np.array_equal(before, belongs):
            break
        for k in range(len(centres)):
            own = vectors[belongs == k]
            if len(own):
                centres[k] = own.mean(axis=0)
    return belongs


def medoids(vectors: np.ndarray, belongs: np.ndarray) -> dict[int, int]:
    """Cluster -> the item nearest its centre."""
    vectors = np.asarray(vectors, np.float64)
    result = {}
    for k in np.unique(belongs):
        own = np.flatnonzero(belongs == k)
        centre = vectors[own].mean(axis=0, keepdims=True)
        result[int(k)] = int(own[squared_distances(vectors[own], centre)[:, 0].argmin()])
    return result


def squared_distances(items: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances, float64 (items, centres)."""
    squares = (items**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)[None] - 2.0 * items @ centres.T
    return np.maximum(squares, 0.0)


def _starting_points(vectors: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    chosen = [int(random.integers(len(vectors)))]
    while len(chosen) < count:
        nearest = squared_distances(vectors, vectors[chosen]).min(axis=1)
        # Rounding leaves a little distance between equal vectors.
        nearest[nearest < 1e-9 * max(1.0, float(nearest.max()))] = 0.0
        if not nearest.any():
            break
        chosen.append(int(random.choice(len(vectors), p=nearest / nearest.sum())))
    return vectors[chosen].copy()
