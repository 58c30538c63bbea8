"""`sli2vol invent`: volumes of nobody and their labels out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from Sli2VolSlicerLib.commands.labelled_volumes import read_labelled_volume
from Sli2VolSlicerLib.commands.main import main


def invent(folder: Path, *options: str) -> int:
    return main(["invent", "--output", str(folder), "--quiet", *options])


def test_volumes_lie_beside_their_labels_and_are_patients_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invent(tmp_path, "--volumes", "2") == 0
    there = sorted(file.name for file in tmp_path.iterdir())
    assert there == [f"invented_{number}_{kind}.nii.gz" for number in (1, 2) for kind in ("img", "label")]
    read = [read_labelled_volume(tmp_path / f"invented_{number}_img.nii.gz") for number in (1, 2)]
    assert [(each.patient, each.group) for each in read] == [("invented_1", "invented"), ("invented_2", "invented")]
    assert all(each.labels is not None and each.labels.any() for each in read)
    assert f"wrote 2 volumes to {tmp_path}" in capsys.readouterr().out


def test_a_volume_depends_on_its_number_and_the_seed_alone(tmp_path: Path) -> None:
    def first(name: str, *options: str) -> np.ndarray:
        (tmp_path / name).mkdir()
        assert invent(tmp_path / name, *options) == 0
        return read_labelled_volume(tmp_path / name / "invented_1_img.nii.gz").voxels

    one, more, other = (
        first("one", "--volumes", "1"),
        first("more", "--volumes", "2"),
        first("other", "--volumes", "1", "--seed", "2"),
    )
    np.testing.assert_array_equal(one, more)
    assert one.shape != other.shape or (one != other).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--volumes", "0"), "at least 1 volume to invent, got 0"),
        (("--output", "{tmp}/nowhere"), "There is no folder {tmp}/nowhere to write volumes to"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert invent(tmp_path, *(option.format(tmp=tmp_path) for option in options)) == 2
    assert message.format(tmp=tmp_path) in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
