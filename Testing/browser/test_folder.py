"""The folder given at start, and nothing outside of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from Sli2VolSlicerLib.browser.folder import SharedFolder
from Sli2VolSlicerLib.engine.errors import VolumeError


def touch(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def dicom(path: Path) -> Path:
    return touch(path, bytes(128) + b"DICM")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with volumes, and a secret beside it."""
    touch(tmp_path / "secret.nrrd", b"secret")
    touch(tmp_path / "rooted" / "secret.nrrd", b"secret")
    folder = tmp_path / "root"
    touch(folder / "liver.nii.gz")
    touch(folder / "deep" / "head.NRRD")
    touch(folder / "series.zip")
    dicom(folder / "study" / "series" / "1.dcm")
    touch(folder / "notes.txt")
    touch(folder / "liver.seg.nrrd")
    touch(folder / ".hidden.nrrd")
    touch(folder / ".cache" / "a.nrrd")
    return folder


def test_volumes_zip_files_and_dicom_folders_are_listed(root: Path) -> None:
    assert SharedFolder(root).list() == ("deep/head.NRRD", "liver.nii.gz", "series.zip", "study/series")


def test_everything_listed_is_found(root: Path) -> None:
    folder = SharedFolder(root)
    assert [folder.resolve(name) for name in folder.list()] == [root.resolve() / name for name in folder.list()]


def test_a_long_list_is_cut(root: Path) -> None:
    for number in range(20):
        touch(root / f"{number}.nrrd")
    assert len(SharedFolder(root, most_names=5).list()) == 5
    assert len(SharedFolder(root, most_entries=3).list()) == 0


@pytest.mark.parametrize(
    "name",
    ["../secret.nrrd", "deep/../../secret.nrrd", "deep/..", "..", "..\\secret.nrrd", "../rooted/secret.nrrd"],
)
def test_two_dots_are_refused(root: Path, name: str) -> None:
    with pytest.raises(VolumeError, match=r"leads out of the shared folder by '\.\.'"):
        SharedFolder(root).resolve(name)


@pytest.mark.parametrize("name", ["/etc/passwd", "", "C:\\secret.nrrd", "\\\\server\\share", "a\0b", "C:secret.nrrd"])
def test_names_that_are_not_relative_are_refused(root: Path, name: str) -> None:
    with pytest.raises(VolumeError, match="not a name within the shared folder"):
        SharedFolder(root).resolve(name)


def test_an_absolute_name_is_refused_even_of_a_file_inside(root: Path) -> None:
    with pytest.raises(VolumeError, match="not a name within"):
        SharedFolder(root).resolve(str(root / "liver.nii.gz"))


@pytest.mark.parametrize("target", ["../secret.nrrd", "../rooted/secret.nrrd"])
def test_a_symbolic_link_that_leads_outside_is_neither_listed_nor_opened(root: Path, target: str) -> None:
    (root / "link.nrrd").symlink_to(target)
    folder = SharedFolder(root)
    assert "link.nrrd" not in folder.list()
    with pytest.raises(VolumeError, match=r"'link\.nrrd' leads out of the shared folder by a symbolic link"):
        folder.resolve("link.nrrd")


def test_a_linked_folder_that_leads_outside_is_neither_listed_nor_opened(root: Path, tmp_path: Path) -> None:
    (root / "elsewhere").symlink_to(tmp_path / "rooted")
    folder = SharedFolder(root)
    assert not [name for name in folder.list() if name.startswith("elsewhere")]
    with pytest.raises(VolumeError, match="symbolic link"):
        folder.resolve("elsewhere/secret.nrrd")


def test_a_series_of_which_a_file_lies_outside_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "study" / "series" / "2.dcm").symlink_to(dicom(tmp_path / "other-patient.dcm"))
    with pytest.raises(VolumeError, match=r"'study/series/2\.dcm' leads out"):
        SharedFolder(root).resolve("study/series")


def test_a_symbolic_link_that_stays_inside_is_followed(root: Path) -> None:
    (root / "link.nii.gz").symlink_to("liver.nii.gz")
    folder = SharedFolder(root)
    assert "link.nii.gz" in folder.list()
    assert folder.resolve("link.nii.gz") == (root / "liver.nii.gz").resolve()


def test_a_round_of_links_is_refused(root: Path) -> None:
    (root / "a.nrrd").symlink_to("b.nrrd")
    (root / "b.nrrd").symlink_to("a.nrrd")
    with pytest.raises(VolumeError, match="There is no"):
        SharedFolder(root).resolve("a.nrrd")


@pytest.mark.parametrize("name", ["none.nrrd", "\ud800.nrrd", "n" * 5000])
def test_a_missing_name_is_told(root: Path, name: str) -> None:
    with pytest.raises(VolumeError, match=rf"There is no '{name}' in the shared folder"):
        SharedFolder(root).resolve(name)


def test_a_folder_given_through_a_link_works(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    folder = SharedFolder(tmp_path / "link")
    assert folder.resolve("liver.nii.gz").is_file()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="There is no folder"):
        SharedFolder(tmp_path / "none")
