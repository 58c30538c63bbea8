"""Slice-and-Conquer's policy: most voxels in doubt, outlines enhanced."""

from __future__ import annotations

import numpy as np
import pytest
from engine.recommendation.propagations import request, square

from Sli2VolSlicerLib.engine.recommendation import recommend
from Sli2VolSlicerLib.engine.recommendation.doubt import enhance_edges, outline


def test_the_slice_with_most_voxels_in_doubt_is_named() -> None:
    asked = request([16] * 12, [3], doubtful={5: 6, 8: 12, 10: 8})
    found = recommend(asked, "confidence", count=2)
    assert [each.slice_index for each in found] == [8, 10]
    assert found[0].score > found[1].score
    assert "the pass from slice 3 is unsure here" in found[0].reason


def test_slices_next_to_anchors_are_skipped() -> None:
    asked = request([16] * 12, [7], doubtful={6: 12, 8: 12, 10: 4})
    assert recommend(asked, "confidence")[0].slice_index == 10


def test_the_reason_tells_how_much_of_the_outline_is_in_doubt() -> None:
    asked = request([16] * 12, [3], doubtful={8: 20})
    assert "100 % of the outline" in recommend(asked, "confidence")[0].reason


def test_a_thin_line_of_doubt_along_the_outline_is_no_doubt() -> None:
    mask = square(16)
    confidence = np.ones(mask.shape, np.float32)
    confidence[outline(mask, 1) & mask] = 0.55
    assert (confidence <= 0.75).any()
    assert not (enhance_edges(confidence, [mask]) <= 0.75).any()


def test_doubt_that_fills_the_slice_stays() -> None:
    mask = square(16)
    confidence = np.where(square(20), 0.6, 1).astype(np.float32)
    assert (enhance_edges(confidence, [mask])[mask] <= 0.75).all()


@pytest.mark.parametrize(("place", "axis"), [(1, 1), (2, 2)])
def test_along_another_axis_the_slice_through_the_doubt_is_named(place: int, axis: int) -> None:
    asked = request([16] * 6, [0], all_axes=True)
    assert asked.propagation is not None
    crossing = np.moveaxis(asked.propagation.doubt, place, 0)
    crossing[20, :, :] = 0.4
    crossing[18:23, 1:, 8:24] = 0.4
    found = recommend(asked, "confidence")[0]
    assert (found.axis, found.slice_index) == (axis, 20)
    assert "of all voxels in doubt" in found.reason
