"""The plain way gives the numbers of the fast way; it is only slower."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sli2vol_benchmark.plain_paper import ROWS_AT_ONCE, plain_copy, plain_step
from Sli2VolSlicerLib.engine.affinity import copy_by_affinity


@pytest.mark.parametrize("shape", [(9, 13), (ROWS_AT_ONCE + 5, 11)])
def test_the_plain_copy_agrees_with_the_tiled_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    query, key, values = torch.randn(6, *shape), torch.randn(6, *shape), torch.rand(2, *shape)
    tiled = copy_by_affinity(query[None], key[None], values[None], 3)
    torch.testing.assert_close(plain_copy(query, key, values, 3), tiled[0], atol=1e-5, rtol=0)


def test_equal_weights_copy_the_mean_of_the_window() -> None:
    values = torch.zeros(1, 5, 5)
    values[0, 2, 2] = 1
    copied = plain_copy(torch.zeros(1, 5, 5), torch.zeros(1, 5, 5), values, 1)
    assert copied[0, 2, 2] == pytest.approx(1 / 9)
    assert copied[0, 0, 0] == 0
    assert copied[0, 1, 1] == pytest.approx(1 / 9)


def test_a_corner_has_only_the_keys_that_are_in_the_slice() -> None:
    copied = plain_copy(torch.zeros(1, 4, 4), torch.zeros(1, 4, 4), torch.ones(1, 4, 4), 2)
    torch.testing.assert_close(copied, torch.ones(1, 4, 4))


def test_a_step_between_equal_slices_with_sharp_features_keeps_the_mask() -> None:
    class Sharp(nn.Module):
        def forward(self, slices: torch.Tensor) -> torch.Tensor:
            rows = torch.arange(8.0)[None, None, :, None].expand(1, 1, 8, 8)
            columns = rows.transpose(2, 3)
            return 20 * torch.cat([torch.cos(rows), torch.sin(rows), torch.cos(columns), torch.sin(columns)], 1)

    mask = (torch.rand(1, 8, 8) > 0.5).float()
    same = torch.rand(8, 8)
    torch.testing.assert_close(plain_step(Sharp(), same, same, mask, 2), mask, atol=1e-3, rtol=0)
