"""What a propagation says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.records import PassReport, Propagation, StopReason


def passes(*each: tuple[int, int, int, int]) -> Propagation:
    """One with these passes: label, drawn slice, direction, last slice with a mask."""
    reports = tuple(PassReport(*numbers, StopReason.REFINEMENT) for numbers in each)
    return Propagation({}, np.zeros((0, 0, 0), np.float32), {}, reports, {}, slices_propagated=40, device="cpu")


@pytest.mark.parametrize(
    ("made", "filled"),
    [
        (passes((1, 16, -1, 6), (1, 16, 1, 27)), 21),
        (passes((1, 16, -1, 16), (1, 16, 1, 16)), 0),
        (passes((1, 4, 1, 9), (1, 10, -1, 5)), 5),
        (passes((1, 4, 1, 8), (2, 6, -1, 3)), 6),
        (passes((1, 0, -1, 0), (1, 0, 1, 2)), 2),
    ],
    ids=["beyond both sides", "nothing found", "two that meet", "one slice drawn for another label", "at the edge"],
)
def test_slices_are_counted_once_and_drawn_ones_not_at_all(made: Propagation, filled: int) -> None:
    assert made.slices_filled == filled
