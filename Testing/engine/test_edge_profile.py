"""The edge profile, and the scale that makes it say something."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from Sli2VolSlicerLib.engine.edge_profile import CHANNELS, DIRECTIONS, INTENSITY_SCALE, SCALES, edge_profile
from Sli2VolSlicerLib.engine.slice_stack import SliceStack


def entropy(slices: torch.Tensor, scale: float) -> float:
    """Mean entropy over the pixels that show something, in nats; log(24) = 3.18 says nothing at all."""
    profile = edge_profile(slices, scale)
    entropies = -(profile * profile.clamp(min=1e-12).log()).sum(dim=1)
    return float(entropies[slices[:, 0] > 0.02].mean())


def test_it_has_eight_directions_at_three_scales_summing_to_one() -> None:
    profile = edge_profile(torch.rand((2, 1, 9, 12)))
    assert profile.shape == (2, CHANNELS, 9, 12) and CHANNELS == 24
    np.testing.assert_allclose(profile.sum(dim=1).numpy(), 1, atol=1e-6)


def test_a_flat_slice_has_a_uniform_profile() -> None:
    np.testing.assert_allclose(edge_profile(torch.full((1, 1, 8, 8), 0.3)).numpy(), 1 / 24, atol=1e-7)


def test_the_derivative_points_down_the_edge() -> None:
    step = torch.zeros((1, 1, 16, 16))
    step[..., 8:] = 1
    at_edge = edge_profile(step, intensity_scale=5.0)[0, :, 8, 8].reshape(len(SCALES), len(DIRECTIONS))
    # From inside the bright half only the neighbours to the left are darker.
    left = [i for i, (_, column) in enumerate(DIRECTIONS) if column < 0]
    assert at_edge[0, left].min() > 10 * at_edge[0, [i for i in range(8) if i not in left]].max()


def test_adding_a_constant_changes_nothing() -> None:
    slices = torch.rand((1, 1, 10, 10)) * 0.5
    np.testing.assert_allclose(edge_profile(slices).numpy(), edge_profile(slices + 0.3).numpy(), atol=1e-5)


def test_on_real_slices_our_scale_is_neither_uniform_nor_one_hot(data_folder: Path) -> None:
    for name in ("hnCT_pt_4", "stsGTV_MR_T1_014"):
        volume = sitk.GetArrayFromImage(sitk.ReadImage(str(data_folder / "eval" / f"{name}_img.nii.gz")))
        stack = SliceStack(volume)
        slices = torch.from_numpy(stack.intensity(stack.slice_count // 2))[None, None]
        ours, unscaled, bytes_scale = (entropy(slices, scale) for scale in (INTENSITY_SCALE, 1.0, 255.0))
        assert unscaled > 0.97 * np.log(24), "on 0..1 the profile is almost uniform"
        assert 0.35 * np.log(24) < ours < 0.85 * np.log(24), name
        assert bytes_scale < ours
