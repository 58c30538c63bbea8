"""Results survive the disk, and a run goes on where it stopped."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from sli2vol_benchmark.records import append_results, read_mask, read_results, write_mask

from .results import result


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    written = [
        result(slice_indices=(1, 2), slice_dice=(0.5, 0.25), slice_confidence=(0.75, 1.0), stops=("+1 9: end",)),
        result(structure="spleen", hd95_mm=math.inf),
    ]
    append_results(tmp_path / "new" / "lines.jsonl", written)
    assert list(read_results(tmp_path / "new" / "lines.jsonl").values()) == written


def test_a_later_result_replaces_an_earlier_one(tmp_path: Path) -> None:
    append_results(tmp_path / "lines.jsonl", [result(dice=0.1)])
    append_results(tmp_path / "lines.jsonl", [result(dice=0.2)])
    assert [r.dice for r in read_results(tmp_path / "lines.jsonl").values()] == [0.2]


def test_a_line_cut_short_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    append_results(path, [result()])
    path.write_text(path.read_text() + path.read_text()[:40])
    assert len(read_results(path)) == 1


def test_no_file_means_no_results(tmp_path: Path) -> None:
    assert read_results(tmp_path / "none.jsonl") == {}


def test_masks_come_back_bit_for_bit(tmp_path: Path) -> None:
    mask = np.zeros((7, 11, 13), bool)
    mask[2:5, 3:9, 1:12] = np.random.default_rng(0).random((3, 6, 11)) > 0.5
    write_mask(tmp_path, result(), mask)
    back = read_mask(tmp_path, "copy", "hnCT_1/liver", 0)
    assert back is not None
    np.testing.assert_array_equal(back, mask)
    assert read_mask(tmp_path, "copy", "hnCT_1/liver", 1) is None
