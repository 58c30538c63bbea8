"""What the list of weights says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from Sli2VolSlicerLib.panel.weights_rows import consent_text, progress_text, row_of, verified_text
from Sli2VolSlicerLib.weights import WeightsEntry, WeightsState, Whereabouts

ENTRY = WeightsEntry(
    "large", "2", "sli2vol", "large.safetensors", "0" * 64, 2_500_000, "https://a.example/l", "MIT", "l.md"
)
SHIPPED_ONLY = replace(ENTRY, url="")


def state(whereabouts: Whereabouts, entry: WeightsEntry = ENTRY, *, can_remove: bool = False) -> WeightsState:
    problem = "large.safetensors is damaged" if whereabouts is Whereabouts.DAMAGED else ""
    return WeightsState(entry, whereabouts, None, 1_000_000, can_remove, problem)


def test_weights_that_are_here_are_not_fetched() -> None:
    row = row_of(state(Whereabouts.SHIPPED))
    assert (row.name, row.size, row.state) == ("large 2", "2.5 MB", "here (came with the module)")
    assert not row.can_fetch


def test_missing_weights_can_be_fetched_if_there_is_an_address() -> None:
    assert row_of(state(Whereabouts.MISSING)).can_fetch
    row = row_of(state(Whereabouts.MISSING, SHIPPED_ONLY))
    assert (row.can_fetch, row.state) == (False, "missing: install the module again")
    assert row_of(state(Whereabouts.MISSING, SHIPPED_ONLY), "https://mirror.example").can_fetch


def test_a_fetch_that_was_begun_is_continued() -> None:
    row = row_of(state(Whereabouts.BEGUN, can_remove=True))
    assert (row.state, row.fetch_label, row.can_remove) == ("begun: 40 %", "Go on fetching ...", True)


def test_a_damaged_file_is_fetched_again_and_its_problem_is_told() -> None:
    row = row_of(state(Whereabouts.DAMAGED))
    assert (row.state, row.fetch_label, row.can_fetch) == ("damaged", "Fetch again ...", True)
    assert "large.safetensors is damaged" in row.tool_tip


def test_the_question_names_size_address_and_licence() -> None:
    text = consent_text(ENTRY, "https://mirror.example/large.safetensors", 1_000_000)
    for part in ("1.5 MB", "https://mirror.example/large.safetensors", "MIT", "nothing about you or your images"):
        assert part in text


def test_a_copy_is_no_fetch() -> None:
    assert consent_text(ENTRY, Path("stick"), 0) == "Copy the weights 'large' (2.5 MB) from stick?"


def test_progress_is_told_in_megabytes() -> None:
    assert progress_text("large", 0, 0) == "large: connecting ..."
    assert progress_text("large", 1_000_000, 2_500_000) == "large: 1.0 MB of 2.5 MB"


def test_verifying_counts_what_is_whole_or_tells_what_is_not() -> None:
    good, bad = state(Whereabouts.FETCHED), state(Whereabouts.DAMAGED)
    assert verified_text([good, good, state(Whereabouts.MISSING)]).startswith("Verified: 2 files are whole")
    assert verified_text([good, bad]) == "large.safetensors is damaged"
