"""What the panel, the module's logic class and any script call to propagate in a scene."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.records import Direction, IsCancelled, ProgressCallback, Propagation
from .anchors import overlap_notes
from .capture import Capture, capture
from .confidence import write_confidence
from .editable import EditRules
from .grid import volume_voxels
from .jobs import (
    BlankRecommendationJob,
    EngineInput,
    PropagationJob,
    QualityJob,
    RecommendationJob,
    RecommendationQuestion,
    RehearsalJob,
)
from .own_slices import OwnSlices
from .proposal import Reach
from .recommend import SceneRecommendation, anything_painted
from .sessions import (
    DEFAULT_DEVICE,
    DEFAULT_METHOD,
    FindWeights,
    MakeMethod,
    MakeSession,
    SessionKeeper,
    default_weights,
)
from .surface import make_surface
from .turns import Turns, in_one_go
from .write_back import SaveState, WriteReport, writing

if TYPE_CHECKING:
    from ..engine.recommendation import QualityEstimate


@dataclass(frozen=True, eq=False)
class SceneResult:
    """What one call of `SceneLogic.propagate` did.

    Attributes:
        propagation: the engine's answer; its arrays have the painted axis first.
        capture: what it was asked, with the mapping of labels to segments and the grid.
        found: label -> on which slices the engine's mask is, bool, (slices,).
        report: voxels added and taken away per segment.
        seconds: "capture", "engine", "write" and "total".
        notes: what the user should be told about the drawing.
    """

    propagation: Propagation
    capture: Capture
    found: Mapping[int, np.ndarray]
    report: WriteReport
    seconds: Mapping[str, float]
    notes: tuple[str, ...] = ()


class SceneLogic(OwnSlices):
    """Propagates painted slices of segments in a MRML scene, and recommends the next ones.

    It keeps the last session, so that a slice's features are computed once per volume.

    Args:
        find_weights: method name to weights file.
        make_method: replaces the engine's own choice of method (for tests and experiments).
        make_session: replaces the engine's session.
    """

    def __init__(
        self,
        find_weights: FindWeights = default_weights,
        make_method: MakeMethod | None = None,
        make_session: MakeSession | None = None,
    ) -> None:
        super().__init__()
        self._sessions = SessionKeeper(find_weights, make_method, make_session)

    def set_engine_options(self, weights_file: Path | None = None, memory_bound_mb: float | None = None) -> None:
        """From now on take weights from a file, and bound what is kept of features.

        Args:
            weights_file: in place of the catalogue's, for methods that have weights; None for the catalogue's.
            memory_bound_mb: in megabytes; None for the engine's own bound.
        """
        self._sessions.set_options(weights_file, memory_bound_mb)

    def propagate(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_ids: Sequence[str] | None = None,
        *,
        method: str = DEFAULT_METHOD,
        axis: int | None = None,
        direction: str | Direction = Direction.BOTH,
        device: str = DEFAULT_DEVICE,
        slice_range: tuple[int, int] | None = None,
        segment_editor_node: Any | None = None,
        progress: ProgressCallback | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> SceneResult:
        """Propagate what was painted and write the result into the segments, as one undo step.

        Anchors stay as they are, and limits are respected. If anything fails, or the user cancels, the scene
        is left as it was. The same as `begin`, `PropagationJob.compute` and `finish`, whose arguments these are.

        Raises:
            VolumeError, AnnotationError, MethodError, WeightsError, DeviceError, OutputError: see `capture`,
                the engine and `write_back`.
            PropagationCancelled: `is_cancelled` said so.
        """
        job = self.begin(
            volume_node,
            segmentation_node,
            segment_ids,
            method=method,
            axis=axis,
            direction=direction,
            device=device,
            slice_range=slice_range,
            segment_editor_node=segment_editor_node,
        )
        return self.finish(job, job.compute(progress, is_cancelled))

    def begin(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_ids: Sequence[str] | None = None,
        *,
        method: str = DEFAULT_METHOD,
        axis: int | None = None,
        direction: str | Direction = Direction.BOTH,
        device: str = DEFAULT_DEVICE,
        slice_range: tuple[int, int] | None = None,
        segment_editor_node: Any | None = None,
    ) -> PropagationJob:
        """Take out of the scene what a propagation needs, on the main thread; nothing is computed yet.

        Args:
            volume_node: vtkMRMLScalarVolumeNode.
            segmentation_node: vtkMRMLSegmentationNode.
            segment_ids: which segments; all painted ones by default.
            method: a name out of engine.methods.METHOD_NAMES.
            axis: the painted axis of the volume's array (0: k, 1: j, 2: i); found by default.
            direction: "both", "up" or "down" (towards higher or lower slice indices).
            device: "auto", "cpu", "cuda" or "mps".
            slice_range: first and last slice that may change, both included.
            segment_editor_node: whose masking, editable area and overwrite settings, as they are now, are respected.

        Raises:
            VolumeError, AnnotationError, MethodError, OutputError: see `capture` and `SegmentWriter`.
        """
        began = time.perf_counter()
        reach = Reach.of(direction, slice_range)
        captured = capture(volume_node, segmentation_node, segment_ids, axis=axis)
        given = self._given(captured, method, device)
        self._log(segmentation_node)
        return PropagationJob(self._sessions, given, EditRules.from_node(segment_editor_node), reach, began)

    def finish(self, job: PropagationJob, propagation: Propagation) -> SceneResult:
        """Write what a job has computed into the segments, as one undo step, on the main thread; surfaces too.

        Raises:
            StaleResultError: volume, segmentation, segments or scene have changed since `begin`; nothing was written.
            OutputError: see `write_back`.
        """
        result = in_one_go(self.finishing(job, propagation))
        if result.report.surface_is_due:
            make_surface(result.capture.segmentation_node)
        return result

    def finishing(
        self, job: PropagationJob, propagation: Propagation, save_state: SaveState | None = None
    ) -> Turns[SceneResult]:
        """The same in turns, but for the surfaces: between two of them the main loop may answer.

        Everything is written at once, in the last turn, and `save_state` is called just before that. What the user
        edits or undoes meanwhile is kept: nothing is written then, and a StaleResultError raised.
        """
        began = time.perf_counter()
        job.moment.require_unchanged()
        captured, proposal = job.captured, job.proposal(propagation)
        log = self._log(captured.segmentation_node)
        report = yield from writing(captured, proposal, job.rules, save_state)
        if report.changed:
            log.add(report.steps, report.layers)
        written = time.perf_counter() - began
        seconds = {
            "capture": job.capture_seconds,
            "engine": job.engine_seconds,
            "write": written,
            "total": job.capture_seconds + job.engine_seconds + written,
        }
        notes = () if job.rules.may_overlap else overlap_notes(captured)
        found = {label: each.found for label, each in proposal.segments.items()}
        return SceneResult(propagation, captured, found, report, seconds, notes)

    def recommend(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_ids: Sequence[str] | None = None,
        policy: str = "expected-gain",
        all_axes: bool = False,
        count: int = 1,
        *,
        method: str | None = None,
        axis: int | None = None,
        device: str | None = None,
        seed: int = 0,
        progress: ProgressCallback | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> tuple[SceneRecommendation, ...]:
        """The slices to look at next, best first; nothing is changed.

        The same as `begin_recommendation` and then `compute`, whose arguments these are.

        Raises:
            VolumeError, AnnotationError, MethodError, WeightsError, DeviceError: as `propagate`.
            RecommendationError: no such policy, one that needs something painted, or no slice left.
        """
        job = self.begin_recommendation(
            volume_node,
            segmentation_node,
            segment_ids,
            policy,
            all_axes,
            count,
            method=method,
            axis=axis,
            device=device,
            seed=seed,
        )
        return job.compute(progress, is_cancelled)

    def begin_recommendation(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_ids: Sequence[str] | None = None,
        policy: str = "expected-gain",
        all_axes: bool = False,
        count: int = 1,
        *,
        method: str | None = None,
        axis: int | None = None,
        device: str | None = None,
        seed: int = 0,
    ) -> RecommendationJob | BlankRecommendationJob:
        """Take out of the scene what a recommendation needs, on the main thread.

        Once something is painted, what the last propagation has not computed yet is computed by the job.

        Args:
            volume_node: vtkMRMLScalarVolumeNode.
            segmentation_node: vtkMRMLSegmentationNode; None before there is one.
            segment_ids: which segments; all painted ones by default.
            policy: a name out of engine.recommendation.POLICIES.
            all_axes: look along the other two axes too.
            count: how many slices.
            method: what to propagate by; as last time by default, and so is the device.
            axis: the axis to be painted along, before anything is painted (k by default).
            device: "auto", "cpu", "cuda" or "mps".
            seed: of the policy "random".

        Raises:
            VolumeError, AnnotationError: as `begin`.
        """
        question = RecommendationQuestion(policy, all_axes, count, seed)
        if not anything_painted(volume_node, segmentation_node, segment_ids):
            i, j, k = (float(v) for v in volume_node.GetSpacing()) if volume_node is not None else (1.0, 1.0, 1.0)
            choice, voxels = self._sessions.choice(method, device), volume_voxels(volume_node)
            return BlankRecommendationJob(self._sessions, choice, voxels, (k, j, i), axis or 0, question)
        given = self._given(capture(volume_node, segmentation_node, segment_ids), method, device)
        return RecommendationJob(self._sessions, given, question)

    def rehearse(
        self,
        volume_node: Any,
        segmentation_node: Any,
        slice_index: int,
        segment_ids: Sequence[str] | None = None,
        *,
        method: str | None = None,
        device: str | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> None:
        """Get ready for a correction on one slice, along the painted axis, while the user draws it.

        Nothing is changed; the next propagation gives the same, sooner. Other arguments as `begin_recommendation`.

        Raises:
            VolumeError, AnnotationError, MethodError, WeightsError, DeviceError: as `propagate`; no such slice.
            PropagationCancelled: `is_cancelled` said so; what is ready by then serves.
        """
        job = self.begin_rehearsal(
            volume_node, segmentation_node, slice_index, segment_ids, method=method, device=device
        )
        job.compute(is_cancelled=is_cancelled)

    def begin_rehearsal(
        self,
        volume_node: Any,
        segmentation_node: Any,
        slice_index: int,
        segment_ids: Sequence[str] | None = None,
        *,
        method: str | None = None,
        device: str | None = None,
    ) -> RehearsalJob:
        """Take out of the scene what a rehearsal needs, on the main thread; arguments as `rehearse`.

        Raises:
            VolumeError, AnnotationError: as `begin`.
        """
        captured = capture(volume_node, segmentation_node, segment_ids)
        return RehearsalJob(self._sessions, self._given(captured, method, device), slice_index)

    def estimate_quality(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_ids: Sequence[str] | None = None,
        *,
        method: str | None = None,
        device: str | None = None,
    ) -> Mapping[str, QualityEstimate]:
        """Segment ID -> how good its propagation is, and whether the user may stop; arguments as `recommend`."""
        return self.begin_quality(volume_node, segmentation_node, segment_ids, method=method, device=device).compute()

    def begin_quality(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_ids: Sequence[str] | None = None,
        *,
        method: str | None = None,
        device: str | None = None,
    ) -> QualityJob:
        """Take out of the scene what `estimate_quality` needs, on the main thread.

        Raises:
            VolumeError, AnnotationError: as `begin`.
        """
        captured = capture(volume_node, segmentation_node, segment_ids)
        return QualityJob(self._sessions, self._given(captured, method, device))

    def write_confidence(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_ids: Sequence[str] | None = None,
        *,
        result: SceneResult | None = None,
        method: str | None = None,
        device: str | None = None,
    ) -> Any:
        """Write how sure the engine is of every voxel into a volume to lay over, made once and reused.

        Args:
            volume_node, segmentation_node: as in `propagate`; the segmentation will refer to the volume.
            segment_ids: which segments; all painted ones by default.
            result: of `propagate`, whose confidence to write; else that of the anchors as they are now, for
                which only what the last propagation has not computed is computed.
            method: what to propagate by; as last time by default, and so is the device.
            device: "auto", "cpu", "cuda" or "mps".

        Returns:
            The vtkMRMLScalarVolumeNode: float32, 0..1.

        Raises:
            VolumeError, AnnotationError, MethodError, WeightsError, DeviceError: as `propagate`.
        """
        if result is not None:
            return write_confidence(result.capture, result.propagation)
        captured = capture(volume_node, segmentation_node, segment_ids)
        given = self._given(captured, method, device)
        with self._sessions.in_use:
            return write_confidence(captured, given.propagation(self._sessions.open(given.session)))

    def drop_session(self) -> None:
        """Give the memory of the kept features back."""
        self._sessions.drop()

    def _given(self, captured: Capture, method: str | None, device: str | None) -> EngineInput:
        return EngineInput.of(captured, self._sessions, self._sessions.choice(method, device))
