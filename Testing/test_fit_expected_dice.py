"""Expected Dice is fitted to what turned out true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fit_expected_dice import Job, Seen, by_others, explained, fitted, mean_rank_correlation, seen_in, told

from sli2vol_benchmark.tuning import tuning_cases
from Sli2VolSlicerLib.engine.expected_dice import REFINED_FIT

FIT = np.array([-0.2, 0.7, 0.3, 0.05, 0.2])


def slices_of(family: str, count: int, seed: int) -> list[Seen]:
    """Slices whose Dice is `FIT` of their measures, to the last digit."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        measures = (1.0, *(float(each) for each in generator.uniform(0.3, 1, 4)))
        found.append(Seen(family, "organ", measures, said=0.5, true=float(np.dot(FIT, measures))))
    return found


def test_the_fit_finds_what_the_truth_was_made_by() -> None:
    assert fitted(slices_of("a", 9, 1) + slices_of("b", 40, 2)) == pytest.approx(FIT)


def test_structures_count_alike_however_many_slices_they_have() -> None:
    few, many = ([Seen(f, "organ", (1.0,), 0.5, true)] * n for f, true, n in (("a", 0.2, 1), ("b", 0.6, 9)))
    assert fitted([*few, *many]) == pytest.approx([0.4])


def test_a_family_is_told_by_the_fit_to_the_others() -> None:
    own = [Seen("a", "organ", (1.0,), 0.5, 0.2)] * 3
    others = [Seen("b", "organ", (1.0,), 0.5, 0.8)] * 2
    assert by_others([*own, *others]) == pytest.approx([0.8] * 3 + [0.2] * 2)
    assert np.isnan(by_others(own)).all()


def test_what_is_said_right_explains_everything_and_the_mean_nothing() -> None:
    seen = slices_of("a", 12, 3)
    true = np.array([each.true for each in seen])
    assert explained(seen, true) == 1
    assert explained(seen, np.full(12, true.mean())) == pytest.approx(0)
    assert mean_rank_correlation(seen, true) == pytest.approx(1)
    assert mean_rank_correlation(seen, -true) == pytest.approx(-1)


def test_the_answer_sets_what_was_said_beside_the_truth() -> None:
    seen = [Seen(f, "organ", (1.0, v, 1.0, 0.0, 1.0), 0.9, 0.6) for f in "ab" for v in (0.2, 0.6, 0.9)]
    lines = told(seen).splitlines()
    assert lines[0] == "6 refined slices of 2 structures"
    assert "engine 0.85..1.00: 0.90 said, 0.60 true (6 slices)" in lines


@pytest.mark.slow
def test_what_the_engine_says_of_a_real_structure_is_its_fit_of_the_measures(data_folder: Path) -> None:
    case = next(case for case in tuning_cases(data_folder) if case.volume == "sarcomaCT_012")
    seen = seen_in(Job((case,), seeds=1, refinement=None))
    assert len(seen) > 5
    said = np.clip([np.dot(REFINED_FIT, each.measures) for each in seen], 0.02, 0.98)
    assert [each.said for each in seen] == pytest.approx(said)
    assert all(each.family == "sarcomaCT" and 0 <= each.true <= 1 for each in seen)
    assert np.median([each.true for each in seen]) > 0.7
