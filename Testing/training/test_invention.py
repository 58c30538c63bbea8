"""Volumes of nobody: tubes and organs to learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.training.invention import InventionSettings, invented
from Sli2VolSlicerLib.training.refinement import LabelledVolume

SMALL = InventionSettings(slices=(20, 24), side=64, organs=(2, 4), organ_radius=(6, 14), tube_radius=(3, 6))
CLEAR = replace(
    SMALL, organs=(0, 0), tubes=1, through=1, tube_contrast=(0.3, 0.3), noise=(0.001, 0.001), walled=0, crowded=0
)
CROWD = replace(SMALL, crowded=1, crowd=(3, 4), gap=0, tubes=0)


def made(seed: int = 0, how: InventionSettings = SMALL) -> LabelledVolume:
    return invented("invented_1", how, np.random.default_rng(seed))


def labels_of(volume: LabelledVolume) -> np.ndarray:
    assert volume.labels is not None
    return volume.labels


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_tubes_are_labelled_one_to_four_and_organs_five_to_eight(seed: int) -> None:
    volume = made(seed)
    assert set(np.unique(labels_of(volume))) <= set(range(9))
    assert volume.voxels.shape == labels_of(volume).shape and volume.voxels.dtype == np.int16
    assert 0 <= volume.voxels.min() <= volume.voxels.max() <= 1000
    assert 20 <= len(volume.voxels) <= 24 and 2 <= volume.spacing_mm[0] <= 5


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_a_tube_through_the_volume_is_on_every_slice_unless_it_leaves_the_picture(seed: int) -> None:
    tube = labels_of(made(seed, CLEAR)) == 1
    there = tube.any(axis=(1, 2))
    border = tube[:, [0, -1]].any(axis=(1, 2)) | tube[:, :, [0, -1]].any(axis=(1, 2))
    assert there.any() and (there.all() or border.any())


def test_a_tube_stands_out_as_much_as_is_asked() -> None:
    volume = made(3, CLEAR)
    tube = labels_of(volume) == 1
    around = volume.voxels[~tube]
    assert tube.sum() > 500
    assert abs(float(volume.voxels[tube].mean()) - float(np.median(around))) > 200


def test_every_volume_is_a_patient_of_its_own_in_one_group() -> None:
    volume = made()
    assert (volume.name, volume.patient, volume.group) == ("invented_1", "invented_1", "invented")


def test_the_same_draw_gives_the_same_volume_and_another_one_another() -> None:
    one, again, other = (made(seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.voxels, again.voxels)
    np.testing.assert_array_equal(labels_of(one), labels_of(again))
    assert one.voxels.shape != other.voxels.shape or (one.voxels != other.voxels).any()


def test_what_hardly_shows_has_no_label() -> None:
    tiny = replace(SMALL, tube_radius=(0.3, 0.4), organ_radius=(1.0, 1.5))
    assert not labels_of(made(0, tiny)).any()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000))
def test_organs_of_a_crowd_fill_the_volume(seed: int) -> None:
    labels = labels_of(made(seed, CROWD))
    assert set(np.unique(labels)) <= {0, 5, 6, 7, 8}
    assert (labels > 0).mean() > 0.8


def test_a_gap_keeps_the_organs_of_a_crowd_apart() -> None:
    close, apart = (labels_of(made(1, replace(CROWD, gap=gap))) for gap in (0.0, 30.0))
    assert 0 < (apart > 0).sum() < 0.5 * (close > 0).sum()


def test_tubes_and_organs_of_a_crowd_stand_in_one_volume() -> None:
    labels = labels_of(made(5, replace(CROWD, tubes=2, through=1)))
    assert {1, 2} <= set(np.unique(labels)) and labels.max() >= 5
