"""Propagation by the mask prior alone: each slice's mask drawn from its neighbour's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import WeightsError
from ..mask_prior import AppearanceModel, MaskPrior
from .protocol import Carrier, PassRules, Reference, Refiner, Region, SliceSource

MASK_PRIOR_RULES = PassRules(soft=True, references=1, least_area=0.02)


class MaskPriorMethod:
    """A trained mask prior with the rules to propagate by.

    Args:
        prior: trained (or, for comparison, untrained).
        rules: how passes are run.
    """

    def __init__(self, prior: MaskPrior, rules: PassRules = MASK_PRIOR_RULES) -> None:
        self._prior = prior
        self._rules = rules

    @property
    def name(self) -> str:
        return "mask-prior"

    @property
    def device_name(self) -> str:
        return self._prior.device_name

    @property
    def rules(self) -> PassRules:
        return self._rules

    @property
    def refiner(self) -> Refiner | None:
        return None

    def open(self, source: SliceSource) -> Carrier:
        return MaskPriorCarrier(source, self._prior)


class MaskPriorCarrier:
    """Draws on slices of one stack.

    Attributes:
        reach: how many pixels beyond the reference's mask it may draw.
    """

    reach = 24

    def __init__(self, source: SliceSource, prior: MaskPrior) -> None:
        self._source = source
        self._prior = prior

    def carry(self, references: Sequence[Reference], target: int, region: Region) -> np.ndarray:
        """Labels on slice `target`, drawn from the nearest reference; the furthest one shows what they look like.

        Returns:
            float32 (labels, region rows, region columns), 0..1.
        """
        nearest, furthest = references[0], references[-1]
        shown = self._source.intensity(furthest.slice_index)
        drawn = self._prior.draw_all(
            self._source.intensity(target),
            self._source.intensity(nearest.slice_index),
            nearest.soft,
            [AppearanceModel.from_anchor(shown, soft > 0.5) for soft in furthest.soft],
        )
        return drawn.soft[(slice(None), *region.slices)]


def mask_prior_method(weights: Path | None, device: str = "auto") -> MaskPriorMethod:
    """The method from a weights file.

    Raises:
        WeightsError: no file, or one that does not fit.
        DeviceError: no such device here.
    """
    if weights is None:
        msg = "Method 'mask-prior' needs a weights file; name one, or take the catalogue's."
        raise WeightsError(msg)
    return MaskPriorMethod(MaskPrior.load(weights, device))
