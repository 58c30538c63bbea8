"""Rounds of correction: the recommended slice is drawn from a known truth, and Propagate goes again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pictures import dice_of, dice_per_slice

from Sli2VolSlicerLib.engine.errors import OutputError, RecommendationError
from Sli2VolSlicerLib.engine.records import StopReason

if TYPE_CHECKING:
    from demo_scene import DemoScene

    from Sli2VolSlicerLib.scene.logic import SceneResult


@dataclass(frozen=True)
class Advice:
    """The slice to look at next.

    Attributes:
        slice_index: along the painted axis; None when none is left.
        reason: in words.
        seconds: how long the answer took.
    """

    slice_index: int | None
    reason: str
    seconds: float


@dataclass(frozen=True)
class Stop:
    """Where a pass ended without meeting another anchor.

    Attributes:
        slice_index: the last slice that it filled.
        reason: in words.
    """

    slice_index: int
    reason: str


@dataclass(frozen=True, eq=False)
class Score:
    """How good a segment is, measured against the truth.

    Attributes:
        dice: of the whole structure.
        dice_undrawn: of the slices that nobody drew.
        per_slice: float, (slices,); NaN where the structure is in neither.
    """

    dice: float
    dice_undrawn: float
    per_slice: np.ndarray


@dataclass(frozen=True, eq=False)
class Stage:
    """How things stand after one Propagate.

    Attributes:
        number: 0 after the first, then the number of the round.
        drawn: the slices drawn so far, in that order.
        confidence: float, (slices,): the Dice to be expected; NaN where no pass looked.
        stops: where passes ended by themselves.
        advice: the slice to draw next.
        slices_propagated: slices computed anew by this Propagate.
        seconds: from the click to the result in the scene.
        score: None where the truth is not known.
    """

    number: int
    drawn: tuple[int, ...]
    confidence: np.ndarray
    stops: tuple[Stop, ...]
    advice: Advice
    slices_propagated: int
    seconds: float
    score: Score | None


def look(
    scene: DemoScene, result: SceneResult, drawn: Sequence[int], outlines: np.ndarray, truth: np.ndarray | None
) -> Stage:
    """What one Propagate has come to in the segmentation node.

    Args:
        scene: after it.
        result: what it gave back.
        drawn: the slices drawn so far.
        outlines: bool, the painted axis first: what was drawn on those slices.
        truth: likewise, the whole structure, when it is known.

    Raises:
        OutputError: a drawn slice is not as it was drawn.
    """
    mask = scene.mask()
    check_drawn(mask, outlines, drawn)
    label = result.capture.label(result.capture.segments[0].segment_id)
    passes = result.propagation.passes
    stops = {one.last_slice: Stop(one.last_slice, one.reason.value) for one in passes if _ended_by_itself(one.reason)}
    return Stage(
        number=len(drawn) - 1,
        drawn=tuple(drawn),
        confidence=result.propagation.slice_confidence[label],
        stops=tuple(stops[index] for index in sorted(stops)),
        advice=ask(scene),
        slices_propagated=result.propagation.slices_propagated,
        seconds=result.seconds["total"],
        score=None if truth is None else score(mask, truth, drawn),
    )


def play(scene: DemoScene, truth: np.ndarray, first: Stage, rounds: int) -> Iterator[Stage]:
    """Draw the recommended slice, propagate, look; as many rounds, or until no slice is left to recommend.

    Args:
        scene: after the first Propagate.
        truth: bool, the painted axis first: what the user draws.
        first: what `look` saw after the first Propagate.
        rounds: how many at most.

    Raises:
        OutputError: a drawn slice was changed.
    """
    stage = first
    for _ in range(rounds):
        index = stage.advice.slice_index
        if index is None:
            return
        scene.draw(index, truth[index])
        stage = look(scene, scene.propagate(), (*stage.drawn, index), truth, truth)
        yield stage


def ask(scene: DemoScene) -> Advice:
    """The recommended slice; its absence is an answer too."""
    began = time.perf_counter()
    try:
        found = scene.recommend()
    except RecommendationError as error:
        return Advice(None, str(error), time.perf_counter() - began)
    return Advice(found.slice_index, found.reason, time.perf_counter() - began)


def check_drawn(mask: np.ndarray, outlines: np.ndarray, drawn: Sequence[int]) -> None:
    """Whether every drawn slice is in the segmentation, voxel by voxel, as it was drawn.

    Raises:
        OutputError: one is not.
    """
    for index in drawn:
        if differing := int((mask[index] != outlines[index]).sum()):
            msg = (
                f"Slice {index} was drawn, and Propagate changed it: {differing} voxels differ. This is a bug: "
                "drawn slices must stay as they are; please report it."
            )
            raise OutputError(msg)


def score(mask: np.ndarray, truth: np.ndarray, drawn: Sequence[int]) -> Score:
    """Dice of two bool arrays, the painted axis first, with and without the drawn slices."""
    others = np.setdiff1d(np.arange(len(mask)), drawn)
    return Score(dice_of(mask, truth), dice_of(mask[others], truth[others]), dice_per_slice(mask, truth))


def _ended_by_itself(reason: StopReason) -> bool:
    return reason is not StopReason.NEXT_ANCHOR
