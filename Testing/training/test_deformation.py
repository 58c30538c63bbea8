"""Copies of volumes as if of other patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.training.deformation import DeformationSettings, deformed
from Sli2VolSlicerLib.training.refinement import LabelledVolume

SHAPE = (30, 48, 52)
UNCHANGED = DeformationSettings(
    shift=0,
    share=0,
    more_thick=(1, 1),
    more_thin=(1, 1),
    thickness=(1, 1),
    turn=0,
    zoom=0,
    tilt=0,
    in_plane=(0, 50),
    across=(0, 50),
    gamma=0,
    bias=(0, 50),
    noise=(0, 0),
    uneven=0,
)


def labels() -> np.ndarray:
    """A ball and a column."""
    z, y, x = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    found = ((z - 14) ** 2 + (y - 22) ** 2 + (x - 20) ** 2 <= 81).astype(np.uint8)
    found[(y - 24) ** 2 + (x - 40) ** 2 <= 16] = 2
    return found


def volume(thickness: float = 2.0, least: int = -1000) -> LabelledVolume:
    """The ball dark, the column bright, in air."""
    voxels = np.full(SHAPE, least, np.int16)
    voxels[4:-4, 4:-4, 4:-4] = 0
    voxels[labels() == 1], voxels[labels() == 2] = 200, 600
    return LabelledVolume("one", "one", "group", voxels, (thickness, 1.0, 1.5), labels())


def copy(of: LabelledVolume, seed: int = 0, how: DeformationSettings | None = None, same: tuple[int, ...] = ()):
    return deformed(of, how or DeformationSettings(), np.random.default_rng(seed), frozenset(same))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 5.0]))
def test_labels_move_with_what_they_are_of(seed: int, thickness: float) -> None:
    made = copy(volume(thickness), seed, replace(DeformationSettings(), shift=0, noise=(0, 0.01)))
    assert made.labels is not None and made.voxels.shape == made.labels.shape
    for value, low, high in ((1, 100, 400), (2, 401, 900)):
        seen = (made.voxels > low) & (made.voxels < high)
        mask = made.labels == value
        assert (seen & mask).sum() > 0.8 * mask.sum() > 100


def test_nothing_changes_where_nothing_may() -> None:
    made = copy(volume(), how=UNCHANGED)
    np.testing.assert_array_equal(made.voxels, volume().voxels)
    np.testing.assert_array_equal(made.labels, labels())
    assert made.spacing_mm == volume().spacing_mm


def test_the_same_draw_gives_the_same_copy_and_another_one_another() -> None:
    one, again, other = (copy(volume(), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.voxels, again.voxels)
    np.testing.assert_array_equal(one.labels, again.labels)
    assert one.voxels.shape != other.voxels.shape or (one.voxels != other.voxels).any()


def test_the_volume_itself_stays_as_it_is() -> None:
    given_volume = volume()
    copy(given_volume)
    np.testing.assert_array_equal(given_volume.voxels, volume().voxels)
    np.testing.assert_array_equal(given_volume.labels, labels())


def test_thick_slices_become_more_and_the_volume_stays_as_long() -> None:
    how = replace(UNCHANGED, more_thick=(1.5, 1.5))
    made = copy(volume(thickness=5.0), how=how)
    assert made.voxels.shape == (45, 48, 52)
    assert made.spacing_mm == pytest.approx((5.0 * 29 / 44, 1.0, 1.5))
    assert copy(volume(thickness=2.0), how=how).voxels.shape == SHAPE


def test_thick_slices_may_be_told_to_lie_closer_than_they_do() -> None:
    how = replace(UNCHANGED, thickness=(0.5, 0.5))
    assert copy(volume(thickness=5.0), how=how).spacing_mm == (2.5, 1.0, 1.5)
    assert copy(volume(thickness=2.0), how=how).spacing_mm == (2.0, 1.0, 1.5)


def test_structures_take_another_contrast_but_for_those_that_keep_theirs() -> None:
    made = copy(volume(), how=replace(UNCHANGED, shift=50.0), same=(2,))
    inside = np.zeros(SHAPE, bool)
    inside[14, 20:25, 18:23] = True
    assert len(np.unique(made.voxels[inside])) == 1 and made.voxels[inside][0] != 200
    assert (made.voxels[labels() == 2] == volume().voxels[labels() == 2]).all()


def test_what_is_no_ct_is_made_brighter_by_shares() -> None:
    made = copy(volume(least=0), how=replace(UNCHANGED, share=5.0))
    assert made.voxels[14, 22, 20] in (round(200 * 0.65), round(200 * 1.35))


def test_nothing_is_darker_than_the_volume_was() -> None:
    made = copy(volume(), how=replace(UNCHANGED, noise=(0.2, 0.2)))
    assert made.voxels.min() == -1000


def test_a_volume_without_labels_gives_copies_without() -> None:
    made = copy(replace(volume(), labels=None))
    assert made.labels is None
    assert made.voxels.dtype == np.int16
