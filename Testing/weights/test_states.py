"""Where an entry stands on this computer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from weights.loopback import Loopback

from Sli2VolSlicerLib.weights import Catalogue, FetchError, WeightsEntry, Whereabouts, state_of


@pytest.fixture
def catalogue(entry: WeightsEntry, tmp_path: Path) -> Catalogue:
    (tmp_path / "shipped").mkdir()
    return Catalogue([entry], tmp_path / "shipped", tmp_path / "fetched")


def test_weights_that_are_not_here_are_missing(catalogue: Catalogue, entry: WeightsEntry) -> None:
    state = state_of(catalogue, entry)
    assert (state.whereabouts, state.path, state.can_remove) == (Whereabouts.MISSING, None, False)
    assert not state.is_usable


def test_an_unfinished_fetch_is_begun_and_can_be_removed(
    catalogue: Catalogue, entry: WeightsEntry, server: Loopback
) -> None:
    server.stop_after = 700_000
    with pytest.raises(FetchError):
        catalogue.fetch("made-up")
    state = state_of(catalogue, entry)
    assert (state.whereabouts, state.bytes_here, state.can_remove) == (Whereabouts.BEGUN, 700_000, True)


def test_fetched_weights_can_be_removed(catalogue: Catalogue, entry: WeightsEntry) -> None:
    path = catalogue.fetch("made-up")
    state = state_of(catalogue, entry)
    assert (state.whereabouts, state.path, state.can_remove) == (Whereabouts.FETCHED, path, True)
    assert state.is_usable


def test_shipped_weights_cannot_be_removed(catalogue: Catalogue, entry: WeightsEntry, server: Loopback) -> None:
    (catalogue.shipped / entry.file).write_bytes(server.content)
    state = state_of(catalogue, entry)
    assert (state.whereabouts, state.can_remove) == (Whereabouts.SHIPPED, False)


def test_damaged_weights_say_what_is_wrong(catalogue: Catalogue, entry: WeightsEntry) -> None:
    catalogue.fetch("made-up").write_bytes(b"half")
    state = state_of(catalogue, entry)
    assert (state.whereabouts, state.can_remove) == (Whereabouts.DAMAGED, True)
    assert "has 4 bytes and should have 1500000" in state.problem
    assert not state.is_usable


def test_the_beginning_of_an_older_version_is_not_counted(
    catalogue: Catalogue, entry: WeightsEntry, server: Loopback
) -> None:
    server.stop_after = 700_000
    with pytest.raises(FetchError):
        catalogue.fetch("made-up")
    newer = replace(entry, sha256="0" * 64)
    assert state_of(catalogue, newer).whereabouts is Whereabouts.MISSING
