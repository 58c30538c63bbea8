"""Refinement by a network: its view of a pass in, the pass's slices mended out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..devices import Device
from ..passes import PRESENT, Pass, SliceResult, certainty
from ..protocol import Region, bounding_region
from .network import RefinementNetwork
from .view import PassView, view_of

SUREST = 0.98
"""Log odds are taken within 1 - this and this, as in training: nothing is beyond being changed."""

_TRUST_NEAR, _TRUST_FAR, _FAR = 0.2, 0.8, 1.0
"""Share of the change that is made beside the anchor, and from `_FAR` square roots of the drawn area on.

Near what was drawn a pass is finer than the network's view of it.
"""


class NetworkRefinement:
    """A refinement network ready for inference.

    Args:
        network: trained.
        device: the CPU's precision is used; the network is too small to be worth a GPU's journeys.
    """

    def __init__(self, network: RefinementNetwork, device: Device) -> None:
        self._precision = device.precision if device.kind == "cpu" else torch.float32
        self._network = network.eval().to(self._precision).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        """The pass's slices as the network would have them, its ends moved where it sees them elsewhere."""
        view = view_of(run, length)
        if view is None:
            return []
        change, verdicts = self._looked_at(view)
        region = _region(view, run.grid.shape)
        rows_columns = region.slices
        trust = _TRUST_NEAR + (_TRUST_FAR - _TRUST_NEAR) * (view.distances()[1:] / _FAR).clamp(max=1)
        changes = view.window.paste(change[1:], run.grid.shape)
        expected = torch.sigmoid(verdicts[1:, 1]).tolist()
        mended: list[SliceResult] = []
        for position, (by, share, dice) in enumerate(zip(changes, trust.tolist(), expected, strict=True)):
            before = run.results[position] if position < len(run.results) else None
            found = before.placed(run.grid.shape)[rows_columns] if before else np.zeros(region.shape, np.float32)
            soft = _changed(found, by)
            # Whether anything is left, and what begins anew, is for the whole change to say.
            if (soft > 0.5).any() and (found > 0.5).any():
                soft = _changed(found, share * by)
            soft[soft < PRESENT] = 0.0
            mended.append(_result(soft, region, before, dice))
        while mended and not (mended[-1].soft > 0.5).any():
            mended.pop()
        return mended

    @torch.inference_mode()
    def _looked_at(self, view: PassView) -> tuple[torch.Tensor, torch.Tensor]:
        change, verdicts = self._network(view.maps().to(self._precision), view.measures[None].to(self._precision))
        return change[0].float(), verdicts[0].float()


def _changed(soft: np.ndarray, by: np.ndarray) -> np.ndarray:
    """A soft mask with `by` added to its log odds."""
    odds = np.clip(soft, 1 - SUREST, SUREST)
    result: np.ndarray = 1 / (1 + (1 - odds) / odds * np.exp(-by))
    return result


def _region(view: PassView, shape: tuple[int, int]) -> Region:
    rows, columns = view.window.on(shape)
    return Region(rows.start, rows.stop, columns.start, columns.stop)


def _result(soft: np.ndarray, region: Region, before: SliceResult | None, expected_dice: float) -> SliceResult:
    """The slice's new result, cropped to where anything is left."""
    inner = bounding_region(soft > 0) or Region(0, 1, 0, 1)
    cropped = Region(
        region.row_start + inner.row_start,
        region.row_start + inner.row_stop,
        region.column_start + inner.column_start,
        region.column_start + inner.column_stop,
    )
    kept = soft[inner.slices].astype(np.float16)
    made = SliceResult(cropped, kept, certainty(soft), expected_dice)
    return replace(made, journey=before.journey) if before else made
