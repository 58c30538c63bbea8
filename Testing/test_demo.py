"""The demo runs, and its pictures are the right way up."""

from __future__ import annotations

import itertools
from pathlib import Path

import demo
import demo_volumes
import numpy as np
import pictures
import pytest

AXES = np.eye(3)


def every_orientation() -> list[np.ndarray]:
    """All 48 ways in which array axes can run along the patient's (columns: i, j, k in LPS)."""
    return [
        AXES[:, list(order)] * np.array(signs)
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1, -1), repeat=3)
    ]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_upright_however_the_volume_lies(axis: int) -> None:
    for direction in every_orientation():
        upright = pictures.Upright.of(direction.ravel(), (1.0, 1.0, 1.0), axis)
        # Each voxel's position in LPS, turned as a picture is: which way do rows and columns run?
        kji = np.indices((4, 5, 6)).astype(float)
        position = np.einsum("lc,ckji->lkji", direction, kji[::-1])
        slices = np.moveaxis(position, axis + 1, 1)[:, 2]
        turned = np.stack([upright.turn(component) for component in slices])
        down, right = turned[:, -1, 0] - turned[:, 0, 0], turned[:, 0, -1] - turned[:, 0, 0]
        along_down, along_right = int(np.abs(down).argmax()), int(np.abs(right).argmax())
        assert along_right < along_down
        assert right[along_right] > 0
        assert down[along_down] * (-1 if along_down == 2 else 1) > 0


def test_pixels_keep_their_shape_in_pictures() -> None:
    identity = AXES.ravel()
    assert pictures.Upright.of(identity, (1.0, 2.0, 6.0), 0).aspect == 2.0
    assert pictures.Upright.of(identity, (1.0, 2.0, 6.0), 1).aspect == 6.0
    assert pictures.Upright.of(identity, (1.0, 2.0, 6.0), 2).aspect == 3.0


def test_dice_of_nothing_is_not_a_number() -> None:
    empty, full = np.zeros((2, 3, 3), bool), np.ones((2, 3, 3), bool)
    assert np.isnan(pictures.dice_of(empty, empty))
    assert pictures.dice_of(full, full) == 1.0
    assert pictures.dice_per_slice(full, empty).tolist() == [0.0, 0.0]


def test_the_sample_s_lung_is_drawn_in_the_body() -> None:
    body = np.full((60, 80), -1000)
    body[5:55, 5:75] = 40
    body[15:45, 15:32] = -850
    body[15:45, 45:65] = -850
    drawn = demo_volumes._compact_component(body < demo_volumes.AIR_BELOW_HU)
    assert drawn.sum() > 500
    assert not drawn[:, :40].any()


@pytest.mark.slow
def test_the_demo_leaves_a_segmentation_and_five_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLI2VOL_DATA", str(tmp_path / "no data"))
    assert demo.main(["--offline", "--method", "copy", "--output", str(tmp_path / "out")]) == 0
    left = {path.name: path.stat().st_size for path in (tmp_path / "out").iterdir()}
    assert set(left) == {
        "result.seg.nrrd", "montage.png", "montage-final.png", "surface.png", "confidence.png", "rounds.png"
    }  # fmt: skip
    assert min(left.values()) > 1000
    printed = capsys.readouterr().out
    assert "SYNTHETIC" in printed
    assert "Dice against the known truth" in printed
    assert "Propagate" in printed
    assert "Round 3" in printed


def test_a_demo_of_a_missing_volume_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--volume", str(tmp_path / "nowhere.nrrd"), "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
