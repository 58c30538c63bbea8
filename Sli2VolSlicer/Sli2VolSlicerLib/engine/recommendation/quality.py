"""How good a propagation is, and whether the user may stop."""

from __future__ import annotations

import numpy as np

from ..records import Anchor, Propagation, anchors_of
from .outlook import LEAST_QUALITY, make_outlook
from .records import QualityEstimate

GOOD_ENOUGH = 0.9
"""The expected Dice of the volume at which a propagation is called good enough."""

WORST_SLICE = 0.7
"""No tenth of the structure may be expected worse than this."""


def estimate_quality(
    propagation: Propagation,
    label: int,
    anchors: tuple[Anchor, ...] = (),
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> QualityEstimate:
    """The expected Dice of one label, and whether the user may stop.

    Args:
        anchors: of this label; where they are given, slices that passes may have missed count as missing.
        spacing_mm: of the stack, for how far that may be.

    Raises:
        KeyError: the propagation has no such label.
    """
    if anchors:
        own = anchors_of(label, anchors)
        outlook = make_outlook(propagation, own, label, spacing_mm)
        weight, quality, dice = outlook.found + outlook.weight, outlook.slice_dice, outlook.dice
    else:
        weight = propagation.masks[label].sum(axis=(1, 2)).astype(np.float64)
        known = np.asarray(propagation.slice_confidence[label], np.float64)
        quality = np.where(weight > 0, np.clip(np.nan_to_num(known), LEAST_QUALITY, 1.0), 0.0)
        dice = float((weight * quality).sum()) / max(1.0, float(weight.sum()))
    total = float(weight.sum())
    if not total:
        return QualityEstimate(0.0, False, "nothing of the structure was found")
    poor = float(weight[quality < WORST_SLICE].sum()) / total
    if dice >= GOOD_ENOUGH and poor <= 0.1:
        return QualityEstimate(dice, True, f"good enough to stop: the expected Dice is {dice:.2f}")
    worst = int(np.argmax(weight * (1 - quality)))
    return QualityEstimate(
        dice, False, f"the expected Dice is {dice:.2f}; most is expected to be wrong around slice {worst}"
    )
