"""Training of Sli2Vol+: pseudo-labels from one slice, crops that are aligned, two paths, and it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from training.power_cut import PowerCut, cut_after_three_steps

from Sli2VolSlicerLib.engine.errors import WeightsError
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS, PLUS_SETTINGS, CorrespondenceNetwork
from Sli2VolSlicerLib.engine.weights_file import load_network
from Sli2VolSlicerLib.training import SamplingSettings, TrainingVolume
from Sli2VolSlicerLib.training.plus import (
    GuidedSampler,
    PlusTrainer,
    PlusTraining,
    PseudoLabels,
    guided_error,
    identity_of,
    keep_labels,
    kept_labels,
    one_slice,
    propagated,
)
from Sli2VolSlicerLib.training.refinement import LabelledVolume

SMALL = PlusTraining(
    steps=4, pairs=2, held_out_every=4, checkpoint_every=2, sampling=SamplingSettings(crop=64), mixed_precision=False
)
SHAPE = (12, 72, 72)


def labels() -> np.ndarray:
    """Two balls, one over the other, uint8."""
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    result = np.zeros(SHAPE, np.uint8)
    result[(4 * (k - 6)) ** 2 + (j - 30) ** 2 + (i - 30) ** 2 <= 14**2] = 3
    result[(4 * (k - 5)) ** 2 + (j - 55) ** 2 + (i - 50) ** 2 <= 10**2] = 7
    return result


def volume(name: str = "balls", seed: int = 0) -> LabelledVolume:
    """The balls, bright, in smooth noise."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), (1, 2, 2))
    image = (100 * (labels() > 0) + 200 * noise).astype(np.float32)
    return LabelledVolume(name, name, "balls", image, (2.0, 1.0, 1.0), labels())


def trainer(settings: PlusTraining = SMALL, earlier: CorrespondenceNetwork | None = None) -> PlusTrainer:
    volumes = [volume("first"), volume("second", 1)]
    return PlusTrainer([v.unlabelled for v in volumes], {v.name: labels() for v in volumes}, settings, earlier)


def weights(of: PlusTrainer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in of.network.parameters()])


def test_the_slice_that_shows_the_most_structures_is_drawn() -> None:
    index, drawn = one_slice(volume(), seed=1)
    assert index in (5, 6)
    assert np.array_equal(drawn == 1, labels()[index] == 3), "the larger structure comes first"
    assert np.array_equal(drawn == 2, labels()[index] == 7)


def test_pseudo_labels_know_nothing_of_the_other_slices_labels() -> None:
    whole = volume()
    index, drawn = one_slice(whole, seed=1)
    alone = np.zeros_like(labels())
    alone[index] = labels()[index]
    method = create_method("copy")
    made = propagated(whole, method, seed=1)
    assert np.array_equal(made.labels, propagated(replace(whole, labels=alone), method, seed=1).labels)
    assert np.array_equal(made.labels[index], drawn) and made.numbers == (1, 2)
    assert made.labels.any(axis=(1, 2)).all(), "copying goes through the whole volume"


def test_a_volume_without_labels_is_drawn_on_by_growing_regions() -> None:
    unlabelled = replace(volume(), labels=None)
    index, drawn = one_slice(unlabelled, seed=1)
    again, same = one_slice(unlabelled, seed=1)
    assert index == again and np.array_equal(drawn, same)
    assert drawn.shape == SHAPE[1:] and drawn.any()


def test_kept_pseudo_labels_come_back_only_for_the_same_volume_and_weights(tmp_path: Path) -> None:
    made = PseudoLabels(labels(), 5, labels()[5])
    file = tmp_path / "balls.npz"
    keep_labels(file, identity_of(volume(), "weights", 1), made)
    kept = kept_labels(file, identity_of(volume(), "weights", 1))
    assert kept is not None and np.array_equal(kept.labels, made.labels) and kept.slice_index == 5
    assert np.array_equal(kept.drawn, made.drawn)
    assert kept_labels(file, identity_of(volume(), "other weights", 1)) is None
    assert kept_labels(file, identity_of(volume(seed=1), "weights", 1)) is None
    assert kept_labels(tmp_path / "nowhere.npz", "") is None
    file.write_bytes(b"cut short")
    assert kept_labels(file, identity_of(volume(), "weights", 1)) is None


def test_slices_and_pseudo_labels_are_seen_through_the_same_frame() -> None:
    # The volume shows nothing but its one structure: aligned crops of both are equal, in every frame.
    shown = (labels() == 3).astype(np.uint8)
    settings = SamplingSettings(crop=64, window_share=0.0, side_axis_share=0.5)
    # So small a voxel spacing across slices that side views are drawn as well.
    volumes = [TrainingVolume("ball", np.pad(shown, ((12, 12), (0, 0), (0, 0))), (1.0, 1.0, 1.0))]
    sampler = GuidedSampler(volumes, [volumes[0].voxels], settings, guided=0.7)
    generator = np.random.default_rng(3)
    crops = torch.stack([sampler.draw_guided(generator) for _ in range(40)])
    assert crops.shape == (40, 2, 2, 64, 64)
    assert torch.equal(crops[:, 0], crops[:, 1])
    assert float(crops[:, 1].amax(dim=(1, 2, 3)).gt(0.5).float().mean()) > 0.5, "the structure is in most of them"


def test_pseudo_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pseudo-labels of balls have shape \(2, 72, 72\)"):
        GuidedSampler([volume().unlabelled], [labels()[:2]], SamplingSettings(), 0.5)


def distinct(seed: int) -> torch.Tensor:
    """Every pixel unlike every other: (1, 16, 64, 64)."""
    features = torch.randn((1, 16, 64, 64), generator=torch.Generator().manual_seed(seed))
    return 8 * torch.nn.functional.normalize(features, dim=1)


def test_either_path_alone_can_say_where_a_pixel_came_from() -> None:
    slices, masks = torch.rand((1, 64, 64)), (torch.rand((1, 64, 64)) > 0.5).float()
    moved = [torch.roll(x, (2, -3), (-2, -1)) for x in (slices, masks)]
    told = torch.stack([distinct(0), torch.roll(distinct(0), (2, -3), (-2, -1))], dim=1)
    silent = torch.zeros_like(told)
    pairs = torch.stack([slices, moved[0]], dim=1), torch.stack([masks, moved[1]], dim=1)
    assert float(guided_error(told, silent, *pairs, 1.0, 7)) < 1e-3
    assert float(guided_error(silent, told, *pairs, 1.0, 7)) < 1e-3
    assert float(guided_error(silent, silent, *pairs, 1.0, 7)) > 0.5


def test_the_error_is_that_of_the_slices_and_the_weighted_one_of_the_masks() -> None:
    silent = torch.zeros((1, 2, 4, 64, 64))
    black, white = torch.zeros((1, 64, 64)), torch.ones((1, 64, 64))
    slices = torch.stack([black, 0.25 * white], dim=1)
    masks = torch.stack([black, white], dim=1)
    assert float(guided_error(silent, silent, slices, masks, 0.5, 7)) == pytest.approx(0.25 + 0.5)


def test_the_same_seed_gives_the_same_weights_and_other_labels_do_not() -> None:
    first, second = trainer(), trainer()
    first.run_steps()
    second.run_steps()
    assert torch.equal(weights(first), weights(second))
    unguided = PlusTrainer([volume("first").unlabelled, volume("second", 1).unlabelled], {}, SMALL)
    unguided.run_steps()
    assert not torch.equal(weights(first), weights(unguided))


def test_a_resumed_run_ends_where_an_unbroken_one_does_and_other_labels_are_refused(tmp_path: Path) -> None:
    unbroken = trainer()
    unbroken.run_steps()
    checkpoint = tmp_path / "run.checkpoint"
    with pytest.raises(PowerCut):
        trainer().run_steps(checkpoint, cut_after_three_steps)
    resumed = trainer()
    resumed.run_steps(checkpoint)
    assert torch.equal(weights(resumed), weights(unbroken))
    assert resumed.curve == unbroken.curve
    volumes = [volume("first").unlabelled, volume("second", 1).unlabelled]
    with pytest.raises(WeightsError, match="other settings"):
        PlusTrainer(volumes, {"first": labels()}, SMALL).run_steps(checkpoint)


def test_it_begins_with_what_fits_of_another_network() -> None:
    torch.manual_seed(5)
    ours, plus = CorrespondenceNetwork(DEFAULT_SETTINGS), CorrespondenceNetwork(PLUS_SETTINGS)
    fresh, from_ours, from_plus = trainer(), trainer(earlier=ours), trainer(earlier=plus)
    assert from_plus.layers_taken == len(plus.state_dict())
    assert torch.equal(weights(from_plus), torch.cat([p.detach().flatten() for p in plus.parameters()]))
    assert from_ours.layers_taken == len(plus.state_dict()) - 1, "the first layer sees another number of channels"
    name = "backbone.full.0.weight"
    assert torch.equal(from_ours.network.state_dict()[name], fresh.network.state_dict()[name])
    assert torch.equal(
        from_ours.network.state_dict()["backbone.head.weight"], ours.state_dict()["backbone.head.weight"]
    )


def test_the_saved_weights_say_what_they_see(tmp_path: Path) -> None:
    run = trainer()
    run.save(tmp_path / "weights.safetensors", {})
    assert load_network(tmp_path / "weights.safetensors").settings == PLUS_SETTINGS


@pytest.mark.slow
def test_training_learns_to_rebuild_slices_better_than_copying_them() -> None:
    run = trainer(replace(SMALL, steps=60, pairs=4, held_out_every=60))
    untrained = run.held_out_error()
    run.run_steps()
    trained = run.curve[-1]
    assert trained.network < 0.8 * untrained.network
    assert trained.network < trained.copying
