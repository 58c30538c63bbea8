"""A pass: from one anchor in one direction, slice by slice, until the structure ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .mask_prior_appearance import AppearanceModel
from .methods.protocol import Carrier, PassRules, Reference, Refiner, Region, bounding_region
from .records import StopReason
from .verification import Verification, make_verification
from .working_grid import WorkingGrid

PRESENT = 0.05
"""A soft value under this is treated as nothing: it neither asks for computing nor is carried on."""


@dataclass(frozen=True, eq=False)
class SliceResult:
    """What a pass found on one slice.

    Attributes:
        region: where `soft` lies on the working grid; nothing of the structure is outside.
        soft: float16 (region rows, region columns), 0..1.
        confidence: 0..1, the mean certainty of the labels given in the region in question.
    """

    region: Region
    soft: np.ndarray
    confidence: float


@dataclass(eq=False)
class Pass:
    """One pass and how far it has come; it can be taken further later.

    Attributes:
        label: the segment's label value.
        anchor_slice: where it starts.
        step: +1 or -1.
        grid: what it is computed on.
        drawn: float32 (rows, columns), the anchor's mask on that grid.
        appearance: which intensities were drawn and which left out.
        verification: what corrects each slice; None where there is none or it stepped back.
        results: for the slices after the anchor, in the order of the pass.
        stopped: why the structure ended, once it has.
    """

    label: int
    anchor_slice: int
    step: int
    grid: WorkingGrid
    drawn: np.ndarray
    appearance: AppearanceModel
    verification: Verification | None
    results: list[SliceResult] = field(default_factory=list)
    stopped: StopReason | None = None

    @property
    def next_slice(self) -> int:
        return self.anchor_slice + self.step * (len(self.results) + 1)

    def soft_at(self, back: int) -> np.ndarray | None:
        """The soft mask `back` slices before the next one, full size; None before the anchor."""
        position = len(self.results) - back
        if position < -1:
            return None
        if position == -1:
            return self.drawn
        result = self.results[position]
        soft = np.zeros_like(self.drawn)
        soft[result.region.slices] = result.soft
        return soft


@dataclass
class StageSeconds:
    """Where the time went."""

    carrying: float = 0.0
    verification: float = 0.0


def begin_pass(grid: WorkingGrid, rules: PassRules, label: int, anchor_slice: int, step: int, mask: np.ndarray) -> Pass:
    """A pass that has not left its anchor yet.

    Args:
        mask: bool, the drawn slice on the volume's grid.
    """
    drawn = grid.soft_from_mask(mask)
    verification = make_verification(rules.verification, grid.intensity(anchor_slice), drawn > 0.5)
    appearance = AppearanceModel.from_anchor(grid.intensity(anchor_slice), drawn)
    return Pass(label, anchor_slice, step, grid, drawn, appearance, verification)


def advance(
    passes: Sequence[Pass], carrier: Carrier, refiner: Refiner | None, rules: PassRules, seconds: StageSeconds
) -> None:
    """Take passes of one direction and grid, all about to enter the same slice, one slice further.

    The affinity between two slices is computed once for all of them.
    """
    target, step, grid = passes[0].next_slice, passes[0].step, passes[0].grid
    latest = [p.soft_at(1) for p in passes]
    present = np.max([soft for soft in latest if soft is not None], axis=0) > PRESENT
    bounds = bounding_region(present)
    began = time.perf_counter()
    if bounds is None:
        for each in passes:
            each.stopped = StopReason.EMPTY
        return
    region = bounds.grown(_reach(carrier), grid.shape)
    total = np.zeros((len(passes), *region.shape), np.float32)
    votes = np.zeros(len(passes), np.float32)
    for back in range(1, rules.references + 1):
        known = [(i, soft) for i, p in enumerate(passes) if (soft := p.soft_at(back)) is not None]
        if not known:
            break
        reference = Reference(target - step * back, np.stack([soft for _, soft in known]))
        carried = carrier.carry([reference], target, region)
        for row, (i, _) in enumerate(known):
            total[i] += carried[row] / back
            votes[i] += 1 / back
    seconds.carrying += time.perf_counter() - began
    began = time.perf_counter()
    for i, each in enumerate(passes):
        soft = np.clip(total[i] / votes[i], 0.0, 1.0)
        if refiner is not None and rules.refining:
            soft = _refined(each, soft, region, refiner, rules.refining)
        _settle(each, soft, region, grid.intensity(target), rules)
    seconds.verification += time.perf_counter() - began


def _reach(carrier: Carrier) -> int:
    """How far from the mask a label can get in one step."""
    return int(getattr(carrier, "reach", 8))


def _refined(each: Pass, soft: np.ndarray, region: Region, refiner: Refiner, weight: float) -> np.ndarray:
    """The carried mask averaged with the one that the refiner draws from the slice before."""
    target, before = each.next_slice, each.next_slice - each.step
    latest = each.soft_at(1)
    if latest is None:
        return soft
    drawn = refiner.draw(each.grid.intensity(target), each.grid.intensity(before), latest, each.appearance)
    return (1 - weight) * soft + weight * drawn[region.slices]


def _settle(each: Pass, soft: np.ndarray, region: Region, intensity: np.ndarray, rules: PassRules) -> None:
    """Decide what a pass makes of the carried labels: the slice's result, or the end."""
    soft = sharpened(soft, rules.sharpness) if rules.soft else (soft > 0.5).astype(np.float32)
    confidence = certainty(soft)
    before = int((soft > 0.5).sum())
    if before == 0:
        each.stopped = StopReason.EMPTY
        return
    if each.verification is not None:
        soft = each.verification.settled(intensity[region.slices], soft)
        if not rules.soft:
            soft = (soft > 0.5).astype(np.float32)
        if not (soft > 0.5).any():
            each.stopped = StopReason.VERIFICATION
            return
    area = int((soft > 0.5).sum())
    if area < rules.least_area * float(each.drawn.sum()):
        each.stopped = StopReason.AREA
        return
    if confidence < rules.least_confidence:
        each.stopped = StopReason.CONFIDENCE
        return
    each.results.append(SliceResult(region, soft.astype(np.float16), confidence))


def sharpened(soft: np.ndarray, exponent: float) -> np.ndarray:
    """Soft values pushed away from one half: p^e / (p^e + (1 - p)^e), the labels unchanged."""
    if exponent == 1.0:
        return soft
    inside, outside = soft**exponent, (1 - soft) ** exponent
    result: np.ndarray = inside / (inside + outside)
    return result


def certainty(soft: np.ndarray) -> float:
    """Mean of max(p, 1 - p) over the pixels where the structure may be, 0.5..1 (1 where nowhere)."""
    possible = soft > PRESENT
    if not possible.any():
        return 1.0
    values = soft[possible]
    return float(np.maximum(values, 1 - values).mean())
