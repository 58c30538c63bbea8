"""The gradient-enhanced image of Sli2Vol+, by numbers that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from Sli2VolSlicerLib.engine.gradient_enhanced import CHANNELS, DIRECTIONS, SCALES, gradient_enhanced
from Sli2VolSlicerLib.engine.network import PLUS_SETTINGS, CorrespondenceNetwork, input_channels


def derivatives(slices: torch.Tensor) -> torch.Tensor:
    """What went into the softmax, but for a constant per pixel: (scales, directions, rows, columns)."""
    logarithms = gradient_enhanced(slices, intensity_scale=1.0)[0, :CHANNELS].log()
    return logarithms.reshape(len(SCALES), len(DIRECTIONS), *slices.shape[-2:])


def test_it_has_four_directions_at_three_scales_summing_to_one_and_the_intensity() -> None:
    slices = torch.rand((2, 1, 9, 12))
    image = gradient_enhanced(slices)
    assert image.shape == (2, 13, 9, 12)
    np.testing.assert_allclose(image[:, :CHANNELS].sum(dim=1).numpy(), 1, atol=1e-6)
    assert torch.equal(image[:, CHANNELS:], slices - 0.5)


def test_a_ramp_has_no_second_derivative() -> None:
    ramp = (torch.arange(20.0)[:, None] + 2 * torch.arange(24.0))[None, None] / 100
    inner = gradient_enhanced(ramp)[..., :CHANNELS, 4:-4, 4:-4]
    np.testing.assert_allclose(inner.numpy(), 1 / CHANNELS, atol=1e-5)


def test_a_bright_column_curves_across_itself_and_not_along() -> None:
    slices = torch.zeros((1, 1, 17, 17))
    slices[..., 8] = 1
    at_middle = derivatives(slices)[:, :, 8, 8]
    # Across and on both diagonals 0 - 2 + 0, along 1 - 2 + 1.
    expected = [[-2.0 if column else 0.0 for _, column in DIRECTIONS]] * len(SCALES)
    np.testing.assert_allclose((at_middle - at_middle.max()).numpy(), expected, atol=1e-5)


def test_every_scale_looks_as_far_as_it_says() -> None:
    slices = torch.zeros((1, 1, 17, 17))
    slices[..., 8] = 1
    across = DIRECTIONS.index((0, 1))
    for number, scale in enumerate(SCALES):
        beside = derivatives(slices)[:, :, 8, 8 + scale]
        # Only this scale reaches the bright column from here: 1 - 0 + 0 against 0.
        assert float(beside[number, across] - beside.min()) == pytest.approx(1, abs=1e-5)
        others = [n for n in range(len(SCALES)) if n != number]
        np.testing.assert_allclose((beside[others] - beside.min()).numpy(), 0, atol=1e-5)


def test_a_second_derivative_does_not_tell_left_from_right() -> None:
    slices = torch.rand((1, 1, 12, 12))
    order = [[DIRECTIONS.index(d) for d in ((0, 1), (1, -1), (1, 0), (1, 1))] for _ in SCALES]
    channels = [number + 4 * scale for scale, line in enumerate(order) for number in line]
    mirrored = gradient_enhanced(slices.flip(3))[:, :CHANNELS].flip(3)
    np.testing.assert_allclose(
        mirrored[:, channels].numpy(), gradient_enhanced(slices)[:, :CHANNELS].numpy(), atol=1e-6
    )


def test_the_network_takes_it() -> None:
    assert input_channels(PLUS_SETTINGS) == 13
    network = CorrespondenceNetwork(PLUS_SETTINGS).eval()
    assert network(torch.rand((1, 1, 32, 40))).shape == (1, 32, 32, 40)


def test_an_unknown_descriptor_is_named() -> None:
    with pytest.raises(ValueError, match="'third-order'"):
        CorrespondenceNetwork(replace(PLUS_SETTINGS, descriptor="third-order"))
