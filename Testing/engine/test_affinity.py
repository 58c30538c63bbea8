"""The tiled affinity is the paper's formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from engine.plain_affinity import plain_copy
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.affinity import copy_by_affinity, query_tiles, untile


def random_tensors(rows: int, columns: int, labels: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    query, key = (torch.randn((1, 6, rows, columns), generator=generator) for _ in range(2))
    return query, key, torch.rand((1, labels, rows, columns), generator=generator)


@settings(max_examples=15, deadline=None)
@given(
    rows=st.integers(3, 21),
    columns=st.integers(3, 21),
    labels=st.integers(1, 3),
    radius=st.integers(1, 7),
    seed=st.integers(0, 99),
)
def test_it_agrees_with_the_plain_formula(rows: int, columns: int, labels: int, radius: int, seed: int) -> None:
    query, key, values = random_tensors(rows, columns, labels, seed)
    copied = copy_by_affinity(query, key, values, radius)[0]
    plain = plain_copy(query[0].numpy(), key[0].numpy(), values[0].numpy(), radius)
    np.testing.assert_allclose(copied.numpy(), plain, atol=1e-5)


def test_tiles_where_nothing_is_open_are_exact_without_computing() -> None:
    query, key, values = random_tensors(64, 64, 1)
    values = torch.zeros_like(values)
    values[..., 12:52, 12:52] = 1
    copied = copy_by_affinity(query, key, values, 7)[0]
    assert copied[0, 28, 28] == 1 and copied[0, 0, 0] == 0
    np.testing.assert_allclose(
        copied.numpy(), plain_copy(query[0].numpy(), key[0].numpy(), values[0].numpy(), 7), atol=1e-5
    )


def test_equal_features_copy_the_mean_of_the_window() -> None:
    constant = torch.ones((1, 4, 5, 5))
    values = torch.arange(25.0).reshape(1, 1, 5, 5)
    copied = copy_by_affinity(constant, constant, values, 1)[0, 0]
    assert copied[2, 2] == pytest.approx(12.0)
    assert copied[0, 0] == pytest.approx((0 + 1 + 5 + 6) / 4)


def test_a_clear_match_is_copied_from_where_it_is() -> None:
    query = torch.zeros((1, 1, 8, 8))
    query[0, 0, 4, 4] = 10
    key = torch.zeros((1, 1, 8, 8))
    key[0, 0, 5, 3] = 9
    values = torch.rand((1, 1, 8, 8), generator=torch.Generator().manual_seed(1))
    copied = copy_by_affinity(query, key, values, 2)
    assert copied[0, 0, 4, 4] == pytest.approx(float(values[0, 0, 5, 3]))


def test_untiling_undoes_tiling() -> None:
    x = torch.rand((2, 3, 16, 24))
    assert torch.equal(untile(query_tiles(x), 16, 24), x)
