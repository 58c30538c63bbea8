"""Zip files from strangers."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from Sli2VolSlicerLib.browser.unpacking import UnpackingLimits, unpack
from Sli2VolSlicerLib.engine.errors import VolumeError


def zipped(path: Path, **files: bytes) -> Path:
    return zipped_as(path, {name: content for name, content in files.items()})


def zipped_as(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_files_are_unpacked_with_their_folders(tmp_path: Path) -> None:
    archive = zipped_as(tmp_path / "a.zip", {"series/1.dcm": b"1", "series/2.dcm": b"2", "empty/": b""})
    assert unpack(archive, tmp_path / "out") == 2
    assert (tmp_path / "out" / "series" / "2.dcm").read_bytes() == b"2"


def test_what_macos_adds_is_left_out(tmp_path: Path) -> None:
    archive = zipped_as(tmp_path / "a.zip", {"a.nrrd": b"1", "__MACOSX/._a.nrrd": b"2", ".DS_Store": b"3"})
    assert unpack(archive, tmp_path / "out") == 1


@pytest.mark.parametrize(
    "name", ["../escaped", "/escaped", "a/../../escaped", "..\\escaped", "C:/escaped", "C:\\escaped"]
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    archive = zipped_as(tmp_path / "a.zip", {"good.nrrd": b"1", name: b"2"})
    with pytest.raises(VolumeError, match="which leads out of it"):
        unpack(archive, tmp_path / "in" / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "in"]


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.nrrd")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(VolumeError, match=r"symbolic link 'link\.nrrd'"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    archive = zipped_as(tmp_path / "a.zip", {str(number): b"" for number in range(11)})
    with pytest.raises(VolumeError, match="holds 11 files; at most 10"):
        unpack(archive, tmp_path / "out", UnpackingLimits(most_files=10))


def test_too_many_bytes_are_refused(tmp_path: Path) -> None:
    archive = zipped_as(tmp_path / "bomb.zip", {"a": bytes(2_000_000), "b": bytes(2_000_000)})
    assert archive.stat().st_size < 20_000
    with pytest.raises(VolumeError, match=r"bomb\.zip holds more than 3 MB unpacked"):
        unpack(archive, tmp_path / "out", UnpackingLimits(most_bytes=3_000_000))
    assert not (tmp_path / "out").exists()


def test_a_zip_file_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "liar.zip", a=bytes(2_000_000))
    content = archive.read_bytes()
    archive.write_bytes(content.replace((2_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(VolumeError, match=r"liar\.zip"):
        unpack(archive, tmp_path / "out", UnpackingLimits(most_bytes=100_000))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_damaged_zip_file_is_refused(tmp_path: Path, kept: float) -> None:
    archive = zipped(tmp_path / "a.zip", a=bytes(range(256)) * 100)
    content = archive.read_bytes()
    archive.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    with pytest.raises(VolumeError, match=r"a\.zip is damaged, or not a zip file"):
        unpack(archive, tmp_path / "out")


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", a=bytes(range(256)) * 100)
    content = bytearray(archive.read_bytes())
    content[60] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(VolumeError, match="damaged"):
        unpack(archive, tmp_path / "out")


def test_an_encrypted_zip_file_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", a=b"1")
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(VolumeError, match="encrypted"):
        unpack(archive, tmp_path / "out")


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    with pytest.raises(VolumeError, match="cannot be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
