"""Propagation by the mask prior alone: each slice's masks are drawn from its neighbour's, nothing is copied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..devices import Device
from ..mask_prior.network import MaskPriorNetwork
from ..mask_prior.prior import MaskPrior
from ..protocol import Carrier, PassRules, Reference, Region, SliceSource
from .plain import RuledMethod


class MaskPriorMethod(RuledMethod):
    """A mask prior with the rules to propagate by (mask propagation, thesis of 2019).

    Args:
        network: trained.
        device: where it runs.
        rules: how passes are run.
    """

    def __init__(self, network: MaskPriorNetwork, device: Device, rules: PassRules) -> None:
        super().__init__("mask-prior", device.words, rules)
        self._prior = MaskPrior(network, device)

    def open(self, source: SliceSource) -> Carrier:
        return _MaskPriorCarrier(source, self._prior)


class _MaskPriorCarrier:
    """Draws on the slices of one stack; there is nothing to keep."""

    def __init__(self, source: SliceSource, prior: MaskPrior) -> None:
        self._source = source
        self._prior = prior

    def carry(
        self, references: Sequence[Reference], target: int, region: Region, *, rehearse: bool = False
    ) -> np.ndarray:
        """Labels on slice `target`, each drawn from the nearest reference.

        Returns:
            float32 (labels, region rows, region columns), 0..1.
        """
        nearest = references[0]
        drawn = self._prior.draw(
            self._source.intensity(target), self._source.intensity(nearest.slice_index), nearest.soft
        )
        return drawn[(slice(None), *region.slices)]
