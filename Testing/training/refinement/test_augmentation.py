"""Augmentation: the picture changes, and what belongs together stays together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from training.refinement.toy import example

from Sli2VolSlicerLib.training.augmentation import AugmentationSettings
from Sli2VolSlicerLib.training.refinement.augmentation import PassAugmentation, augmented
from Sli2VolSlicerLib.training.refinement.batches import PassBatch, whole_pass

PLAIN = AugmentationSettings(gamma=1.0, contrast=0.0, brightness=0.0, noise=0.0)
STILL = PassAugmentation(
    PLAIN,
    inverted=0.0,
    turned=0.0,
    drifting=0.0,
    measure_noise=0.0,
    size_hidden=0.0,
    stop_hidden=0.0,
    distance_hidden=0.0,
    distance_shrunk=0.0,
)


def a_batch() -> PassBatch:
    """A pass whose masks, intensity and truth are one lopsided picture."""
    made = whole_pass(example())
    picture = torch.zeros_like(made.soft)
    picture[..., 10:30, 12:50] = 0.8
    picture[..., 10:20, 40:50] = 0.3
    return replace(made, intensity=picture, soft=picture, truth=picture, drawn=picture[:, 0], drawn_on=picture[:, 0])


def many_passes() -> PassBatch:
    """64 of them, every measure a half."""
    made = a_batch()
    many = {name: getattr(made, name).repeat_interleave(64, dim=0) for name in vars(made)}
    return PassBatch(**(many | {"measures": torch.full_like(many["measures"], 0.5)}))


def test_intensity_masks_and_truth_move_alike() -> None:
    for seed in range(8):
        moved = augmented(a_batch(), replace(STILL, turned=1.0), np.random.default_rng(seed))
        assert torch.equal(moved.soft, moved.truth)
        assert torch.equal(moved.drawn, moved.soft[:, 0])
        # Jittering clips intensities from below.
        torch.testing.assert_close(moved.intensity, moved.soft, atol=2e-4, rtol=0)
        torch.testing.assert_close(moved.drawn_on, moved.drawn, atol=2e-4, rtol=0)


def test_masks_and_truth_keep_their_values_when_intensity_changes() -> None:
    settings = replace(PassAugmentation(), turned=0.0, drifting=0.0)
    moved = augmented(a_batch(), settings, np.random.default_rng(2))
    assert set(torch.unique(moved.truth).tolist()) == set(torch.unique(a_batch().truth).tolist())
    assert torch.equal(moved.soft, moved.truth)
    assert float(moved.intensity.min()) >= 0 and float(moved.intensity.max()) <= 1


def test_all_slices_of_a_pass_change_intensity_alike() -> None:
    settings = PassAugmentation(replace(AugmentationSettings(), noise=0.0), inverted=0.5, turned=0.0)
    moved = augmented(a_batch(), settings, np.random.default_rng(5))
    assert (moved.intensity == moved.intensity[:, :1]).all() and torch.equal(moved.drawn_on, moved.intensity[:, 0])


def test_inversion_makes_bright_what_was_dark() -> None:
    moved = augmented(a_batch(), replace(STILL, inverted=1.0), np.random.default_rng(0))
    torch.testing.assert_close(moved.intensity, 1 - moved.soft, atol=2e-4, rtol=0)


def graded_batch() -> PassBatch:
    """Passes whose masks fall off to the side, as carried ones do; the truth is what they were before they drift."""
    made = many_passes()
    soft = torch.linspace(1, 0, made.soft.shape[-1]).expand_as(made.soft).contiguous()
    measures = made.measures.clone()
    measures[..., 2] = 0
    return replace(made, soft=soft, truth=soft.clone(), drawn=soft[:, 0].clone(), measures=measures)


def test_drifting_masks_lose_ground_at_every_slice_and_their_area_is_told() -> None:
    batch = graded_batch()
    drifted = augmented(batch, replace(STILL, drifting=1.0, swelling=0.0), np.random.default_rng(0))
    areas = (drifted.soft > 0.5).sum((2, 3))
    was = (drifted.truth > 0.5).sum((2, 3))
    assert (areas.diff(dim=1) <= 0).all() and (areas[:, -1] < was[:, -1]).all()
    assert torch.equal(drifted.soft[:, 0], drifted.drawn)
    told = torch.log2((areas + 1) / (was + 1)).clamp(min=-6) / 4
    torch.testing.assert_close(drifted.measures[..., 2], told)
    assert (drifted.measures[..., 3:] == 0.5).all() and (drifted.measures[..., :2] == 0.5).all()


def test_an_area_is_told_within_the_same_bounds_after_drifting_as_before() -> None:
    batch = graded_batch()
    batch.measures[..., 2] = 0.75
    told = augmented(batch, replace(STILL, drifting=1.0, swelling=1.0), np.random.default_rng(0)).measures[..., 2]
    assert (told == 0.75).all()


def test_swelling_masks_gain_ground_but_begin_nowhere_anew() -> None:
    batch = graded_batch()
    swollen = augmented(batch, replace(STILL, drifting=1.0, swelling=1.0), np.random.default_rng(0))
    assert ((swollen.soft > 0.5).sum((2, 3))[:, -1] > (swollen.truth > 0.5).sum((2, 3))[:, -1]).all()
    assert (swollen.soft[swollen.truth < 0.05] <= swollen.truth[swollen.truth < 0.05]).all()


def test_only_a_share_of_the_passes_drifts() -> None:
    drifted = augmented(graded_batch(), replace(STILL, drifting=0.3), np.random.default_rng(0))
    drifts = (drifted.soft != drifted.truth).flatten(1).any(dim=1)
    assert 10 < int(drifts.sum()) < 30


def test_only_size_and_stop_rules_are_hidden() -> None:
    batch = replace(a_batch(), measures=torch.full_like(a_batch().measures, 0.5))
    hidden = augmented(batch, replace(STILL, size_hidden=1.0, stop_hidden=1.0), np.random.default_rng(0)).measures
    assert torch.nonzero((hidden == 0).all(dim=(0, 1))).flatten().tolist() == [6, 8]
    assert int((hidden == 0).sum()) == 2 * hidden.shape[0] * hidden.shape[1]
    assert (batch.measures == 0.5).all()


def test_a_hidden_distance_is_nothing_on_all_slices_of_a_pass() -> None:
    settings = replace(STILL, measure_noise=0.1, distance_hidden=0.5, distance_shrunk=0.5)
    distances = augmented(many_passes(), settings, np.random.default_rng(0)).measures[..., 0]
    is_hidden = (distances == 0).all(dim=1)
    assert torch.equal(is_hidden, (distances == 0).any(dim=1))
    assert 20 < int(is_hidden.sum()) < 44


def test_distances_shrink_by_one_share_for_all_slices_of_a_pass() -> None:
    settings = replace(STILL, distance_shrunk=0.5, distance_shrunk_to=0.25)
    measures = augmented(many_passes(), settings, np.random.default_rng(0)).measures
    shares = measures[..., 0]
    assert (shares == shares[:, :1]).all() and (measures[..., 1:] == 0.5).all()
    assert float(shares.min()) >= 0.125 and float(shares.max()) == 0.5
    assert 20 < int((shares[:, 0] < 0.5).sum()) < 44


def test_the_same_generator_draws_the_same() -> None:
    first, second = (augmented(a_batch(), PassAugmentation(), np.random.default_rng(4)) for _ in range(2))
    assert torch.equal(first.intensity, second.intensity) and torch.equal(first.measures, second.measures)
