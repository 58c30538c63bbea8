"""What is expected of every slice of one label: how large it is, how good, and whether more of it lies unseen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..records import Anchor, Propagation, StopReason

LEAST_QUALITY = 0.05
"""An estimated Dice under this is taken for this: its logarithm is needed."""

_LEAST_LOSS = 0.002
"""Logarithm of the quality lost per slice at the least: methods without soft masks are always sure."""

PRESENCE_IN_GAP = 0.8
"""Chance that the structure is on a slice that no pass reached between two anchors that show it."""

_PRESENCE_AT_END = (0.25, 1.1, 0.95)
"""Chance that a structure goes on where its pass ended: first + second x (area there / largest area), at most third."""

_HALF_DIAMETERS = 0.15
_HALF_EXTENTS = 0.17
"""Past that end half of the structures that go on end within so many diameters of the largest slice, or so many
times the extent found so far, whichever is longer."""

_AREA_BEYOND = 0.45
"""Mean area of what a pass has missed beyond its end, as a share of the area at its end."""

_LOCAL_SHARE = 0.5
"""How far the loss of quality between two slices is what was seen there, and not the mean of this propagation."""

_ENDED_BY_ITSELF = frozenset(StopReason) - {StopReason.NEXT_ANCHOR, StopReason.END_OF_VOLUME, StopReason.RANGE}


@dataclass(eq=False)
class Outlook:
    """One label, slice by slice; arrays are float64 (slices,) unless said otherwise.

    Attributes:
        area: pixels on the slice, found or expected.
        presence: chance that the structure is there, 1 where it was found.
        quality: expected Dice of the slice as it is now.
        position: `abs(position[i] - position[j])` is the logarithm of the quality lost on the way from i to j.
        segment: int (slices,): slices between the same two anchors share a number; -1 on anchors.
    """

    area: np.ndarray
    presence: np.ndarray
    quality: np.ndarray
    position: np.ndarray
    segment: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """Expected pixels per slice."""
        return self.area * self.presence

    @property
    def dice(self) -> float:
        """The expected Dice of the volume."""
        total = float(self.weight.sum())
        return float((self.weight * self.quality).sum()) / total if total else 0.0

    def quality_after(self, index: int) -> np.ndarray:
        """Expected Dice of every slice once `index` is drawn too."""
        reached = self.segment == self.segment[index]
        offered = np.exp(-np.abs(self.position - self.position[index]))
        # What lies beyond the drawn slice is there only if the drawn slice shows it.
        together = np.minimum(self.presence, self.presence[index]) / np.maximum(self.presence, 1e-9)
        return np.where(reached, self.quality + together * np.maximum(0.0, offered - self.quality), self.quality)

    def gain(self, index: int) -> float:
        """Expected rise of the volume's Dice from drawing slice `index`."""
        total = float(self.weight.sum())
        rise = self.weight * (self.quality_after(index) - self.quality)
        return float(rise.sum()) / total if total else 0.0

    def draw(self, index: int) -> None:
        """Go on as if slice `index` were drawn."""
        self.quality = self.quality_after(index)
        own = self.segment == self.segment[index]
        above = own & (np.arange(own.size) > index)
        self.segment[above] = self.segment.max() + 1
        self.segment[index] = -1


def make_outlook(
    propagation: Propagation, anchors: Sequence[Anchor], label: int, spacing_mm: tuple[float, float, float]
) -> Outlook:
    """Read the outlook of one label off its propagation.

    Args:
        anchors: the label's own, sorted by slice.
        spacing_mm: of the stack: between slices, rows, columns.
    """
    area = propagation.masks[label].sum(axis=(1, 2)).astype(np.float64)
    found = area > 0
    drawn = np.zeros(area.size, bool)
    drawn[[anchor.slice_index for anchor in anchors]] = True
    estimated = np.nan_to_num(np.asarray(propagation.slice_confidence[label], np.float64), nan=0.0)
    away = np.abs(np.arange(area.size)[:, None] - np.flatnonzero(drawn)).min(axis=1) if drawn.any() else 0.0
    quality = np.where(found, np.clip(estimated, LEAST_QUALITY, np.exp(-_LEAST_LOSS * away)), 0.0)
    quality[drawn] = 1.0
    segment = np.where(drawn, -1, np.cumsum(drawn))
    outlook = Outlook(area, found.astype(np.float64), quality, np.zeros(area.size), segment)
    diameter_mm = 2.0 * np.sqrt(max(1.0, area.max()) * spacing_mm[1] * spacing_mm[2] / np.pi)
    extent = np.ptp(np.flatnonzero(found)) + 1 if found.any() else 1
    half_length = max(_HALF_DIAMETERS * diameter_mm / spacing_mm[0], _HALF_EXTENTS * extent)
    _expect_more(outlook, propagation, anchors, label, float(half_length))
    outlook.position = np.concatenate([[0.0], np.cumsum(_losses(outlook, drawn))])
    return outlook


def _expect_more(
    outlook: Outlook, propagation: Propagation, anchors: Sequence[Anchor], label: int, half_length: float
) -> None:
    """Fill in area and presence where nothing was found but something may be; `half_length` is in slices."""
    largest = float(outlook.area.max())
    ended = {(p.anchor_slice, p.step) for p in propagation.passes if p.label == label and p.reason in _ENDED_BY_ITSELF}
    last = outlook.area.size - 1
    for below, above in _neighbours(anchors):
        low, high = (below.slice_index if below else -1), (above.slice_index if above else last + 1)
        from_below = below is not None and below.mask.any() and (low, 1) in ended
        from_above = above is not None and above.mask.any() and (high, -1) in ended
        first, stop = low + 1, high - 1
        while from_below and first <= stop and outlook.area[first] > 0:
            first += 1
        while from_above and stop >= first and outlook.area[stop] > 0:
            stop -= 1
        unseen = np.arange(first, stop + 1)
        unseen = unseen[outlook.area[unseen] == 0]
        if from_below and from_above:
            outlook.area[unseen] = (outlook.area[first - 1] + outlook.area[stop + 1]) / 2
            outlook.presence[unseen] = PRESENCE_IN_GAP
        elif from_below or from_above:
            end = first - 1 if from_below else stop + 1
            constant, slope, most = _PRESENCE_AT_END
            at_end = min(most, constant + slope * outlook.area[end] / largest)
            outlook.presence[unseen] = at_end / (1.0 + np.abs(unseen - end) / half_length)
            outlook.area[unseen] = _AREA_BEYOND * outlook.area[end]


def _neighbours(anchors: Sequence[Anchor]) -> Iterator[tuple[Anchor | None, Anchor | None]]:
    """Every two anchors next to each other; None stands for the ends of the volume."""
    bounded: list[Anchor | None] = [None, *anchors, None]
    yield from pairwise(bounded)


def _losses(outlook: Outlook, drawn: np.ndarray) -> np.ndarray:
    """Logarithm of the quality lost from each slice to the next, float64 (slices - 1,).

    On the way from an anchor to where its passes end or meet those of the next one the estimated quality
    falls; how fast, and where, says how far a new anchor would reach.
    """
    count = drawn.size
    everywhere = np.arange(count)
    indices = np.flatnonzero(drawn)
    nearest = indices[np.abs(everywhere[:, None] - indices).argmin(axis=1)]
    lowest = np.ones(count)
    for index in indices:
        for step in (1, -1):
            run = [i for i in range(int(index), count if step == 1 else -1, step) if nearest[i] == index]
            inside = [i for i in run if outlook.quality[i] > 0]
            lowest[inside] = np.minimum.accumulate(outlook.quality[inside])
    seen = (outlook.quality[:-1] > 0) & (outlook.quality[1:] > 0) & (nearest[:-1] == nearest[1:])
    local = np.abs(np.diff(np.log(np.maximum(lowest, LEAST_QUALITY))))
    weight = np.minimum(outlook.area[:-1], outlook.area[1:]) * seen
    mean = float((local * weight).sum() / weight.sum()) if weight.sum() else 0.1
    return np.where(seen, _LOCAL_SHARE * local + (1 - _LOCAL_SHARE) * mean, mean)
