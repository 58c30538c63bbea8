"""Passes end where the end network sees them end, if it knows the kind of structure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..passes import Pass, SliceResult
from ..protocol import Refinement
from .network import EndNetwork, EndOpinion
from .view import Frame, maps_of, measures_of

FIRST_SLICES = 8
"""What a structure is, is asked of so many slices after the drawn one."""

_SURE_OF_THE_KIND = 0.9
_RATHER_THERE = 1.0
"""Added to the log odds of being there: to end too early costs more than to end too late."""

_BATCH = 32


@dataclass(frozen=True, eq=False)
class EndSight:
    """The network's look from one drawn slice in one direction.

    Attributes:
        network: trained, or in training.
        intensity: slice number -> float32 (rows, columns), 0..1.
        spacing_mm: between slices, rows, columns.
        anchor_slice: the drawn one.
        step: +1 or -1.
        drawn: bool (rows, columns), not empty.
        magnified: how much larger these slices are than the volume's, in whose pixels is seen.
    """

    network: EndNetwork
    intensity: Callable[[int], np.ndarray]
    spacing_mm: tuple[float, float, float]
    anchor_slice: int
    step: int
    drawn: np.ndarray
    magnified: float = 1.0

    def of(self, away: range) -> EndOpinion:
        """What it thinks of the slices so far away from the drawn one."""
        others = np.stack([self.intensity(self.anchor_slice + self.step * each) for each in away])
        maps = maps_of(
            Frame.around(self.drawn, self.magnified),
            torch.from_numpy(np.ascontiguousarray(self.intensity(self.anchor_slice))),
            torch.from_numpy(self.drawn.astype(np.float32)),
            torch.from_numpy(others),
        )
        between, row, column = self.spacing_mm
        spacing_mm = (between, row * self.magnified, column * self.magnified)
        measures = measures_of(np.array(away), spacing_mm, float(self.drawn.sum()) / self.magnified**2)
        device = next(self.network.parameters()).device
        opinion = self.network(maps.to(device), measures.to(device))
        return EndOpinion(opinion.present.cpu(), opinion.area.cpu(), opinion.kind.cpu())


class KnownEnds:
    """An end network ready for inference.

    Args:
        network: trained.
    """

    def __init__(self, network: EndNetwork) -> None:
        self._network = network.eval()
        names = network.settings.kinds
        self._known = [names.index(name) for name in network.settings.known]

    @torch.inference_mode()
    def end_of(self, run: Pass) -> int | None:
        """Slices after the anchor that the structure is on; None if its kind is not known.

        Depends on the anchor and the volume alone.
        """
        drawn, room = run.drawn > 0.5, run.room
        if room < 1 or not self._known or not drawn.any():
            return None
        grid = run.grid
        sight = EndSight(
            self._network, grid.intensity, grid.spacing_mm, run.anchor_slice, run.step, drawn, grid.magnified
        )
        first = sight.of(range(1, min(room, FIRST_SLICES) + 1))
        if float(first.kind.softmax(dim=1)[:, self._known].sum(dim=1).mean()) < _SURE_OF_THE_KIND:
            return None
        parts = [first.present]
        for begin in range(FIRST_SLICES + 1, room + 1, _BATCH):
            parts.append(sight.of(range(begin, min(room + 1, begin + _BATCH))).present)
        return most_likely_end(torch.cat(parts).numpy() + _RATHER_THERE)


def most_likely_end(present: np.ndarray) -> int:
    """How many slices from the first on the structure is on, and then on none.

    Args:
        present: (slices,), log odds of being there, slice by slice.
    """
    there, gone = -np.logaddexp(0, -present), -np.logaddexp(0, present)
    after = np.concatenate([np.cumsum(gone[::-1])[::-1], [0.0]])
    return int((np.concatenate([[0.0], np.cumsum(there)]) + after).argmax())


class EndedRefinement:
    """A refinement whose passes end where their known ends are.

    Args:
        refinement: mends passes.
        ends: knows some.
    """

    def __init__(self, refinement: Refinement, ends: KnownEnds) -> None:
        self._refinement = refinement
        self._ends = ends

    @property
    def beyond(self) -> int:
        return self._refinement.beyond

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        """What the refinement says, up to the known end."""
        if run.may_be_sent_on and not run.is_end_sought:
            run.known_end, run.is_end_sought = self._ends.end_of(run), True
        mended = self._refinement.refined(run, length)
        return mended if run.known_end is None else mended[: run.known_end]
