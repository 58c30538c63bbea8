"""What the refinement network is shown of a pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..passes import Pass, SliceResult
from .network import MEASURES
from .window import SIDE, SquareWindow

BEYOND = 3
"""Empty slices shown after a pass's last one, so that the structure can be found to go on."""

AREA_BOUNDS, AREA_SCALE = (-6.0, 3.0), 4.0
"""An area is told as the binary logarithm of its share of the drawn one: within the bounds, over the scale."""

_BINS = 32
_RING = 7
_UNSEEN = 0.003


@dataclass(frozen=True, eq=False)
class PassView:
    """A pass through its window, the anchor's slice first.

    Attributes:
        window: where its pictures lie on the working grid.
        slices: the slices' numbers.
        intensity: float32 (slices, SIDE, SIDE), 0..1 over the range seen around what was drawn.
        soft: float32, the same shape: what was drawn, what the pass found, nothing on the slices beyond it.
        measures: float32 (slices, MEASURES).
        contrast: the range of intensities that is seen around what was drawn.
    """

    window: SquareWindow
    slices: tuple[int, ...]
    intensity: torch.Tensor
    soft: torch.Tensor
    measures: torch.Tensor
    contrast: float

    def distances(self) -> torch.Tensor:
        """float32 (slices,), how far each lies from the anchor, in square roots of the drawn area (4 at most)."""
        return self.measures[:, 0] * 2

    def maps(self, soft: torch.Tensor | None = None) -> torch.Tensor:
        """(1, MAPS, slices, SIDE, SIDE), about -1..1, with other soft masks than the pass's if they are given."""
        shown = self.soft if soft is None else soft
        return maps_of(self.intensity[None], shown[None], self.soft[None, 0], self.intensity[None, 0])


def view_of(run: Pass, length: int) -> PassView | None:
    """A pass as the refinement network sees it; None if it has not left its anchor and cannot.

    Args:
        run: the pass.
        length: it is looked at up to so many slices after its anchor, and no farther.
    """
    results = run.results[:length]
    grid = run.grid
    count = min(len(results) + BEYOND, length, run.room)
    if count < 1:
        return None
    slices = tuple(run.anchor_slice + run.step * position for position in range(count + 1))
    found = run.drawn > 0.5
    for result in results[: run.usual_length]:
        found[result.region.slices] |= result.soft > 0.5
    if not found.any():
        return None
    window = SquareWindow.around(found, grid.magnified)
    low, high = _seen_range(grid.intensity(run.anchor_slice), run.drawn > 0.5, grid.magnified)
    rows, columns = window.on(grid.shape)
    offset = SquareWindow(window.top - rows.start, window.left - columns.start, window.side)
    pictures = [np.clip((grid.intensity(index)[rows, columns] - low) / (high - low), 0, 1) for index in slices]
    masks = [run.drawn[rows, columns], *(result.placed(grid.shape)[rows, columns] for result in results)]
    soft = torch.zeros(count + 1, SIDE, SIDE)
    soft[: len(masks)] = offset.cut(masks)
    measures = torch.from_numpy(_measures(run, results, count))
    return PassView(window, slices, offset.cut(pictures), soft, measures, high - low)


def maps_of(intensity: torch.Tensor, soft: torch.Tensor, drawn: torch.Tensor, drawn_on: torch.Tensor) -> torch.Tensor:
    """The pictures of some passes as the network takes them: (passes, MAPS, slices, side, side).

    Args:
        intensity, soft: (passes, slices, side, side), 0..1.
        drawn, drawn_on: (passes, side, side): what was drawn, and the intensity there.
    """
    everywhere = drawn[:, None].expand_as(soft)
    speaks_for = _speaks_for(intensity, drawn > 0.5, drawn_on)
    return torch.stack([intensity * 2 - 1, soft * 2 - 1, everywhere * 2 - 1, speaks_for], dim=1)


def _seen_range(intensity: np.ndarray, mask: np.ndarray, magnified: float) -> tuple[float, float]:
    """The intensities around what was drawn, with room on either side."""
    shape = (mask.shape[0], mask.shape[1])
    rows, columns = SquareWindow.around(mask, magnified).on(shape) if mask.any() else (slice(None),) * 2
    low, high = (float(value) for value in np.percentile(intensity[rows, columns], [1, 99]))
    room = 0.25 * (high - low)
    return low - room, max(high + room, low - room + 1e-3)


def _measures(run: Pass, results: list[SliceResult], count: int) -> np.ndarray:
    """float32 (count + 1, MEASURES): how far the pass has come at each slice, and how it went."""
    between, row, column = run.grid.spacing_mm
    unit = float(np.sqrt(run.drawn_area * row * column))
    # The volume's pixel: magnified, an empty slice would be much emptier.
    pixel = run.grid.magnified**2
    values = np.zeros((count + 1, MEASURES), np.float32)
    for position in range(count + 1):
        result = results[position - 1] if 0 < position <= len(results) else None
        is_anchor = position == 0
        area = run.drawn_area if is_anchor else float((result.soft > 0.5).sum()) if result else 0.0
        values[position] = (
            min(4.0, position * between / unit) / 2,
            min(1.0, between / unit),
            np.clip(np.log2((area + pixel) / run.drawn_area), *AREA_BOUNDS) / AREA_SCALE,
            result.confidence * 2 - 1 if result else float(is_anchor),
            result.journey.least_certainty * 2 - 1 if result else float(is_anchor),
            min(3.0, result.journey.drift) / 3 if result else float(not is_anchor),
            float(position > run.usual_length),
            float(position > len(results)),
            np.log2(np.sqrt(run.drawn_area / pixel)) / 8,
        )
    return values


def _speaks_for(intensity: torch.Tensor, drawn: torch.Tensor, drawn_on: torch.Tensor) -> torch.Tensor:
    """How much more common an intensity is within what was drawn than around it, -1..1, like `intensity`."""
    passes = len(intensity)
    near = functional.max_pool2d(drawn.float()[:, None], 2 * _RING + 1, 1, _RING)[:, 0] > 0.5
    bins = _bins(drawn_on).flatten(1)
    shares = []
    for where in (drawn, near & ~drawn):
        counts = torch.zeros(passes, _BINS).scatter_add_(1, bins, where.float().flatten(1))
        shares.append(_smoothed(counts / counts.sum(dim=1, keepdim=True).clamp(min=1)))
    inside, around = shares
    odds = (inside - around) / (inside + around + _UNSEEN)
    return odds.gather(1, _bins(intensity).flatten(1)).reshape(intensity.shape)


def _bins(intensity: torch.Tensor) -> torch.Tensor:
    return (intensity * (_BINS - 1)).round().long().clamp(0, _BINS - 1)


def _smoothed(counts: torch.Tensor) -> torch.Tensor:
    kernel = torch.tensor([0.05, 0.25, 0.4, 0.25, 0.05])[None, None]
    return functional.conv1d(functional.pad(counts[:, None], (2, 2), mode="replicate"), kernel)[:, 0]
