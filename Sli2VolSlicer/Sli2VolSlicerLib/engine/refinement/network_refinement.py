"""Refinement by a network: its view of a pass in, the pass's slices mended out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..devices import Device
from ..expected_dice import Journey, RefinedSlice
from ..passes import PRESENT, Pass, SliceResult, certainty
from ..protocol import Region, bounding_region
from .clean_up import EDGE_REACH, connected, drawn_to_edges
from .long_structures import forked_at, held_on
from .network import RefinementNetwork
from .view import BEYOND, PassView, view_of

SUREST = 0.98
"""Log odds are taken within 1 - this and this, as in training: nothing is beyond being changed."""

LOOKS = 2
"""The network looks at a pass, and once more at what it made of it."""

_TRUST_NEAR, _TRUST_FAR, _FAR = 0.2, 0.8, 1.0
"""Share of the change that is made beside the anchor, and from `_FAR` square roots of the drawn area on.

Near what was drawn a pass is finer than the network's view of it.
"""

SURE, _LEAST_LEFT = 0.85, 0.5
"""Slices of which the pass was surer than this keep at least this share of their area.

Long structures with sharp outlines, as vessels are, are rare in the training volumes: what is far was mostly gone.
"""

_GAP = 3

_NO_JOURNEY = Journey(least_certainty=0.5, drift=3.0)
"""Stands for the journey to slices that the pass never reached."""


class NetworkRefinement:
    """A refinement network ready for inference.

    Args:
        network: trained.
        device: the CPU's precision is used; the network is too small to be worth a GPU's journeys.
        sure: slices of which the pass was surer than this are not ended.
        looks: how often the network looks.
        clean_up: whether outlines are drawn to edges and loose parts taken away.
        forks: whether long structures end where they divide.
    """

    def __init__(
        self,
        network: RefinementNetwork,
        device: Device,
        sure: float = SURE,
        *,
        looks: int = LOOKS,
        clean_up: bool = True,
        forks: bool = True,
    ) -> None:
        self._sure = sure
        self._looks = looks
        self._clean_up = clean_up
        self._forks = forks
        self._precision = device.precision if device.kind == "cpu" else torch.float32
        self._network = network.eval().to(self._precision).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    @property
    def beyond(self) -> int:
        return BEYOND

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        """The pass's slices as the network would have them, its ends moved where it sees them elsewhere."""
        view = view_of(run, length)
        if view is None:
            return []
        change, verdicts = self._looked_at(view)
        region = _region(view, run.grid.shape)
        rows_columns = region.slices
        away = view.distances()[1:]
        trust = (_TRUST_NEAR + (_TRUST_FAR - _TRUST_NEAR) * (away / _FAR).clamp(max=1)).tolist()
        changes = view.window.paste(change[1:], run.grid.shape)
        opinions = torch.sigmoid(verdicts[1:, 1]).tolist()
        found = [before.placed(run.grid.shape)[rows_columns] for before in run.results[:length]]
        found += [np.zeros(region.shape, np.float32)] * (len(changes) - len(found))
        held = held_on(run, length)
        softs = np.stack(
            [
                _mended(before, by, trust[position], position < held or self._is_sure(run, position))
                for position, (before, by) in enumerate(zip(found, changes, strict=True))
            ]
        )
        if self._clean_up:
            softs = _cleaned(softs, run, view, region)
        fork = forked_at(run, run.drawn[rows_columns] > 0.5, softs > 0.5) if self._forks else None
        softs = softs[:fork]
        mended: list[SliceResult] = []
        for position, soft in enumerate(softs):
            there, was_there = soft > 0.5, found[position] > 0.5
            area = float(there.sum())
            refined = RefinedSlice(
                verdict=opinions[position],
                area_share=area / run.drawn_area,
                agreement=2 * float((there & was_there).sum()) / max(1.0, area + float(was_there.sum())),
            )
            journey = run.results[position].journey if position < len(run.results) else _NO_JOURNEY
            mended.append(_result(soft, region, refined, journey))
        if fork is not None:
            mended[-1] = replace(mended[-1], divides_beyond=True)
        return _until_gone(mended)

    def _is_sure(self, run: Pass, position: int) -> bool:
        """Whether the pass was so sure of a slice that refinement may not end it there."""
        return position < min(run.usual_length, len(run.results)) and run.results[position].confidence > self._sure

    @torch.inference_mode()
    def _looked_at(self, view: PassView) -> tuple[torch.Tensor, torch.Tensor]:
        """What to change of the view's soft masks, (slices, side, side), and the verdicts, (slices, 2)."""
        soft, measures = view.soft, view.measures[None].to(self._precision)
        odds = verdicts = torch.zeros(0)
        for _ in range(self._looks):
            change, verdicts = self._network(view.maps(soft).to(self._precision), measures)
            odds = log_odds(soft) + change[0].float()
            soft = looked_at_again(view.soft[None], odds[None])[0]
        return odds - log_odds(view.soft), verdicts[0].float()


def _cleaned(softs: np.ndarray, run: Pass, view: PassView, region: Region) -> np.ndarray:
    """The mended slices with outlines on edges and nothing hanging in the air, float32 (slices, rows, columns)."""
    intensity = np.stack([run.grid.intensity(index)[region.slices] for index in view.slices[1:]])
    reach = round(EDGE_REACH * float(np.sqrt(run.drawn_area)))
    softs = drawn_to_edges(softs, intensity, reach, view.contrast)
    softs[softs < PRESENT] = 0.0
    return connected(softs, run.drawn[region.slices] > 0.5, round(run.grid.magnified))


def _until_gone(mended: list[SliceResult]) -> list[SliceResult]:
    """Results up to the first gap of `_GAP` empty slices; a pass does not find again what has ended."""
    there = [position for position, result in enumerate(mended) if (result.soft > 0.5).any()]
    end = 0
    for position in there:
        if position - end >= _GAP:
            break
        end = position + 1
    return mended[:end]


def log_odds(soft: torch.Tensor) -> torch.Tensor:
    """Logits of soft masks, what the network's change is added to."""
    return torch.logit(soft.clamp(1 - SUREST, SUREST))


def looked_at_again(soft: torch.Tensor, odds: torch.Tensor) -> torch.Tensor:
    """The soft masks that the network's next look begins from; the anchor's slice stays as it was drawn.

    Args:
        soft: (passes, slices, side, side), those of the look before, the anchor's slice first.
        odds: the same shape, their log odds after the change.
    """
    mended = torch.sigmoid(odds)
    mended = torch.where(mended < PRESENT, 0.0, mended)
    return torch.cat([soft[:, :1], mended[:, 1:]], dim=1)


def _mended(found: np.ndarray, by: np.ndarray, trust: float, may_keep: bool) -> np.ndarray:
    """A slice's soft mask after the change `by` of its log odds.

    Args:
        trust: share of the change that is made; whether anything is left, or begins anew, is for the whole change.
        may_keep: the pass was sure of the slice or is of a long structure, and refinement may not end it here.
    """
    there, was_there = changed(found, by), int((found > 0.5).sum())
    left = int((there > 0.5).sum())
    if may_keep and left < _LEAST_LEFT * was_there:
        return found.copy()
    return changed(found, trust * by) if left and was_there else there


def changed(soft: np.ndarray, by: np.ndarray) -> np.ndarray:
    """A soft mask with `by` added to its log odds."""
    odds = np.clip(soft, 1 - SUREST, SUREST)
    result: np.ndarray = 1 / (1 + (1 - odds) / odds * np.exp(-by))
    return result


def _region(view: PassView, shape: tuple[int, int]) -> Region:
    rows, columns = view.window.on(shape)
    return Region(rows.start, rows.stop, columns.start, columns.stop)


def _result(soft: np.ndarray, region: Region, refined: RefinedSlice, journey: Journey) -> SliceResult:
    """The slice's new result, cropped to where anything is left."""
    inner = bounding_region(soft > 0) or Region(0, 1, 0, 1)
    cropped = Region(
        region.row_start + inner.row_start,
        region.row_start + inner.row_stop,
        region.column_start + inner.column_start,
        region.column_start + inner.column_stop,
    )
    kept = soft[inner.slices].astype(np.float16)
    return SliceResult(cropped, kept, certainty(soft), refined.expected_dice(journey), journey, refined)
