"""Which cases and which slices are shown."""

from __future__ import annotations

import numpy as np

from sli2vol_benchmark.pictures import shown_slices, worst_and_median

from .results import result


def test_the_worst_and_the_median_case_are_chosen_by_dice() -> None:
    results = [result(volume=f"a_{i}", dice=d) for i, d in enumerate((0.9, 0.2, 0.5, 0.7, 0.6))]
    chosen = worst_and_median(results)
    assert (chosen["worst"].dice, chosen["median"].dice) == (0.2, 0.6)


def test_of_an_even_number_the_lower_of_the_middle_two_is_the_median() -> None:
    results = [result(volume=f"a_{i}", dice=d) for i, d in enumerate((0.4, 0.1, 0.8, 0.6))]
    assert worst_and_median(results)["median"].dice == 0.4


def test_seven_slices_span_both_masks_and_hold_the_painted_one() -> None:
    truth, made = np.zeros((60, 2, 2), bool), np.zeros((60, 2, 2), bool)
    truth[10:30] = made[20:51] = True
    shown = shown_slices(truth, made, 23)
    assert len(shown) == 7
    assert (shown[0], shown[-1]) == (10, 50)
    assert 23 in shown


def test_a_short_structure_shows_each_slice_once() -> None:
    truth = np.zeros((9, 2, 2), bool)
    truth[3:6] = True
    assert shown_slices(truth, truth, 4) == [3, 4, 5]
