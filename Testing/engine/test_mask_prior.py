"""The mask prior: crops there and back, appearance, weights files, drawing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.errors import WeightsError
from Sli2VolSlicerLib.engine.mask_prior import (
    AppearanceModel,
    Crop,
    MaskPrior,
    load_mask_prior,
    network_inputs,
    save_mask_prior,
)
from Sli2VolSlicerLib.engine.mask_prior_network import MaskPriorNetwork, MaskPriorSettings
from Sli2VolSlicerLib.engine.methods.mask_prior import MaskPriorMethod, mask_prior_method
from Sli2VolSlicerLib.engine.methods.protocol import Reference, Region
from Sli2VolSlicerLib.engine.slice_stack import SliceStack

SETTINGS = MaskPriorSettings()


def disk(shape: tuple[int, int], row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 < radius**2


def network(seed: int = 1) -> MaskPriorNetwork:
    torch.manual_seed(seed)
    return MaskPriorNetwork(SETTINGS).eval()


def copier() -> MaskPriorNetwork:
    """A network whose correction is nothing: it keeps the reference's mask."""
    result = network()
    torch.nn.init.zeros_(result.head.weight)
    torch.nn.init.zeros_(result.head.bias)  # type: ignore[arg-type]
    torch.nn.init.zeros_(result.there.weight)
    torch.nn.init.constant_(result.there.bias, 20.0)
    return result


@settings(max_examples=25, deadline=None)
@given(row=st.floats(0, 120), column=st.floats(0, 90), radius=st.floats(3, 50))
def test_a_mask_cut_and_pasted_is_the_mask(row: float, column: float, radius: float) -> None:
    mask = disk((121, 91), row, column, radius).astype(np.float32)
    crop = Crop.around(mask, SETTINGS)
    assert crop is not None
    back = crop.paste(crop.cut(mask[None], SETTINGS.size, "zeros")[0], mask.shape) > 0.5
    differing = int((back != (mask > 0.5)).sum())
    assert differing <= 0.05 * mask.sum() + 3


def test_a_large_mask_is_shrunk_by_averaging_and_comes_back() -> None:
    mask = disk((500, 512), 240, 260, 150).astype(np.float32)
    crop = Crop.around(mask, SETTINGS)
    assert crop is not None
    assert crop.side > 4 * SETTINGS.size
    back = crop.paste(crop.cut(mask[None], SETTINGS.size, "zeros")[0], mask.shape) > 0.5
    assert int((back != (mask > 0.5)).sum()) < 0.02 * mask.sum()


def test_an_empty_mask_has_no_crop() -> None:
    assert Crop.around(np.zeros((20, 20), np.float32), SETTINGS) is None


def test_a_faint_mask_is_framed_by_half_its_peak() -> None:
    mask = disk((60, 60), 30, 30, 8).astype(np.float32)
    assert Crop.around(mask * 0.3, SETTINGS) == Crop.around(mask, SETTINGS)


def test_appearance_tells_inside_from_ring() -> None:
    mask = disk((64, 64), 30, 30, 10)
    image = np.where(mask, 0.7, 0.3) + np.random.default_rng(0).normal(0, 0.02, mask.shape)
    shown = AppearanceModel.from_anchor(image, mask).map(image)
    assert shown.dtype == np.float32
    assert shown[mask].mean() > 0.8
    assert shown[~mask].mean() < -0.8


def test_appearance_of_nothing_says_nothing() -> None:
    image = np.random.default_rng(0).random((32, 32))
    model = AppearanceModel.from_anchor(image, np.zeros((32, 32), bool))
    assert np.all(model.map(image) == 0)
    assert model.updated(image, np.zeros((32, 32), bool)) is model


def test_appearance_moves_towards_what_it_is_updated_with() -> None:
    mask = disk((64, 64), 30, 30, 10)
    model = AppearanceModel.from_anchor(np.where(mask, 0.7, 0.3), mask)
    swapped = model.updated(np.where(mask, 0.3, 0.7), mask, 0.9)
    assert model.map(np.array([0.7]))[0] > 0
    assert swapped.map(np.array([0.7]))[0] < 0
    assert swapped.inside.sum() == pytest.approx(1.0, abs=1e-5)


def test_the_contrast_window_is_that_of_the_mask_and_what_is_around_it() -> None:
    soft = torch.zeros(1, 96, 96)
    soft[:, 30:66, 30:66] = 1
    image = torch.full((1, 96, 96), 0.40)
    image[soft > 0] = 0.45
    image[:, :10] = 0.0
    image[:, -10:] = 1.0
    inputs = network_inputs(image, image, soft, torch.zeros(1, 2, 96, 96))
    assert inputs.shape == (1, 5, 96, 96)
    assert float(inputs[0, 0, 48, 48] - inputs[0, 0, 20, 48]) == pytest.approx(1 / 0.6, abs=0.01)
    assert float(inputs[0, 0].abs().max()) <= 1.601


def test_folding_changes_no_logit() -> None:
    trained = network()
    for module in trained.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
    inputs = torch.rand(2, 5, 96, 96) * 2 - 1
    with torch.inference_mode():
        assert torch.allclose(trained(inputs)[0], trained.folded()(inputs)[0], atol=1e-3)


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "prior.safetensors"
    save_mask_prior(network(), path, {"made": "for a test"})
    again = load_mask_prior(path)
    assert again.settings == SETTINGS
    for name, value in network().state_dict().items():
        assert torch.allclose(value.float(), again.state_dict()[name].float(), atol=1e-3), name


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    with pytest.raises(WeightsError, match="no weights file"):
        MaskPrior.load(path)
    path.write_bytes(b"nothing of the sort")
    with pytest.raises(WeightsError, match="not a readable"):
        MaskPrior.load(path)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, str(path), {"format": "something-else"})
    with pytest.raises(WeightsError, match="something-else"):
        MaskPrior.load(path)
    save_file({"a": torch.zeros(1)}, str(path), {"format": "sli2vol-mask-prior-1", "settings": "{}"})
    with pytest.raises(WeightsError, match="do not fit"):
        MaskPrior.load(path)
    with pytest.raises(WeightsError, match="needs a weights file"):
        mask_prior_method(None)


def test_without_a_correction_the_mask_stays() -> None:
    mask = disk((100, 80), 40, 40, 14)
    image = np.where(mask, 0.7, 0.3).astype(np.float32)
    drawn = MaskPrior(copier()).draw(image, image, mask.astype(np.float32), AppearanceModel.from_anchor(image, mask))
    assert drawn.shape == (100, 80)
    assert drawn.dtype == np.float32
    assert np.array_equal(drawn > 0.5, mask)


def test_an_absent_structure_is_drawn_nowhere() -> None:
    absent = copier()
    torch.nn.init.constant_(absent.there.bias, -20.0)
    mask = disk((100, 80), 40, 40, 14)
    image = np.where(mask, 0.7, 0.3).astype(np.float32)
    model = AppearanceModel.from_anchor(image, mask)
    result = MaskPrior(absent).draw_all(image, image, mask[None].astype(np.float32), [model])
    assert not (result.soft > 0.5).any()
    assert result.presence[0] < 0.01


def test_labels_drawn_together_are_as_drawn_alone() -> None:
    prior = MaskPrior(network())
    image = np.random.default_rng(0).random((90, 100)).astype(np.float32)
    masks = np.stack([disk((90, 100), 30, 30, 9), np.zeros((90, 100), bool), disk((90, 100), 60, 70, 15)])
    softs = masks.astype(np.float32)
    models = [AppearanceModel.from_anchor(image, m) for m in masks]
    together = prior.draw_all(image, image, softs, models).soft
    alone = [prior.draw(image, image, s, m) for s, m in zip(softs, models, strict=True)]
    assert np.allclose(together, np.stack(alone), atol=0.02)
    assert not together[1].any()


def test_the_method_carries_the_region_asked_for() -> None:
    mask = disk((60, 64), 30, 30, 9)
    volume = np.repeat(np.where(mask, 700, 300)[None], 3, axis=0).astype(np.int16)
    method = MaskPriorMethod(MaskPrior(copier()))
    carrier = method.open(SliceStack(volume))
    region = Region(10, 50, 12, 56)
    carried = carrier.carry([Reference(0, mask[None].astype(np.float32))], 1, region)
    assert carried.shape == (1, 40, 44)
    assert np.array_equal(carried[0] > 0.5, mask[region.slices])
