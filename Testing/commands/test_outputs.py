"""Outputs appear together and whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from Sli2VolSlicerLib.commands.outputs import IMAGE_SUFFIXES, SEGMENTATION_SUFFIX, Outputs, suffix_of
from Sli2VolSlicerLib.engine.errors import OutputError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_committed_files_get_their_names_and_leave_nothing_beside_them(tmp_path: Path) -> None:
    with Outputs() as outputs:
        for name in ("a.nrrd", "b.nii.gz"):
            outputs.claim(tmp_path / name, IMAGE_SUFFIXES)
            outputs.write(tmp_path / name, lambda path: path.write_text("x"))
        outputs.commit()
    assert names(tmp_path) == ["a.nrrd", "b.nii.gz"]


def test_without_a_commit_nothing_is_left_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").write_text("old")
    with pytest.raises(KeyboardInterrupt), Outputs() as outputs:
        outputs.claim(tmp_path / "a.nrrd", IMAGE_SUFFIXES)
        outputs.write(tmp_path / "a.nrrd", lambda path: path.write_text("new"))
        raise KeyboardInterrupt
    assert names(tmp_path) == ["a.nrrd"]
    assert (tmp_path / "a.nrrd").read_text() == "old"


def test_a_writer_that_fails_is_an_output_error(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left on device"), Outputs() as outputs:
        outputs.claim(tmp_path / "a.nrrd", IMAGE_SUFFIXES)
        outputs.write(tmp_path / "a.nrrd", fail)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/a.nrrd", "does not exist"),
        ("file/a.nrrd", "does not exist"),
        ("folder.nrrd", "is a folder"),
        ("a.txt", r"must end in \.nii"),
        (".nrrd", "must end in"),
        ("input.nrrd", "is an input"),
        ("../{}/input.nrrd", "is an input"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.nrrd").mkdir()
    (tmp_path / "input.nrrd").write_text("")
    before = names(tmp_path)
    with pytest.raises(OutputError, match=message), Outputs() as outputs:
        outputs.claim(tmp_path / name.format(tmp_path.name), IMAGE_SUFFIXES, (tmp_path / "input.nrrd",))
    assert names(tmp_path) == before


def test_one_path_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="given twice"), Outputs() as outputs:
        outputs.claim(tmp_path / "a.nrrd", IMAGE_SUFFIXES)
        outputs.claim(tmp_path / "." / "a.nrrd", IMAGE_SUFFIXES)


def test_the_longest_suffix_counts() -> None:
    known = (*IMAGE_SUFFIXES, SEGMENTATION_SUFFIX)
    assert suffix_of(Path("a.seg.nrrd"), known) == ".seg.nrrd"
    assert suffix_of(Path("a.NII.GZ"), known) == ".nii.gz"
    assert suffix_of(Path("a.b.nrrd"), known) == ".nrrd"
