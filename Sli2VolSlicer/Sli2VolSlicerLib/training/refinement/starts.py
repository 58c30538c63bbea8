"""Where passes begin: at random anchors on a volume's labelled structures, grown regions and tracks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...engine.passes import Pass, StageSeconds, advance, begin_pass
from ...engine.protocol import Carrier, CarryingMethod, PassRules
from ...engine.slice_stack import MINIMUM_SIDE, SliceStack
from ...engine.working_grid import WorkingGrid, working_scale
from .objects import LEAST_SLICES, Family, LabelledVolume, TrainingObject, grown_objects, label_values, labelled_objects
from .tracks import tracked_objects

_LEAST_DRAWN = 6
"""Pixels on the working grid; passes from less say nothing."""

_MANY_VOLUMES, _MOST_TIMES = 20, 4
"""Structures of a group of fewer labelled volumes have more anchors, at most so many times the least."""

_LARGE, _FAIR = 0.75, 0.3
"""Anchors are where the area is this share of the largest: a structure's first on a large slice, others on fair."""


@dataclass(frozen=True)
class ExampleSettings:
    """How many passes are run on a volume.

    Attributes:
        anchors: that a volume's structures share along the acquired axis, and no more than this for one.
        least_anchors: for each of them in any case.
        times: of a volume whose group is small every structure has so many times the least.
        across: anchors across the acquired slices, per anchor along them.
        across_chance: that a volume with several structures is followed across as well, along one axis; a
            volume with few always is, along both.
        grown, grown_unlabelled: grown regions in a volume with labels, and in one without; one anchor each.
        tracked: tracks along each axis that is searched for them; one anchor each.
        tracked_across_chance: that tracks are searched for across the acquired slices as well, along one axis.
    """

    anchors: int = 11
    least_anchors: int = 3
    times: int = 1
    across: float = 0.35
    across_chance: float = 0.5
    grown: int = 5
    grown_unlabelled: int = 30
    tracked: int = 4
    tracked_across_chance: float = 0.4

    def in_group_of(self, labelled_volumes: int) -> ExampleSettings:
        """The same for a volume of a group of so many.

        Groups count alike in training: the few passes of a small one would be shown over and over.
        """
        if not labelled_volumes:
            return self
        return replace(self, times=int(np.clip(_MANY_VOLUMES // labelled_volumes, 1, _MOST_TIMES)))


@dataclass(eq=False)
class Seen:
    """A stack of slices and what the method keeps of it at each working scale."""

    stack: SliceStack
    method: CarryingMethod
    opened: dict[float, tuple[WorkingGrid, Carrier]] = field(default_factory=dict)

    @property
    def rules(self) -> PassRules:
        """The method's, with overtime."""
        return replace(self.method.rules, overtime=True)

    def begun(self, drawn: np.ndarray, anchor: int, step: int) -> Pass | None:
        """A pass that has not left its anchor yet; None from a mask that is too small."""
        scale = working_scale(float(drawn.sum())) if self.rules.rescale else 1.0
        if scale not in self.opened:
            grid = WorkingGrid(self.stack, scale)
            self.opened[scale] = grid, self.method.open(grid)
        run = begin_pass(self.opened[scale][0], self.rules, 1, anchor, step, drawn)
        return run if int((run.drawn > 0.5).sum()) >= _LEAST_DRAWN else None

    def take_to_its_end(self, run: Pass) -> None:
        """Let one of these passes go on until it stops, overtime included, or the volume ends."""
        carrier, seconds = self.opened[run.grid.scale][1], StageSeconds()
        while run.stopped is None and 0 <= run.next_slice < run.grid.slice_count:
            advance([run], carrier, self.rules, seconds)


@dataclass(frozen=True, eq=False)
class PassStart:
    """One pass that is to be run.

    Attributes:
        seen: the slices that it goes through.
        family: what it counts with.
        truth: bool (slices, rows, columns), the structure on them.
        known: bool (slices,), where the truth is known; None: everywhere.
        anchor: the slice that it starts from.
        step: +1 or -1.
        name: volume, structure, anchor and direction.
    """

    seen: Seen
    family: Family
    truth: np.ndarray
    known: np.ndarray | None
    anchor: int
    step: int
    name: str

    def begun(self) -> Pass | None:
        """The pass at its anchor; None if too little is drawn there."""
        return self.seen.begun(self.truth[self.anchor], self.anchor, self.step)


def pass_starts(
    volume: LabelledVolume, method: CarryingMethod, settings: ExampleSettings, generator: np.random.Generator
) -> Iterator[PassStart]:
    """Passes to run on a volume's structures, grown regions and tracks, from random anchors, both ways.

    Args:
        volume: with labels or without.
        method: whose passes.
        settings: how many.
        generator: of the random choices; nothing else may draw from it meanwhile.

    Raises:
        VolumeError: the volume cannot be propagated through.
    """
    along = Seen(SliceStack(volume.voxels, volume.spacing_mm, 0), method)

    def across(axis: int) -> Seen:
        return Seen(SliceStack(volume.voxels, volume.spacing_mm, axis, along.stack.intensity_range), method)

    def on(seen: Seen, one: TrainingObject, count: int, first: float) -> Iterator[PassStart]:
        truth = np.ascontiguousarray(seen.stack.slices_first(one.mask))
        known = None if one.is_whole else np.asarray(truth.any(axis=(1, 2)))
        for anchor in _anchors(truth, count, first, generator):
            for step in (-1, 1):
                what = f"{one.family.group} {one.family.label}"
                name = f"{volume.name} {what} axis {seen.stack.axis} slice {anchor} {step:+d}"
                yield PassStart(seen, one.family, truth, known, anchor, step, name)

    structures = len(label_values(volume))
    if structures:
        share = int(np.clip(round(settings.anchors / structures), settings.least_anchors, settings.anchors))
        count = max(share, settings.times * settings.least_anchors)
        for one in labelled_objects(volume):
            yield from on(along, one, count, _LARGE)
        for axis in _axes_across(volume, share > settings.least_anchors, settings, generator):
            seen = across(axis)
            for one in labelled_objects(volume, is_across=True):
                yield from on(seen, one, max(1, round(settings.across * count)), _LARGE)
    for one in grown_objects(volume, settings.grown if structures else settings.grown_unlabelled, generator):
        yield from on(along, one, 1, _FAIR)
    for seen in (along, *map(across, _one_axis_across(volume, settings.tracked_across_chance, generator))):
        for one in tracked_objects(seen.stack, settings.tracked, generator):
            yield from on(seen, one, 1, _FAIR)


def _axes_across(
    volume: LabelledVolume, has_few: bool, settings: ExampleSettings, generator: np.random.Generator
) -> Sequence[int]:
    if has_few and min(volume.voxels.shape) >= MINIMUM_SIDE:
        return (1, 2)
    return _one_axis_across(volume, settings.across_chance, generator)


def _one_axis_across(volume: LabelledVolume, chance: float, generator: np.random.Generator) -> Sequence[int]:
    """One axis or, where chance or the volume's thinness wants it, none."""
    if min(volume.voxels.shape) < MINIMUM_SIDE:
        return ()
    return (int(generator.integers(1, 3)),) if generator.random() < chance else ()


def _anchors(truth: np.ndarray, count: int, first: float, generator: np.random.Generator) -> Iterator[int]:
    """So many slices at most; none of a structure that is on too few slices.

    Args:
        first: the first slice's area is this share of the largest, at least.
    """
    areas = truth.sum(axis=(1, 2))
    if int((areas > 0).sum()) < LEAST_SLICES:
        return
    large, usable = (np.flatnonzero(areas >= share * areas.max()) for share in (first, _FAIR))
    others = generator.choice(usable, min(count - 1, len(usable)), replace=False)
    yield from dict.fromkeys([int(generator.choice(large)), *(int(index) for index in others)])
