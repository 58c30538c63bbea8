"""Playing the user: draw the recommended slice from a known truth, propagate, and again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .errors import AnnotationError, RecommendationError
from .recommendation import POLICIES_BEFORE_DRAWING, DescriptorSource, RecommendationRequest, recommend
from .recommendation.quality import estimate_quality
from .records import Anchor, IsCancelled, ProgressCallback, Propagation
from .session import PropagationSession

TOLD = ("k-means", "histogram", "ssim", "perceptual")
"""Policies that choose all slices by themselves, within the extent of the structure, which they are told."""

_LABEL = 1


@dataclass(frozen=True, eq=False)
class Round:
    """One drawn slice more.

    Attributes:
        slice_index: the slice drawn last.
        is_empty: whether the structure was not on it: the drawing says that it ends there.
        reason: why it was recommended.
        dice: of the whole volume against the truth.
        volume_ml: of the result.
        recommend_seconds, propagate_seconds: wall time.
        expected_dice: what the engine itself believes.
        anchors: all drawn slices, in the order of drawing.
        propagation: the result.
    """

    slice_index: int
    is_empty: bool
    reason: str
    dice: float
    volume_ml: float
    recommend_seconds: float
    propagate_seconds: float
    expected_dice: float
    anchors: tuple[Anchor, ...]
    propagation: Propagation


@dataclass(frozen=True)
class SimulatedUser:
    """How the user is played.

    Attributes:
        policy: names the next slice.
        slices: how many slices are drawn, at most: fewer when no slice is left to recommend.
        first: the slice drawn first; the one of largest area by default (told policies choose it themselves).
        told: the user is told the structure's first and last slice and draws between them only, whatever
            the propagation finds; for policies that need nothing drawn. Always so for those in `TOLD`.
        seed: of random choices.
    """

    policy: str
    slices: int
    first: int | None = None
    told: bool = False
    seed: int = 0


def simulate(
    session: PropagationSession,
    truth: np.ndarray,
    user: SimulatedUser,
    *,
    features: DescriptorSource | None = None,
    progress: ProgressCallback | None = None,
    is_cancelled: IsCancelled | None = None,
) -> Iterator[Round]:
    """Draw, propagate, and again; yields after each propagation.

    Args:
        session: bound to the volume.
        truth: bool (slices, rows, columns), the painted axis first; what the user draws.
        features: for the policy "perceptual".

    Raises:
        AnnotationError: the truth is on another grid or empty, or `first` is a slice without the structure.
        RecommendationError: no such policy.
        PropagationCancelled: `is_cancelled` said so.
    """
    _check(session, truth, user)
    true_pixels = int(truth.sum())
    anchors: list[Anchor] = []
    propagation: Propagation | None = None
    for number in range(user.slices):
        began = time.perf_counter()
        try:
            index, reason = _next_slice(session, truth, user, features, anchors, propagation)
        except RecommendationError:
            if number == 0:
                raise
            return
        recommended = time.perf_counter()
        anchors.append(Anchor(index, _LABEL, np.ascontiguousarray(truth[index])))
        propagation = session.propagate(anchors, progress=progress, is_cancelled=is_cancelled)
        ended = time.perf_counter()
        mask = propagation.masks[_LABEL]
        quality = estimate_quality(propagation, _LABEL, tuple(anchors), session.stack.spacing_mm)
        yield Round(
            slice_index=index,
            is_empty=not truth[index].any(),
            reason=reason,
            dice=2.0 * int((mask & truth).sum()) / (int(mask.sum()) + true_pixels),
            volume_ml=int(mask.sum()) * float(np.prod(session.stack.spacing_mm)) / 1000.0,
            recommend_seconds=recommended - began,
            propagate_seconds=ended - recommended,
            expected_dice=quality.dice,
            anchors=tuple(anchors),
            propagation=propagation,
        )


def _next_slice(
    session: PropagationSession,
    truth: np.ndarray,
    user: SimulatedUser,
    features: DescriptorSource | None,
    anchors: Sequence[Anchor],
    propagation: Propagation | None,
) -> tuple[int, str]:
    """The slice that the user draws next, and why.

    Raises:
        RecommendationError: there is none.
    """
    areas = truth.sum(axis=(1, 2))
    if not anchors and (user.first is not None or user.policy not in TOLD):
        return (int(areas.argmax()) if user.first is None else user.first), "the first slice"
    there = np.flatnonzero(areas)
    told = user.told or user.policy in TOLD
    request = RecommendationRequest(
        session.stack,
        None if told else propagation,
        tuple(anchors),
        seed=user.seed,
        slice_range=(int(there[0]), int(there[-1])) if told else None,
        features=features,
    )
    (chosen,) = recommend(request, user.policy)
    return chosen.slice_index, chosen.reason


def _check(session: PropagationSession, truth: np.ndarray, user: SimulatedUser) -> None:
    grid = (session.stack.slice_count, *session.stack.shape)
    if truth.shape != grid:
        msg = f"The truth has shape {truth.shape}, the volume's slices along axis {session.stack.axis} make {grid}."
        raise AnnotationError(msg)
    if not truth.any():
        msg = "The truth is empty: there is nothing to draw."
        raise AnnotationError(msg)
    if user.slices < 1:
        msg = f"At least one slice must be drawn, got {user.slices}."
        raise RecommendationError(msg)
    if user.told and user.policy not in POLICIES_BEFORE_DRAWING:
        msg = f"The policy '{user.policy}' goes by the propagation; it cannot be told where the structure ends."
        raise RecommendationError(msg)
    if user.first is None:
        return
    if not 0 <= user.first < len(truth):
        msg = f"There is no slice {user.first}: the volume has slices 0 to {len(truth) - 1}."
        raise AnnotationError(msg)
    if not truth[user.first].any():
        there = np.flatnonzero(truth.any(axis=(1, 2)))
        msg = f"The structure is not on slice {user.first}; it is on slices {there[0]} to {there[-1]}. Start there."
        raise AnnotationError(msg)
