"""Rows are compared on what both were run on, and those with fewer painted slices say so."""

from __future__ import annotations

import pytest

from sli2vol_benchmark.pairing import families_ahead, in_common, paired_difference, size, structures_behind, titles
from sli2vol_benchmark.records import CaseResult
from sli2vol_benchmark.tables import best_bold, ends_section, families_section, structures_section, summary_section
from sli2vol_benchmark.work import GIVEN_ENDS

from .results import result


def row(name: str, *dice: float, volume: str = "hnCT_1", structure: str = "liver") -> list[CaseResult]:
    """One case, painted on one slice after the other."""
    return [
        result(row=name, volume=volume, structure=structure, seed=seed, dice=value) for seed, value in enumerate(dice)
    ]


def two_structures(name: str, liver: float, kidney: float) -> list[CaseResult]:
    other = row(name, kidney, volume="laMR_1", structure="kidney")
    return row(name, liver) + [result(**(vars(r) | {"family": "laMR"})) for r in other]


def test_only_the_painted_slices_that_both_rows_have_are_compared() -> None:
    ours, theirs = row("sli2vol", 0.75, 0.5, 0.0), row("copy", 0.25, 0.25)
    assert [len(own) for own in in_common(ours, theirs)] == [2, 2]
    assert paired_difference(ours, theirs).mean == 0.375
    assert paired_difference(theirs, ours).mean == -0.375


def test_ours_minus_theirs_is_taken_structure_by_structure() -> None:
    ours, theirs = two_structures("sli2vol", 0.75, 1.0), two_structures("copy", 0.5, 0.5)
    assert paired_difference(ours, theirs).mean == 0.375
    assert paired_difference(ours, theirs[:1]).mean == 0.25


def test_a_tie_is_not_a_win() -> None:
    ours, theirs = two_structures("sli2vol", 0.75, 1.0), two_structures("copy", 0.5, 1.0)
    assert families_ahead(ours, theirs) == ["hnCT"]


def test_a_family_is_not_won_on_a_slice_that_the_other_was_never_given() -> None:
    assert families_ahead(row("sli2vol", 0.5, 1.0), row("copy", 0.75)) == []


def test_structures_behind_another_row_are_named_with_both_figures() -> None:
    ours, theirs = two_structures("sli2vol", 0.25, 1.0), two_structures("copy", 0.5, 1.0)
    assert structures_behind(ours, theirs) == {("hnCT", "liver"): (0.25, 0.5)}
    rows = {"sli2vol": ours, "copy": theirs}
    assert "worse than copying the mask: hnCT liver (0.250 against 0.500)." in structures_section(rows)
    assert "worse than copying the mask: none." in structures_section(
        rows | {"sli2vol": two_structures("sli2vol", 1, 1)}
    )


def test_a_row_s_size_tells_cases_and_painted_slices_apart() -> None:
    assert size(row("copy", 0.5)) == "1 case"
    assert size(row("copy", 0.5, 0.5) + row("copy", 0.5, volume="hnCT_2")) == "2 cases, 3 painted slices"


def test_rows_with_fewer_painted_slices_are_marked_and_never_in_bold() -> None:
    rows = {"copy": row("copy", 0.25, 0.25), "overfit": row("overfit", 0.75)}
    assert titles(rows) == {"copy": "copy", "overfit": "overfit (1 of 1 cases, 1 of 2 painted slices)"}
    assert best_bold(rows, [0.25, 0.75]) == ["**0.25**", "0.75"]
    for section in (summary_section, families_section, structures_section, ends_section):
        assert "overfit (1 of 1 cases, 1 of 2 painted slices)" in section(rows)
    cases = {"copy": row("copy", 0.25) + row("copy", 0.5, volume="hnCT_2"), "overfit": row("overfit", 0.75)}
    assert titles(cases) == {"copy": "copy", "overfit": "overfit (1 of 2 cases)"}


def test_a_row_that_lacks_a_family_does_not_decide_who_is_ahead_there() -> None:
    rows = {"sli2vol": two_structures("sli2vol", 0.5, 0.5), "copy": row("copy", 0.25)}
    text = families_section(rows)
    assert "| copy | 0.250 [0.250, 0.250] | 1 case | 1 of 1 | hnCT |" in text
    assert "is ahead of every other row in 2 of 2 families (hnCT, laMR)" in text


def test_a_variant_of_ours_that_ties_does_not_decide_either() -> None:
    rows = {"sli2vol": row("sli2vol", 0.5), "auto": row("auto", 0.5), "copy": row("copy", 0.25)}
    assert "is ahead of every other row in 1 of 1 families (hnCT)" in families_section(rows)


def test_ends_are_told_as_a_share_of_the_paper_s_and_rows_given_them_are_named() -> None:
    rows = {
        "sli2vol-paper": [result(row="sli2vol-paper", over=(4, 4), under=(0, 4))],
        "sli2vol": [result(row="sli2vol", over=(1, 0), under=(0, 2)), result(row="sli2vol", seed=1, over=(50, 50))],
        "interpolation": [result(row="interpolation", notes=(GIVEN_ENDS,))],
    }
    text = ends_section(rows)
    assert "`sli2vol` is off by 3.0 slices per result (too many and too few), `sli2vol-paper` by 12.0: **25 %**" in text
    assert "| interpolation (1 of 1 cases, 1 of 2 painted slices) (given the true ends) |" in text


def test_the_paper_s_share_is_not_told_without_the_paper() -> None:
    assert "off by" not in ends_section({"sli2vol": [result(row="sli2vol")]})


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_summary_tells_on_what_each_row_was_run(seeds: int) -> None:
    text = summary_section({"copy": row("copy", *[0.5] * seeds)})
    assert ("| 1 case |" if seeds == 1 else "| 1 case, 3 painted slices |") in text
