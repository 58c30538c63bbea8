"""`sli2vol train-ends`: labelled volumes in, weights of known ends out."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands.files import write_labelled_volumes
from safetensors import safe_open

from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.engine.weights_file import load_ends


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled volume of each of two patients."""
    write_labelled_volumes(tmp_path / "volumes")
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
