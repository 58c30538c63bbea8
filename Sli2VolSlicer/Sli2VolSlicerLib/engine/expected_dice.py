"""How good a slice's mask probably is, from how the pass has gone so far.

Fitted by least squares to the true Dice of 1,572 slices of 58 structures (labelled training volumes and the
tuning families, one drawn slice each). The share of doubtful pixels alone ranks slices badly: a mask that has
drifted away can be sharp. What counts is the worst moment of the pass, how far it has come and how much it has
moved on the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_CONSTANT = -0.29
_PER_CERTAINTY = 1.42
_PER_DISTANCE = -0.38
_PER_DRIFT = -0.03
_PER_SHRINKING = 0.04
_FARTHEST = 2.0
_MOST_DRIFT = 3.0
_LEAST, _MOST = 0.02, 0.98


@dataclass(frozen=True)
class Journey:
    """A pass up to one of its slices.

    Attributes:
        least_certainty: the lowest mean certainty of any slice so far, 0.5..1.
        drift: sum over its steps of 1 - Dice with the slice before.
    """

    least_certainty: float = 1.0
    drift: float = 0.0

    def after(self, certainty: float, overlap: float) -> Journey:
        """One step further: the slice's certainty, and its mask's Dice with the one before."""
        return Journey(min(self.least_certainty, certainty), self.drift + 1.0 - overlap)

    def expected_dice(self, distance: float, area_share: float) -> float:
        """The Dice to be expected here, 0..1.

        Args:
            distance: from the anchor, in units of the square root of the drawn area (both in mm).
            area_share: the mask's area as a share of the drawn one's.
        """
        value = (
            _CONSTANT
            + _PER_CERTAINTY * self.least_certainty
            + _PER_DISTANCE * min(distance, _FARTHEST)
            + _PER_DRIFT * min(self.drift, _MOST_DRIFT)
            + _PER_SHRINKING * _shrinking(area_share)
        )
        return _within_bounds(value)


REFINED_FIT = (-0.25, 0.68, 0.30, 0.06, 0.30)
"""For each of `RefinedSlice.measures`; fitted in the same way on refined passes (Testing/fit_expected_dice.py)."""


@dataclass(frozen=True)
class RefinedSlice:
    """A slice after refinement, beside what the pass had found there.

    Attributes:
        verdict: the Dice that the refinement network expects, 0..1.
        area_share: the refined mask's area as a share of the drawn one's.
        agreement: Dice between the mask before and after.
    """

    verdict: float
    area_share: float
    agreement: float

    def measures(self, journey: Journey) -> tuple[float, ...]:
        """What the Dice is expected from: 1, the verdict, how sure the pass was, shrinking, and agreement."""
        return (1.0, self.verdict, journey.least_certainty, _shrinking(self.area_share), self.agreement)

    def expected_dice(self, journey: Journey) -> float:
        """The Dice to be expected here, 0..1, after the pass's journey."""
        return _within_bounds(sum(by * each for by, each in zip(REFINED_FIT, self.measures(journey), strict=True)))


def _shrinking(area_share: float) -> float:
    """0 where a mask is no smaller than the drawn one, else the logarithm of its share."""
    return min(0.0, float(np.log(max(area_share, 1e-3))))


def _within_bounds(value: float) -> float:
    return min(_MOST, max(_LEAST, value))
