"""Classical registration: TV-L1 optical flow carries the nearest known slice's mask.

Zach, Pock and Bischof, "A duality based approach for realtime TV-L1 optical flow" (2007), in
scikit-image's implementation with its own default settings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import map_coordinates

from ..protocol import Carrier, PassRules, Reference, Refinement, Region, SliceSource
from .plain import RuledMethod

MARGIN = 16
"""Pixels of context around the region: enough for its edges to find where they come from."""

MINIMUM_SIDE = 16
"""On areas with a shorter side than this no flow is estimated: the mask is kept where it was."""


class OpticalFlow(RuledMethod):
    """Backward warping by the dense flow between two slices.

    Args:
        rules: how passes are run; by the plainest ones by default.
        refinement: mends passes when they have ended.
    """

    def __init__(self, rules: PassRules | None = None, refinement: Refinement | None = None) -> None:
        super().__init__("optical-flow", "cpu", rules or PassRules(), refinement)

    def open(self, source: SliceSource) -> Carrier:
        return _FlowCarrier(source)


class _FlowCarrier:
    def __init__(self, source: SliceSource) -> None:
        self._source = source

    def carry(
        self, references: Sequence[Reference], target: int, region: Region, *, rehearse: bool = False
    ) -> np.ndarray:
        """The nearest reference's labels, warped to slice `target`.

        Returns:
            float32 (labels, region rows, region columns), 0..1.
        """
        nearest = references[0]
        area = region.grown(MARGIN, self._source.shape)
        fixed = self._source.intensity(target)[area.slices]
        moving = self._source.intensity(nearest.slice_index)[area.slices]
        flow = _flow(fixed, moving)
        rows, columns = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in fixed.shape), indexing="ij")
        inner = region.within(area)
        where = np.stack([(rows + flow[0])[inner], (columns + flow[1])[inner]])
        soft = nearest.soft[(slice(None), *area.slices)]
        carried = [map_coordinates(label, where, order=1, mode="nearest", prefilter=False) for label in soft]
        return np.clip(np.stack(carried), 0.0, 1.0).astype(np.float32)


def _flow(fixed: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Where each pixel of `fixed` lies in `moving`: float32 (2, rows, columns), in pixels.

    Two equal slices have no motion between them, and none is computed.
    """
    if min(fixed.shape) < MINIMUM_SIDE or np.array_equal(fixed, moving):
        return np.zeros((2, *fixed.shape), np.float32)
    from skimage.registration import optical_flow_tvl1

    flow: np.ndarray = optical_flow_tvl1(fixed, moving, dtype=np.float32)
    return flow
