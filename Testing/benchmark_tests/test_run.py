"""The whole benchmark on a small folder of made-up volumes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sli2vol_benchmark.cases import BenchmarkError
from sli2vol_benchmark.cli import main
from sli2vol_benchmark.kept_parts import NOTES_BEGIN, NOTES_END
from sli2vol_benchmark.records import read_results
from sli2vol_benchmark.rows import RowSpec, fingerprint, row_specs
from sli2vol_benchmark.run import lines_path

pytest.importorskip("slicer")


@pytest.mark.slow
def test_a_run_writes_results_a_report_and_pictures_and_resumes(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, report = tmp_path / "results.json", tmp_path / "docs" / "results.md"
    arguments = [str(small_data), "--output", str(output), "--rows", "grow-from-seeds", "fill-between-slices"]
    arguments += ["--threads", "1", "--report", str(report)]
    assert main(arguments) == 0
    document = json.loads(output.read_text())
    assert [r["row"] for r in document["results"]] == ["grow-from-seeds"] * 2 + ["fill-between-slices"] * 2
    assert all(r["dice"] > 0.7 for r in document["results"])
    assert document["facts"]["split"] == "eval"
    assert document["facts"]["versions"]["numpy"] == np.__version__

    assert (report.parent / "pictures" / "benchmark-hnCT-worst.png").is_file()
    assert not (report.parent / "pictures" / "benchmark-laMR-worst.png").exists()
    assert (tmp_path / "results-pictures" / "benchmark-laMR-worst.png").is_file()

    text = report.read_text()
    by_hand = text.replace("Nothing has been written here yet.", "Rings of 1 mm were worse.")
    report.write_text(by_hand)
    capsys.readouterr()
    lines = lines_path(output).read_text()
    assert main(arguments) == 0
    assert "0 of 2 cases to do" in capsys.readouterr().err
    assert lines_path(output).read_text() == lines
    kept = report.read_text()
    assert "Rings of 1 mm were worse." in kept
    assert kept.count(NOTES_BEGIN) == kept.count(NOTES_END) == 1


@pytest.mark.slow
def test_slow_rows_may_be_run_on_fewer_painted_slices(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "results.json"
    arguments = [str(small_data), "--output", str(output), "--rows", "fill-between-slices", "grow-from-seeds"]
    arguments += ["--quiet", "--families", "hnCT", "--seeds", "3", "--row-seeds", "grow-from-seeds=1"]
    assert main(arguments) == 0
    results = read_results(lines_path(output)).values()
    assert [(r.row, r.seed) for r in results] == [("fill-between-slices", s) for s in range(3)] + [
        ("grow-from-seeds", 0)
    ]
    assert len({r.seed_slice for r in results}) == 3
    assert "grow-from-seeds (1 of 1 cases" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_goes_on_from_the_single_results_published_with_the_report(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "results.md"
    arguments = [str(small_data), "--rows", "fill-between-slices", "--families", "hnCT", "--report", str(report)]
    assert main([*arguments, "--output", str(tmp_path / "one.json")]) == 0
    published = read_results(tmp_path / "results.jsonl.xz")
    assert published == read_results(tmp_path / "one.jsonl")
    capsys.readouterr()
    assert main([*arguments, "--output", str(tmp_path / "two.json"), "--reuse"]) == 0
    assert "0 of 1 cases to do" in capsys.readouterr().err
    assert read_results(tmp_path / "two.jsonl") == published
    assert main([*arguments, "--output", str(tmp_path / "three.json")]) == 0
    assert "1 of 1 cases to do" in capsys.readouterr().err


@pytest.mark.slow
def test_pictures_want_masks_so_ours_is_run_where_there_are_none(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(small_data), "--rows", "sli2vol", "--families", "hnCT", "--report", str(tmp_path / "results.md")]
    assert main([*arguments, "--output", str(tmp_path / "one.json")]) == 0
    assert main([*arguments, "--output", str(tmp_path / "two.json"), "--reuse"]) == 0
    assert "1 of 1 cases to do" in capsys.readouterr().err
    (tmp_path / "two.jsonl").unlink()
    assert main([*arguments, "--output", str(tmp_path / "two.json"), "--reuse"]) == 0
    assert "0 of 1 cases to do" in capsys.readouterr().err


@pytest.mark.slow
def test_results_of_other_code_are_computed_again_unless_asked_to_be_reused(small_data: Path, tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    arguments = [str(small_data), "--output", str(output), "--rows", "fill-between-slices", "--quiet"]
    arguments += ["--families", "hnCT"]
    assert main(arguments) == 0
    path = lines_path(output)
    path.write_text(path.read_text().replace(fingerprint(RowSpec("fill-between-slices")), "0" * 16))
    assert main([*arguments, "--reuse"]) == 0
    assert len(path.read_text().splitlines()) == 1
    assert main(arguments) == 0
    assert len(path.read_text().splitlines()) == 2
    assert len(read_results(path)) == 1


@pytest.mark.slow
def test_the_engine_s_rows_run_and_say_how_sure_they_are(small_data: Path, tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    arguments = [str(small_data), "--output", str(output), "--rows", "copy", "--families", "hnCT", "--quiet"]
    assert main(arguments) == 0
    (only,) = read_results(lines_path(output)).values()
    assert only.error == ""
    assert 0.3 < only.dice < 1
    assert only.slices == 15
    assert sum(only.over) > 0
    assert len(only.slice_indices) == len(only.slice_dice) == len(only.slice_confidence) > 0


@pytest.mark.slow
def test_interpolation_is_given_the_structure_s_ends_and_says_so(small_data: Path, tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    arguments = [str(small_data), "--output", str(output), "--rows", "interpolation", "--families", "hnCT", "--quiet"]
    assert main(arguments) == 0
    (only,) = read_results(lines_path(output)).values()
    assert only.error == ""
    assert only.notes == ("also given the first and the last slice of the structure",)
    assert sum(only.over) == sum(only.under) == 0
    # Slices that were drawn say nothing of how well the confidence is judged.
    assert len(only.slice_indices) == only.slices


def test_mistakes_in_the_arguments_are_named(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def complaint(*arguments: str) -> str:
        assert main(list(arguments)) == 2
        return capsys.readouterr().err

    good = [str(small_data), "--output", str(tmp_path / "r.json")]
    assert "No index.json" in complaint(str(tmp_path), "--output", str(tmp_path / "r.json"))
    assert "Unknown rows magic" in complaint(*good, "--rows", "magic")
    assert "Unknown families nowhere" in complaint(*good, "--families", "nowhere")
    assert "NAME=FILE, got 'file'" in complaint(*good, "--weights", "file")
    assert "at least 1, got 0" in complaint(*good, "--seeds", "0")
    assert "got 'overfit=1'" in complaint(*good, "--rows", "copy", "--row-seeds", "overfit=1")
    assert "at least 1, got 'copy=0'" in complaint(*good, "--rows", "copy", "--row-seeds", "copy=0")
    assert "existing folder" in complaint(str(small_data), "--output", str(tmp_path / "no" / "r.json"))
    assert not (tmp_path / "r.json").exists()


def test_weights_given_by_name_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    specs = row_specs(["sli2vol-paper-no-verification", "copy"], {"sli2vol-paper": file})
    assert [spec.weights for spec in specs] == [file, None]
    with pytest.raises(BenchmarkError, match="Unknown rows other"):
        row_specs(["other"], {})
