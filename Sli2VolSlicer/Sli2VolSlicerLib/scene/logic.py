"""What the panel, the module's logic class and any script call to propagate in a scene."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engine.errors import MethodError, PropagationCancelled
from ..engine.records import Direction, IsCancelled, ProgressCallback, Propagation, SliceLimits
from . import anchors as anchor_changes
from .anchors import (
    LimitReport,
    SceneAnchor,
    check_propagatable,
    engine_anchors,
    engine_limits,
    list_anchors,
    overlap_notes,
)
from .capture import Capture, capture, captures
from .confidence import write_confidence
from .editable import EditRules
from .editor import SegmentWriter
from .history import UndoLog
from .memory import forget, forget_limits
from .recommend import SceneRecommendation, anything_painted, blank_request, for_scene, request_for
from .segments import read_segment, require_segmentation
from .sessions import (
    DEFAULT_DEVICE,
    DEFAULT_METHOD,
    FindWeights,
    MakeMethod,
    MakeSession,
    SessionKeeper,
    default_weights,
)
from .write_back import Reach, WriteReport, write_back

if TYPE_CHECKING:
    from ..engine.recommendation import QualityEstimate


@dataclass(frozen=True, eq=False)
class SceneResult:
    """What one call of `SceneLogic.propagate` did.

    Attributes:
        propagation: the engine's answer; its arrays have the painted axis first.
        capture: what it was asked, with the mapping of labels to segments and the grid.
        report: voxels added and taken away per segment.
        seconds: "capture", "engine", "write" and "total".
        notes: what the user should be told about the drawing.
    """

    propagation: Propagation
    capture: Capture
    report: WriteReport
    seconds: Mapping[str, float]
    notes: tuple[str, ...] = ()


class SceneLogic:
    """Propagates painted slices of segments in a MRML scene.

    It keeps the last session, so that a slice's features are computed once per volume, and an
    undo history per segmentation.

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
        self._sessions = SessionKeeper(find_weights, make_method, make_session)
        self._logs: dict[str, UndoLog] = {}

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
        is left as it was.

        Args:
            volume_node: vtkMRMLScalarVolumeNode.
            segmentation_node: vtkMRMLSegmentationNode.
            segment_ids: which segments; all painted ones by default.
            method: a name out of engine.methods.METHOD_NAMES.
            axis: the painted axis of the volume's array (0: k, 1: j, 2: i); found by default.
            direction: "both", "up" or "down" (towards higher or lower slice indices).
            device: "auto", "cpu", "cuda" or "mps".
            slice_range: first and last slice that may change, both included.
            segment_editor_node: whose masking, editable area and overwrite settings are respected.
            progress: called after every slice.
            is_cancelled: asked between slices.

        Raises:
            VolumeError, AnnotationError, MethodError, WeightsError, DeviceError, OutputError: see `capture`,
                the engine and `write_back`.
            PropagationCancelled: `is_cancelled` said so.
        """
        began = time.perf_counter()
        way = _direction(direction)
        captured = capture(volume_node, segmentation_node, segment_ids, axis=axis)
        check_propagatable(captured)
        log = self._log(segmentation_node)
        at_engine = time.perf_counter()
        propagation = self._sessions.open(captured, method, device).session.propagate(
            engine_anchors(captured),
            direction=way,
            slice_range=slice_range,
            limits=engine_limits(captured),
            progress=progress,
            is_cancelled=is_cancelled,
        )
        if is_cancelled is not None and is_cancelled():
            msg = "Propagation was cancelled: nothing was changed."
            raise PropagationCancelled(msg)
        at_write = time.perf_counter()
        rules = EditRules.from_node(segment_editor_node)
        report = write_back(captured, propagation, log.writer, rules, Reach(way, slice_range))
        if report.changed:
            log.add(report.steps, report.layers)
        ended = time.perf_counter()
        seconds = {
            "capture": at_engine - began,
            "engine": at_write - at_engine,
            "write": ended - at_write,
            "total": ended - began,
        }
        notes = () if rules.may_overlap else overlap_notes(captured)
        return SceneResult(propagation, captured, report, seconds, notes)

    def writer(self, segmentation_node: Any) -> SegmentWriter:
        """The writer of this segmentation."""
        return self._log(segmentation_node).writer

    def undo(self, segmentation_node: Any) -> bool:
        """Take back the last thing that was done here to a segmentation; False if there is nothing.

        What the user has drawn since stays, and so do segments that were added or renamed since.

        Raises:
            OutputError: the segments were removed or put on another voxel grid since; nothing was changed.
        """
        return self._log(segmentation_node).undo()

    def redo(self, segmentation_node: Any) -> bool:
        """Do again what was taken back last; False if there is nothing. What was drawn since stays.

        Raises:
            OutputError: as `undo`.
        """
        return self._log(segmentation_node).redo()

    def anchors(
        self, volume_node: Any, segmentation_node: Any, segment_ids: Sequence[str] | None = None
    ) -> tuple[SceneAnchor, ...]:
        """The user's slices of every segment; none where nothing is painted.

        Raises:
            VolumeError, AnnotationError: as `capture`.
        """
        if not anything_painted(volume_node, segmentation_node, segment_ids):
            return ()
        looked_at = captures(volume_node, segmentation_node, segment_ids)
        return tuple(anchor for each in looked_at for anchor in list_anchors(each))

    def accept(self, volume_node: Any, segmentation_node: Any, segment_id: str, slice_index: int) -> bool:
        """Make a slice of a segment an anchor as it is; an empty one says "the structure is not here".

        Returns:
            False when the slice is an anchor already.

        Raises:
            VolumeError, AnnotationError: as `capture`; no such slice, or one beyond the segment's limits.
        """
        captured = capture(volume_node, segmentation_node, [segment_id])
        return anchor_changes.accept(captured, self._log(segmentation_node), slice_index)

    def release(self, volume_node: Any, segmentation_node: Any, segment_id: str, slice_index: int) -> bool:
        """Let the next propagation rewrite a slice that is the user's now.

        Returns:
            False when the slice is no anchor.

        Raises:
            VolumeError, AnnotationError: as `capture`; the slice is the only drawn one.
        """
        captured = capture(volume_node, segmentation_node, [segment_id])
        return anchor_changes.release(captured, self._log(segmentation_node), slice_index)

    def limit_range(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_id: str,
        first: float | None = None,
        last: float | None = None,
        *,
        unit: str = "slices",
    ) -> LimitReport:
        """Reject slices of a segment and everything beyond them, now and in later propagations, as one undo step.

        Args:
            volume_node: vtkMRMLScalarVolumeNode.
            segmentation_node: vtkMRMLSegmentationNode.
            segment_id: the segment.
            first: the lowest slice that it may be on; None leaves that side as it is.
            last: the highest one.
            unit: "slices", or "mm" beyond the outermost drawn anchor on that side.

        Raises:
            VolumeError, AnnotationError, OutputError: as `capture` and `anchors.limit_range`; nothing was changed.
        """
        captured = capture(volume_node, segmentation_node, [segment_id])
        return anchor_changes.limit_range(captured, self._log(segmentation_node), first, last, unit)

    def limits(
        self, volume_node: Any, segmentation_node: Any, segment_ids: Sequence[str] | None = None
    ) -> Mapping[str, SliceLimits]:
        """Segment ID -> the slices that it may be on; segments without limits are left out."""
        if not anything_painted(volume_node, segmentation_node, segment_ids):
            return {}
        looked_at = captures(volume_node, segmentation_node, segment_ids)
        return {segment.segment_id: segment.limits for each in looked_at for segment in each.segments if segment.limits}

    def clear_limits(self, segmentation_node: Any, segment_id: str) -> None:
        """Let a segment be on all slices again (an undo step), wherever its limits were set."""
        self._change_memory(segmentation_node, segment_id, forget_limits)

    def forget_anchors(self, segmentation_node: Any, segment_id: str) -> None:
        """Count every painted slice of a segment as the user's again (an undo step); limits stay."""
        self._change_memory(segmentation_node, segment_id, forget)

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

        Once something is painted, what the last propagation has not computed yet is computed first.

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
            progress: called after every slice that is computed.
            is_cancelled: asked between slices.

        Raises:
            VolumeError, AnnotationError, MethodError, WeightsError, DeviceError: as `propagate`.
            RecommendationError: no such policy, one that needs something painted, or no slice left.
        """
        from ..engine.recommendation import recommend

        if not anything_painted(volume_node, segmentation_node, segment_ids):
            made = self._sessions.method(method, device) if policy == "perceptual" else None
            blank = blank_request(volume_node, axis, made, all_axes=all_axes, seed=seed)
            return for_scene(recommend(blank, policy, count=count), None)
        captured = capture(volume_node, segmentation_node, segment_ids)
        propagation = self._propagation_of(captured, method, device, progress, is_cancelled)
        opened = self._sessions.open(captured, method, device)
        request = request_for(captured, propagation, opened, all_axes=all_axes, seed=seed)
        return for_scene(recommend(request, policy, count=count), captured)

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

        Nothing is changed; the next propagation gives the same, sooner. Other arguments as `recommend`.

        Raises:
            VolumeError, AnnotationError, MethodError, WeightsError, DeviceError: as `propagate`; no such slice.
            PropagationCancelled: `is_cancelled` said so; what is ready by then serves.
        """
        captured = capture(volume_node, segmentation_node, segment_ids)
        propagation = self._propagation_of(captured, method, device, is_cancelled=is_cancelled)
        session = self._sessions.open(captured, method, device).session
        session.rehearse(propagation, engine_anchors(captured), slice_index, is_cancelled=is_cancelled)

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
        from ..engine.recommendation import estimate_quality

        captured = capture(volume_node, segmentation_node, segment_ids)
        propagation = self._propagation_of(captured, method, device)
        heard, stack = engine_anchors(captured), self._sessions.open(captured, method, device).stack
        return {
            segment.segment_id: estimate_quality(propagation, segment.label, heard, stack.spacing_mm)
            for segment in captured.segments
        }

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
        return write_confidence(captured, self._propagation_of(captured, method, device))

    def drop_session(self) -> None:
        """Give the memory of the kept features back."""
        self._sessions.drop()

    def _log(self, segmentation_node: Any) -> UndoLog:
        key = str(segmentation_node.GetID())
        known = self._logs.get(key)
        if known is None or known.writer.segmentation_node is not segmentation_node or not known.writer.is_usable():
            known = UndoLog(SegmentWriter(segmentation_node))
            self._logs[key] = known
        return known

    def _change_memory(self, segmentation_node: Any, segment_id: str, change: Callable[[Any], None]) -> None:
        read_segment(require_segmentation(segmentation_node), segment_id)
        self._log(segmentation_node).change_memory(segment_id, change)

    def _propagation_of(
        self,
        captured: Capture,
        method: str | None,
        device: str | None,
        progress: ProgressCallback | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> Propagation:
        """What the anchors give as they are now; nothing is written."""
        check_propagatable(captured)
        return self._sessions.open(captured, method, device).session.propagate(
            engine_anchors(captured), limits=engine_limits(captured), progress=progress, is_cancelled=is_cancelled
        )


def _direction(value: str | Direction) -> Direction:
    try:
        return Direction(value)
    except ValueError:
        msg = f"The direction must be one of {', '.join(d.value for d in Direction)}, got '{value}'."
        raise MethodError(msg) from None
