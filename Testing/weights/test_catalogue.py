"""The catalogue, on small made-up files, and the one that is shipped."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from Sli2VolSlicerLib.engine.errors import WeightsError
from Sli2VolSlicerLib.weights import (
    Catalogue,
    WeightsEntry,
    fetched_folder,
    find_weights,
    sha256_of,
    shipped_folder,
)


@pytest.fixture
def catalogue(entry: WeightsEntry, tmp_path: Path) -> Catalogue:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "catalogue.json").write_text(json.dumps([asdict(entry)]))
    return Catalogue.open(shipped, tmp_path / "fetched")


def test_an_entry_is_found_by_its_name_and_by_its_method(catalogue: Catalogue, entry: WeightsEntry) -> None:
    assert catalogue.find("made-up-large") == entry
    assert catalogue.find("made-up") == entry


def test_an_unknown_name_says_which_names_there_are(catalogue: Catalogue) -> None:
    with pytest.raises(WeightsError, match=r"'best' in the catalogue \(known: made-up-large\)"):
        catalogue.find("best")


def test_weights_that_are_not_here_say_how_to_fetch_them(catalogue: Catalogue, entry: WeightsEntry) -> None:
    with pytest.raises(WeightsError, match="sli2vol models fetch made-up-large"):
        catalogue.verify(entry)


def test_fetched_weights_are_found_verified_and_removed(catalogue: Catalogue, entry: WeightsEntry) -> None:
    path = catalogue.fetch("made-up")
    assert catalogue.verify(entry) == path == catalogue.fetched / entry.file
    assert catalogue.remove("made-up")
    assert catalogue.path_of(entry) is None
    assert not catalogue.remove("made-up")


def test_shipped_weights_come_before_fetched_ones_and_are_not_removed(
    catalogue: Catalogue, entry: WeightsEntry
) -> None:
    fetched = catalogue.fetch("made-up")
    shipped = catalogue.shipped / entry.file
    shipped.write_bytes(fetched.read_bytes())
    assert catalogue.verify(entry) == shipped
    catalogue.remove("made-up")
    assert catalogue.verify(entry) == shipped


def test_truncated_weights_are_refused(catalogue: Catalogue, entry: WeightsEntry) -> None:
    path = catalogue.fetch("made-up")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(WeightsError, match="has 100 bytes and should have 1500000"):
        catalogue.verify(entry)


def test_changed_weights_are_refused_even_after_they_were_found_good(catalogue: Catalogue, entry: WeightsEntry) -> None:
    path = catalogue.fetch("made-up")
    catalogue.verify(entry)
    content = bytearray(path.read_bytes())
    content[7] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="SHA-256"):
        catalogue.verify(entry)


def test_weights_without_an_address_cannot_be_fetched(catalogue: Catalogue, entry: WeightsEntry) -> None:
    offline = Catalogue([replace(entry, url="")], catalogue.shipped, catalogue.fetched)
    with pytest.raises(WeightsError, match="names no address"):
        offline.fetch("made-up")


def test_two_entries_of_one_name_are_refused(entry: WeightsEntry, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="more than once: made-up-large"):
        Catalogue([entry, entry], tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("{}", "list of objects"),
        ('[{"name": "a"}]', "'a': fields missing or unknown: bytes, card"),
    ],
)
def test_a_catalogue_that_cannot_be_understood_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "catalogue.json").write_text(text)
    with pytest.raises(WeightsError, match=message):
        Catalogue.open(tmp_path, tmp_path)


@pytest.mark.parametrize(("field", "value"), [("file", "../evil"), ("sha256", "abc"), ("bytes", 0), ("bytes", "9")])
def test_an_entry_with_a_wrong_value_is_refused(entry: WeightsEntry, field: str, value: object) -> None:
    with pytest.raises(WeightsError, match=field):
        WeightsEntry.from_json(asdict(entry) | {field: value})


def test_the_folder_for_fetched_weights_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLI2VOL_WEIGHTS_FOLDER", str(tmp_path))
    assert fetched_folder() == tmp_path
    monkeypatch.delenv("SLI2VOL_WEIGHTS_FOLDER")
    assert fetched_folder().parts[-2:] == ("sli2vol", "weights")


def test_every_shipped_entry_verifies_and_has_its_card() -> None:
    catalogue = Catalogue.open()
    if not catalogue.entries:
        pytest.skip("no weights are shipped yet")
    for entry in catalogue.entries:
        path = catalogue.shipped / entry.file
        if not entry.url:
            assert path.is_file(), f"{entry.name} has no address, so it must be shipped"
        if path.is_file():
            assert (path.stat().st_size, sha256_of(path)) == (entry.bytes, entry.sha256)
            assert find_weights(entry.name) == path
        assert (shipped_folder() / entry.card).is_file(), f"{entry.name} has no model card"
