"""The null method: the nearest known slice's mask, unchanged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..protocol import Carrier, Reference, Region, SliceSource
from .plain import PlainMethod


class CopyMask(PlainMethod):
    """Copies the mask. Any method worth its time is better than this one."""

    @property
    def name(self) -> str:
        return "copy"

    def open(self, source: SliceSource) -> Carrier:
        return _CopyCarrier()


class _CopyCarrier:
    def carry(
        self, references: Sequence[Reference], target: int, region: Region, *, rehearse: bool = False
    ) -> np.ndarray:
        """The nearest reference's labels within `region`, float32 (labels, region rows, region columns)."""
        return references[0].soft[(slice(None), *region.slices)].astype(np.float32)
