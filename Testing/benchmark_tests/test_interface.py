"""The panel's figures: how they are kept and told."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from sli2vol_benchmark.cases import BenchmarkError
from sli2vol_benchmark.interface import PanelAnswers, PanelRun, PlaceGap, measure_interface, read_interface
from sli2vol_benchmark.interface_report import interface_section, write_interface_report
from sli2vol_benchmark.kept_parts import NOTES_BEGIN, NOTES_END

GAPS = (PlaceGap("begin", 7.0, 7.0), PlaceGap("running", 31.0, 14.0), PlaceGap("finish", 44.0, 15.0))
ANSWERS = PanelAnswers(
    "sabsCT_01/liver",
    (140, 257, 257),
    PlaceGap("idle", 9.0, 5.0),
    PlaceGap("drawing", 62.0, 60.0),
    (PanelRun("first", GAPS),),
    0.13,
    1,
    0.05,
)


def test_the_longest_gap_is_told_with_its_place() -> None:
    assert ANSWERS.runs[0].longest.place == "finish"
    text = interface_section([ANSWERS])
    for words in ("| 140x257x257, first | 7 | 31 (14) | 44 (15) |", "after 0.13 s", "1 slice(s)", "62 ms to draw"):
        assert words in text


def test_figures_come_back_from_the_results_file() -> None:
    assert read_interface(json.loads(json.dumps({"interface": [asdict(ANSWERS)]}))) == (ANSWERS,)
    assert read_interface({}) == ()


def test_the_section_is_put_before_the_notes_and_replaced_the_next_time(tmp_path: Path) -> None:
    output, report = tmp_path / "results.json", tmp_path / "results.md"
    output.write_text(json.dumps({"interface": [asdict(ANSWERS)]}))
    report.write_text(f"# Results\n\n{NOTES_BEGIN}\nmine\n{NOTES_END}\n")
    write_interface_report(output, report)
    write_interface_report(output, report)
    text = report.read_text()
    assert text.count("## How the panel answers") == 1
    assert text.index("## How the panel answers") < text.index("mine")


def test_without_figures_it_says_so(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    output.write_text("{}")
    with pytest.raises(BenchmarkError, match="measure with --interface"):
        write_interface_report(output, tmp_path / "results.md")


def test_a_folder_without_the_case_says_so(small_data: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="sabsCT_01/liver, which is not in"):
        measure_interface(small_data, tmp_path / "r.json", lambda line: None)
