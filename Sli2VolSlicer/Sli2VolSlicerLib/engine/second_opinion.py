"""Second opinions on a pass: what the same pass finds without its verification, and what on magnified slices.

Verification is tried on the drawn slice alone. Farther on the structure may look otherwise, a stomach for what is in
it, a kidney for its pelvis, and verification then takes it away, slice after slice.

The features of a small structure are mostly of what lies around it. Magnified it is followed farther by some passes and
lost earlier by others; which one, refinement's expected Dice tells (Docs/results.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .passes import Pass, SliceResult, begin_pass
from .protocol import PassRules
from .working_grid import SMALL_PIXELS, WorkingGrid

LEAST_KEPT = 2 / 3
"""Share of what was carried that verification leaves; where it leaves less it is doubted.

Where it takes a fifth to a third, a pass without it tends to leak into a neighbour that looks alike.
"""

MUCH_FARTHER = 1.5
"""Verification is not believed where without it so many times the slices and the pixels are found, each weighed by the
Dice to be expected.
"""


def asks_for_second_opinion(run: Pass, length: int) -> bool:
    """Whether verification took so much of a pass that it is doubted.

    Args:
        run: the pass.
        length: slices after its anchor that are looked at.
    """
    seen = [(carried, kept) for position, carried, kept in run.verified if position < length]
    return sum(kept for _, kept in seen) < LEAST_KEPT * sum(carried for carried, _ in seen)


def without_verification(run: Pass) -> Pass:
    """The same pass at its anchor, verification left out."""
    return Pass(run.label, run.anchor_slice, run.step, run.grid, run.drawn, None, run.may_be_sent_on)


def goes_much_farther(other: Sequence[SliceResult], one: Sequence[SliceResult]) -> bool:
    """Whether one outcome holds much more of the structure than another, in slices and in pixels.

    More than nothing is no opinion: the structure may have ended with the drawn slice.
    """
    more, less = _found(other), _found(one)
    return less[0] > 0 and all(there > MUCH_FARTHER * here for there, here in zip(more, less, strict=True))


def asks_for_magnification(run: Pass) -> bool:
    """Whether a pass is of a structure so small that it is worth running on magnified slices, too."""
    return run.grid.scale == 1.0 and float(np.sqrt(run.drawn_area)) < SMALL_PIXELS and run.may_be_sent_on


def on_magnified_slices(run: Pass, grid: WorkingGrid, rules: PassRules) -> Pass:
    """The same pass at its anchor on another grid."""
    return begin_pass(grid, rules, run.label, run.anchor_slice, run.step, run.drawn > 0.5)


def finds_more(other: Sequence[SliceResult], one: Sequence[SliceResult]) -> bool:
    """Whether one outcome holds more of the structure than another, in slices, each weighed by its expected Dice."""
    return _found(other)[0] > _found(one)[0]


def _found(outcome: Sequence[SliceResult]) -> tuple[float, float]:
    """Slices and pixels of an outcome, weighed by their expected Dice."""
    areas = [int((result.soft > 0.5).sum()) for result in outcome]
    slices = sum(result.expected_dice for result, area in zip(outcome, areas, strict=True) if area)
    return slices, sum(result.expected_dice * area for result, area in zip(outcome, areas, strict=True))
