"""The mask prior: crops there and back, what the network is shown, weights files, drawing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.devices import Device
from Sli2VolSlicerLib.engine.errors import WeightsError
from Sli2VolSlicerLib.engine.mask_prior.crop import Crop
from Sli2VolSlicerLib.engine.mask_prior.network import MaskPriorNetwork, MaskPriorSettings
from Sli2VolSlicerLib.engine.mask_prior.prior import MaskPrior
from Sli2VolSlicerLib.engine.mask_prior.view import CHANNELS, network_inputs
from Sli2VolSlicerLib.engine.methods.mask_prior import MaskPriorMethod
from Sli2VolSlicerLib.engine.protocol import PassRules, Reference, Region
from Sli2VolSlicerLib.engine.records import Anchor
from Sli2VolSlicerLib.engine.session import PropagationSession
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.engine.weights_file import load_mask_prior, load_refinement, save_network

SMALL = MaskPriorSettings(size=32, widths=(4, 4, 8, 8))
CPU = Device("cpu", torch.float32)
SHAPE = (60, 64)


def disc(row: float, column: float, radius: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Float32, 0 or 1."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return ((rows - row) ** 2 + (columns - column) ** 2 < radius**2).astype(np.float32)


def network(seed: int = 1) -> MaskPriorNetwork:
    torch.manual_seed(seed)
    return MaskPriorNetwork(SMALL).eval()


def copier() -> MaskPriorNetwork:
    """A network whose correction is nothing: the reference's mask stays."""
    result = network()
    with torch.no_grad():
        for parameter in (result.head.weight, result.head.bias, result.there.weight):
            assert parameter is not None
            parameter.zero_()
        result.there.bias.fill_(20.0)
    return result


def framed(soft: np.ndarray, settings: MaskPriorSettings = SMALL) -> Crop:
    crop = Crop.around(soft, settings.context, settings.margin)
    assert crop is not None
    return crop


@settings(max_examples=25, deadline=None)
@given(row=st.floats(0, 120), column=st.floats(0, 90), radius=st.floats(3, 50))
def test_a_mask_cut_and_pasted_is_the_mask(row: float, column: float, radius: float) -> None:
    mask = disc(row, column, radius, (121, 91))
    crop = framed(mask)
    back = crop.paste(crop.cut(mask[None], 96, "zeros")[0], mask.shape) > 0.5
    assert int((back != (mask > 0.5)).sum()) <= 0.05 * mask.sum() + 3


def test_a_large_mask_is_shrunk_by_averaging_and_comes_back() -> None:
    mask = disc(240, 260, 150, (500, 512))
    crop = framed(mask)
    assert crop.side > 500
    back = crop.paste(crop.cut(mask[None], 96, "zeros")[0], mask.shape) > 0.5
    assert int((back != (mask > 0.5)).sum()) < 0.02 * mask.sum()


def test_an_empty_mask_has_no_crop() -> None:
    assert Crop.around(np.zeros(SHAPE, np.float32), 1.8, 8) is None


def test_a_faint_mask_is_framed_by_half_its_peak() -> None:
    mask = disc(30, 30, 8)
    assert framed(mask * 0.3) == framed(mask)


def test_beyond_a_slice_its_border_is_repeated_or_nothing_is_there() -> None:
    crop, slices = Crop(0, 0, 16), np.full((1, *SHAPE), 0.5, np.float32)
    assert torch.equal(crop.cut(slices, 16), torch.full((1, 16, 16), 0.5))
    assert float(crop.cut(slices, 16, "zeros")[0, 0, 0]) == 0


def test_the_contrast_window_is_that_of_the_mask_and_what_is_around_it() -> None:
    soft = torch.zeros(1, 96, 96)
    soft[:, 30:66, 30:66] = 1
    image = torch.full((1, 96, 96), 0.40)
    image[soft > 0] = 0.45
    image[:, :10] = 0.0
    image[:, -10:] = 1.0
    shown = network_inputs(image, image, soft)
    assert shown.shape == (1, CHANNELS, 96, 96)
    assert float(shown[0, 0, 48, 48] - shown[0, 0, 20, 48]) == pytest.approx(1 / 0.6, abs=0.01)
    assert float(shown[0, :2].abs().max()) == pytest.approx(1.6)


def test_appearance_tells_inside_from_what_is_around() -> None:
    soft = torch.from_numpy(disc(16, 16, 7, (32, 32)))[None]
    image = 0.3 + 0.4 * soft
    shown = network_inputs(image, image, soft)[0, 3]
    assert float(shown[16, 16]) > 0.8 and float(shown[16, 27]) < -0.8


def test_folding_changes_no_logit() -> None:
    trained = network()
    for module in trained.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    inputs = torch.rand(2, CHANNELS, 32, 32) * 2 - 1
    with torch.no_grad():
        for before, after in zip(trained(inputs), trained.folded()(inputs), strict=True):
            torch.testing.assert_close(before, after, atol=1e-4, rtol=1e-4)


def test_weights_come_back_as_they_were_kept(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_network(network(), path, {"method": "mask-prior"})
    kept = load_mask_prior(path)
    assert kept.settings == SMALL
    for name, tensor in network().state_dict().items():
        torch.testing.assert_close(kept.state_dict()[name], tensor, atol=1e-3, rtol=1e-3)


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_network(network(), path, {})
    with pytest.raises(WeightsError, match="holds 'sli2vol-mask-prior-1'"):
        load_refinement(path)


def test_a_network_that_corrects_nothing_copies_the_mask() -> None:
    mask, slices = disc(30, 32, 11), np.full((2, *SHAPE), 0.5, np.float32)
    drawn = MaskPrior(copier(), CPU).draw(slices[0], slices[1], mask[None])
    assert drawn.dtype == np.float32 and drawn.shape == (1, *SHAPE)
    assert int(((drawn[0] > 0.5) != (mask > 0.5)).sum()) < 0.05 * mask.sum()


def test_an_empty_mask_stays_empty_beside_one_that_is_not() -> None:
    masks, slices = np.stack([np.zeros(SHAPE), disc(30, 32, 11)]), np.zeros((2, *SHAPE), np.float32)
    drawn = MaskPrior(copier(), CPU).draw(slices[0], slices[1], masks)
    assert not drawn[0].any() and drawn[1].any()
    assert not MaskPrior(copier(), CPU).draw(slices[0], slices[1], masks[:1]).any()


def test_labels_do_not_disturb_each_other() -> None:
    slices = np.random.default_rng(0).random((2, *SHAPE), dtype=np.float32)
    one, other = disc(20, 20, 9), disc(40, 44, 6)
    prior = MaskPrior(network(), CPU)
    both = prior.draw(slices[0], slices[1], np.stack([one, other]))
    for alone, together in ((one, both[0]), (other, both[1])):
        np.testing.assert_allclose(prior.draw(slices[0], slices[1], alone[None])[0], together, atol=1e-5)


def test_the_carrier_gives_the_region_of_what_is_drawn_from_the_nearest_reference() -> None:
    volume = np.random.default_rng(0).random((3, *SHAPE)).astype(np.float32)
    carrier = MaskPriorMethod(network(), CPU, PassRules()).open(SliceStack(volume))
    near, far = Reference(1, disc(30, 32, 11)[None]), Reference(0, disc(10, 10, 5)[None])
    whole, region = Region(0, SHAPE[0], 0, SHAPE[1]), Region(20, 44, 18, 50)
    part = carrier.carry([near, far], 2, region)
    assert part.shape == (1, 24, 32)
    np.testing.assert_array_equal(part, carrier.carry([near], 2, whole)[(slice(None), *region.slices)])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_session_propagates_several_labels_along_any_axis(axis: int) -> None:
    volume = np.moveaxis(np.random.default_rng(0).random((5, *SHAPE)).astype(np.float32), 0, axis)
    session = PropagationSession(SliceStack(volume, axis=axis), MaskPriorMethod(copier(), CPU, PassRules(soft=True)))
    drawn = {1: disc(20, 20, 9) > 0.5, 2: disc(40, 44, 8) > 0.5}
    done = session.propagate([Anchor(2, label, mask) for label, mask in drawn.items()])
    for label, mask in drawn.items():
        np.testing.assert_array_equal(done.masks[label][2], mask)
        assert all(int((slice_ != mask).sum()) < 0.2 * mask.sum() for slice_ in done.masks[label])
