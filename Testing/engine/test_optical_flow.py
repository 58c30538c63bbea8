"""The optical-flow method follows what moves."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from Sli2VolSlicerLib.engine.methods.optical_flow import OpticalFlow
from Sli2VolSlicerLib.engine.protocol import Reference, Region
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

WHOLE = Region(0, 64, 0, 64)


def texture() -> np.ndarray:
    return gaussian_filter(np.random.default_rng(3).normal(size=(64, 64)), 2.0) * 100


def disc(row: float, column: float, radius: float = 10.0) -> np.ndarray:
    rows, columns = np.mgrid[:64, :64]
    return ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).astype(np.float32)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * np.sum(a & b) / (np.sum(a) + np.sum(b)))


def test_a_mask_follows_a_translation() -> None:
    still = texture()
    stack = SliceStack(np.stack([still, np.roll(still, (2, 3), axis=(0, 1))]))
    carried = OpticalFlow().open(stack).carry([Reference(0, disc(32, 30)[None])], 1, WHOLE)
    moved = disc(34, 33) > 0.5
    assert overlap(carried[0] > 0.5, moved) > 0.97
    assert overlap(disc(32, 30) > 0.5, moved) < 0.85


def test_equal_slices_leave_the_mask_as_it_is() -> None:
    stack = SliceStack(np.stack([texture(), texture()]))
    soft = np.random.default_rng(1).random((2, 64, 64), dtype=np.float32)
    carried = OpticalFlow().open(stack).carry([Reference(0, soft)], 1, WHOLE)
    np.testing.assert_array_equal(carried, soft)


def test_a_region_gives_nearly_what_the_whole_slice_gives_there() -> None:
    still = texture()
    stack = SliceStack(np.stack([still, np.roll(still, (1, -2), axis=(0, 1))]))
    references = [Reference(0, disc(32, 32)[None])]
    region = Region(20, 44, 20, 44)
    carrier = OpticalFlow().open(stack)
    whole = carrier.carry(references, 1, WHOLE)[(slice(None), *region.slices)]
    part = carrier.carry(references, 1, region)
    assert part.shape == (1, 24, 24)
    assert part.dtype == np.float32
    assert overlap(part[0] > 0.5, whole[0] > 0.5) > 0.95


def test_every_label_moves_by_the_same_flow() -> None:
    still = texture()
    stack = SliceStack(np.stack([still, np.roll(still, 2, axis=0)]))
    one, other = disc(30, 24), disc(30, 40, 6)
    carrier = OpticalFlow().open(stack)
    both = carrier.carry([Reference(0, np.stack([one, other]))], 1, WHOLE)
    np.testing.assert_array_equal(both[0], carrier.carry([Reference(0, one[None])], 1, WHOLE)[0])
    np.testing.assert_array_equal(both[1], carrier.carry([Reference(0, other[None])], 1, WHOLE)[0])


def test_the_nearest_reference_alone_decides() -> None:
    still = texture()
    stack = SliceStack(np.stack([still, still, np.roll(still, 1, axis=0)]))
    near, far = Reference(1, disc(32, 32)[None]), Reference(0, disc(10, 10)[None])
    carrier = OpticalFlow().open(stack)
    np.testing.assert_array_equal(carrier.carry([near, far], 2, WHOLE), carrier.carry([near], 2, WHOLE))


def test_slices_too_small_for_a_pyramid_keep_the_mask() -> None:
    stack = SliceStack(np.random.default_rng(0).normal(size=(2, 9, 9)))
    soft = np.ones((1, 9, 9), np.float32)
    carried = OpticalFlow().open(stack).carry([Reference(0, soft)], 1, Region(0, 9, 0, 9))
    np.testing.assert_array_equal(carried, soft)
