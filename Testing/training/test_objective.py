"""The errors that training minimises, on correspondences that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from Sli2VolSlicerLib.engine.displacement import warp
from Sli2VolSlicerLib.training.augmentation import AugmentationSettings, jitter_intensity, random_flow
from Sli2VolSlicerLib.training.objective import (
    carrying_error,
    correspondence_error,
    reconstruction_error,
    reconstruction_targets,
)


def distinct_features(seed: int = 0) -> torch.Tensor:
    """Every pixel unlike every other: (1, 32, 64, 64)."""
    features = torch.randn((1, 32, 64, 64), generator=torch.Generator().manual_seed(seed))
    return 6 * torch.nn.functional.normalize(features, dim=1)


def test_equal_slices_are_rebuilt_without_error() -> None:
    features, slices = distinct_features(), torch.rand((1, 1, 64, 64))
    assert float(reconstruction_error(features, features, slices, slices, 7)) < 1e-3


def test_a_shifted_slice_is_rebuilt_from_where_it_came() -> None:
    features, slices = distinct_features(), torch.rand((1, 1, 64, 64))
    moved, shown = (torch.roll(x, (3, -2), (2, 3)) for x in (features, slices))
    assert float(reconstruction_error(moved, features, slices, shown, 7)) < 1e-3
    assert float(reconstruction_error(features, features, slices, shown, 7)) > 0.1


def test_the_correspondence_error_is_small_only_for_the_true_flow() -> None:
    features = distinct_features()
    flow = torch.zeros((1, 2, 64, 64))
    flow[:, 0], flow[:, 1] = 3, -2
    moved = torch.roll(features, (-3, 2), (2, 3))
    assert float(correspondence_error(moved, features, flow, 7)) < 0.01
    assert float(correspondence_error(moved, features, -flow, 7)) > 5


def test_half_a_pixel_is_shared_between_two_keys() -> None:
    flow = torch.zeros((1, 2, 64, 64))
    flow[:, 0] = 0.5
    equal = torch.ones((1, 4, 64, 64))
    assert float(correspondence_error(equal, equal, flow, 2)) == pytest.approx(np.log(25), abs=1e-4)


def test_warping_by_whole_pixels_moves_them_exactly() -> None:
    slices = torch.rand((1, 1, 20, 20))
    flow = torch.zeros((1, 2, 20, 20))
    flow[:, 1] = 2
    np.testing.assert_allclose(warp(slices, flow)[..., :-2].numpy(), slices[..., 2:].numpy(), atol=1e-5)


def test_a_random_flow_stays_within_its_bound() -> None:
    for seed in range(5):
        assert float(random_flow(64, 6.0, np.random.default_rng(seed)).abs().max()) <= 6.0


def test_jitter_is_drawn_for_each_slice_on_its_own_and_keeps_the_range() -> None:
    same = torch.rand((1, 16, 16)).expand(2, -1, -1)
    jittered = jitter_intensity(same, AugmentationSettings(), np.random.default_rng(0))
    assert not torch.equal(jittered[0], jittered[1])
    assert float(jittered.min()) >= 0 and float(jittered.max()) <= 1


def test_edges_are_among_the_targets() -> None:
    step = torch.zeros((1, 1, 16, 16))
    step[..., 8:] = 1
    targets = reconstruction_targets(step)
    assert targets.shape == (1, 2, 16, 16)
    assert float(targets[0, 1, 8, 8]) > 0.5 and float(targets[0, 1, 8, 2]) == 0


def runs_of(features: torch.Tensor, *shifts: int) -> torch.Tensor:
    """One run whose slices are the same features, each moved some columns: (1, slices, channels, rows, columns)."""
    return torch.stack([torch.roll(features, shift, 3) for shift in shifts], dim=1)


def square(*columns: int | None) -> torch.Tensor:
    """One run with a square of 8 pixels that begins at these columns, None where it is not: (1, slices, 1, 64, 64)."""
    masks = torch.zeros((1, len(columns), 1, 64, 64))
    for number, column in enumerate(columns):
        if column is not None:
            masks[0, number, 0, 28:36, column : column + 8] = 1
    return masks


def test_a_mask_is_carried_along_with_what_it_is_on() -> None:
    run = runs_of(distinct_features(), 0, 2, 4)
    assert float(carrying_error(run, square(26, 28, 30), 7)) < 0.01
    assert float(carrying_error(run, square(26, 26, 26), 7)) > 0.2


def test_a_lost_mask_stays_lost_on_the_slices_that_follow() -> None:
    run = runs_of(distinct_features(), 0, 10, 10)
    lost_at_once = float(carrying_error(run[:, :2], square(22, 32), 7))
    assert float(carrying_error(run, square(22, 32, 32), 7)) == pytest.approx(lost_at_once, rel=0.05)


def test_nothing_is_asked_where_a_structure_has_ended() -> None:
    run = runs_of(distinct_features(), 0, 0, 0)
    assert float(carrying_error(run, square(26, None, 40), 7)) == 0
