"""Examples of the second round: passes that refinement, or the truth in its place, has sent on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...engine.errors import MethodError
from ...engine.expected_dice import Journey
from ...engine.passes import PRESENT, Pass, SliceResult, certainty, relay
from ...engine.protocol import CarryingMethod, Refinement, bounding_region
from ...engine.refinement.network_refinement import log_odds
from .examples import PassExample, example_of
from .objects import LabelledVolume
from .starts import ExampleSettings, pass_starts

_OF_ANCHORS, _OF_SENDING = 1, 2
"""Parts of the second round's seeds: its anchors are not the first round's."""

_LEAST_THERE = 3
"""Pixels on the working grid; on a slice with fewer the truth is at its end."""

_FARTHEST = 8
"""Slices beyond a pass's last one that the truth may carry it on; the engine takes no more at once."""

_LEFT_OF_TRUTH = 0.8
"""Share of the truth's log odds that stand for a slice where the blend would be empty."""

UNREACHED = Journey(least_certainty=0.5, drift=3.0)
"""The journey to slices that the pass never reached, as refinement has it."""


@dataclass(frozen=True)
class SendingOn:
    """How passes are sent on when they stop.

    Attributes:
        most: times a pass is sent on.
        by_truth: chance that the truth does it before refinement is asked, where the truth goes on.
        by_truth_at_last: chance that it does so once refinement has refused.
        shares: least and largest share of the truth's log odds in the masks that it sends a pass on from.
        between: stages of a pass that are kept besides its first and its last.
    """

    most: int = 14
    by_truth: float = 0.25
    by_truth_at_last: float = 0.75
    shares: tuple[float, float] = (0.35, 0.85)
    between: int = 2


def sent_on_examples(
    volume: LabelledVolume,
    method: CarryingMethod,
    settings: ExampleSettings,
    sending: SendingOn,
    seed: int,
    is_held_out: bool = False,
) -> list[PassExample]:
    """Passes that are sent on whenever they stop, as they were at some of their stops.

    Args:
        volume: with labels or without.
        method: whose passes, with the refinement that sends them on.
        settings: how many passes.
        sending: how they are sent on.
        seed: with the volume's name it decides what is drawn, and by whom passes are sent on.
        is_held_out: noted in the examples.

    Raises:
        MethodError: the method has no refinement.
        VolumeError: the volume cannot be propagated through.
    """
    refinement = method.refinement
    if refinement is None:
        msg = f"Passes of {method.name!r} are not sent on: it has no refinement; give it the weights of one."
        raise MethodError(msg)
    name = zlib.crc32(volume.name.encode())
    examples: list[PassExample] = []
    anchors = np.random.default_rng([seed, name, _OF_ANCHORS])
    for number, start in enumerate(pass_starts(volume, method, settings, anchors)):
        run = start.begun()
        if run is None:
            continue
        # Every pass has a generator of its own: what one draws depends on how processors round, the others must not.
        generator = np.random.default_rng([seed, name, _OF_SENDING, number])
        sender = Sender(start.truth, refinement, sending, generator)
        stages = stages_of(run, start.seen.take_to_its_end, sender)
        family, words = replace(start.family, is_sent_on=True), f"{start.name} sent on"
        for stage in some_of(stages, sending.between, generator):
            example = example_of(stage, start.truth, family, words, is_held_out, start.known)
            examples.extend([example] if example is not None else [])
    return examples


@dataclass(frozen=True, eq=False)
class Sender:
    """Sends passes on when they have stopped.

    Attributes:
        truth: bool (slices, rows, columns), the volume's slices along the passes.
        refinement: what the engine would send them on by.
        settings: how often the truth does it instead.
        generator: of the random choices.
    """

    truth: np.ndarray
    refinement: Refinement
    settings: SendingOn
    generator: np.random.Generator

    def sends_on(self, run: Pass) -> bool:
        """Send a pass on, which is changed, by the engine's own rule whoever does it; whether it goes on."""
        if run.stopped is None or len(run.results) >= run.room or len(run.stops) >= self.settings.most:
            return False
        for mended in self._who_mends():
            # The rule gives a pass up at its first refusal; another may still find where it goes on.
            run.is_given_up = False
            if relay(run, mended(run)):
                return True
        return False

    def _who_mends(self) -> tuple[Callable[[Pass], list[SliceResult]], ...]:
        """What the pass is to go on from, in the order in which it is tried."""
        first, at_last = self.generator.random(2)
        if first < self.settings.by_truth:
            return self._by_truth, self._by_refinement
        if at_last < self.settings.by_truth_at_last:
            return self._by_refinement, self._by_truth
        return (self._by_refinement,)

    def _by_refinement(self, run: Pass) -> list[SliceResult]:
        return self.refinement.refined(run, run.room)

    def _by_truth(self, run: Pass) -> list[SliceResult]:
        return drawn_towards(self.truth, run, float(self.generator.uniform(*self.settings.shares)))


def stages_of(run: Pass, take_to_its_end: Callable[[Pass], None], sender: Sender) -> list[Pass]:
    """A pass as it is each time that it has stopped, until nothing sends it on.

    Args:
        run: at its anchor; it is changed.
        take_to_its_end: lets it go on until it stops or the volume ends.
        sender: sends it on.
    """
    stages: list[Pass] = []
    while True:
        take_to_its_end(run)
        stages.append(replace(run, results=list(run.results), stops=list(run.stops), refined={}))
        if not sender.sends_on(run):
            return stages


def some_of(stages: Sequence[Pass], between: int, generator: np.random.Generator) -> list[Pass]:
    """The first, the last and at most so many others, in their order."""
    inner = range(1, len(stages) - 1)
    chosen = generator.choice(inner, min(between, len(inner)), replace=False) if inner else ()
    return [stages[index] for index in sorted({0, len(stages) - 1, *map(int, chosen)})]


def drawn_towards(truth: np.ndarray, run: Pass, share: float) -> list[SliceResult]:
    """A stopped pass's slices drawn towards the truth, in place of what refinement makes of them, for `relay`.

    Before a stop rule spoke they are as they were; they end with the truth.

    Args:
        truth: bool (slices, rows, columns), the volume's slices along the pass.
        share: of the truth's log odds in the blend, 0..1.
    """
    begin = 0 if run.doubted_at is None else run.doubted_at
    drawn = run.results[:begin]
    soft = drawn[-1].placed(run.grid.shape) if drawn else run.drawn
    for position in range(begin, min(run.room, len(run.results) + _FARTHEST)):
        wanted = run.grid.soft_from_mask(truth[run.anchor_slice + run.step * (position + 1)])
        if int((wanted > 0.5).sum()) < _LEAST_THERE:
            break
        found = run.results[position] if position < len(run.results) else None
        soft = blended(soft if found is None else found.placed(run.grid.shape), wanted, share)
        drawn.append(_result(soft, UNREACHED if found is None else found.journey))
    return drawn


def blended(carried: np.ndarray, truth: np.ndarray, share: float) -> np.ndarray:
    """A soft mask between two, float32 (rows, columns); never empty where the truth is not.

    Args:
        carried, truth: float32 (rows, columns), 0..1.
        share: of the truth's log odds, 0..1.
    """
    odds, wanted = (log_odds(torch.from_numpy(each)) for each in (carried, truth))
    soft = _sigmoid((1 - share) * odds + share * wanted)
    return soft if (soft > 0.5).any() else _sigmoid(_LEFT_OF_TRUTH * wanted)


def _sigmoid(odds: torch.Tensor) -> np.ndarray:
    """Soft mask of log odds, without its faintest values."""
    soft = torch.sigmoid(odds)
    result: np.ndarray = torch.where(soft < PRESENT, 0.0, soft).numpy()
    return result


def _result(soft: np.ndarray, journey: Journey) -> SliceResult:
    """What `relay` takes for a slice to go on from."""
    region = bounding_region(soft > 0)
    assert region is not None, "blends are never empty"
    kept = soft[region.slices].astype(np.float16)
    return SliceResult(region, kept, certainty(soft), expected_dice=1.0, journey=journey)
