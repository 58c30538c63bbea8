"""Tracks: like areas on neighbouring slices, for as long as there are any."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from training.refinement.toy import TUBE_SHAPE, tube, volume

from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.training.refinement.objects import TRACKED, Family, LabelledVolume, TrainingObject
from Sli2VolSlicerLib.training.refinement.tracks import LEAST_SLICES, tracked_objects


def tracked(seen: LabelledVolume, axis: int = 0, count: int = 1, seed: int = 0) -> list[TrainingObject]:
    stack = SliceStack(seen.voxels, seen.spacing_mm, axis)
    return list(tracked_objects(stack, count, np.random.default_rng(seed)))


def is_tube(seen: LabelledVolume) -> np.ndarray:
    return seen.voxels > 0.5


@pytest.mark.parametrize("seed", range(4))
def test_a_cylinder_among_noise_is_tracked_over_its_whole_length(seed: int) -> None:
    (found,) = tracked(tube(), seed=seed)
    assert found.family == Family(TRACKED) and not found.is_whole
    assert found.mask.any(axis=(1, 2)).all()
    for mask, cylinder in zip(found.mask, is_tube(tube()), strict=True):
        assert 2 * (mask & cylinder).sum() > 0.8 * (mask.sum() + cylinder.sum())


def test_a_track_is_on_the_grid_of_the_volume_whatever_its_axis() -> None:
    lying = tube()
    lying = LabelledVolume("lying", "lying", "tube", np.moveaxis(lying.voxels, 0, 2), (1.0, 1.0, 3.0))
    (found,) = tracked(lying, axis=2)
    assert found.mask.shape == lying.voxels.shape
    assert (found.mask & is_tube(lying)).sum() > 0.95 * found.mask.sum()


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_track_ends_where_the_overlap_breaks(goes_on: bool) -> None:
    found = tracked(tube(ends=20, goes_on=goes_on), count=2)
    assert len(found) == 1 + goes_on
    starts_and_ends = sorted(tuple(np.flatnonzero(one.mask.any(axis=(1, 2)))[[0, -1]]) for one in found)
    assert starts_and_ends == [(0, 19), (20, TUBE_SHAPE[0] - 1)][: len(found)]


def test_neighbouring_slices_of_a_track_overlap() -> None:
    (found,) = tracked(tube())
    for one, other in pairwise(found.mask):
        assert 2 * (one & other).sum() > 0.72 * (one.sum() + other.sum())


def test_one_tube_is_tracked_once() -> None:
    assert len(tracked(tube(), count=3)) == 1


def test_what_is_short_is_no_track() -> None:
    assert tracked(tube(ends=LEAST_SLICES - 1)) == []
    assert tracked(volume()) == []


def test_the_same_generator_finds_the_same_tracks() -> None:
    first, second = (tracked(tube(), seed=3) for _ in range(2))
    assert [one.mask.tobytes() for one in first] == [one.mask.tobytes() for one in second]
