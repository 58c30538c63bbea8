"""Weights that were fetched by other means: a mirror, a folder or a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from weights.loopback import Loopback

from Sli2VolSlicerLib.weights import (
    Catalogue,
    FetchCancelled,
    FetchError,
    RemoteFile,
    WeightsEntry,
    address_of,
    take_file,
)


@pytest.fixture
def copy(server: Loopback, tmp_path: Path) -> Path:
    path = tmp_path / "stick" / "made-up.safetensors"
    path.parent.mkdir()
    path.write_bytes(server.content)
    return path


@pytest.fixture
def catalogue(entry: WeightsEntry, tmp_path: Path) -> Catalogue:
    return Catalogue([entry], tmp_path / "shipped", tmp_path / "fetched")


def test_a_file_is_copied_whole_and_needs_no_network(remote: RemoteFile, copy: Path, tmp_path: Path) -> None:
    path = take_file(replace(remote, url="http://127.0.0.1:9/nobody"), copy, tmp_path / "here")
    assert path.read_bytes() == copy.read_bytes()
    assert list(path.parent.iterdir()) == [path]


def test_another_file_is_refused_and_nothing_stays(remote: RemoteFile, copy: Path, tmp_path: Path) -> None:
    copy.write_bytes(copy.read_bytes()[:-1])
    with pytest.raises(FetchError, match=r"is not made-up\.safetensors: .*has 1499999 bytes and should have 1500000"):
        take_file(remote, copy, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_file_that_is_not_there_is_an_error(remote: RemoteFile, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="cannot be read"):
        take_file(remote, tmp_path / "nowhere", tmp_path)


def test_copying_can_be_cancelled(remote: RemoteFile, copy: Path, tmp_path: Path) -> None:
    answers = iter([False, True])
    with pytest.raises(FetchCancelled):
        take_file(remote, copy, tmp_path, is_cancelled=lambda: next(answers))
    assert not (tmp_path / remote.file_name).exists()


def test_a_folder_or_a_file_stands_in_for_the_address(catalogue: Catalogue, copy: Path, server: Loopback) -> None:
    for source in (str(copy), str(copy.parent), copy.as_uri(), copy.parent.as_uri()):
        assert catalogue.fetch("made-up", source=source).parent == catalogue.fetched
        assert catalogue.remove("made-up")
    assert server.ranges == []


def test_a_mirror_stands_in_for_the_address(catalogue: Catalogue, entry: WeightsEntry, server: Loopback) -> None:
    assert address_of(entry) == entry.url
    assert address_of(entry, "https://mirror.example/sli2vol/") == f"https://mirror.example/sli2vol/{entry.file}"
    assert address_of(entry, f"https://mirror.example/{entry.file}") == f"https://mirror.example/{entry.file}"
    with pytest.raises(FetchError, match="404"):
        catalogue.fetch("made-up", source=server.url)
    assert len(server.ranges) == 1


@pytest.mark.parametrize("source", ["ftp://mirror.example", "https://me:secret@mirror.example"])
def test_a_mirror_that_cannot_be_fetched_from_is_refused(entry: WeightsEntry, source: str) -> None:
    with pytest.raises(FetchError) as refused:
        address_of(entry, source)
    assert "secret" not in str(refused.value)


def test_a_whole_file_is_found_behind_a_damaged_one(catalogue: Catalogue, entry: WeightsEntry, copy: Path) -> None:
    catalogue.shipped.mkdir()
    (catalogue.shipped / entry.file).write_bytes(b"damaged")
    path = catalogue.fetch("made-up", source=str(copy))
    assert catalogue.verify(entry) == path
