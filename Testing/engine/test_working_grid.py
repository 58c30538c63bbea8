"""Working grids: what is computed on smaller or larger slices, and seen alike on both."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from engine.refined_passes import a_pass, disc, stack
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from Sli2VolSlicerLib.engine.ends.view import Frame
from Sli2VolSlicerLib.engine.protocol import Region
from Sli2VolSlicerLib.engine.refinement.view import view_of
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.working_grid import WorkingGrid, working_scale


@pytest.mark.parametrize(("side", "scale"), [(3.0, 1.0), (90.0, 1.0), (90.1, 0.5)])
def test_large_structures_are_reduced(side: float, scale: float) -> None:
    assert working_scale(side**2) == scale


@settings(max_examples=30, deadline=None)
@given(arrays(np.bool_, (12, 14)))
def test_every_mask_comes_back_from_twice_its_size(mask: np.ndarray) -> None:
    slices = np.random.default_rng(0).random((3, 12, 14), np.float32)
    grid = WorkingGrid(SliceStack(slices, (1.0, 1.0, 1.0)), 2.0)
    assert grid.shape == (24, 28) and grid.spacing_mm == (1.0, 0.5, 0.5)
    region, soft = grid.soft_to_volume(grid.soft_from_mask(mask), Region(0, 24, 0, 28))
    back = np.zeros(mask.shape, bool)
    back[region.slices] = soft > 0.5
    np.testing.assert_array_equal(back, mask)


def test_a_part_of_a_slice_comes_back_to_where_it_was() -> None:
    grid = WorkingGrid(stack(), 2.0)
    region, soft = grid.soft_to_volume(np.ones((6, 4), np.float32), Region(10, 16, 20, 24))
    assert region == Region(5, 8, 10, 12)
    np.testing.assert_array_equal(soft, np.ones((3, 2), np.float32))


def test_refinement_sees_a_magnified_pass_as_it_sees_the_pass_itself() -> None:
    plain, magnified = view_of(a_pass(), 9), view_of(a_pass(scale=2.0), 9)
    assert plain is not None and magnified is not None
    assert abs(magnified.window.side - 2 * plain.window.side) <= 1
    assert magnified.slices == plain.slices
    torch.testing.assert_close(magnified.measures, plain.measures, atol=0.02, rtol=0.0)
    assert float((magnified.soft - plain.soft).abs().mean()) < 0.02
    assert magnified.contrast == pytest.approx(plain.contrast, rel=0.15)


def test_known_ends_see_as_much_around_a_magnified_structure() -> None:
    magnified = Frame.around(WorkingGrid(stack(), 2.0).soft_from_mask(disc()) > 0.5, magnified=2.0)
    plain = Frame.around(disc())
    assert (magnified.row, magnified.column) == (2 * plain.row, 2 * plain.column)
    assert (magnified.near, magnified.wide) == (2 * plain.near, 2 * plain.wide)
