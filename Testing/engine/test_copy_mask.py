"""The copy method copies."""

from __future__ import annotations

import numpy as np

from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.protocol import Reference, Region
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

REGION = Region(2, 6, 3, 9)


def stack() -> SliceStack:
    return SliceStack(np.random.default_rng(0).normal(size=(3, 10, 12)))


def test_the_nearest_reference_is_copied_unchanged_within_the_region() -> None:
    near = np.random.default_rng(1).random((2, 10, 12), dtype=np.float32)
    far = np.zeros_like(near)
    carried = CopyMask().open(stack()).carry([Reference(1, near), Reference(0, far)], 2, REGION)
    np.testing.assert_array_equal(carried, near[:, 2:6, 3:9])
    assert carried.dtype == np.float32


def test_the_copy_does_not_share_memory_with_the_reference() -> None:
    soft = np.ones((1, 10, 12), np.float32)
    carried = CopyMask().open(stack()).carry([Reference(1, soft)], 2, REGION)
    carried[:] = 0
    assert soft.all()


def test_its_name_is_the_one_on_the_command_line() -> None:
    assert CopyMask().name == "copy"
