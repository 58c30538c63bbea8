"""Finding the painted axis, and anchors from what was painted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.annotation import anchors_from_masks, find_axis, painted_slices
from Sli2VolSlicerLib.engine.errors import AnnotationError

SIDE = 40


def blank() -> np.ndarray:
    return np.zeros((SIDE, SIDE, SIDE), dtype=bool)


def paint(mask: np.ndarray, axis: int, index: int, centre: tuple[int, int] = (20, 20), radius: float = 9) -> None:
    """A disk on one slice."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    disk = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2
    np.moveaxis(mask, axis, 0)[index] |= disk


@given(
    axis=st.integers(0, 2),
    indices=st.sets(st.integers(0, SIDE - 1), min_size=1, max_size=6),
    radius=st.integers(4, 15),
)
def test_the_axis_is_the_one_that_was_painted(axis: int, indices: set[int], radius: int) -> None:
    mask = blank()
    for index in indices:
        paint(mask, axis, index, radius=radius)
    assert find_axis([mask]) == axis
    anchors = anchors_from_masks({3: mask}, axis)
    assert [anchor.slice_index for anchor in anchors] == sorted(indices)
    assert all(anchor.label == 3 for anchor in anchors)
    assert all(np.array_equal(anchor.mask, np.moveaxis(mask, axis, 0)[anchor.slice_index]) for anchor in anchors)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_many_slices_of_a_small_structure_keep_their_axis(axis: int) -> None:
    mask = blank()
    for index in range(2, 38, 3):
        paint(mask, axis, index, radius=2.5)
    assert find_axis([mask]) == axis
    assert len(anchors_from_masks({1: mask}, axis)) == 12


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_thick_slab_is_painted_along_its_thin_side(axis: int) -> None:
    mask = blank()
    for index in range(10, 17):
        paint(mask, axis, index)
    assert find_axis([mask]) == axis
    assert len(anchors_from_masks({1: mask}, axis)) == 7


def test_labels_on_different_slices_of_one_axis_share_it() -> None:
    first, second, third = blank(), blank(), blank()
    paint(first, 1, 5)
    paint(second, 1, 9, radius=2)
    paint(third, 1, 30, (12, 7), 4)
    assert find_axis([first, second, third]) == 1
    anchors = anchors_from_masks({7: third, 1: first, 2: second}, 1)
    assert [(anchor.label, anchor.slice_index) for anchor in anchors] == [(1, 5), (2, 9), (7, 30)]


def test_an_empty_label_beside_a_painted_one_is_no_obstacle() -> None:
    mask = blank()
    paint(mask, 0, 5)
    assert find_axis([blank(), mask]) == 0
    assert len(anchors_from_masks({1: blank(), 2: mask}, 0)) == 1


def test_an_empty_annotation_is_refused() -> None:
    with pytest.raises(AnnotationError, match="empty"):
        find_axis([blank()])
    with pytest.raises(AnnotationError, match="empty"):
        anchors_from_masks({1: blank()}, 0)


def test_one_voxel_does_not_tell_its_axis_but_is_an_anchor_of_a_named_one() -> None:
    mask = blank()
    mask[3, 4, 5] = True
    with pytest.raises(AnnotationError, match="axes 0 and 1 and 2"):
        find_axis([mask])
    (anchor,) = anchors_from_masks({1: mask}, 2)
    assert anchor.slice_index == 5
    assert anchor.mask.sum() == 1


def test_a_line_one_voxel_wide_does_not_tell_its_axis() -> None:
    mask = blank()
    mask[3, 4, 5:25] = True
    with pytest.raises(AnnotationError, match="axes 0 and 1"):
        find_axis([mask])


@pytest.mark.parametrize("radius", [4, 9, 15])
@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 2), (2, 0)])
def test_a_label_painted_along_two_axes_is_refused(first: int, second: int, radius: int) -> None:
    mask = blank()
    paint(mask, first, 20, radius=12)
    paint(mask, second, 18, radius=radius)
    for axis in {find_axis([mask]), first, second}:
        with pytest.raises(AnnotationError, match="Label 1 is painted along axis"):
            anchors_from_masks({1: mask}, axis)


def test_a_label_painted_along_three_axes_is_refused() -> None:
    mask = blank()
    for axis in range(3):
        paint(mask, axis, 20, radius=12)
    for axis in range(3):
        with pytest.raises(AnnotationError, match="painted along axis"):
            anchors_from_masks({1: mask}, axis)


def test_two_labels_painted_along_different_axes_are_refused() -> None:
    first, second = blank(), blank()
    paint(first, 0, 20, radius=15)
    paint(second, 1, 8, radius=4)
    axis = find_axis([first, second])
    assert axis == 0
    with pytest.raises(AnnotationError, match="Label 2 is painted along axis 1"):
        anchors_from_masks({1: first, 2: second}, axis)


def test_a_whole_structure_is_accepted_when_the_axis_is_named() -> None:
    grid = np.mgrid[:SIDE, :SIDE, :SIDE] - 20
    ball = (grid**2).sum(axis=0) <= 100
    for axis in range(3):
        assert len(anchors_from_masks({1: ball}, axis)) == 21


def test_a_tube_painted_on_every_slice_is_accepted_when_the_axis_is_named() -> None:
    mask = blank()
    for index in range(SIDE):
        paint(mask, 0, index, radius=2)
    assert len(anchors_from_masks({1: mask}, 0)) == SIDE


def test_painted_slices_are_those_that_are_not_empty() -> None:
    mask = blank()
    mask[3, 4, 5] = mask[9, 4, 5] = True
    assert painted_slices(mask, 0).tolist() == [3, 9]
    assert painted_slices(mask, 1).tolist() == [4]
