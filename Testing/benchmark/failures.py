"""The worst cases, and why they are bad: reasons that are computed, not guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .cases import PICTURE_FAMILIES, Case, load_volume
from .metrics import slice_dice
from .pictures import draw
from .records import CaseResult, read_mask

SHOWN = 10

_NAMED_SHARE = 0.25
"""A kind of error is named if at least so many of the wrong voxels are of it."""

_SMALL_PIXELS = 100
"""A painted slice with fewer pixels is said to hold only that many."""

_POOR, _FALL = 0.5, 0.1
"""Beside the painted slice a lower Dice is poor; it has fallen if it is lower by the latter at an end."""


@dataclass(frozen=True)
class Failure:
    """One of the worst cases.

    Attributes:
        reason: in words, without a full stop.
        picture: where it was drawn; None if its mask was not kept.
    """

    result: CaseResult
    reason: str
    picture: Path | None


def worst_cases(results: Sequence[CaseResult], count: int = SHOWN) -> list[CaseResult]:
    """The results of lowest Dice, the lowest first, at most one per case."""
    worst: dict[str, CaseResult] = {}
    for result in sorted(results, key=lambda r: (r.dice, r.case_name, r.seed)):
        worst.setdefault(result.case_name, result)
    return list(worst.values())[:count]


def reason(result: CaseResult, truth: np.ndarray, mask: np.ndarray) -> str:
    """Why a result is as bad as it is: where its wrong voxels are.

    Args:
        truth, mask: bool (slices, rows, columns); the painted slice is on both.
    """
    wrong = (truth != mask).sum(axis=(1, 2))
    if not wrong.any():
        return "nothing is wrong"
    low, high = (int(index) for index in np.flatnonzero(truth.any(axis=(1, 2)))[[0, -1]])
    found_low, found_high = (int(index) for index in np.flatnonzero(mask.any(axis=(1, 2)))[[0, -1]])
    beyond = int(wrong[:low].sum() + wrong[high + 1 :].sum())
    short = int(wrong[low : max(low, found_low)].sum() + wrong[min(high, found_high) + 1 : high + 1].sum())
    over, under, of = sum(result.over), sum(result.under), _slices(result.truth_slices)
    kinds = [
        (beyond, f"runs on {_slices(over)} too far, {_at_ends(result.over)}"),
        (short, f"stops {under} of {of} short, {_at_ends(result.under)}{_why(result)}"),
        (int(wrong.sum()) - beyond - short, _within(result, truth, mask)),
    ]
    total = int(wrong.sum())
    named = [
        f"{words} ({100 * count / total:.0f} % of the wrong voxels)"
        for count, words in sorted(kinds, key=lambda kind: -kind[0])
        if count >= _NAMED_SHARE * total
    ]
    pixels = int(truth[result.seed_slice].sum())
    if pixels < _SMALL_PIXELS:
        named.append(f"the painted slice holds only {pixels} pixels")
    return "; ".join(named)


def _slices(count: int) -> str:
    return f"{count} slice{'s' if count != 1 else ''}"


def _at_ends(slices: tuple[int, int]) -> str:
    """E.g. "3 at the low end and 11 at the high end"."""
    low, high = slices
    if low and high:
        return f"{low} at the low end and {high} at the high end"
    return f"at the {'low' if low else 'high'} end"


def _why(result: CaseResult) -> str:
    """What the pass that stopped furthest short says of it, e.g. "the area collapsed"; empty if nothing."""
    step = "-1 " if result.under[0] >= result.under[1] else "+1 "
    stop = next((each for each in result.stops if each.startswith(step)), "")
    _, found, words = stop.partition(": ")
    return f', the pass saying "{words}"' if found else ""


def _within(result: CaseResult, truth: np.ndarray, mask: np.ndarray) -> str:
    """What is wrong on the slices that are between the ends of both masks."""
    both = np.flatnonzero(truth.any(axis=(1, 2)))
    found = np.flatnonzero(mask.any(axis=(1, 2)))
    first, last = max(both[0], found[0]), min(both[-1], found[-1])
    per_slice = slice_dice(mask, truth)
    beside = [float(per_slice[i]) for i in (result.seed_slice - 1, result.seed_slice + 1) if first <= i <= last]
    ends = [float(per_slice[i]) for i in (first, last) if i != result.seed_slice]
    if not beside:
        return "is wrong between the ends"
    is_right = not any((*result.over, *result.under))
    opening = "ends where the structure does, " if is_right else ""
    size = mask[first : last + 1].sum() / max(1, truth[first : last + 1].sum())
    sized = f", with {size:.2f} times the true volume in between"
    near, far = float(np.mean(beside)), float(np.nanmin(ends))
    fall = f"Dice {near:.2f} beside the painted slice, {far:.2f} at the worse end{sized}"
    if near < _POOR:
        return f"{opening}is wrong from the start: {fall}"
    return f"{opening}drifts away: {fall}" if near - far >= _FALL else f"{opening}is never right: {fall}"


def draw_failures(
    cases: Sequence[Case], results: Sequence[CaseResult], masks: Path, folders: tuple[Path, Path]
) -> list[Failure]:
    """The worst cases of one row, drawn and with their reasons.

    Args:
        results: of one row.
        masks: where its masks are kept.
        folders: for pictures that may be published, and for the others.
    """
    published, local = folders
    named = {case.name: case for case in cases}
    made = []
    for rank, result in enumerate(worst_cases(results), start=1):
        name = f"benchmark-failure-{rank:02d}.png"
        for folder in folders:
            # The case that was the n-th worst in an earlier run may be another one, of another licence.
            (folder / name).unlink(missing_ok=True)
        mask = read_mask(masks, result.row, result.case_name, result.seed)
        if mask is None:
            made.append(Failure(result, "its mask was not kept", None))
            continue
        case = named[result.case_name]
        volume = load_volume(case)
        path = (published if case.family in PICTURE_FAMILIES else local) / name
        draw(volume, case, result, mask, path)
        made.append(Failure(result, reason(result, volume.truth(case), mask), path))
    return made
