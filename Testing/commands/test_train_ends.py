"""`sli2vol train-ends`: labelled volumes in, weights of known ends out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands.files import SHAPE, phantom, write
from safetensors import safe_open

from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.engine.weights_file import load_ends


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled volume of each of two patients."""
    (tmp_path / "volumes").mkdir()
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    label = ((j - 20) ** 2 + (i - 24) ** 2 <= (6 + 0.4 * k) ** 2).astype(np.uint8)
    for number in (1, 2):
        write(phantom() + number, tmp_path / "volumes" / f"coneCT_{number}_img.nii.gz")
        write(label, tmp_path / "volumes" / f"coneCT_{number}_label.nii.gz")
    return tmp_path


def train(folder: Path, *options: str) -> int:
    given = ["--output", str(folder / "ends.safetensors"), "--steps", "1", "--device", "cpu", "--quiet"]
    return main(["train-ends", str(folder / "volumes"), *given, *options])


def test_training_writes_weights_that_say_what_they_know(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(folder, "--hold-out", "cone_2") == 0
    assert load_ends(folder / "ends.safetensors").settings.kinds == ("cone 1",)
    with safe_open(folder / "ends.safetensors", framework="pt") as file:
        facts = file.metadata()
    assert facts["method"] == "sli2vol-ends" and facts["volumes"] == "2"
    assert facts["held_out"].startswith("held-out ends missed by")
    assert "cone 1" in capsys.readouterr().out


def test_a_patient_that_is_not_there_cannot_be_held_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(folder, "--hold-out", "cone_3") == 2
    assert "no patient cone_3 to hold out; the volumes' patients are cone_1, cone_2" in capsys.readouterr().err


def test_volumes_without_labels_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (folder / "volumes").glob("*label*"):
        path.unlink()
    assert train(folder) == 2
    assert "no ends to learn" in capsys.readouterr().err
    assert not (folder / "ends.safetensors").exists()
