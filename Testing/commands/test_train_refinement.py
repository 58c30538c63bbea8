"""`sli2vol train-refinement`: labelled volumes in, refinement weights out."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk
import torch
from commands.files import write_labelled_volumes
from safetensors import safe_open

from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.engine.network import DEFAULT_SETTINGS, CorrespondenceNetwork
from Sli2VolSlicerLib.engine.refinement.network import RefinementNetwork, RefinementSettings
from Sli2VolSlicerLib.engine.weights_file import load_refinement, save_network
from Sli2VolSlicerLib.weights import sha256_of

SMALL = RefinementSettings((4, 4, 4, 4))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled volume of each of two patients, untrained correspondence weights, and a place for the output."""
    torch.manual_seed(0)
    save_network(CorrespondenceNetwork(DEFAULT_SETTINGS), tmp_path / "correspondence.safetensors", {})
    write_labelled_volumes(tmp_path / "volumes")
    (tmp_path / "out").mkdir()
    return tmp_path


def train(folder: Path, *options: str) -> int:
    given = ["--weights", str(folder / "correspondence.safetensors"), "--output", str(output(folder))]
    return main(
        ["train-refinement", str(folder / "volumes"), *given, "--steps", "1", "--device", "cpu", "--quiet", *options]
    )


def refinement(folder: Path) -> Path:
    """Untrained refinement weights."""
    path = folder / "earlier.safetensors"
    save_network(RefinementNetwork(SMALL), path, {})
    return path


def output(folder: Path) -> Path:
    return folder / "out" / "refinement.safetensors"


def written(passes: Path) -> dict[str, int]:
    """The files of a folder, and when each was written."""
    return {file.name: file.stat().st_mtime_ns for file in passes.iterdir()}


@pytest.mark.slow
def test_training_writes_weights_that_say_what_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(folder) == 0
    load_refinement(output(folder))
    with safe_open(output(folder), framework="pt") as file:
        facts = file.metadata()
    assert facts["method"] == "sli2vol-refinement" and facts["volumes"] == "2"
    assert facts["held_out"].startswith("held-out Dice 0.")
    assert "cone: Dice" in capsys.readouterr().out
    assert train(folder, "--seed", "2") == 2
    said = capsys.readouterr().err
    assert "coneCT_1_img.nii.gz.passes: the passes kept here are not taken but made anew" in said
    assert "other settings" in said


@pytest.mark.slow
def test_a_second_round_begins_with_the_weights_given_and_learns_from_passes_that_they_send_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = refinement(folder)
    assert train(folder, "--from", str(earlier), "--learning-rate", "0.0005") == 0
    made = load_refinement(output(folder))
    assert made.settings == SMALL
    with safe_open(output(folder), framework="pt") as file:
        facts = file.metadata()
    assert facts["began_with_sha256"] == sha256_of(earlier) and "'learning_rate': 0.0005" in facts["training"]
    assert "cone sent on: Dice" in capsys.readouterr().out
    passes = folder / "out" / "refinement.safetensors.passes"
    names = [f"coneCT_{number}_img.nii.gz{kind}" for number in (1, 2) for kind in (".passes", ".sent-on.passes")]
    assert sorted(file.name for file in passes.iterdir()) == names


@pytest.mark.slow
def test_a_second_round_in_the_folder_of_the_first_runs_only_passes_that_are_sent_on(folder: Path) -> None:
    passes = folder / "passes"
    assert train(folder, "--passes", str(passes)) == 0
    first = written(passes)
    second_round = ["--from", str(refinement(folder)), "--checkpoint", str(folder / "second.checkpoint")]
    assert train(folder, "--passes", str(passes), *second_round) == 0
    second = written(passes)
    assert len(first) == 2 and first.items() < second.items()
    assert all(name.endswith(".sent-on.passes") for name in second.keys() - first.keys())
    assert not list((folder / "out").glob("*.passes"))


@pytest.mark.slow
def test_a_share_of_the_earlier_weights_can_be_kept(folder: Path) -> None:
    earlier = refinement(folder)
    assert train(folder, "--from", str(earlier)) == 0
    trained = load_refinement(output(folder)).state_dict()
    assert train(folder, "--from", str(earlier), "--keep-earlier", "0.5") == 0
    kept, begun = load_refinement(output(folder)).state_dict(), load_refinement(earlier).state_dict()
    for name, weight in kept.items():
        torch.testing.assert_close(weight, (trained[name] + begun[name]) / 2, atol=2e-3, rtol=2e-3)
    with safe_open(output(folder), framework="pt") as file:
        assert file.metadata()["kept_earlier"] == "0.5"


@pytest.mark.parametrize(("share", "message"), [("0.5", "no earlier weights to keep 0.5 of"), ("1", "under 1, got 1")])
def test_a_share_that_cannot_be_kept_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], share: str, message: str
) -> None:
    assert train(folder, "--keep-earlier", share) == 2
    assert message in capsys.readouterr().err
    assert not output(folder).exists()


@pytest.mark.parametrize(
    ("place", "message"), [("none/passes", "does not exist"), ("correspondence.safetensors", "it is not a folder")]
)
def test_a_place_where_passes_cannot_be_kept_is_refused_before_any_is_run(
    folder: Path, capsys: pytest.CaptureFixture[str], place: str, message: str
) -> None:
    assert train(folder, "--passes", str(folder / place)) == 2
    said = capsys.readouterr().err
    assert f"Cannot keep passes at {folder / place}: " in said and message in said


def test_a_label_on_another_grid_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "volumes" / "coneCT_2_label.nii.gz"
    image = sitk.ReadImage(str(path))
    image.SetSpacing((1.0, 1.0, 1.0))
    sitk.WriteImage(image, str(path))
    assert train(folder) == 2
    assert "coneCT_2_label.nii.gz is not on the image's grid" in capsys.readouterr().err
    assert not output(folder).exists()


@pytest.mark.slow
def test_a_deeper_network_grows_out_of_the_earlier_one(folder: Path) -> None:
    earlier = refinement(folder)
    assert train(folder, "--from", str(earlier), "--deeper", "--keep-earlier", "0.5") == 0
    made, begun = load_refinement(output(folder)), load_refinement(earlier)
    assert made.settings == SMALL.deeper()
    assert begun.state_dict().keys() < made.state_dict().keys()
