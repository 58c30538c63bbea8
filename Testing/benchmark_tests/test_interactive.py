"""Simulated users on two made-up volumes: run, resume, report."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from sli2vol_benchmark.cases import BenchmarkError
from sli2vol_benchmark.cli import main
from sli2vol_benchmark.interactive import InteractiveOptions, interactive_lines
from sli2vol_benchmark.interactive_methods import method_lines, methods_table
from sli2vol_benchmark.interactive_records import InteractiveResult, from_json, read_interactive, to_json
from sli2vol_benchmark.interactive_report import read_interactive_results
from sli2vol_benchmark.interactive_summary import (
    by_method,
    dice_after,
    difference,
    mean_figure,
    needed_for,
    nth,
    over_rounds,
    reached,
    structure_figures,
)
from sli2vol_benchmark.kept_parts import INTERACTIVE, NOTES_BEGIN, NOTES_END, part_of, with_part
from sli2vol_benchmark.run import Options, chosen_cases

PLAYED = InteractiveResult(
    volume="hnCT_1",
    family="hnCT",
    structure="liver",
    policy="keep-n",
    seed=0,
    fingerprint="f",
    drawn=(3, 6, 9),
    empty=(False, False, True),
    dice=(0.5, 0.91, 0.93),
    fill_dice=(0.1, 0.6, 0.8),
    shape_dice=(0.1, 0.6, 0.8),
    expected_dice=(0.6, 0.9, 0.9),
    seconds=(2.0, 0.2, 0.2),
    recommend_seconds=(0.0, 0.01, 0.01),
    correlation=(0.5, float("nan"), 0.7),
    correlation_all=(0.5, 0.6, 0.7),
    rejection=(0.1, 0.1, 0.1),
    rejection_best=(0.05, 0.05, 0.05),
    error_rate=(0.2, 0.2, 0.2),
)


def test_a_user_who_ran_out_of_slices_keeps_the_last_dice() -> None:
    assert [PLAYED.after(count) for count in (1, 2, 8)] == [0.5, 0.91, 0.93]


def test_slices_needed_are_counted_and_capped() -> None:
    assert needed_for(0.9)(PLAYED) == 2
    assert needed_for(0.95)(PLAYED) == 9
    assert (reached(0.9)(PLAYED), reached(0.95)(PLAYED)) == (1, 0)


def test_volumes_and_seeds_of_a_structure_are_averaged_first() -> None:
    results = [PLAYED, replace(PLAYED, volume="hnCT_2", dice=(0.7,)), replace(PLAYED, structure="cord", dice=(0.2,))]
    assert structure_figures(results, dice_after(1)) == pytest.approx({("hnCT", "liver"): 0.6, ("hnCT", "cord"): 0.2})
    assert mean_figure(results, dice_after(1)).mean == pytest.approx(0.4)
    assert difference(results, dice_after(2), results, dice_after(1)).mean == pytest.approx((0.805 - 0.6 + 0) / 2)


def test_differences_are_taken_over_the_cases_of_both() -> None:
    other = replace(PLAYED, volume="hnCT_2", dice=(0.0,))
    assert difference([PLAYED, other], dice_after(2), [PLAYED], dice_after(1)).mean == pytest.approx(0.41)


def test_what_is_not_finite_and_rounds_that_were_not_played_are_left_out() -> None:
    assert over_rounds("correlation")(PLAYED) == pytest.approx(0.6)
    assert math.isnan(nth("correlation", 2)(PLAYED))
    assert math.isnan(nth("correlation", 8)(PLAYED))


def test_results_come_back_from_json_with_nan() -> None:
    again = from_json(json.loads(json.dumps(to_json(PLAYED), allow_nan=False)))
    assert math.isnan(again.correlation[1])
    assert replace(again, correlation=PLAYED.correlation) == PLAYED


def test_a_part_is_replaced_or_put_before_the_notes_and_all_else_is_kept() -> None:
    text = f"# Results\n\ntables\n\n{NOTES_BEGIN}\nby hand\n{NOTES_END}\n"
    once = with_part(text, INTERACTIVE, "first")
    assert once.index("tables") < once.index("first") < once.index("by hand")
    twice = with_part(once, INTERACTIVE, "second\nline")
    assert part_of(twice, INTERACTIVE).strip() == "second\nline"
    assert "first" not in twice
    assert twice.replace("second\nline", "first") == once
    assert part_of(text, INTERACTIVE) == ""
    assert with_part("alone\n", INTERACTIVE, "x").startswith("alone\n\n")


def test_the_first_method_is_played_by_all_policies_and_the_others_by_ours() -> None:
    own = InteractiveOptions(("keep-n", "random", "expected-gain"), ("sli2vol", "copy"))
    assert [row.name for row in own.rows_of("sli2vol")] == ["expected-gain", "keep-n", *["random"] * 3]
    assert [row.name for row in own.rows_of("copy")] == ["expected-gain"]
    plain = InteractiveOptions(("keep-n", "random"), ("sli2vol", "copy"))
    assert [row.name for row in plain.rows_of("copy")] == ["keep-n"]


def test_methods_are_told_side_by_side_and_compared_on_the_cases_of_both() -> None:
    ours = [replace(PLAYED, policy=policy, method="sli2vol", dice=(1.0,)) for policy in ("keep-n", "expected-gain")]
    theirs = replace(ours[1], method="copy", dice=(0.25, 0.75))
    methods = by_method([*ours, theirs, replace(theirs, volume="hnCT_2", dice=(0.5, 0.5))])
    text = methods_table(methods)
    assert "Slices chosen by `expected-gain`" in text
    assert "| sli2vol (1 of 2 cases) | 1.000 [1.000, 1.000] | 1.000" in text
    assert "| copy | 0.375 [0.375, 0.375] | 0.625" in text
    assert "| sli2vol minus copy | 0.750 [0.750, 0.750] | 0.250" in text
    assert method_lines(methods)["copy"] == [0.375] + [0.625] * 7


def test_a_single_method_needs_no_table_of_methods() -> None:
    assert methods_table(by_method([PLAYED])) == ""


def test_only_the_first_volumes_of_a_structure_are_taken(small_data: Path) -> None:
    index = json.loads((small_data / "index.json").read_text())
    index["hnCT_2"] = index["hnCT_1"]
    (small_data / "index.json").write_text(json.dumps(index))
    assert [case.volume for case in chosen_cases(small_data, Options())] == ["hnCT_1", "hnCT_2", "laMR_1"]
    assert [case.volume for case in chosen_cases(small_data, Options(volumes_per_structure=1))] == ["hnCT_1", "laMR_1"]
    with pytest.raises(BenchmarkError, match="No case is left"):
        chosen_cases(small_data, Options(structures=["hnCT/none"]))


def test_mistakes_are_named(small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = [str(small_data), "--output", str(tmp_path / "r.json"), "--interactive"]
    for words, message in (
        (["--policies", "magic"], "Unknown policies magic; choose from expected-gain"),
        (["--methods", "copy", "grow-from-seeds"], "needs methods of the engine, got 'grow-from-seeds'"),
        (["--limit-volumes-per-structure", "-1"], "got -1"),
    ):
        assert main([*good, *words]) == 2
        assert message in capsys.readouterr().err
    with pytest.raises(BenchmarkError, match="run with --interactive"):
        read_interactive_results(tmp_path / "none.json")


@pytest.mark.slow
def test_a_run_writes_results_a_section_and_pictures_and_resumes(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("slicer")
    output, report = tmp_path / "results.json", tmp_path / "docs" / "results.md"
    report.parent.mkdir()
    report.write_text(f"# Results\n\nthe tables\n\n{NOTES_BEGIN}\nby hand\n{NOTES_END}\n")
    arguments = [str(small_data), "--output", str(output), "--interactive", "--methods", "copy", "--threads", "1"]
    arguments += ["--policies", "expected-gain", "keep-n", "random", "k-means", "--report", str(report)]
    assert main(arguments) == 0
    _, results = read_interactive_results(output)
    # Random is played three times.
    assert len(results) == 2 * 6
    for result in results:
        assert len(result.dice) == len(result.fill_dice) == len(result.drawn) == 8
        assert result.dice[-1] > result.dice[0]
        assert result.fill_dice[0] < 0.4
    text = report.read_text()
    for words in ("the tables", "by hand", "## Drawing more slices", "expected-gain against keep-n", "counts as 9"):
        assert words in text
    for name in ("interactive-policies.png", "interactive-fill.png"):
        assert (report.parent / "pictures" / name).is_file()
        assert f"pictures/{name}" in text

    assert "### Methods" not in text

    lines = interactive_lines(output).read_text()
    capsys.readouterr()
    assert main(arguments) == 0
    assert "copy: 0 of 2 cases to play" in capsys.readouterr().err
    assert interactive_lines(output).read_text() == lines
    assert report.read_text() == text
    assert len(read_interactive(interactive_lines(output))) == 12
    assert main([*arguments, "--methods", "copy", "optical-flow"]) == 0
    assert "optical-flow: 2 of 2 cases to play" in capsys.readouterr().err
    # What "copy" had played is kept, and optical flow is played by our policy alone.
    assert len(read_interactive_results(output)[1]) == 2 * 6 + 2
    assert "pictures/interactive-methods.png" in report.read_text()
    assert (report.parent / "pictures" / "interactive-methods.png").is_file()
