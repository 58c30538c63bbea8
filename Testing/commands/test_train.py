"""`sli2vol train`: volumes in, weights out that the other commands take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from commands.files import Case, drawing, phantom, write, write_dicom

from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.commands.train import find_volumes
from Sli2VolSlicerLib.engine.errors import VolumeError


def train(output: Path, *volumes: Path, options: tuple[str, ...] = ()) -> int:
    given = [str(volume) for volume in volumes]
    return main(["train", *given, "--output", str(output), "--steps", "2", "--device", "cpu", "--quiet", *options])


@pytest.mark.slow
def test_trained_weights_propagate_and_training_again_goes_on_from_the_checkpoint(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        write(np.tile(phantom(), (1, 3, 3)) + number, tmp_path / f"volume{number}.nrrd")
    output = case.folder / "weights.safetensors"
    assert train(output, tmp_path) == 0
    assert "held-out error" in capsys.readouterr().out
    result = case.folder / "result.nrrd"
    arguments = ["propagate", str(case.image), str(case.annotation), str(result), "--weights", str(output)]
    assert main([*arguments, "--device", "cpu", "--quiet"]) == 0
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(result)))
    assert np.array_equal(labels[8] == 1, drawing()[8] == 1)
    first = output.read_bytes()
    output.unlink()
    assert train(output, tmp_path) == 0
    assert len(output.read_bytes()) == len(first)
    assert train(output, tmp_path, options=("--seed", "2")) == 2
    assert "other settings" in capsys.readouterr().err


def test_a_folder_gives_its_volumes_without_labels_and_segmentations(tmp_path: Path) -> None:
    for name in ("b_img.nii.gz", "a.nrrd", "b_label.nii.gz", "a.seg.nrrd", "notes.txt"):
        (tmp_path / name).write_text("")
    assert [path.name for path in find_volumes([tmp_path])] == ["a.nrrd", "b_img.nii.gz"]


def test_a_folder_without_such_files_is_one_dicom_series(tmp_path: Path) -> None:
    folder = write_dicom(phantom(), tmp_path / "series")
    assert find_volumes([folder]) == [folder]


def test_a_volume_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="nowhere"):
        find_volumes([tmp_path / "nowhere"])


def test_a_bad_volume_is_named(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(np.full((16, 40, 48), 3, np.int16), tmp_path / "flat.nrrd")
    assert train(case.folder / "weights.safetensors", path) == 2
    assert "flat.nrrd: The volume is constant" in capsys.readouterr().err
    assert list(case.folder.iterdir()) == []
