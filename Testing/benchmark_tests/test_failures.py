"""The worst cases are told with a reason that follows from the masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sli2vol_benchmark.cases import list_cases
from sli2vol_benchmark.failures import draw_failures, reason, worst_cases
from sli2vol_benchmark.metrics import end_error
from sli2vol_benchmark.records import write_mask

from .results import result


def tube(first: int, last: int, side: int = 20) -> np.ndarray:
    """A tube of square cross-section through some of 30 slices."""
    mask = np.zeros((30, 24, 24), bool)
    mask[first : last + 1, 2 : 2 + side, 2 : 2 + side] = True
    return mask


def told(truth: np.ndarray, mask: np.ndarray, stops: tuple[str, ...] = ()) -> str:
    mask[10] = truth[10]
    ends = end_error(mask, truth)
    made = result(
        seed_slice=10,
        truth_slices=int(truth.any(axis=(1, 2)).sum()),
        over=(ends.over_low, ends.over_high),
        under=(ends.under_low, ends.under_high),
        stops=stops,
    )
    return reason(made, truth, mask)


def test_a_result_that_runs_on_says_how_far_and_at_which_end() -> None:
    assert told(tube(8, 12), tube(8, 20)) == ("runs on 8 slices too far, at the high end (100 % of the wrong voxels)")
    assert told(tube(8, 12), tube(7, 20)).startswith("runs on 9 slices too far, 1 at the low end and 8 at the high end")


def test_a_result_that_stops_short_says_what_its_pass_said() -> None:
    stops = ("-1 5: the area collapsed", "+1 12: confidence fell too low")
    assert told(tube(5, 20), tube(5, 12), stops).startswith(
        'stops 8 of 16 slices short, at the high end, the pass saying "confidence fell too low" (100 % of'
    )


def test_a_result_that_drifts_is_told_by_its_dice_near_and_far() -> None:
    truth, mask = tube(8, 14), tube(8, 14)
    mask[13:, :, 7:] = False
    assert told(truth, mask) == (
        "ends where the structure does, drifts away: Dice 1.00 beside the painted slice, 0.40 at the worse end, "
        "with 0.79 times the true volume in between (100 % of the wrong voxels)"
    )


def test_a_result_that_is_wrong_at_once_did_not_drift() -> None:
    assert "is wrong from the start: Dice 0.17 beside the painted slice" in told(tube(8, 14), tube(8, 14, side=6))


def test_two_causes_are_both_named_the_larger_first() -> None:
    words = told(tube(5, 12), tube(8, 14))
    assert words.startswith("stops 3 of 8 slices short, at the low end")
    assert "; runs on 2 slices too far, at the high end (40 %" in words


def test_a_painted_slice_with_few_pixels_is_said_to_be_one() -> None:
    assert told(tube(8, 12, side=4), tube(8, 20, side=4)).endswith("; the painted slice holds only 16 pixels")


def test_only_the_painted_slice_is_found() -> None:
    assert told(tube(8, 12), np.zeros((30, 24, 24), bool)).startswith("stops 4 of 5 slices short, 2 at the low end")


def test_a_case_is_shown_once_by_its_worst_painted_slice() -> None:
    results = [
        result(dice=0.5),
        result(seed=1, dice=0.25),
        result(volume="hnCT_2", dice=0.75),
        result(volume="hnCT_3", dice=1.0),
    ]
    assert [(r.volume, r.dice) for r in worst_cases(results, 2)] == [("hnCT_1", 0.25), ("hnCT_2", 0.75)]


def test_pictures_that_may_not_be_published_are_kept_apart_and_old_ones_go(small_data: Path, tmp_path: Path) -> None:
    truth = np.zeros((16, 40, 40), bool)
    truth[3:14, 12:29, 11:32] = True
    results = [
        result(row="sli2vol", volume="laMR_1", family="laMR", structure="thing", seed_slice=8, dice=0.1),
        result(row="sli2vol", volume="hnCT_1", structure="thing", seed_slice=8, dice=0.2),
    ]
    for each in results:
        write_mask(tmp_path / "masks", each, truth)
    folders = tmp_path / "published", tmp_path / "local"
    stale = folders[0] / "benchmark-failure-01.png"
    stale.parent.mkdir()
    stale.touch()
    made = draw_failures(list_cases(small_data), results, tmp_path / "masks", folders)
    assert [failure.picture for failure in made] == [
        folders[1] / "benchmark-failure-01.png",
        folders[0] / "benchmark-failure-02.png",
    ]
    assert all(failure.picture is not None and failure.picture.is_file() for failure in made)
    assert not stale.exists()
