"""What the mask prior learns to follow is cut out of volumes as the engine would see it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from training.refinement.toy import ball, tube, volume

from Sli2VolSlicerLib.training.mask_prior import CutOutSettings, cut_outs
from Sli2VolSlicerLib.training.refinement.objects import GROWN, TRACKED

NO_REGIONS = CutOutSettings(across_chance=0, grown=0, grown_unlabelled=0, tracked=0)


def test_a_labelled_structure_comes_with_what_is_around_it_and_beyond_its_ends() -> None:
    (found,) = cut_outs(volume(2 * ball().astype(np.uint8)), NO_REGIONS, 1, is_held_out=True)
    assert found.family.words == "ball" and found.family.label == 2 and found.is_held_out
    assert found.mask.shape == found.intensity.shape and found.intensity.dtype == np.uint8
    assert found.mask.sum() == ball().sum()
    occupied = np.flatnonzero(found.mask.any(axis=(1, 2)))
    assert occupied[0] == 1 and len(found.mask) - 1 - occupied[-1] == 0
    assert found.intensity[found.mask].mean() > 2 * found.intensity[~found.mask].mean()


def test_it_is_followed_across_the_slices_too() -> None:
    chosen = replace(NO_REGIONS, across_chance=1.0)
    along, across = cut_outs(volume(ball().astype(np.uint8)), chosen, 1, is_held_out=False)
    assert not along.family.is_across and across.family.is_across
    assert across.mask.sum() == ball().sum()


def test_volumes_without_labels_serve_through_regions_and_tracks() -> None:
    chosen = replace(NO_REGIONS, grown_unlabelled=2, tracked=2)
    found = cut_outs(tube(), chosen, 1, is_held_out=False)
    assert {one.family.group for one in found} <= {GROWN, TRACKED} and found


def test_beyond_a_track_s_ends_nothing_is_shown() -> None:
    found = cut_outs(tube(ends=24, goes_on=True), replace(NO_REGIONS, tracked=2), 1, is_held_out=False)
    assert found
    for one in found:
        assert one.mask[0].any() and one.mask[-1].any()


def test_a_structure_on_too_few_slices_is_left_out() -> None:
    thin = ball() & (np.arange(14) < 5)[:, None, None]
    assert cut_outs(volume(thin.astype(np.uint8)), NO_REGIONS, 1, is_held_out=False) == []


def test_the_seed_and_the_name_decide() -> None:
    chosen = replace(NO_REGIONS, grown_unlabelled=2, tracked=2)
    first, again = (cut_outs(tube(), chosen, 3, is_held_out=False) for _ in range(2))
    assert [one.name for one in first] == [one.name for one in again]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.mask, other.mask)
