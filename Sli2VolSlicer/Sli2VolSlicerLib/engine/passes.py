"""A pass: from one anchor in one direction, slice by slice, until the structure ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from .expected_dice import Journey, RefinedSlice
from .protocol import Carrier, PassRules, Reference, Region, bounding_region
from .records import StopReason
from .verification import Verification, make_verification
from .working_grid import WorkingGrid

_FIRST_SLICES = 3
"""A pass's usual confidence is that of so many slices after its anchor."""

REACH = 8
"""Pixels around a mask within which it is looked for on the next slice."""

_LOST_AREA, _LOST_OVERLAP = 0.03, 0.1
"""Under these shares even a pass in overtime ends."""

_LEAST_OVERTIME, _MOST_OVERTIME = 4, 16

_MOST_RELAYS = 20
_WORTH_FOLLOWING, _WORTH_FINDING_AGAIN = 0.35, 0.2
"""A refined slice must promise this Dice for a pass to go on from it: one in overtime, and one that had lost all."""

_LEAST_NOT_LOST = 0.3
"""A pass that lost the structure begins again after its last slice with this share of the drawn area."""

PRESENT = 0.05
"""A soft value under this is treated as nothing: it neither asks for computing nor is carried on."""


@dataclass(frozen=True, eq=False)
class SliceResult:
    """What a pass found on one slice.

    Attributes:
        region: where `soft` lies on the working grid; nothing of the structure is outside.
        soft: float16 (region rows, region columns), 0..1.
        confidence: 0..1, the mean certainty of the labels given in the region in question.
        expected_dice: 0..1, how good the mask probably is (`expected_dice.py`).
        journey: of the pass up to here.
        refined: what the expectation is made of, where refinement has changed the slice.
        divides_beyond: refinement saw a long structure divide right after this slice.
    """

    region: Region
    soft: np.ndarray
    confidence: float
    expected_dice: float = 1.0
    journey: Journey = field(default_factory=Journey)
    refined: RefinedSlice | None = None
    divides_beyond: bool = False

    def placed(self, shape: tuple[int, int]) -> np.ndarray:
        """The soft mask on its whole slice, float32 (rows, columns)."""
        whole = np.zeros(shape, np.float32)
        whole[self.region.slices] = self.soft
        return whole


@dataclass(frozen=True, eq=False)
class Stop:
    """A pass as it was when it had stopped and was about to be sent on: its attributes of these names."""

    results: list[SliceResult]
    stopped: StopReason | None
    doubted_at: int | None
    doubt: StopReason | None


@dataclass(eq=False)
class Pass:
    """One pass and how far it has come; it can be taken further later.

    Attributes:
        label: the segment's label value.
        anchor_slice: where it starts.
        step: +1 or -1.
        grid: what it is computed on.
        drawn: float32 (rows, columns), the anchor's mask on that grid.
        verification: what corrects each slice; None where there is none or it stepped back.
        may_be_sent_on: whether refinement may send it on once it has stopped.
        results: for the slices after the anchor, in the order of the pass.
        stopped: why the structure ended, once it has.
        doubted_at: results that there were when a stop rule last spoke; None while none has since the last relay.
        doubt: which one that was.
        first_doubt: results that there were when a stop rule spoke for the first time.
        is_given_up: whether refinement was asked and saw nothing that it could go on from.
        sent_to: results that it had when it was sent on last.
        stops: where it had stopped each time before it was sent on.
        refined: (slices that refinement was shown, results that there were, stops before) -> what it made of the pass.
        known_end: slices after its anchor that the structure is on, where that is known of its kind.
        is_end_sought: whether that has been asked.
        verified: (results that there were, pixels carried, pixels kept) of every mask that was verified.
        unverified: the same pass without verification, once that was doubted (`second_opinion.py`).
        magnified: the same pass on magnified slices, once that was begun (`second_opinion.py`).
    """

    label: int
    anchor_slice: int
    step: int
    grid: WorkingGrid
    drawn: np.ndarray
    verification: Verification | None
    may_be_sent_on: bool = True
    results: list[SliceResult] = field(default_factory=list)
    stopped: StopReason | None = None
    doubted_at: int | None = None
    doubt: StopReason | None = None
    first_doubt: int | None = None
    is_given_up: bool = False
    sent_to: int = 0
    stops: list[Stop] = field(default_factory=list)
    refined: dict[tuple[int, int, int], list[SliceResult]] = field(default_factory=dict)
    known_end: int | None = None
    is_end_sought: bool = False
    verified: list[tuple[int, int, int]] = field(default_factory=list)
    unverified: Pass | None = None
    magnified: Pass | None = None

    @property
    def usual_length(self) -> int:
        """Results up to where the stop rules alone would have ended the pass."""
        return len(self.results) if self.doubted_at is None else self.doubted_at

    @property
    def undoubted(self) -> list[SliceResult]:
        """Results before a stop rule spoke for the first time: what the pass says by itself."""
        unaided = self.stops[0].results if self.stops else self.results
        return unaided if self.first_doubt is None else unaided[: self.first_doubt]

    @property
    def has_spoken(self) -> bool:
        """Whether the undoubted results are all that there will be."""
        return self.first_doubt is not None or bool(self.stops)

    @property
    def has_ended(self) -> bool:
        """Whether the pass has come to an end by itself, were it sent on since or not."""
        return self.has_spoken or self.stopped is not None

    def when_it_reached(self, length: int) -> Pass:
        """The pass as it was when it first had so many results.

        If no more had been wanted it would not have been sent on from there, and that changed some of these, too.
        """
        for number, stop in enumerate(self.stops):
            if len(stop.results) >= length:
                return replace(self, **vars(stop), stops=self.stops[:number])
        return self

    @property
    def room(self) -> int:
        """Slices of the volume after the anchor."""
        return self.grid.slice_count - 1 - self.anchor_slice if self.step > 0 else self.anchor_slice

    @property
    def next_slice(self) -> int:
        return self.anchor_slice + self.step * (len(self.results) + 1)

    @cached_property
    def drawn_area(self) -> float:
        """Pixels of the anchor's mask on the working grid, 1 at least."""
        return max(1.0, float((self.drawn > 0.5).sum()))

    def latest(self) -> np.ndarray:
        """The soft mask of the slice reached last, full size."""
        return self.results[-1].placed(self.grid.shape) if self.results else self.drawn


@dataclass
class StageSeconds:
    """Where the time went."""

    carrying: float = 0.0
    verification: float = 0.0
    refinement: float = 0.0


def begin_pass(grid: WorkingGrid, rules: PassRules, label: int, anchor_slice: int, step: int, mask: np.ndarray) -> Pass:
    """A pass that has not left its anchor yet.

    Args:
        mask: bool, the drawn slice on the volume's grid.
    """
    drawn = grid.soft_from_mask(mask)
    verification = make_verification(rules.verification, grid.intensity(anchor_slice), drawn > 0.5)
    return Pass(label, anchor_slice, step, grid, drawn, verification)


def advance(
    passes: Sequence[Pass], carrier: Carrier, rules: PassRules, seconds: StageSeconds, *, rehearse: bool = False
) -> None:
    """Take passes of one direction and grid, all about to enter the same slice, one slice further.

    The affinity between two slices is computed once for all of them.
    """
    began = time.perf_counter()
    target, step, grid = passes[0].next_slice, passes[0].step, passes[0].grid
    latest = np.stack([each.latest() for each in passes])
    bounds = bounding_region(latest.max(axis=0) > PRESENT)
    if bounds is None:
        for each in passes:
            each.stopped = StopReason.EMPTY
        return
    region = bounds.grown(REACH, grid.shape)
    carried = carrier.carry([Reference(target - step, latest)], target, region, rehearse=rehearse)
    seconds.carrying += time.perf_counter() - began
    began = time.perf_counter()
    for each, soft in zip(passes, carried, strict=True):
        _settle(each, soft, region, grid.intensity(target), rules)
    seconds.verification += time.perf_counter() - began


def _settle(each: Pass, soft: np.ndarray, region: Region, intensity: np.ndarray, rules: PassRules) -> None:
    """Decide what a pass makes of the carried labels: the slice's result, or the end."""
    soft = np.clip(soft, 0.0, 1.0) if rules.soft else (soft > 0.5).astype(np.float32)
    confidence = certainty(soft)
    carried = area = int((soft > 0.5).sum())
    if carried == 0:
        each.stopped = StopReason.EMPTY
        return
    if each.verification is not None:
        soft = each.verification.settled(intensity[region.slices], soft)
        if not rules.soft:
            soft = (soft > 0.5).astype(np.float32)
        area = int((soft > 0.5).sum())
        each.verified.append((len(each.results), carried, area))
        if area == 0:
            each.stopped = StopReason.VERIFICATION
            return
    overlap = overlap_with_before(each.latest() > 0.5, soft > 0.5, region)
    each.stopped = _end(each, area, confidence, overlap, rules)
    if each.stopped is not None:
        return
    so_far = each.results[-1].journey if each.results else Journey()
    journey = so_far.after(confidence, overlap)
    between, row, column = each.grid.spacing_mm
    distance = (len(each.results) + 1) * between / float(np.sqrt(each.drawn_area * row * column))
    expected = journey.expected_dice(distance, area / each.drawn_area)
    each.results.append(SliceResult(region, soft.astype(np.float16), confidence, expected, journey))
    if each.doubted_at is not None and len(each.results) >= each.doubted_at + _overtime(each.doubted_at):
        each.stopped = each.doubt


def _end(each: Pass, area: int, confidence: float, overlap: float, rules: PassRules) -> StopReason | None:
    """Why the pass ends before this slice; None if it goes on.

    With overtime a stop rule is a first opinion: the pass goes on for a while, and refinement has the last word.
    """
    if each.doubted_at is None:
        usual = float(np.median([r.confidence for r in each.results[:_FIRST_SLICES]] or [confidence]))
        doubt = None
        if area < rules.least_area * float(each.drawn.sum()):
            doubt = StopReason.AREA
        elif confidence < max(rules.least_confidence, usual - rules.confidence_drop):
            doubt = StopReason.CONFIDENCE
        elif overlap < rules.least_overlap:
            doubt = StopReason.JUMP
        if doubt is None or not rules.overtime:
            return doubt
        each.doubted_at, each.doubt = len(each.results), doubt
        each.first_doubt = each.doubted_at if each.first_doubt is None else each.first_doubt
    is_lost = area < _LOST_AREA * float(each.drawn.sum()) or overlap < _LOST_OVERLAP
    return each.doubt if is_lost else None


def relay(run: Pass, refined: Sequence[SliceResult]) -> bool:
    """Send a pass on, if refinement still sees the structure in its overtime, or where the pass had lost all of it.

    The pass then goes on from the refined mask, drift mended, until it stops again.

    Args:
        run: a pass that has stopped; nothing before the stop rule spoke is changed, and where all was lost
            nothing before it dwindled.
        refined: what refinement makes of it.

    Returns:
        Whether it goes on.
    """
    if run.stopped is None or not run.may_be_sent_on or run.is_given_up or len(run.stops) >= _MOST_RELAYS:
        return False
    begin, least = run.doubted_at, _WORTH_FOLLOWING
    if begin is None:
        if run.stopped not in (StopReason.EMPTY, StopReason.VERIFICATION):
            return False
        begin, least = _before_dwindling(run), _WORTH_FINDING_AGAIN
    if run.known_end is not None and run.known_end > begin:
        # The structure is known to go on: whatever is drawn of it there is followed.
        least = 0.0
    end = min(len(refined), begin + max(1, _overtime(begin) // 2))
    while end > begin and not _is_worth_following(refined[end - 1], least):
        end -= 1
    if end <= max(begin, run.sent_to):
        # Nothing to go on from, or it was sent on from here before.
        run.is_given_up = True
        return False
    run.stops.append(Stop(run.results, run.stopped, run.doubted_at, run.doubt))
    run.results = run.results[:begin] + list(refined[begin:end])
    run.sent_to = end
    run.stopped = run.doubt = run.doubted_at = None
    run.refined.clear()
    return True


def _is_worth_following(result: SliceResult, least: float) -> bool:
    return result.expected_dice >= least and bool((result.soft > 0.5).any())


def _before_dwindling(run: Pass) -> int:
    """Results up to the last one that has a fair share of the drawn area."""
    fair = (i for i, each in enumerate(run.results) if (each.soft > 0.5).sum() >= _LEAST_NOT_LOST * run.drawn_area)
    return max(fair, default=-1) + 1


def _overtime(length: int) -> int:
    """Slices that a pass goes on after a stop rule spoke, when it had come this far."""
    return int(np.clip(np.ceil(0.5 * length), _LEAST_OVERTIME, _MOST_OVERTIME))


def overlap_with_before(before: np.ndarray, now: np.ndarray, region: Region) -> float:
    """Dice between a slice's mask and that of the slice before it.

    Args:
        before: bool (rows, columns), the whole slice.
        now: bool (region rows, region columns); nothing of the mask is outside.
    """
    shared = int((before[region.slices] & now).sum())
    return 2.0 * shared / max(1, int(before.sum()) + int(now.sum()))


def certainty(soft: np.ndarray) -> float:
    """Mean of max(p, 1 - p) over the pixels where the structure may be, 0.5..1 (1 where nowhere)."""
    possible = soft > PRESENT
    if not possible.any():
        return 1.0
    values = soft[possible]
    return float(np.maximum(values, 1 - values).mean())
