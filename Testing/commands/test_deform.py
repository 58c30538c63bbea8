"""`sli2vol deform`: volumes and labels in, copies to train on out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from commands.files import cone, phantom, write, write_labelled_volumes

from Sli2VolSlicerLib.commands.labelled_volumes import patient_of, read_labelled_volume
from Sli2VolSlicerLib.commands.main import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled volume of each of two patients, and a place for copies."""
    write_labelled_volumes(tmp_path / "volumes")
    (tmp_path / "out").mkdir()
    return tmp_path


def deform(folder: Path, *options: str) -> int:
    return main(["deform", str(folder / "volumes"), "--output", str(folder / "out"), "--quiet", *options])


def test_copies_lie_beside_their_labels_and_are_the_same_patients(folder: Path) -> None:
    assert deform(folder, "--copies", "2") == 0
    names = [f"coneCT_{patient}_deformed{number}" for patient in (1, 2) for number in (1, 2)]
    there = sorted(file.name for file in (folder / "out").iterdir())
    assert there == sorted(f"{name}_{kind}.nii.gz" for name in names for kind in ("img", "label"))
    copy = read_labelled_volume(folder / "out" / f"{names[0]}_img.nii.gz")
    assert copy.patient == patient_of(Path("coneCT_1_img.nii.gz"))[1] and copy.group == "cone"
    assert copy.labels is not None and set(np.unique(copy.labels)) == {0, 1}


def test_the_same_command_writes_the_same_copies(folder: Path) -> None:
    def copies(seed: str) -> list[np.ndarray]:
        assert deform(folder, "--copies", "1", "--seed", seed) == 0
        files = sorted((folder / "out").iterdir())
        return [sitk.GetArrayFromImage(sitk.ReadImage(str(file))) for file in files]

    one, again, other = copies("1"), copies("1"), copies("2")
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_labels_are_found_in_a_folder_of_their_own(tmp_path: Path) -> None:
    for name in ("volumes", "labels", "out"):
        (tmp_path / name).mkdir()
    write(phantom(), tmp_path / "volumes" / "coneCT_1.nii.gz")
    write(cone(), tmp_path / "labels" / "coneCT_1_label.nii.gz")
    assert deform(tmp_path, "--copies", "1", "--labels", str(tmp_path / "labels")) == 0
    assert (tmp_path / "out" / "coneCT_1_deformed1_label.nii.gz").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--copies", "0"), "at least 1 copy of each volume, got 0"),
        (("--output", "{tmp}/nowhere"), "There is no folder {tmp}/nowhere to write copies to"),
        (("--labels", "{tmp}/nowhere"), "There is no folder {tmp}/nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_written(
    folder: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, str], message: str
) -> None:
    assert deform(folder, *(option.format(tmp=folder) for option in options)) == 2
    assert message.format(tmp=folder) in capsys.readouterr().err
    assert not list((folder / "out").iterdir())
