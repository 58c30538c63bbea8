"""The speed section: what is measured and how it is told."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from sli2vol_benchmark import memory
from sli2vol_benchmark.cases import BenchmarkError, list_cases
from sli2vol_benchmark.rows import RowSpec
from sli2vol_benchmark.run import Options
from sli2vol_benchmark.speed import (
    PlainSpeed,
    PropagateSpeed,
    Speed,
    measure_speed,
    plain_speed,
    propagate_speed,
    read_speed,
)
from sli2vol_benchmark.tables import speed_section

from .results import result

OURS = PropagateSpeed("sabsCT_01/liver", "cpu", 1.0, 4.0, 0.5, 0.8, 100, 0.9, 900.0, 18.0, 12, 9, 0.95, 3.0, 1.6)
SPEED = Speed(OURS, PlainSpeed(2.0, 1400.0, 3))


def test_times_faster_compares_seconds_per_slice() -> None:
    assert OURS.seconds_per_slice == pytest.approx(0.04)
    assert SPEED.times_faster == pytest.approx(50)


def test_the_section_tells_the_ratio_the_seconds_and_the_memory() -> None:
    text = speed_section(SPEED, {"sli2vol": [result(row="sli2vol")]})
    for words in ("50 times", "4.00 s", "900 MB", "8.0 times", "recommended slice 12", "5.0 times"):
        assert words in " ".join(text.split())


def test_figures_come_back_from_the_results_file() -> None:
    assert read_speed(json.loads(json.dumps({"speed": asdict(SPEED)}))) == SPEED
    assert read_speed({}) is None


def test_a_folder_without_the_case_says_so(small_data: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="sabsCT_01/liver, which is not in"):
        measure_speed(small_data, tmp_path / "r.json", Options(), lambda line: None)


def test_a_first_and_a_second_call_are_timed_on_one_session(small_data: Path) -> None:
    measured = propagate_speed(list_cases(small_data)[0], RowSpec("copy", device="cpu"))
    assert measured.slices == 15
    assert measured.first_seconds > 0
    assert measured.corrected_seconds > 0
    assert measured.corrected_dice > 0.5
    assert 0 <= measured.corrected_slice < 16
    assert measured.peak_mb > measured.image_mb > 0


@pytest.mark.slow
def test_the_plain_way_is_timed_on_real_slices(small_data: Path) -> None:
    assert plain_speed(list_cases(small_data)[0]).seconds_per_slice > 0


def test_a_reset_peak_forgets_what_was_freed() -> None:
    if not memory.reset_peak():
        pytest.skip("This system cannot reset the peak.")
    before = memory.peak_mb()
    block = bytearray(200_000_000)
    assert memory.peak_mb() > before + 150
    del block
    memory.reset_peak()
    assert memory.peak_mb() < before + 100
