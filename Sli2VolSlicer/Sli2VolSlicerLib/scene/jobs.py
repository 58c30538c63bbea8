"""Work in three phases: begun on the main thread, computed on any thread, finished on the main thread.

What is computed touches no MRML node and no VTK object of the scene, so that Slicer stays free meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..engine.errors import PropagationCancelled
from ..engine.records import Anchor, IsCancelled, ProgressCallback, Propagation, SliceLimits
from .anchors import check_propagatable, engine_anchors, engine_limits
from .capture import Capture
from .confidence import confidence_image
from .editable import EditRules
from .moment import SceneMoment
from .proposal import Proposal, Reach, propose
from .recommend import SceneRecommendation, blank_request, for_scene, request_for
from .sessions import EngineChoice, OpenSession, SessionKeeper, SessionRequest

if TYPE_CHECKING:
    from ..engine.recommendation import QualityEstimate


class Job(Protocol):
    """Work that has been begun; keep the last reference to it on the main thread, which owns what it was read from."""

    def compute(self, progress: ProgressCallback | None = None, is_cancelled: IsCancelled | None = None) -> Any:
        """Do the work, once, on any thread.

        Args:
            progress: called after every slice, on this same thread.
            is_cancelled: asked between slices.

        Raises:
            Sli2VolError: it cannot be done.
            PropagationCancelled: `is_cancelled` said so.
        """
        ...


@dataclass(frozen=True, eq=False)
class EngineInput:
    """What the engine is given, taken from the scene at one moment.

    Attributes:
        captured: the volume's slices and the segments.
        anchors: the user's slices.
        limits: label -> the slices that it may be on.
        session: what it takes to open the session.
    """

    captured: Capture
    anchors: tuple[Anchor, ...]
    limits: Mapping[int, SliceLimits]
    session: SessionRequest

    @classmethod
    def of(cls, captured: Capture, sessions: SessionKeeper, choice: EngineChoice) -> EngineInput:
        """That of a capture that has just been taken.

        Raises:
            AnnotationError: as `check_propagatable`.
        """
        check_propagatable(captured)
        return cls(captured, engine_anchors(captured), engine_limits(captured), sessions.request(captured, choice))

    def propagation(
        self,
        opened: OpenSession,
        reach: Reach | None = None,
        progress: ProgressCallback | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> Propagation:
        """What the anchors give."""
        reach = reach or Reach()
        return opened.session.propagate(
            self.anchors,
            direction=reach.direction,
            slice_range=reach.slice_range,
            limits=self.limits,
            progress=progress,
            is_cancelled=is_cancelled,
        )


class PropagationJob:
    """A propagation that has been begun by `SceneLogic.begin`; `SceneLogic.finish` writes what it computes.

    Args:
        sessions: keeps what is computed for the next time.
        given: what the engine is given.
        rules: where the user allows editing.
        reach: which slices are to be filled.
        began: when its capture began, by time.perf_counter.

    Attributes:
        captured: the volume's slices and the segments, as they were.
        moment: what must not change until it is finished.
        capture_seconds: how long `begin` took.
        engine_seconds: how long `compute` took.
    """

    def __init__(
        self, sessions: SessionKeeper, given: EngineInput, rules: EditRules, reach: Reach, began: float
    ) -> None:
        self.captured = given.captured
        self.rules = rules
        self.reach = reach
        self.moment = SceneMoment.of(given.captured)
        self.engine_seconds = 0.0
        self._sessions = sessions
        self._given = given
        self._proposal: Proposal | None = None
        self.capture_seconds = time.perf_counter() - began

    def compute(self, progress: ProgressCallback | None = None, is_cancelled: IsCancelled | None = None) -> Propagation:
        """The engine's answer; as `Job.compute`."""
        began = time.perf_counter()
        with self._sessions.in_use:
            _stop_if(is_cancelled)
            opened = self._sessions.open(self._given.session)
            propagation = self._given.propagation(opened, self.reach, progress, is_cancelled)
        _stop_if(is_cancelled)
        self._proposal = propose(self.captured, propagation, self.reach)
        self.engine_seconds = time.perf_counter() - began
        return propagation

    def proposal(self, propagation: Propagation) -> Proposal:
        """What a propagation changes in the segments; worked out by `compute` for the one that it gives back."""
        if self._proposal is None or self._proposal.propagation is not propagation:
            self._proposal = propose(self.captured, propagation, self.reach)
        return self._proposal


@dataclass(frozen=True)
class RecommendationQuestion:
    """What is asked: the arguments of `SceneLogic.recommend` of these names."""

    policy: str
    all_axes: bool
    count: int
    seed: int


class RecommendationJob:
    """The slices to look at next, once something is painted.

    Args:
        sessions: keeps what is computed for the next time.
        given: what the engine is given.
        question: what is asked.
    """

    def __init__(self, sessions: SessionKeeper, given: EngineInput, question: RecommendationQuestion) -> None:
        self.moment = SceneMoment.of(given.captured)
        self._sessions = sessions
        self._given = given
        self._question = question

    def compute(
        self, progress: ProgressCallback | None = None, is_cancelled: IsCancelled | None = None
    ) -> tuple[SceneRecommendation, ...]:
        """Best first; as `Job.compute`.

        Raises:
            RecommendationError: no such policy, or no slice left.
        """
        from ..engine.recommendation import recommend

        question, captured = self._question, self._given.captured
        with self._sessions.in_use:
            opened = self._sessions.open(self._given.session)
            propagation = self._given.propagation(opened, None, progress, is_cancelled)
            request = request_for(captured, propagation, opened, all_axes=question.all_axes, seed=question.seed)
            return for_scene(recommend(request, question.policy, count=question.count), captured)


class BlankRecommendationJob:
    """The slices to look at first, before anything is painted.

    Args:
        sessions: makes the method.
        choice: of the engine.
        voxels: the volume's, (k, j, i).
        spacing_mm: per axis of `voxels`.
        axis: along which to look.
        question: what is asked.
    """

    def __init__(
        self,
        sessions: SessionKeeper,
        choice: EngineChoice,
        voxels: np.ndarray,
        spacing_mm: tuple[float, float, float],
        axis: int,
        question: RecommendationQuestion,
    ) -> None:
        self._sessions = sessions
        self._choice = choice
        self._voxels = voxels
        self._spacing_mm = spacing_mm
        self._axis = axis
        self._question = question

    def compute(
        self, progress: ProgressCallback | None = None, is_cancelled: IsCancelled | None = None
    ) -> tuple[SceneRecommendation, ...]:
        """As `RecommendationJob.compute`; it reports no progress."""
        from ..engine.recommendation import recommend

        question = self._question
        with self._sessions.in_use:
            _stop_if(is_cancelled)
            method = self._sessions.method(self._choice) if question.policy == "perceptual" else None
            request = blank_request(
                self._voxels, self._spacing_mm, self._axis, method, all_axes=question.all_axes, seed=question.seed
            )
            return for_scene(recommend(request, question.policy, count=question.count), None)


class RehearsalJob:
    """Getting ready for a correction on one slice.

    Args:
        sessions: keeps what is computed for the next time.
        given: what the engine is given.
        slice_index: along the painted axis.
    """

    def __init__(self, sessions: SessionKeeper, given: EngineInput, slice_index: int) -> None:
        self._sessions = sessions
        self._given = given
        self._slice_index = slice_index

    def compute(self, progress: ProgressCallback | None = None, is_cancelled: IsCancelled | None = None) -> None:
        """As `Job.compute`; what is ready when it is cancelled serves."""
        with self._sessions.in_use:
            opened = self._sessions.open(self._given.session)
            propagation = self._given.propagation(opened, None, progress, is_cancelled)
            opened.session.rehearse(propagation, self._given.anchors, self._slice_index, is_cancelled=is_cancelled)


class QualityJob:
    """How good the propagation of each segment is.

    Args:
        sessions: keeps what is computed for the next time.
        given: what the engine is given.
    """

    def __init__(self, sessions: SessionKeeper, given: EngineInput) -> None:
        self._sessions = sessions
        self._given = given

    def compute(
        self, progress: ProgressCallback | None = None, is_cancelled: IsCancelled | None = None
    ) -> Mapping[str, QualityEstimate]:
        """Segment ID -> estimate; as `Job.compute`."""
        from ..engine.recommendation import estimate_quality

        given = self._given
        with self._sessions.in_use:
            opened = self._sessions.open(given.session)
            propagation = given.propagation(opened, None, progress, is_cancelled)
        return {
            segment.segment_id: estimate_quality(propagation, segment.label, given.anchors, opened.stack.spacing_mm)
            for segment in given.captured.segments
        }


class ConfidenceJob:
    """The confidence of a propagation as an image to lay over: `put_confidence` shows it.

    Args:
        captured: what was propagated.
        propagation: the engine's answer.
    """

    def __init__(self, captured: Capture, propagation: Propagation) -> None:
        self.captured = captured
        self._propagation = propagation

    def compute(self, progress: ProgressCallback | None = None, is_cancelled: IsCancelled | None = None) -> Any:
        """The vtkImageData, which is in no scene yet; as `Job.compute`."""
        return confidence_image(self.captured.axis, self._propagation)


class WarmUpJob:
    """Loading the engine's packages, so that the first propagation does not have to.

    Loading holds Python's lock for up to a second in all: better while the user still looks for a slice.
    """

    def compute(self, progress: ProgressCallback | None = None, is_cancelled: IsCancelled | None = None) -> bool:
        """Whether all packages are there; as `Job.compute`."""
        try:
            from ..engine import methods, recommendation, session
        except ModuleNotFoundError:
            return False
        return all((methods, recommendation, session))


def _stop_if(is_cancelled: IsCancelled | None) -> None:
    if is_cancelled is not None and is_cancelled():
        msg = "Propagation was cancelled: nothing was changed."
        raise PropagationCancelled(msg)
