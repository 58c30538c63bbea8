"""Examples to learn from: real passes of the engine, seen as the network sees them, with the truth beside them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ...engine.passes import Pass, StageSeconds, advance, begin_pass
from ...engine.protocol import Carrier, Method
from ...engine.refinement.view import view_of
from ...engine.slice_stack import MINIMUM_SIDE, SliceStack
from ...engine.working_grid import WorkingGrid, working_scale
from .objects import LEAST_SLICES, Family, LabelledVolume, TrainingObject, grown_objects, label_values, labelled_objects
from .tracks import tracked_objects

_LEAST_DRAWN = 6
"""Pixels on the working grid; passes from less say nothing."""

_LARGE, _FAIR = 0.75, 0.3
"""Anchors are where the area is this share of the largest: a structure's first on a large slice, others on fair."""


@dataclass(frozen=True)
class ExampleSettings:
    """How many passes are run on a volume.

    Attributes:
        anchors: that a volume's structures share along the acquired axis, and no more than this for one.
        least_anchors: for each of them in any case.
        across: anchors across the acquired slices, per anchor along them.
        across_chance: that a volume with several structures is followed across as well, along one axis; a
            volume with few always is, along both.
        grown, grown_unlabelled: grown regions in a volume with labels, and in one without; one anchor each.
        tracked: tracks along each axis that is searched for them; one anchor each.
        tracked_across_chance: that tracks are searched for across the acquired slices as well, along one axis.
    """

    anchors: int = 11
    least_anchors: int = 3
    across: float = 0.35
    across_chance: float = 0.5
    grown: int = 5
    grown_unlabelled: int = 30
    tracked: int = 4
    tracked_across_chance: float = 0.4


@dataclass(frozen=True, eq=False)
class PassExample:
    """One pass, the anchor's slice first.

    Attributes:
        family: what it counts with.
        name: volume, anchor and direction, for messages and to tell runs apart.
        is_held_out: never trained on.
        intensity, soft, truth: uint8 (slices, SIDE, SIDE), 0..255 for 0..1, through one window.
        measures: float32 (slices, MEASURES).
        known: bool (slices,): false where the truth is not known.
        usual_length: slices after the anchor up to where the stop rules would have ended the pass.
    """

    family: Family
    name: str
    is_held_out: bool
    intensity: torch.Tensor
    soft: torch.Tensor
    truth: torch.Tensor
    measures: torch.Tensor
    known: torch.Tensor
    usual_length: int


def pass_examples(
    volume: LabelledVolume, method: Method, settings: ExampleSettings, seed: int, is_held_out: bool = False
) -> list[PassExample]:
    """Passes of a method on a volume's structures, grown regions and tracks, from random anchors, both ways.

    Args:
        volume: with labels or without.
        method: whose passes; they go on for a while after a stop rule spoke.
        seed: with the volume's name it decides what is drawn.
        is_held_out: noted in the examples.

    Raises:
        VolumeError: the volume cannot be propagated through.
    """
    generator = np.random.default_rng([seed, zlib.crc32(volume.name.encode())])
    examples: list[PassExample] = []

    def follow(seen: _Seen, one: TrainingObject, count: int, first: float) -> None:
        truth = np.ascontiguousarray(seen.stack.slices_first(one.mask))
        known = None if one.is_whole else np.asarray(truth.any(axis=(1, 2)))
        for anchor in _anchors(truth, count, first, generator):
            for step in (-1, 1):
                run = seen.run(truth[anchor], anchor, step)
                what = f"{one.family.group} {one.family.label}"
                name = f"{volume.name} {what} axis {seen.stack.axis} slice {anchor} {step:+d}"
                example = example_of(run, truth, one.family, name, is_held_out, known) if run is not None else None
                examples.extend([example] if example is not None else [])

    along = _Seen(SliceStack(volume.voxels, volume.spacing_mm, 0), method)

    def across(axis: int) -> _Seen:
        return _Seen(SliceStack(volume.voxels, volume.spacing_mm, axis, along.stack.intensity_range), method)

    structures = len(label_values(volume))
    if structures:
        count = int(np.clip(round(settings.anchors / structures), settings.least_anchors, settings.anchors))
        for one in labelled_objects(volume):
            follow(along, one, count, _LARGE)
        for axis in _axes_across(volume, count > settings.least_anchors, settings, generator):
            seen = across(axis)
            for one in labelled_objects(volume, is_across=True):
                follow(seen, one, max(1, round(settings.across * count)), _LARGE)
    for one in grown_objects(volume, settings.grown if structures else settings.grown_unlabelled, generator):
        follow(along, one, 1, _FAIR)
    for seen in (along, *map(across, _one_axis_across(volume, settings.tracked_across_chance, generator))):
        for one in tracked_objects(seen.stack, settings.tracked, generator):
            follow(seen, one, 1, _FAIR)
    return examples


def example_of(
    run: Pass,
    truth: np.ndarray,
    family: Family,
    name: str,
    is_held_out: bool = False,
    known: np.ndarray | None = None,
) -> PassExample | None:
    """What is learned from a pass that has ended; None if it could not leave its anchor, or for nothing known.

    Args:
        truth: bool (slices, rows, columns), the volume's slices along the pass.
        known: bool (slices,), where the truth is known; None: everywhere.
    """
    view = view_of(run, run.grid.slice_count)
    if view is None:
        return None
    told = np.ones(len(view.slices), bool) if known is None else known[list(view.slices)]
    if not told[1:].any():
        return None
    wanted = view.window.cut([run.grid.soft_from_mask(truth[index]) for index in view.slices])
    intensity, soft, answer = (_as_bytes(each) for each in (view.intensity, view.soft, wanted))
    return PassExample(
        family, name, is_held_out, intensity, soft, answer, view.measures, torch.from_numpy(told), run.usual_length
    )


@dataclass(eq=False)
class _Seen:
    """A stack of slices and what the method keeps of it at each working scale."""

    stack: SliceStack
    method: Method
    opened: dict[float, tuple[WorkingGrid, Carrier]] = field(default_factory=dict)

    def run(self, drawn: np.ndarray, anchor: int, step: int) -> Pass | None:
        """A pass from one anchor to its end, overtime included; None from a mask that is too small."""
        rules = replace(self.method.rules, overtime=True)
        scale = working_scale(float(drawn.sum())) if rules.rescale else 1.0
        if scale not in self.opened:
            grid = WorkingGrid(self.stack, scale)
            self.opened[scale] = grid, self.method.open(grid)
        grid, carrier = self.opened[scale]
        run = begin_pass(grid, rules, 1, anchor, step, drawn)
        if int((run.drawn > 0.5).sum()) < _LEAST_DRAWN:
            return None
        seconds = StageSeconds()
        while run.stopped is None and 0 <= run.next_slice < grid.slice_count:
            advance([run], carrier, rules, seconds)
        return run


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


def _as_bytes(picture: torch.Tensor) -> torch.Tensor:
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8)
