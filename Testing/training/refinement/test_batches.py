"""Batches: passes of like length, drawn by family, with what does not count marked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training.refinement.toy import example, known_up_to

from Sli2VolSlicerLib.training.refinement import BatchSettings
from Sli2VolSlicerLib.training.refinement.batches import BatchSampler, sampling_shares, whole_pass
from Sli2VolSlicerLib.training.refinement.objects import GROWN, TRACKED, Family


def test_shares_are_split_by_source_then_group_then_label() -> None:
    families = [Family("head", 1), Family("head", 1), Family("head", 2), Family("leg", 1)]
    families += [Family("leg", 1, is_across=True), Family(GROWN), Family(GROWN), Family(TRACKED)]
    shares = sampling_shares(families, BatchSettings(grown_share=0.2, across_share=0.2, tracked_share=0.1))
    np.testing.assert_allclose(shares, [0.0625, 0.0625, 0.125, 0.25, 0.2, 0.1, 0.1, 0.1])


def test_shares_sum_to_one() -> None:
    families = [Family("head", 1), Family("leg", 1, is_across=True), Family(GROWN), Family(TRACKED)]
    for count in range(1, 5):
        assert sampling_shares(families[-count:], BatchSettings()).sum() == pytest.approx(1)
    np.testing.assert_allclose(sampling_shares(families, BatchSettings()), [0.4, 0.28, 0.2, 0.12])


def test_a_source_that_is_not_there_leaves_its_share_to_the_others() -> None:
    np.testing.assert_allclose(sampling_shares([Family("head", 1), Family("leg", 1)], BatchSettings()), [0.5, 0.5])


def test_passes_that_were_sent_on_have_half_whatever_they_are_of() -> None:
    first = [Family("head", 1), Family("head", 2), Family(GROWN), Family(TRACKED)]
    second = [Family("head", 1, is_sent_on=True)] * 2 + [Family("leg", 3, is_across=True, is_sent_on=True)]
    shares = sampling_shares([*second[:1], *first, *second[1:]], BatchSettings())
    assert shares.sum() == pytest.approx(1) and shares[1:5].sum() == pytest.approx(0.5)
    np.testing.assert_array_equal(shares[1:5], 0.5 * sampling_shares(first, BatchSettings()))
    np.testing.assert_array_equal(shares[[0, 5, 6]], 0.5 * sampling_shares(second, BatchSettings()))


def test_passes_of_one_round_alone_have_all_of_it() -> None:
    families = [Family("head", 1), Family("leg", 1, is_across=True), Family(GROWN)]
    sent_on = [replace(family, is_sent_on=True) for family in families]
    shares = [sampling_shares(each, BatchSettings(sent_on_share=0.3)) for each in (families, sent_on)]
    np.testing.assert_array_equal(*shares)
    assert shares[0].sum() == pytest.approx(1)


def test_a_batch_holds_passes_of_like_length_and_about_so_many_slices() -> None:
    examples = [example(slices) for slices in (5, 6, 7, 15, 16)]
    sampler = BatchSampler(examples, BatchSettings(slices=30, alike=2))
    for seed in range(20):
        batch = sampler.draw(np.random.default_rng(seed))
        passes, slices = batch.soft.shape[:2]
        assert passes == max(3, round(30 / slices)) or (slices <= 7 and passes in (4, 5, 6))
        assert (batch.counted.sum(dim=1) >= slices - 1 - 2 * 2).all()


def test_anchors_and_what_fills_up_do_not_count() -> None:
    sampler = BatchSampler([example(5), example(6)], BatchSettings(slices=60))
    batch = next(b for b in map(sampler.draw, map(np.random.default_rng, range(20))) if b.soft.shape[1] == 6)
    assert (batch.counted[:, 0] == 0).all()
    assert set(batch.counted.sum(dim=1).tolist()) == {4.0, 5.0}
    shorter = int(batch.counted.sum(dim=1).argmin())
    assert torch.equal(batch.soft[shorter, 5], batch.soft[shorter, 4])


def test_slices_of_which_nothing_is_known_do_not_count() -> None:
    assert whole_pass(known_up_to(3, slices=6)).counted.tolist() == [[0, 1, 1, 0, 0, 0]]


def test_a_long_pass_is_shown_in_part_after_its_anchor() -> None:
    long = example(30)
    sampler = BatchSampler([long], BatchSettings(longest=8, from_within=1.0))
    batch = sampler.draw(np.random.default_rng(0))
    assert batch.soft.shape[1] == 8
    assert torch.equal(batch.drawn[0], long.soft[0] / 255) and torch.equal(batch.drawn_on[0], long.intensity[0] / 255)
    assert torch.equal(batch.soft[0, 0], batch.drawn[0]) and batch.counted[0].tolist() == [0] + [1] * 7
    assert any(torch.equal(batch.intensity[0, 1], long.intensity[begin] / 255) for begin in range(1, 24))


@pytest.mark.parametrize("slices", [2, 40])
def test_a_whole_pass_has_all_of_its_slices(slices: int) -> None:
    batch = whole_pass(example(slices))
    assert batch.soft.shape[:2] == (1, slices) and batch.maps().shape[2] == slices
