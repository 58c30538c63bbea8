"""`sli2vol train-mask-prior`: labelled volumes in, mask prior weights out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from commands.files import SHAPE, phantom, write
from safetensors import safe_open

from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.engine.mask_prior.network import MaskPriorNetwork, MaskPriorSettings
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS, CorrespondenceNetwork
from Sli2VolSlicerLib.engine.weights_file import load_mask_prior, save_network
from Sli2VolSlicerLib.weights import sha256_of

SMALL = MaskPriorSettings(size=32, widths=(4, 4, 4, 4))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled volume of each of two patients, weights to begin with, others, and a place for the output."""
    torch.manual_seed(0)
    save_network(CorrespondenceNetwork(DEFAULT_SETTINGS), tmp_path / "correspondence.safetensors", {})
    save_network(MaskPriorNetwork(SMALL), tmp_path / "earlier.safetensors", {})
    (tmp_path / "volumes").mkdir()
    (tmp_path / "out").mkdir()
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    labels = ((j - 20) ** 2 + (i - 24) ** 2 <= (6 + 0.4 * k) ** 2).astype(np.uint8)
    for number in (1, 2):
        write(phantom() + number, tmp_path / "volumes" / f"coneCT_{number}_img.nii.gz")
        write(labels, tmp_path / "volumes" / f"coneCT_{number}_label.nii.gz")
    return tmp_path


def train(folder: Path, *options: str) -> int:
    given = ["--from", str(folder / "earlier.safetensors"), "--output", str(output(folder)), "--steps", "1"]
    return main(["train-mask-prior", str(folder / "volumes"), *given, "--device", "cpu", "--quiet", *options])


def output(folder: Path) -> Path:
    return folder / "out" / "prior.safetensors"


def test_training_writes_weights_that_say_what_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(folder) == 0
    assert load_mask_prior(output(folder)).settings == SMALL
    with safe_open(output(folder), framework="pt") as file:
        facts = file.metadata()
    assert facts["method"] == "mask-prior" and facts["volumes"] == "2"
    assert facts["began_with_sha256"] == sha256_of(folder / "earlier.safetensors")
    assert facts["held_out"].startswith("held-out Dice 0.")
    assert "cone: Dice" in capsys.readouterr().out
    assert train(folder, "--seed", "2") == 2
    assert "other settings" in capsys.readouterr().err


def test_volumes_that_give_nothing_to_learn_from_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (folder / "volumes").iterdir():
        path.unlink()
    write(phantom()[:2], folder / "volumes" / "thin.nrrd")
    assert train(folder) == 2
    assert "nothing to learn from" in capsys.readouterr().err
    assert not output(folder).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--steps", "0"), "at least 1 step"),
        (("--held-out", "1"), "under 1"),
        (("--checkpoint", "{tmp}/nowhere/checkpoint"), "does not exist"),
        (("--output", "{tmp}/nowhere/weights.safetensors"), "does not exist"),
        (("--from", "{tmp}/nowhere.safetensors"), "no weights file"),
        (("--from", "{tmp}/correspondence.safetensors"), "choose weights made by `sli2vol train-mask-prior`"),
        (("--from", "{tmp}/out/w.safetensors", "--output", "{tmp}/out/w.safetensors"), "is an input"),
    ],
)
def test_a_bad_option_is_refused_before_any_work(
    folder: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert train(folder, *(option.format(tmp=folder) for option in options)) == 2
    assert message in capsys.readouterr().err
    assert list((folder / "out").iterdir()) == []
