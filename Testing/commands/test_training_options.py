"""Bad input to any of the training commands: refused before any work, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from commands.files import phantom, write, write_labelled_volumes

from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS, CorrespondenceNetwork
from Sli2VolSlicerLib.engine.weights_file import save_network

NO_STEP = (("--steps", "0"), "at least 1 step")
NO_CHECKPOINT = (("--checkpoint", "{tmp}/nowhere/checkpoint"), "does not exist")
NO_FOLDER = (("--output", "{tmp}/nowhere/weights.safetensors"), "does not exist")
NO_WEIGHTS = (("--weights", "{tmp}/nowhere.safetensors"), "no weights file")
NO_EARLIER = (("--from", "{tmp}/nowhere.safetensors"), "no weights file")
NO_LABELS = (("--labels", "{tmp}/nowhere"), "no folder")
ALL_HELD_OUT = (("--held-out", "1"), "under 1")
OUTPUT_IS_INPUT = (("--from", "{tmp}/out/w.safetensors", "--output", "{tmp}/out/w.safetensors"), "is an input")
REFUSED = {
    "train": [(("--method", "copy"), "'copy'"), NO_STEP, NO_CHECKPOINT, NO_FOLDER],
    "train-carrying": [NO_STEP, NO_CHECKPOINT, NO_FOLDER, NO_EARLIER, ALL_HELD_OUT, NO_LABELS, OUTPUT_IS_INPUT],
    "train-ends": [NO_STEP, NO_CHECKPOINT, NO_FOLDER, ALL_HELD_OUT, NO_LABELS],
    "train-mask-prior": [NO_STEP, NO_CHECKPOINT, NO_FOLDER, NO_EARLIER, ALL_HELD_OUT, NO_LABELS, OUTPUT_IS_INPUT],
    "train-plus": [NO_STEP, (("--refining-steps", "0"), "at least 1 step"), NO_CHECKPOINT, NO_FOLDER, NO_EARLIER],
    "train-refinement": [
        NO_STEP,
        NO_CHECKPOINT,
        NO_FOLDER,
        NO_WEIGHTS,
        NO_EARLIER,
        ALL_HELD_OUT,
        NO_LABELS,
        OUTPUT_IS_INPUT,
        (("--learning-rate", "0"), "between 0 and 1, got 0"),
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled volume of each of two patients, untrained correspondence weights, and a place for the output."""
    torch.manual_seed(0)
    save_network(CorrespondenceNetwork(DEFAULT_SETTINGS), tmp_path / "correspondence.safetensors", {})
    write_labelled_volumes(tmp_path / "volumes")
    (tmp_path / "out").mkdir()
    return tmp_path


def train(command: str, folder: Path, *options: str) -> int:
    """One step of training; options that are given twice count as they were given last."""
    usual = ["--output", str(folder / "out" / "weights.safetensors"), "--steps", "1", "--device", "cpu", "--quiet"]
    if command in ("train-plus", "train-refinement"):
        usual += ["--weights", str(folder / "correspondence.safetensors")]
    return main([command, str(folder / "volumes"), *usual, *(option.format(tmp=folder) for option in options)])


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [(command, *refused) for command, several in REFUSED.items() for refused in several],
)
def test_a_bad_option_is_refused_before_any_work(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, options: tuple[str, ...], message: str
) -> None:
    assert train(command, folder, *options) == 2
    assert message in capsys.readouterr().err
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize("command", ["train-mask-prior", "train-refinement"])
def test_weights_of_another_network_are_not_begun_with(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert train(command, folder, "--from", str(folder / "correspondence.safetensors")) == 2
    assert f"choose weights made by `sli2vol {command}`" in capsys.readouterr().err
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize("command", ["train-mask-prior", "train-refinement"])
def test_volumes_that_give_nothing_to_learn_from_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    for path in (folder / "volumes").iterdir():
        path.unlink()
    write(phantom()[:2], folder / "volumes" / "thin.nrrd")
    assert train(command, folder) == 2
    assert "nothing to learn from" in capsys.readouterr().err
    assert not (folder / "out" / "weights.safetensors").exists()
