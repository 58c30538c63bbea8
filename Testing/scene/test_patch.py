"""A mask kept as the block that holds it says the same as the whole mask."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from Sli2VolSlicerLib.scene.geometry import Box
from Sli2VolSlicerLib.scene.patch import Patch, fingerprint

SHAPE = (4, 3, 5)

voxels = st.frozensets(st.integers(0, int(np.prod(SHAPE)) - 1), max_size=12)
axes = st.integers(0, 2)


def mask_of(numbers: frozenset[int]) -> np.ndarray:
    mask = np.zeros(int(np.prod(SHAPE)), dtype=bool)
    mask[list(numbers)] = True
    return mask.reshape(SHAPE)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Blocks that lie within the grid."""
    starts = [draw(st.integers(0, n - 1)) for n in SHAPE]
    sizes = [draw(st.integers(1, n - s)) for n, s in zip(SHAPE, starts, strict=True)]
    return Box((starts[0], starts[1], starts[2]), (sizes[0], sizes[1], sizes[2]))


@given(voxels, axes)
def test_slices_are_those_of_the_whole_mask(numbers: frozenset[int], axis: int) -> None:
    mask = mask_of(numbers)
    patch, planes = Patch.of(mask), np.moveaxis(mask, axis, 0)
    assert np.array_equal(patch.whole(), mask)
    assert patch.voxels == mask.sum()
    assert np.array_equal(patch.counts(axis), planes.sum(axis=(1, 2)))
    assert np.array_equal(patch.filled(axis), planes.any(axis=(1, 2)))
    assert all(np.array_equal(patch.plane(axis, n), plane) for n, plane in enumerate(planes))
    assert dict(patch.fingerprints(axis)) == {n: fingerprint(plane) for n, plane in enumerate(planes) if plane.any()}


@given(voxels, voxels, boxes())
def test_a_change_gives_what_it_gives_on_the_whole_mask(
    numbers: frozenset[int], others: frozenset[int], box: Box
) -> None:
    mask, changed = mask_of(numbers), mask_of(others)[box.slices]
    patch = Patch.of(mask)
    assert np.array_equal(patch.over(box), mask[box.slices])
    expected = mask.copy()
    expected[box.slices] ^= changed
    after = patch.changed(box, changed & ~mask[box.slices], changed & mask[box.slices])
    assert after.is_same(Patch.of(expected)), "and it is as tight as can be"


@given(voxels, axes, st.integers(0, 4), st.integers(0, 4))
def test_only_some_slices_are_kept(numbers: frozenset[int], axis: int, first: int, last: int) -> None:
    mask = mask_of(numbers)
    expected = mask.copy()
    planes = np.moveaxis(expected, axis, 0)
    planes[:first] = False
    planes[last + 1 :] = False
    assert Patch.of(mask).only_slices(axis, first, last).is_same(Patch.of(expected))


@given(boxes(), boxes())
def test_boxes_meet_and_join_voxel_by_voxel(one: Box, other: Box) -> None:
    inside = [np.zeros(SHAPE, dtype=bool) for _ in range(2)]
    for mask, box in zip(inside, (one, other), strict=True):
        mask[box.slices] = True
    common = one.common(other)
    assert (0 if common is None else np.prod(common.shape)) == (inside[0] & inside[1]).sum()
    assert one.joined(other) == Patch.of(inside[0] | inside[1]).box
