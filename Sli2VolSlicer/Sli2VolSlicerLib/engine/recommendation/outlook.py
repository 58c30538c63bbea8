"""What is expected of every slice of one label: how large it is, how good, and whether the structure is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..records import Anchor, Propagation, StopReason

LEAST_QUALITY = 0.05
"""An estimated Dice under this is taken for this: its logarithm is needed."""

_ENDED_BY_ITSELF = frozenset(StopReason) - {StopReason.NEXT_ANCHOR, StopReason.END_OF_VOLUME, StopReason.RANGE}


@dataclass(frozen=True)
class OutlookSettings:
    """What is taken for likely; chosen on the tuning cases.

    Attributes:
        least_loss: logarithm of the quality lost per slice at the least (methods without soft masks are always sure).
        local_share: how far the loss between two slices is what was seen there, and not this propagation's mean.
        surely_there: a found slice of this estimated Dice shows the structure; one of Dice 0 does not.
        presence_in_gap: chance that the structure is on a slice that no pass reached between two anchors showing it.
        presence_at_end: chance that it goes on where its pass ended, before the next counts.
        presence_by_area: added to that, times the area at the end as a share of the largest; at most 0.95 in all.
        half_diameters, half_extents: past that end half of the structures that go on end within so many diameters
            of the largest slice, or so many times the extent found so far, whichever is longer.
        area_of_end, area_of_largest: expected area there: so much of the area at the end, and of the largest.
    """

    least_loss: float = 0.002
    local_share: float = 0.5
    surely_there: float = 0.5
    presence_in_gap: float = 0.9
    presence_at_end: float = 0.25
    presence_by_area: float = 0.6
    half_diameters: float = 0.15
    half_extents: float = 0.17
    area_of_end: float = 0.3
    area_of_largest: float = 0.0


DEFAULT = OutlookSettings()


@dataclass(eq=False)
class Outlook:
    """One label, slice by slice; arrays are float64 (slices,) unless said otherwise.

    Attributes:
        found: pixels that the propagation gave the slice.
        area: pixels of the structure there, if it is there.
        presence: chance that it is there; it falls from the anchors outwards.
        quality: expected Dice of the slice as it is now, if the structure is there.
        position: `abs(position[i] - position[j])` is the logarithm of the quality lost on the way from i to j.
        segment: int (slices,): slices between the same two anchors share a number; -1 on anchors.
        outwards: int (slices,): +1 or -1, which way the structure's end is; 0 between two anchors that show it.
    """

    found: np.ndarray
    area: np.ndarray
    presence: np.ndarray
    quality: np.ndarray
    position: np.ndarray
    segment: np.ndarray
    outwards: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """Expected pixels of the structure per slice."""
        return self.area * self.presence

    @property
    def slice_dice(self) -> np.ndarray:
        """Expected Dice per slice as it is now."""
        return self.presence * self.quality

    @property
    def dice(self) -> float:
        """The expected Dice of the volume as it is now."""
        return _dice(self.weight * self.quality, self.found, self.weight)

    def quality_after(self, index: int) -> np.ndarray:
        """Expected Dice of every slice, if the structure is there, once `index` is drawn and shows it."""
        reached = self.segment == self.segment[index]
        offered = np.exp(-np.abs(self.position - self.position[index]))
        return np.where(reached, np.maximum(self.quality, offered), self.quality)

    def dice_after(self, index: int) -> float:
        """The expected Dice of the volume once `index` is drawn too.

        If the structure is not on it, only what lies beyond is mended: it is cut off. What passes fill on the
        way there stays.
        """
        reached = self.segment == self.segment[index]
        there = self.presence[index]
        together = np.minimum(self.presence, there)
        right = together * self.quality_after(index) + (self.presence - together) * self.quality
        away = np.arange(self.area.size) - index
        beyond = (away * self.outwards > 0) | (away == 0)
        if_shown = np.where(self.found > 0, self.found, self.area * together / max(there, 1e-9))
        if_empty = np.where(beyond, 0.0, self.found)
        filled = np.where(reached, there * if_shown + (1 - there) * if_empty, self.found)
        return _dice(self.area * np.where(reached, right, self.slice_dice), filled, self.weight)

    def gain(self, index: int) -> float:
        """Expected rise of the volume's Dice from drawing slice `index`."""
        return max(0.0, self.dice_after(index) - self.dice)

    def draw(self, index: int) -> None:
        """Go on as if slice `index` were drawn and showed the structure."""
        self.quality = self.quality_after(index)
        own = self.segment == self.segment[index]
        above = own & (np.arange(own.size) > index)
        self.segment[above] = self.segment.max() + 1
        self.segment[index] = -1


def _dice(right: np.ndarray, found: np.ndarray, true: np.ndarray) -> float:
    """Dice from expected pixels: rightly found, found, true."""
    total = float(found.sum() + true.sum())
    return 2.0 * float(right.sum()) / total if total else 0.0


def make_outlook(
    propagation: Propagation,
    anchors: Sequence[Anchor],
    label: int,
    spacing_mm: tuple[float, float, float],
    settings: OutlookSettings = DEFAULT,
) -> Outlook:
    """Read the outlook of one label off its propagation.

    Args:
        anchors: the label's own, sorted by slice.
        spacing_mm: of the stack: between slices, rows, columns.
    """
    found = propagation.masks[label].sum(axis=(1, 2)).astype(np.float64)
    drawn = np.zeros(found.size, bool)
    drawn[[anchor.slice_index for anchor in anchors]] = True
    away = np.abs(np.arange(found.size)[:, None] - np.flatnonzero(drawn)).min(axis=1) if drawn.any() else 0.0
    known = np.nan_to_num(np.asarray(propagation.slice_confidence[label], np.float64), nan=0.0)
    known = np.clip(known, LEAST_QUALITY, np.exp(-settings.least_loss * away))
    there = np.where(drawn, 1.0, np.clip(known / settings.surely_there, LEAST_QUALITY, 1.0)) * (found > 0)
    quality = np.where(drawn, 1.0, np.minimum(1.0, known / np.maximum(there, LEAST_QUALITY))) * (found > 0)
    outlook = Outlook(
        found=found,
        area=found.copy(),
        presence=there,
        quality=quality,
        position=np.zeros(found.size),
        segment=np.where(drawn, -1, np.cumsum(drawn)),
        outwards=np.zeros(found.size, np.int64),
    )
    diameter_mm = 2.0 * np.sqrt(max(1.0, found.max()) * spacing_mm[1] * spacing_mm[2] / np.pi)
    extent = np.ptp(np.flatnonzero(found)) + 1 if found.any() else 1
    half_length = max(settings.half_diameters * diameter_mm / spacing_mm[0], settings.half_extents * extent, 1e-6)
    ended = {(p.anchor_slice, p.step) for p in propagation.passes if p.label == label and p.reason in _ENDED_BY_ITSELF}
    for below, above in _neighbours(anchors):
        _look_between(outlook, below, above, ended, float(half_length), settings)
    outlook.position = np.concatenate([[0.0], np.cumsum(_losses(outlook, drawn, settings.local_share))])
    return outlook


def _neighbours(anchors: Sequence[Anchor]) -> Iterator[tuple[Anchor | None, Anchor | None]]:
    """Every two anchors next to each other; None stands for the ends of the volume."""
    bounded: list[Anchor | None] = [None, *anchors, None]
    yield from pairwise(bounded)


def _look_between(
    outlook: Outlook,
    below: Anchor | None,
    above: Anchor | None,
    ended: set[tuple[int, int]],
    half_length: float,
    settings: OutlookSettings,
) -> None:
    """Fill in what is expected between two anchors that are next to each other.

    Args:
        ended: (anchor slice, step) of the passes that ended by themselves.
        half_length: of what goes on unseen, in slices.
    """
    low = below.slice_index if below else -1
    high = above.slice_index if above else outlook.found.size
    shown_below, shown_above = below is not None and below.mask.any(), above is not None and above.mask.any()
    between = np.arange(low + 1, high)
    if not between.size:
        return
    unseen = between[outlook.found[between] == 0]
    if shown_below and shown_above:
        # Here the structure must be, however unsure the passes are.
        seen = between[outlook.found[between] > 0]
        outlook.quality[seen] *= outlook.presence[seen]
        outlook.presence[seen] = 1.0
        beside = [outlook.area[low], outlook.area[high]]
        outlook.area[unseen] = float(np.mean(beside))
        outlook.presence[unseen] = settings.presence_in_gap
    elif shown_below or shown_above:
        step = 1 if shown_below else -1
        outwards = between[::step]
        outlook.outwards[between] = step
        outlook.presence[outwards] = np.minimum.accumulate(
            np.where(outlook.found[outwards] > 0, outlook.presence[outwards], 1.0)
        )
        outlook.presence[unseen] = 0.0
        if (low if shown_below else high, step) in ended:
            _look_beyond(outlook, low if shown_below else high, outwards, half_length, settings)


def _look_beyond(
    outlook: Outlook, anchor: int, outwards: np.ndarray, half_length: float, settings: OutlookSettings
) -> None:
    """Past the end of a pass that ended by itself; `outwards` are the slices from the anchor on."""
    seen = np.flatnonzero(outlook.found[outwards] > 0)
    reached = int(seen[-1]) + 1 if seen.size else 0
    end = int(outwards[reached - 1]) if reached else anchor
    beyond = outwards[reached:]
    largest = float(outlook.found.max())
    at_end = settings.presence_at_end + settings.presence_by_area * outlook.found[end] / largest
    at_end = min(0.95, at_end) * outlook.presence[end]
    outlook.presence[beyond] = at_end / (1.0 + np.arange(1, beyond.size + 1) / half_length)
    outlook.area[beyond] = settings.area_of_end * outlook.found[end] + settings.area_of_largest * largest


def _losses(outlook: Outlook, drawn: np.ndarray, local_share: float) -> np.ndarray:
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
    weight = np.minimum(outlook.weight[:-1], outlook.weight[1:]) * seen
    mean = float((local * weight).sum() / weight.sum()) if weight.sum() else 0.1
    return np.where(seen, local_share * local + (1 - local_share) * mean, mean)
