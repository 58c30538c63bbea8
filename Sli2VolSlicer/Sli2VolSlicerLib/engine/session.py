"""One volume, one axis, one method: everything that can be kept between two calls of Propagate."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from .choosing import Choices, mask_digest
from .errors import AnnotationError, PropagationCancelled
from .finishing import Told, fuse_finished
from .fusion import LabelPlan, fuse_label
from .pass_tasks import PassTask
from .passes import Pass, StageSeconds, advance, begin_pass
from .protocol import Carrier, CarryingMethod, Finishing, Method, WholeMethod
from .records import (
    UNLIMITED,
    Anchor,
    Direction,
    IsCancelled,
    Progress,
    ProgressCallback,
    Propagation,
    SliceLimits,
    StopReason,
    anchors_of,
)
from .repeated_slices import Asked, DistinctSlices
from .second_opinion import on_magnified_slices
from .slice_stack import SliceStack
from .whole import WholeLabel, propagate_whole
from .working_grid import MAGNIFICATION, WorkingGrid, working_scale

_KEPT_PASSES = 256

_FAIR = 0.5
"""A slice with less than this share of the label's largest is near an end: passes from there are not sent on."""


class PropagationSession:
    """Propagates anchors through one stack of slices, again and again.

    Features depend on the volume and not on what was drawn, and a pass depends on its anchor
    alone: both are kept, so that a later call pays only for what is new.

    Args:
        stack: the volume's slices along the painted axis.
        method: how labels are carried, or how the whole result is made.
    """

    def __init__(self, stack: SliceStack, method: Method) -> None:
        self.stack = stack
        self.method = method
        self._distinct = DistinctSlices(stack)
        self._slices = self._distinct.stack
        self._grids: dict[float, WorkingGrid] = {}
        self._carriers: dict[tuple[str, float], Carrier] = {}
        self._choices = Choices(method, self._opened_at)
        self._passes: dict[tuple[int, int, int, bool, bytes], Pass] = {}

    def propagate(
        self,
        anchors: Sequence[Anchor],
        *,
        direction: Direction = Direction.BOTH,
        slice_range: tuple[int, int] | None = None,
        limits: Mapping[int, SliceLimits] | None = None,
        progress: ProgressCallback | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> Propagation:
        """Carry every anchor up and down until its structure ends or the next anchor begins.

        A method that makes the result as a whole does so instead; it has no directions.

        Args:
            anchors: what the user has drawn; several labels and several slices may be given.
            direction: both, up (towards higher slice numbers) or down.
            slice_range: first and last slice that may be filled, inclusive; all by default.
            limits: label -> the slices that it may be on at all; labels without an entry may be on all.
            progress: called after every slice.
            is_cancelled: asked between slices.

        Raises:
            AnnotationError: no anchors, an anchor off the grid, beyond its limits or given twice, none drawn, or
                too few for the method.
            SliceRangeError: `slice_range` holds no slice of the volume.
            PropagationCancelled: `is_cancelled` said so; what was computed so far is kept.
        """
        self._check(anchors)
        limits = limits or {}
        _check_limits(anchors, limits)
        low, high = self.stack.range_within(slice_range)
        allowed = {each.label: limits.get(each.label, UNLIMITED).within(low, high) for each in anchors}
        if isinstance(self.method, WholeMethod):
            labels = [WholeLabel(plan.label, plan.anchors, allowed[plan.label]) for plan in _plans(anchors)]
            return propagate_whole(self.method, self.stack, labels, progress, is_cancelled)
        asked = Asked(anchors, direction, allowed)
        return self._distinct.expanded(self._carried(self._distinct.asked(asked), progress, is_cancelled), asked)

    def _carried(
        self, asked: Asked, progress: ProgressCallback | None, is_cancelled: IsCancelled | None
    ) -> Propagation:
        """What passes from all anchors give, over the distinct slices."""
        began, seconds = time.perf_counter(), StageSeconds()
        plans = _plans(asked.anchors)
        self._choices.settle(asked.anchors, is_cancelled)
        tasks = [task for plan in plans for task in self._tasks(plan, asked.direction, asked.allowed[plan.label])]
        magnified = [self._magnified(task) for task in tasks]
        begun = [*tasks, *(task for task in magnified if task is not None)]
        steps = self._run(begun, seconds, progress, is_cancelled)
        refining = time.perf_counter()
        believed = [task.believed(larger) for task, larger in zip(tasks, magnified, strict=True)]
        plan_of = {plan.label: plan for plan in plans}
        for task in believed:
            plan, way = plan_of[task.run.label], (task.run.anchor_slice, task.run.step)
            plan.passes[way], plan.outcomes[way] = task.run, task.outcome()
        fusing = time.perf_counter()
        seconds.refinement += fusing - refining
        # Zeros take no memory until something is written: most of a volume is in no doubt.
        doubt = np.zeros((self._slices.slice_count, *self._slices.shape), np.float32)
        told = Told(progress, is_cancelled, steps, self._distinct.first)
        fused = {plan.label: self._fused(plan, asked.allowed[plan.label], doubt, told) for plan in plans}
        ended = time.perf_counter()
        return Propagation(
            masks={label: mask for label, (mask, _) in fused.items()},
            doubt=doubt,
            slice_confidence={label: per_slice for label, (_, per_slice) in fused.items()},
            passes=tuple(task.report() for task in believed),
            seconds={
                "carrying": seconds.carrying,
                "verification": seconds.verification,
                "refinement": seconds.refinement,
                "fusion": ended - fusing,
                "total": ended - began,
            },
            slices_propagated=steps,
            device=self.method.device_name,
            notes=self._notes(plans, tasks, believed),
        )

    def rehearse(
        self,
        propagation: Propagation,
        anchors: Sequence[Anchor],
        slice_index: int,
        *,
        label: int | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> None:
        """Get ready for a correction on one slice, while the user draws it.

        Passes run from there as if the present result were drawn, and what does not depend on the drawing is kept:
        features and affinities. The next `propagate` takes less time for it and gives the same. Where no passes are
        run there is nothing to get ready.

        Args:
            propagation: the present result.
            anchors: what was drawn for it.
            slice_index: where the user will probably draw.
            label: the segment to be drawn; all by default.
            is_cancelled: asked between slices.

        Raises:
            PropagationCancelled: `is_cancelled` said so; what is ready by then serves.
        """
        if isinstance(self.method, WholeMethod):
            return
        drawn = {(anchor.label, anchor.slice_index) for anchor in anchors}
        guesses = [
            Anchor(slice_index, each, mask[int(there[np.abs(there - slice_index).argmin()])])
            for each, mask in propagation.masks.items()
            if label in (None, each) and (there := np.flatnonzero(mask.any(axis=(1, 2)))).size
        ]
        expected = [*anchors, *(guess for guess in guesses if (guess.label, slice_index) not in drawn)]
        self._check(expected)
        expected = list(self._distinct.anchors(expected))
        self._choices.settle(expected, is_cancelled)
        everywhere = (0, self._slices.slice_count - 1)
        tasks = [task for plan in _plans(expected) for task in self._tasks(plan, Direction.BOTH, everywhere)]
        tasks += [larger for task in tasks if (larger := self._magnified(task)) is not None]
        self._run(tasks, StageSeconds(), None, is_cancelled, rehearse=True)

    def _check(self, anchors: Sequence[Anchor]) -> None:
        if not any(anchor.mask.any() for anchor in anchors):
            msg = "Nothing is drawn: paint the structure on at least one slice."
            raise AnnotationError(msg)
        seen: set[tuple[int, int]] = set()
        for anchor in anchors:
            if anchor.mask.shape != self.stack.shape:
                msg = (
                    f"The anchor on slice {anchor.slice_index} is {anchor.mask.shape} pixels, "
                    f"the volume's slices are {self.stack.shape}."
                )
                raise AnnotationError(msg)
            if not 0 <= anchor.slice_index < self.stack.slice_count:
                last = self.stack.slice_count - 1
                msg = f"There is no slice {anchor.slice_index}: the volume has slices 0 to {last}."
                raise AnnotationError(msg)
            if anchor.label < 1:
                msg = f"Labels are positive, got {anchor.label}."
                raise AnnotationError(msg)
            key = (anchor.label, anchor.slice_index)
            if key in seen:
                msg = f"Label {anchor.label} has two anchors on slice {anchor.slice_index}; give each slice once."
                raise AnnotationError(msg)
            seen.add(key)

    def _opened_at(self, method: CarryingMethod, scale: float) -> tuple[WorkingGrid, Carrier]:
        if scale not in self._grids:
            self._grids[scale] = WorkingGrid(self._slices, scale)
        key = (method.name, scale)
        if key not in self._carriers:
            self._carriers[key] = method.open(self._grids[scale])
        return self._grids[scale], self._carriers[key]

    def _tasks(self, plan: LabelPlan, direction: Direction, allowed: tuple[int, int]) -> Iterator[PassTask]:
        """The passes that this label needs, new or kept from an earlier call."""
        indices = [anchor.slice_index for anchor in plan.anchors]
        largest = max(int(anchor.mask.sum()) for anchor in plan.anchors)
        for position, anchor in enumerate(plan.anchors):
            if not anchor.mask.any():
                continue
            for step in (-1, 1):
                if (step == 1 and direction is Direction.DOWN) or (step == -1 and direction is Direction.UP):
                    continue
                beside = position + step
                limits = [
                    (allowed[1] if step == 1 else allowed[0], StopReason.RANGE),
                    (self._slices.slice_count - 1 if step == 1 else 0, StopReason.END_OF_VOLUME),
                ]
                if 0 <= beside < len(indices):
                    limits.append((indices[beside] - step, StopReason.NEXT_ANCHOR))
                # The nearest limit decides; of equal ones the last named says most.
                limit, at_limit = min(reversed(limits), key=lambda each: each[0] * step)
                run = self._pass(anchor, step, largest)
                other = plan.anchors[beside] if at_limit is StopReason.NEXT_ANCHOR else None
                meets = self._pass(other, -step, largest) if other is not None and other.mask.any() else None
                yield PassTask(run, self._choices.of(anchor, step).method, limit, at_limit, meets)

    def _pass(self, anchor: Anchor, step: int, largest: int) -> Pass:
        is_fair = int(anchor.mask.sum()) >= _FAIR * largest
        key = (anchor.label, anchor.slice_index, step, is_fair, mask_digest(anchor.mask))
        if key not in self._passes:
            if len(self._passes) >= _KEPT_PASSES:
                del self._passes[next(iter(self._passes))]
            # The magnification follows from the label's largest anchor, so that a correction near an end of a large
            # structure finds its features computed. A pass once begun keeps its own: nothing changes elsewhere.
            method = self._choices.of(anchor, step).method
            scale = working_scale(largest) if method.rules.rescale else 1.0
            grid, _ = self._opened_at(method, scale)
            run = begin_pass(grid, method.rules, anchor.label, anchor.slice_index, step, anchor.mask)
            run.may_be_sent_on = is_fair
            self._passes[key] = run
        return self._passes[key]

    def _magnified(self, task: PassTask) -> PassTask | None:
        """The same on magnified slices; None where nobody asks for it."""
        run = task.run
        if not task.asks_for_magnification:
            return None
        if run.magnified is None:
            grid, _ = self._opened_at(task.method, MAGNIFICATION)
            run.magnified = on_magnified_slices(run, grid, task.method.rules)
        return replace(task, run=run.magnified)

    def _run(
        self,
        tasks: Sequence[PassTask],
        seconds: StageSeconds,
        progress: ProgressCallback | None,
        is_cancelled: IsCancelled | None,
        *,
        rehearse: bool = False,
    ) -> int:
        """Take all passes to their ends; those about to enter the same slice go together."""
        done, going = 0, list(tasks)
        while True:
            pending = [task for task in going if task.remaining]
            if not pending:
                began = time.perf_counter()
                sent_on = [task for task in going if task.is_sent_on()]
                seconds.refinement += time.perf_counter() - began
                has_opinions = len(going) > len(tasks)
                asked = [] if sent_on or has_opinions else [task.second_opinion() for task in tasks]
                opinions = [opinion for opinion in asked if opinion is not None]
                if not sent_on and not opinions:
                    break
                going += opinions
                continue
            if is_cancelled is not None and is_cancelled():
                total = done + sum(task.remaining for task in going)
                msg = f"Cancelled after {done} of at most {total} slices; nothing was changed."
                raise PropagationCancelled(msg)
            first, method = pending[0].run, pending[0].method
            alike = [task.run for task in pending if task.method is method]
            beside = [run for run in alike if run.grid is first.grid and run.step == first.step]
            # The hindmost go first, so that passes meet and share their affinities from there on.
            target = min((run.next_slice for run in beside), key=lambda index: index * first.step)
            together = [run for run in beside if run.next_slice == target]
            _, carrier = self._opened_at(method, first.grid.scale)
            advance(together, carrier, method.rules, seconds, rehearse=rehearse)
            done += len(together)
            if progress is not None:
                left = sum(task.remaining for task in going)
                shown = self._distinct.first(target)
                progress(Progress(done, done + left, shown, f"slice {shown}"))
        return done

    def _fused(
        self, plan: LabelPlan, allowed: tuple[int, int], doubt: np.ndarray, told: Told
    ) -> tuple[np.ndarray, np.ndarray]:
        """One label's mask and slice confidence, as `fuse_label`, with the method's last look if it takes one."""
        if isinstance(self.method, Finishing):
            return fuse_finished(self.method, self._slices, plan, allowed, doubt, told)
        return fuse_label(plan, allowed, doubt)

    def _notes(
        self, plans: Sequence[LabelPlan], tasks: Sequence[PassTask], believed: Sequence[PassTask]
    ) -> tuple[str, ...]:
        at_once = {task.run.label for task in tasks if task.is_unverified}
        on_the_way = {task.run.label for task in believed if task.is_unverified} - at_once
        stepped_back = tuple(
            f"Label {label}: verification stepped back, it would have deleted {what}."
            for labels, what in (
                (at_once, "part of what was drawn"),
                (on_the_way, "much of what was carried from there"),
            )
            for label in sorted(labels)
        )
        chosen = (note for plan in plans for note in self._choices.notes(plan.label, plan.anchors))
        return (*self.method.notes, *stepped_back, *chosen)


def _plans(anchors: Sequence[Anchor]) -> list[LabelPlan]:
    return [LabelPlan(label, anchors_of(label, anchors)) for label in sorted({anchor.label for anchor in anchors})]


def _check_limits(anchors: Sequence[Anchor], limits: Mapping[int, SliceLimits]) -> None:
    """Every anchor must lie where its label may be."""
    for anchor in anchors:
        own = limits.get(anchor.label)
        if own is not None and not own.allows(anchor.slice_index):
            msg = (
                f"The anchor of label {anchor.label} on slice {anchor.slice_index} lies outside its limits ({own}): "
                "move the limit or release the anchor."
            )
            raise AnnotationError(msg)
