"""Sli2Vol's Eq. 2 and 3 written the plain way: the reference that the tiled engine must match."""

from __future__ import annotations

import numpy as np


def plain_copy(query: np.ndarray, key: np.ndarray, values: np.ndarray, radius: int) -> np.ndarray:
    """One query pixel at a time, in float64.

    Args:
        query, key: (channels, rows, columns).
        values: (labels, rows, columns).
        radius: keys further than this along either axis take no part.

    Returns:
        (labels, rows, columns).
    """
    rows, columns = query.shape[1:]
    result = np.zeros(values.shape)
    for row in range(rows):
        for column in range(columns):
            window = (
                slice(None),
                slice(max(0, row - radius), row + radius + 1),
                slice(max(0, column - radius), column + radius + 1),
            )
            logits = np.einsum("c,cij->ij", query[:, row, column].astype(float), key[window].astype(float))
            weights = np.exp(logits - logits.max())
            result[:, row, column] = (values[window] * weights).sum(axis=(1, 2)) / weights.sum()
    return result
