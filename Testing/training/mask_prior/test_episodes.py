"""Episodes are slices of one structure in order, whatever is done to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from training.mask_prior.toy import PLAIN, cone

from Sli2VolSlicerLib.engine.errors import VolumeError
from Sli2VolSlicerLib.training.mask_prior.episodes import Episode, EpisodeSampler, EpisodeSettings


def drawn(settings: EpisodeSettings, count: int = 40) -> list[Episode]:
    sampler, generator = EpisodeSampler([cone()], settings), np.random.default_rng(0)
    return [sampler.draw(generator) for _ in range(count)]


def test_slices_and_truth_stay_aligned_however_they_are_turned() -> None:
    for episode in drawn(PLAIN):
        inside = episode.truth > 0.5
        if inside[-1].any():
            assert episode.intensity[-1][inside[-1]].mean() > episode.intensity[-1][~inside[-1]].mean()
        np.testing.assert_array_equal(episode.drawn, episode.truth[0])


def test_an_episode_goes_one_way_along_the_structure() -> None:
    settings = replace(PLAIN, zoom=0, ending=0, steps=3, fills=10)
    for episode in drawn(settings):
        areas = (episode.truth > 0.5).sum(axis=(1, 2))
        there = areas[areas > 0].astype(int)
        steps = np.diff(there)
        assert (steps > 0).all() or (steps < 0).all()


def test_episodes_at_ends_show_that_nothing_is_there_any_more() -> None:
    ended = [not (each.truth[-1] > 0.5).any() for each in drawn(replace(PLAIN, ending=1.0))]
    usual = [not (each.truth[-1] > 0.5).any() for each in drawn(replace(PLAIN, ending=0.0))]
    assert sum(ended) > 2 * sum(usual)


def test_a_large_structure_is_shrunk_into_the_scene() -> None:
    for episode in drawn(replace(PLAIN, scene=24)):
        rows = np.flatnonzero((episode.truth[0] > 0.5).any(axis=1))
        assert rows[-1] - rows[0] + 1 <= 0.55 * 24 * 1.5 + 1


def test_a_moved_mask_still_covers_the_structure() -> None:
    for episode in drawn(replace(PLAIN, mask_moved=1.0)):
        both = (episode.drawn > 0.5) & (episode.truth[0] > 0.5)
        assert 2 * both.sum() > 0.7 * ((episode.drawn > 0.5).sum() + (episode.truth[0] > 0.5).sum())
        assert not np.array_equal(episode.drawn, episode.truth[0])


def test_the_generator_decides() -> None:
    first, again = drawn(EpisodeSettings(scene=32), 3), drawn(EpisodeSettings(scene=32), 3)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.intensity, other.intensity)
        np.testing.assert_array_equal(one.drawn, other.drawn)


def test_what_is_held_out_is_never_drawn() -> None:
    with pytest.raises(VolumeError, match="nothing to learn from"):
        EpisodeSampler([cone(is_held_out=True)], PLAIN)
