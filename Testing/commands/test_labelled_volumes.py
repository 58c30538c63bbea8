"""Volumes with labels: where the labels lie, and whose volumes they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from Sli2VolSlicerLib.commands.labelled_volumes import label_file_of, patient_of


@pytest.mark.parametrize(
    ("name", "group", "patient"),
    [
        ("sarcomaCT_004_img.nii.gz", "sarcoma", "sarcoma_004"),
        ("sarcomaMRT1_004_img.nii.gz", "sarcoma", "sarcoma_004"),
        ("chaosT2MR_7.nii", "chaos", "chaos_7"),
        ("ward_CT_12_after_3.nrrd", "ward_CT_12_after", "ward_CT_12_after_3"),
        ("abdomenCT_andrei_img.nii.gz", "abdomen", "abdomen_andrei"),
        ("abdomenCT_andrei_deformed2_img.nii.gz", "abdomen", "abdomen_andrei"),
        ("sarcomaCT_004_deformed12_img.nii.gz", "sarcoma", "sarcoma_004"),
        ("17.mha", "volumes", "17"),
    ],
)
def test_the_name_says_whose_volume_it_is(name: str, group: str, patient: str) -> None:
    assert patient_of(Path(name)) == (group, patient)


@pytest.mark.parametrize("volume", ["a.nii.gz", "a_img.nii.gz", "a.nrrd"])
def test_labels_lie_beside_the_volume(tmp_path: Path, volume: str) -> None:
    assert label_file_of(tmp_path / volume) is None
    (tmp_path / "a_label.nii.gz").write_text("")
    assert label_file_of(tmp_path / volume) == tmp_path / "a_label.nii.gz"


def test_labels_may_lie_in_another_folder_and_those_beside_the_volume_come_first(tmp_path: Path) -> None:
    elsewhere = tmp_path / "labels"
    elsewhere.mkdir()
    (elsewhere / "a_label.nii.gz").write_text("")
    assert label_file_of(tmp_path / "a_img.nii.gz", elsewhere) == elsewhere / "a_label.nii.gz"
    (tmp_path / "a_label.nrrd").write_text("")
    assert label_file_of(tmp_path / "a_img.nii.gz", elsewhere) == tmp_path / "a_label.nrrd"
