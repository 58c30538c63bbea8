"""`sli2vol train-plus`: volumes in, weights of sli2vol-plus out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from commands.files import Case, drawing, phantom, write

from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.engine.weights_file import load_network
from Sli2VolSlicerLib.weights import describe_own_file


def train(output: Path, *volumes: Path, options: tuple[str, ...] = ()) -> int:
    given = [str(volume) for volume in volumes]
    steps = ["--steps", "1", "--refining-steps", "1"]
    return main(["train-plus", *given, "--output", str(output), *steps, "--device", "cpu", "--quiet", *options])


def labelled_volumes(folder: Path, count: int = 2) -> None:
    for number in range(count):
        write(np.tile(phantom(), (1, 2, 2)) + number, folder / f"volume{number}_img.nrrd")
        whole = (np.tile(phantom(), (1, 2, 2)) > 200).astype(np.uint8)
        write(whole, folder / f"volume{number}_label.nrrd")


@pytest.mark.slow
def test_trained_weights_propagate_and_training_again_goes_on_from_what_is_kept(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("monai")
    labelled_volumes(tmp_path)
    output = case.folder / "weights.safetensors"
    assert train(output, tmp_path) == 0
    assert "held-out error" in capsys.readouterr().out
    assert describe_own_file(output).method == "sli2vol-plus"
    result = case.folder / "result.nrrd"
    arguments = ["propagate", str(case.image), str(case.annotation), str(result), "--weights", str(output)]
    assert main([*arguments, "--method", "sli2vol-plus", "--device", "cpu", "--quiet"]) == 0
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(result)))
    assert np.array_equal(labels[8] == 1, drawing()[8] == 1)
    kept = case.folder / "weights.safetensors.pseudo-labels"
    assert len(list(kept.iterdir())) == 2
    made = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    first = load_network(output).state_dict()
    output.unlink()
    assert train(output, tmp_path) == 0
    assert made == {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    again = load_network(output).state_dict()
    assert all(np.array_equal(first[name].numpy(), again[name].numpy()) for name in first)
    assert main([*arguments, "--method", "sli2vol", "--device", "cpu", "--quiet"]) == 2
    assert "'sli2vol' needs" in capsys.readouterr().err


@pytest.mark.slow
def test_unrefined_training_needs_no_monai(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "einops", None)
    labelled_volumes(tmp_path)
    output = case.folder / "weights.safetensors"
    assert train(output, tmp_path, options=("--unrefined",)) == 0
    assert output.is_file()


@pytest.mark.slow
def test_labels_may_lie_in_a_folder_of_their_own(case: Case, tmp_path: Path) -> None:
    volumes, labels = tmp_path / "volumes", tmp_path / "labels"
    for folder in (volumes, labels):
        folder.mkdir()
    labelled_volumes(volumes)
    for file in volumes.glob("*_label.nrrd"):
        file.rename(labels / file.name)
    output = case.folder / "weights.safetensors"
    assert train(output, volumes, options=("--unrefined", "--labels", str(labels))) == 0
    kept = np.load(case.folder / "weights.safetensors.pseudo-labels" / "volume0_img.nrrd.npz")
    whole = sitk.GetArrayFromImage(sitk.ReadImage(str(labels / "volume0_label.nrrd")))
    assert np.array_equal(kept["drawn"] > 0, whole[kept["slice_index"]] > 0)


def test_a_missing_monai_is_told_before_anything_is_made(
    case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "einops", None)
    assert train(case.folder / "weights.safetensors", case.image) == 2
    assert "pip install 'sli2volslicer[plus]'" in capsys.readouterr().err
    assert list(case.folder.iterdir()) == []


def test_two_volumes_of_one_name_are_refused(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    same = write(phantom(), tmp_path / "other" / case.image.name)
    assert train(case.folder / "weights.safetensors", case.image, same) == 2
    assert "have the same name" in capsys.readouterr().err
    assert list(case.folder.iterdir()) == []
