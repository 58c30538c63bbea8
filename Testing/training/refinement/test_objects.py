"""What passes are run on: every label, and regions that the image itself ends."""

from __future__ import annotations

import numpy as np
from training.refinement.toy import SHAPE, ball, volume

from Sli2VolSlicerLib.training.refinement.objects import (
    GROWN,
    LEAST_SLICES,
    Family,
    alikeness,
    grown_objects,
    label_values,
    labelled_objects,
)


def test_every_label_is_an_object() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:8, 5:9, 5:9], labels[3:9, 20:29, 20:29] = 4, 9
    found = list(labelled_objects(volume(labels)))
    assert [one.family for one in found] == [Family("ball", 4), Family("ball", 9)]
    assert np.array_equal(found[1].mask, labels == 9)


def test_a_volume_without_labels_has_no_labelled_objects() -> None:
    assert label_values(volume()) == [] and list(labelled_objects(volume())) == []


def test_regions_grow_to_what_is_of_like_intensity_and_no_farther() -> None:
    found = list(grown_objects(volume(), 2, np.random.default_rng(0)))
    assert found and all(one.family == Family(GROWN) for one in found)
    for one in found:
        assert one.mask.any(axis=(1, 2)).sum() >= LEAST_SLICES
        inside = one.mask & ball(7.0)
        assert inside.sum() > 0.95 * one.mask.sum()


def test_the_same_generator_grows_the_same_regions() -> None:
    first, second = (list(grown_objects(volume(), 1, np.random.default_rng(3))) for _ in range(2))
    assert [one.mask.tobytes() for one in first] == [one.mask.tobytes() for one in second]


def test_nothing_grows_in_a_volume_of_few_slices() -> None:
    few = volume()
    thin = type(few)("thin", "thin", "thin", few.voxels[:3], few.spacing_mm)
    assert list(grown_objects(thin, 2, np.random.default_rng(0))) == []


def test_a_region_is_not_alike_its_surroundings_where_intensities_part() -> None:
    image = volume().voxels
    assert alikeness(image, ball()) < 0.2
    assert alikeness(image, np.roll(ball(3.0), 14, axis=2)) > 0.5
