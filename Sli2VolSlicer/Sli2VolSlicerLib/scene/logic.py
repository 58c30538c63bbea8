"""What the panel, the module's logic class and any script call to propagate in a scene."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..engine.errors import MethodError, PropagationCancelled
from ..engine.records import Anchor, Direction, IsCancelled, ProgressCallback, Propagation
from ..engine.slice_stack import SliceStack
from .capture import Capture, capture
from .editable import EditRules
from .editor import SegmentWriter
from .memory import forget, release
from .write_back import Reach, WriteReport, write_back

if TYPE_CHECKING:
    from ..engine.protocol import Method

FindWeights = Callable[[str], Path]
MakeMethod = Callable[[str, str], "Method"]
"""Method name and device to a method that is ready to run."""


class Session(Protocol):
    """As engine.session.PropagationSession."""

    def propagate(
        self,
        anchors: Sequence[Anchor],
        *,
        direction: Direction = ...,
        slice_range: tuple[int, int] | None = ...,
        progress: ProgressCallback | None = ...,
        is_cancelled: IsCancelled | None = ...,
    ) -> Propagation: ...


MakeSession = Callable[[SliceStack, "Method"], Session]


@dataclass(frozen=True, eq=False)
class SceneResult:
    """What one call of `SceneLogic.propagate` did.

    Attributes:
        propagation: the engine's answer; its arrays have the painted axis first.
        capture: what it was asked, with the mapping of labels to segments and the grid.
        report: voxels added and taken away per segment.
        seconds: "capture", "engine", "write" and "total".
    """

    propagation: Propagation
    capture: Capture
    report: WriteReport
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class _SessionKey:
    volume_id: str
    image_time: int
    geometry: tuple[float, ...]
    shape: tuple[int, ...]
    axis: int
    method: str
    device: str


def default_weights(name: str) -> Path:
    """The weights of a method from the catalogue."""
    from ..weights import find_weights

    return Path(find_weights(name))


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
        self._find_weights = find_weights
        self._make_method = make_method or self._engine_method
        self._make_session = make_session or _engine_session
        self._session: tuple[_SessionKey, Session] | None = None
        self._writers: dict[str, SegmentWriter] = {}

    def propagate(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_ids: Sequence[str] | None = None,
        *,
        method: str = "sli2vol",
        axis: int | None = None,
        direction: str | Direction = Direction.BOTH,
        device: str = "auto",
        slice_range: tuple[int, int] | None = None,
        segment_editor_node: Any | None = None,
        progress: ProgressCallback | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> SceneResult:
        """Propagate what was painted and write the result into the segments, as one undo step.

        If anything fails, or the user cancels, the scene is left as it was.

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
        writer = self.writer(segmentation_node)
        at_engine = time.perf_counter()
        propagation = self._session_for(captured, method, device).propagate(
            captured.anchors, direction=way, slice_range=slice_range, progress=progress, is_cancelled=is_cancelled
        )
        if is_cancelled is not None and is_cancelled():
            msg = "Propagation was cancelled: nothing was changed."
            raise PropagationCancelled(msg)
        at_write = time.perf_counter()
        rules = EditRules.from_node(segment_editor_node)
        report = write_back(captured, propagation, writer, rules, Reach(way, slice_range))
        ended = time.perf_counter()
        seconds = {
            "capture": at_engine - began,
            "engine": at_write - at_engine,
            "write": ended - at_write,
            "total": ended - began,
        }
        return SceneResult(propagation, captured, report, seconds)

    def writer(self, segmentation_node: Any) -> SegmentWriter:
        """The writer with this segmentation's undo history."""
        key = str(segmentation_node.GetID())
        known = self._writers.get(key)
        if known is None or known.segmentation_node is not segmentation_node or not known.is_usable():
            known = SegmentWriter(segmentation_node)
            self._writers[key] = known
        return known

    def undo(self, segmentation_node: Any) -> bool:
        """Take the last propagation of a segmentation back; False if there is none."""
        writer = self.writer(segmentation_node)
        if not writer.can_undo():
            return False
        writer.undo()
        return True

    def redo(self, segmentation_node: Any) -> bool:
        """Do again what was taken back; False if there is nothing."""
        writer = self.writer(segmentation_node)
        if not writer.can_redo():
            return False
        writer.redo()
        return True

    def release_anchor(self, volume_node: Any, segmentation_node: Any, segment_id: str, slice_index: int) -> bool:
        """Let the next propagation rewrite a slice that is the user's now.

        Returns:
            False when the segment was never propagated, or the slice is its only anchor.
        """
        captured = capture(volume_node, segmentation_node, [segment_id])
        segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
        return release(segment, captured.grid, slice_index, captured.segments[0].mask)

    def forget_anchors(self, segmentation_node: Any, segment_id: str) -> None:
        """Count every painted slice of a segment as the user's again."""
        segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
        if segment is not None:
            forget(segment)

    def drop_session(self) -> None:
        """Give the memory of the kept features back."""
        self._session = None

    def _session_for(self, captured: Capture, method: str, device: str) -> Session:
        key = _session_key(captured, method, device)
        if self._session is None or self._session[0] != key:
            self._session = None
            made = self._make_session(captured.stack, self._make_method(method, device))
            self._session = (key, made)
        return self._session[1]

    def _engine_method(self, name: str, device: str) -> Method:
        try:
            from ..engine.methods import METHODS_WITH_WEIGHTS, create_method
        except ModuleNotFoundError as error:
            msg = f"The Python package '{error.name}' is not installed here: install it before propagating."
            raise MethodError(msg) from error
        weights = self._find_weights(name) if name in METHODS_WITH_WEIGHTS else None
        return create_method(name, weights, device)


def _engine_session(stack: SliceStack, method: Method) -> Session:
    from ..engine.session import PropagationSession

    return PropagationSession(stack, method)


def _direction(value: str | Direction) -> Direction:
    try:
        return Direction(value)
    except ValueError:
        msg = f"The direction must be one of {', '.join(d.value for d in Direction)}, got '{value}'."
        raise MethodError(msg) from None


def _session_key(captured: Capture, method: str, device: str) -> _SessionKey:
    image = captured.volume_node.GetImageData()
    scalars_time = image.GetPointData().GetScalars().GetMTime()
    return _SessionKey(
        volume_id=f"{captured.volume_node.GetID()}@{id(captured.volume_node.GetScene())}",
        image_time=max(int(image.GetMTime()), int(scalars_time)),
        geometry=tuple(round(float(v), 6) for v in captured.grid.ijk_to_segmentation.ravel()),
        shape=tuple(captured.grid.voxels.shape),
        axis=captured.axis,
        method=method,
        device=device,
    )
