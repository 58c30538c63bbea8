"""Examples: real passes through their windows, with the truth seen through the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training.refinement.toy import SHAPE, ball, tube, volume

from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.passes import Pass, StageSeconds, advance, begin_pass
from Sli2VolSlicerLib.engine.refinement.network import MEASURES
from Sli2VolSlicerLib.engine.refinement.view import view_of
from Sli2VolSlicerLib.engine.refinement.window import SIDE
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.working_grid import WorkingGrid
from Sli2VolSlicerLib.training.refinement import ExampleSettings, PassExample, pass_examples
from Sli2VolSlicerLib.training.refinement.examples import example_of
from Sli2VolSlicerLib.training.refinement.objects import TRACKED, Family

ALONG = ExampleSettings(anchors=2, least_anchors=2, across_chance=0.0, grown=0, grown_unlabelled=0, tracked=0)


def a_pass(scale: float = 1.0) -> Pass:
    """Three slices up from the ball's middle."""
    made = volume()
    grid = WorkingGrid(SliceStack(made.voxels, made.spacing_mm), scale)
    carrier = CopyMask().open(grid)
    run = begin_pass(grid, CopyMask().rules, 1, 7, 1, ball()[7])
    for _ in range(3):
        advance([run], carrier, CopyMask().rules, StageSeconds())
    return run


def made_from(labels: np.ndarray | None, settings: ExampleSettings = ALONG, seed: int = 1) -> list[PassExample]:
    return pass_examples(volume(labels), CopyMask(), settings, seed)


def test_the_truth_is_cut_through_the_window_of_the_view() -> None:
    for scale in (1.0, 0.5):
        run = a_pass(scale)
        example, view = example_of(run, ball(), Family("ball"), "a pass"), view_of(run, SHAPE[0])
        assert example is not None and view is not None
        truth = view.window.cut([run.grid.soft_from_mask(ball()[index]) for index in view.slices])
        np.testing.assert_allclose(example.truth / 255, truth, atol=0.5 / 255 + 1e-6)
        np.testing.assert_allclose(example.soft / 255, view.soft, atol=0.5 / 255 + 1e-6)
        assert view.slices == (7, 8, 9, 10, 11, 12, 13)


@pytest.mark.parametrize(("volumes", "times"), [(0, 1), (1, 4), (5, 4), (7, 2), (10, 2), (11, 1), (20, 1), (50, 1)])
def test_anchors_on_each_volume_make_up_for_the_volumes_that_a_group_lacks(volumes: int, times: int) -> None:
    settings = ExampleSettings(grown=5)
    assert settings.in_group_of(volumes) == replace(settings, times=times)


@pytest.mark.parametrize(("times", "anchors"), [(1, 2), (2, 4), (3, 6)])
def test_a_structure_has_so_many_times_the_least_anchors(times: int, anchors: int) -> None:
    made = made_from(ball().astype(np.uint8), replace(ALONG, times=times))
    assert len({example.name.split()[-2] for example in made}) == anchors


def test_what_was_drawn_is_the_truth_on_the_anchor() -> None:
    for example in made_from(ball().astype(np.uint8)):
        assert torch.equal(example.soft[0], example.truth[0])


def test_examples_are_small() -> None:
    example = made_from(ball().astype(np.uint8))[0]
    slices = len(example.soft)
    for picture in (example.intensity, example.soft, example.truth):
        assert picture.dtype == torch.uint8 and picture.shape == (slices, SIDE, SIDE)
    assert example.measures.shape == (slices, MEASURES) and example.measures.dtype == torch.float32


def test_passes_go_both_ways_from_each_anchor() -> None:
    names = [example.name for example in made_from(ball().astype(np.uint8))]
    assert len(names) == 4 and {name[-2:] for name in names} == {"+1", "-1"}
    assert len({name[:-3] for name in names}) == 2


def test_a_lone_structure_is_followed_across_the_slices_too() -> None:
    found = made_from(ball().astype(np.uint8), replace(ALONG, anchors=3, least_anchors=1, across=0.4))
    assert {example.name.split(" axis ")[1][0] for example in found} == {"0", "1", "2"}
    assert all(example.family.is_across != (" axis 0 " in example.name) for example in found)


def test_a_volume_without_labels_gives_grown_regions_only() -> None:
    assert made_from(None) == []
    found = made_from(None, replace(ALONG, grown_unlabelled=12))
    assert found and {example.family.words for example in found} == {"grown"}


def test_all_slices_of_labelled_structures_are_known() -> None:
    assert all(example.known.all() for example in made_from(ball().astype(np.uint8)))


def test_beyond_a_track_nothing_is_known() -> None:
    seen = tube(ends=24)
    found = pass_examples(seen, CopyMask(), replace(ALONG, tracked=3, tracked_across_chance=0.0), 1)
    assert found and {example.family for example in found} == {Family(TRACKED)}
    for example in found:
        assert torch.equal(example.known, (example.truth > 127).flatten(1).any(1))
        assert example.known[:2].all()
    assert not all(example.known.all() for example in found)


def test_tracks_are_searched_for_across_the_slices_too() -> None:
    lying = replace(tube(), voxels=np.moveaxis(tube().voxels, 0, 1), spacing_mm=(1.0, 3.0, 1.0))
    found = pass_examples(lying, CopyMask(), replace(ALONG, tracked=1, tracked_across_chance=1.0), 4)
    assert {example.family for example in found} == {Family(TRACKED)}
    assert any(" axis 1 " in example.name for example in found)


def test_a_structure_on_few_slices_gives_nothing() -> None:
    labels = ball().astype(np.uint8)
    labels[9:] = labels[:5] = 0
    assert made_from(labels) == []


def test_the_seed_decides_the_anchors() -> None:
    labels = ball(6.0).astype(np.uint8)
    names = [[example.name for example in made_from(labels, seed=seed)] for seed in (1, 1, 2, 3)]
    assert names[0] == names[1] and not names[0] == names[2] == names[3]
