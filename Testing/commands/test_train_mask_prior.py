"""`sli2vol train-mask-prior`: labelled volumes in, mask prior weights out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from commands.files import write_labelled_volumes
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
    write_labelled_volumes(tmp_path / "volumes")
    (tmp_path / "out").mkdir()
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
