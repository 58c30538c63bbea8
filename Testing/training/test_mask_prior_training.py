"""Training the mask prior: objects, samples, and a run that learns, resumes and repeats itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from Sli2VolSlicerLib.engine.errors import WeightsError
from Sli2VolSlicerLib.engine.mask_prior import load_mask_prior
from Sli2VolSlicerLib.engine.mask_prior_network import MaskPriorSettings
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.training.mask_prior_objects import (
    LabelledVolume,
    TrainingObject,
    alikeness,
    cut_object,
    grown_objects,
    labelled_objects,
    synthetic_objects,
)
from Sli2VolSlicerLib.training.mask_prior_perturbation import alter_images, perturb_masks
from Sli2VolSlicerLib.training.mask_prior_samples import SampleSettings, TaskSampler
from Sli2VolSlicerLib.training.mask_prior_trainer import (
    MaskPriorTrainer,
    MaskPriorTraining,
    mask_loss,
    split_patients,
    train_mask_prior,
)

SMALL = MaskPriorTraining(
    network=MaskPriorSettings(size=32, widths=(4, 4, 8, 8)),
    steps=6,
    batch=4,
    drift_from=0.0,
    grown_per_volume=1,
    synthetic=2,
    held_out_every=6,
    checkpoint_every=3,
    mixed_precision=False,
)


def ball_volume(name: str = "kind_1") -> LabelledVolume:
    slices, rows, columns = np.ogrid[:24, :48, :52]
    ball = ((slices - 12) / 7) ** 2 + ((rows - 24) / 11) ** 2 + ((columns - 26) / 11) ** 2 < 1
    noise = np.random.default_rng(0).normal(0, 12, ball.shape)
    voxels = (np.where(ball, 600, 300) + noise).astype(np.int16)
    return LabelledVolume(name, name, voxels, (2.0, 1.0, 1.0), {"ball": ball})


@pytest.fixture(scope="module")
def ball() -> TrainingObject:
    return labelled_objects(ball_volume())[0]


def sampler(one: TrainingObject, **changes: float) -> TaskSampler:
    return TaskSampler([one], {one.family: 1.0}, MaskPriorSettings(), replace(SampleSettings(), **changes))  # type: ignore[arg-type]


def test_a_labelled_structure_keeps_its_surroundings(ball: TrainingObject) -> None:
    assert ball.family == "label ball"
    assert ball.mask.sum() == ball_volume().labels["ball"].sum()
    assert ball.occupied[0] > 0
    assert ball.intensity.shape == ball.mask.shape


def test_too_short_a_structure_is_left_out() -> None:
    volume = ball_volume()
    mask = np.zeros(volume.voxels.shape, bool)
    mask[3:5, 10:30, 10:30] = True
    assert cut_object(SliceStack(volume.voxels, volume.spacing_mm), mask, "any", "any") is None


def test_a_wide_structure_is_kept_smaller() -> None:
    voxels = np.random.default_rng(0).integers(0, 1000, (8, 300, 320)).astype(np.int16)
    mask = np.zeros(voxels.shape, bool)
    mask[:, 40:260, 40:280] = True
    one = cut_object(SliceStack(voxels), mask, "any", "any")
    assert one is not None
    assert max(one.mask.shape[1:]) <= 176
    assert one.mask.any()


def test_a_region_grown_in_a_ball_is_the_ball() -> None:
    volume = ball_volume()
    found = grown_objects(volume, 1, np.random.default_rng(3), tries=200)
    assert len(found) == 1
    assert alikeness(found[0]) < 0.5
    bright = found[0].intensity[found[0].mask].astype(np.float32)
    assert bright.std() < 0.15


def test_synthetic_objects_are_the_same_under_a_seed(ball: TrainingObject) -> None:
    first, second = (synthetic_objects(2, [ball], np.random.default_rng(4)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.mask, b.mask)
        assert np.array_equal(a.intensity, b.intensity)


def test_a_task_past_the_end_has_an_empty_truth(ball: TrainingObject) -> None:
    drawing = sampler(ball, ended_share=1.0)
    generator = np.random.default_rng(0)
    tasks = [drawing.draw(generator) for _ in range(8)]
    batch = drawing.render(tasks, generator)
    assert not (batch.truth > 0.5).any()
    assert (batch.reference > 0.5).flatten(1).any(dim=1).all()


def test_unaltered_crops_show_the_reference_at_the_size_it_will_have(ball: TrainingObject) -> None:
    drawing = sampler(ball, ended_share=0.0, zoom=(1.0, 1.0), shift=0.0)
    tasks = [drawing.draw(np.random.default_rng(i)) for i in range(6)]
    inside = drawing.render(tasks, None).reference > 0.5
    wide = [int(m.any(dim=0).sum()) / 96 for m in inside]
    high = [int(m.any(dim=1).sum()) / 96 for m in inside]
    for w, h in zip(wide, high, strict=True):
        assert max(w, h) <= 1 / 1.8 + 0.05


def test_going_on_from_a_perfect_drawing_reframes_it(ball: TrainingObject) -> None:
    drawing = sampler(ball, ended_share=0.0, zoom=(1.0, 1.0), shift=0.0)
    middle = int(ball.occupied[len(ball.occupied) // 2])
    task = replace(drawing.draw(np.random.default_rng(0)), target=middle, reference=middle - 1)
    truth = drawing.render([task], None).truth[0]
    following = drawing.continued(task, truth, truth, np.random.default_rng(1))
    assert following is not None and following.drawn is not None
    assert (following.reference, following.depth) == (middle, 1)
    undrawn = drawing.render([replace(following, drawn=None)], None).reference[0]
    assert float((undrawn - following.drawn).abs().mean()) < 0.02


def test_a_lost_drawing_is_not_gone_on_from(ball: TrainingObject) -> None:
    drawing = sampler(ball)
    task = drawing.draw(np.random.default_rng(0))
    truth = drawing.render([task], None).truth[0]
    assert drawing.continued(task, torch.zeros_like(truth), truth, np.random.default_rng(1)) is None


def test_perturbed_masks_stay_where_the_mask_was() -> None:
    masks = torch.zeros(8, 96, 96)
    masks[:, 30:66, 30:66] = 1
    changed = perturb_masks(masks, np.random.default_rng(0))
    assert changed.shape == masks.shape
    assert float(changed.min()) >= 0 and float(changed.max()) <= 1
    overlap = (changed * masks).sum(dim=(1, 2)) / masks.sum(dim=(1, 2))
    assert float(overlap.min()) > 0.3
    assert not torch.equal(changed, masks)


def test_images_are_altered_in_proportion_to_their_contrast() -> None:
    masks = torch.zeros(16, 48, 48)
    masks[:, 16:32, 16:32] = 1
    faint = 0.5 + 0.03 * masks[:, None].repeat(1, 3, 1, 1)
    changed = alter_images(faint, masks, np.random.default_rng(0))
    assert torch.isfinite(changed).all()
    inside, outside = changed[:, 1, 18:30, 18:30].mean(dim=(1, 2)), changed[:, 1, :12].mean(dim=(1, 2))
    assert ((inside - outside).abs() > 0.004).all()


def test_the_loss_prefers_nothing_where_nothing_is() -> None:
    truth, reference = torch.zeros(1, 16, 16), torch.zeros(1, 16, 16)
    reference[:, 4:12, 4:12] = 1
    there = torch.full((1,), -5.0)
    nothing, something = torch.full((1, 16, 16), -6.0), torch.full((1, 16, 16), -6.0)
    something[:, 4:12, 4:12] = 6
    lower, higher = (mask_loss(logits, there, truth, reference) for logits in (nothing, something))
    assert higher > lower + 0.5


def test_patients_are_held_out_whole_and_of_every_kind() -> None:
    names = [f"sarcoma_{i:02d}" for i in range(20)] + [f"neck_{i:02d}" for i in range(12)] + ["breast_1"]
    held_out = split_patients(names + names)
    assert {n.split("_")[0] for n in held_out} == {"sarcoma", "neck"}
    assert len(held_out) == 3


def test_a_resumed_run_ends_where_an_unbroken_one_does(ball: TrainingObject, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(step: int, loss: float, held_out: object) -> None:
        if step == 4:
            raise Stopped

    whole = MaskPriorTrainer([ball], [], SMALL)
    whole.run()
    checkpoint = tmp_path / "run.ckpt"
    with pytest.raises(Stopped):
        MaskPriorTrainer([ball], [], SMALL).run(checkpoint, stop)
    resumed = MaskPriorTrainer([ball], [], SMALL)
    resumed.run(checkpoint)
    for name, value in whole.mean.state_dict().items():
        assert torch.equal(value, resumed.mean.state_dict()[name]), name
    with pytest.raises(WeightsError, match="other settings"):
        MaskPriorTrainer([ball], [], replace(SMALL, seed=2)).run(checkpoint)


def test_training_on_volumes_writes_weights(tmp_path: Path) -> None:
    volumes = [replace(ball_volume(f"kind_{i}")) for i in range(3)]
    path = tmp_path / "prior.safetensors"
    curve = train_mask_prior(volumes, path, SMALL)
    assert load_mask_prior(path).settings == SMALL.network
    assert curve[-1].step == SMALL.steps
    assert 0 <= curve[-1].single <= 1
    assert "label ball" in curve[-1].rolled
