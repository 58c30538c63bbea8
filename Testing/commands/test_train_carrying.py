"""`sli2vol train-carrying`: earlier weights and labelled volumes in, correspondence weights out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from commands.files import write_labelled_volumes

from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS, PLUS_SETTINGS, CorrespondenceNetwork
from Sli2VolSlicerLib.engine.weights_file import facts_of, load_network, save_network
from Sli2VolSlicerLib.weights import sha256_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled volume of each of two patients, and untrained weights."""
    torch.manual_seed(0)
    save_network(CorrespondenceNetwork(DEFAULT_SETTINGS), tmp_path / "earlier.safetensors", {})
    write_labelled_volumes(tmp_path / "volumes")
    return tmp_path


def train(folder: Path, *options: str) -> int:
    given = ["--output", str(folder / "carrying.safetensors"), "--steps", "1", "--device", "cpu", "--quiet"]
    given += ["--from", str(folder / "earlier.safetensors"), "--hold-out", "cone_2"]
    return main(["train-carrying", str(folder / "volumes"), *given, *options])


def test_training_writes_weights_that_say_what_they_began_with(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(folder) == 0
    assert load_network(folder / "carrying.safetensors").settings == DEFAULT_SETTINGS
    facts = facts_of(folder / "carrying.safetensors")
    assert facts["method"] == "sli2vol" and facts["volumes"] == "2"
    assert facts["began_with_sha256"] == sha256_of(folder / "earlier.safetensors")
    assert "held-out error" in capsys.readouterr().out


def test_weights_of_another_descriptor_are_trained_on_as_they_are(folder: Path) -> None:
    save_network(CorrespondenceNetwork(PLUS_SETTINGS), folder / "earlier.safetensors", {"method": "sli2vol-plus"})
    assert train(folder) == 0
    assert load_network(folder / "carrying.safetensors").settings == PLUS_SETTINGS
    assert facts_of(folder / "carrying.safetensors")["method"] == "sli2vol-plus"


def test_a_share_of_the_earlier_weights_can_be_kept(folder: Path) -> None:
    assert train(folder) == 0
    trained = load_network(folder / "carrying.safetensors").state_dict()
    assert train(folder, "--keep-earlier", "0.25") == 0
    begun = load_network(folder / "earlier.safetensors").state_dict()
    for name, weight in load_network(folder / "carrying.safetensors").state_dict().items():
        if weight.is_floating_point():
            torch.testing.assert_close(weight, 0.75 * trained[name] + 0.25 * begun[name], atol=2e-3, rtol=2e-3)
    assert facts_of(folder / "carrying.safetensors")["kept_earlier"] == "0.25"


def test_a_share_that_cannot_be_kept_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(folder, "--keep-earlier", "1.5") == 2
    assert "under 1, got 1.5" in capsys.readouterr().err
    assert not (folder / "carrying.safetensors").exists()


def test_volumes_without_labels_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (folder / "volumes").glob("*label*"):
        path.unlink()
    assert train(folder) == 2
    assert "no labels to carry" in capsys.readouterr().err
    assert not (folder / "carrying.safetensors").exists()
