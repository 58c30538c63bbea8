"""The one session that is kept, so that what depends on the volume alone is computed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..engine.errors import MethodError
from ..engine.records import Anchor, Direction, IsCancelled, ProgressCallback, Propagation, SliceLimits
from ..engine.slice_stack import SliceStack
from .capture import Capture
from .grid import volume_to_segmentation

if TYPE_CHECKING:
    from ..engine.protocol import Method

DEFAULT_METHOD = "sli2vol"
DEFAULT_DEVICE = "auto"

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
        limits: Mapping[int, SliceLimits] | None = ...,
        progress: ProgressCallback | None = ...,
        is_cancelled: IsCancelled | None = ...,
    ) -> Propagation: ...

    def rehearse(
        self,
        propagation: Propagation,
        anchors: Sequence[Anchor],
        slice_index: int,
        *,
        label: int | None = ...,
        is_cancelled: IsCancelled | None = ...,
    ) -> None: ...


MakeSession = Callable[[SliceStack, "Method"], Session]


@dataclass(frozen=True)
class EngineChoice:
    """What computes, and where.

    Attributes:
        method: a name out of engine.methods.METHOD_NAMES.
        device: "auto", "cpu", "cuda" or "mps".
        weights_file: takes the place of the catalogue's weights, for methods that have weights.
        memory_bound_mb: what may be kept of features, in megabytes; the engine's own bound by default.
    """

    method: str = DEFAULT_METHOD
    device: str = DEFAULT_DEVICE
    weights_file: Path | None = None
    memory_bound_mb: float | None = None


@dataclass(frozen=True)
class VolumeState:
    """What a session was made of: while this stays the same, so does all that it has computed."""

    volume_id: str
    image_time: int
    geometry: tuple[float, ...]
    shape: tuple[int, ...]
    axis: int


@dataclass(frozen=True, eq=False)
class SessionRequest:
    """All that it takes to open a session on any thread, taken from the scene on the main one.

    Attributes:
        stack_of: makes the slices; asked once.
        volume: what they are made of.
        choice: what computes.
    """

    stack_of: Callable[[], SliceStack]
    volume: VolumeState
    choice: EngineChoice


@dataclass(frozen=True, eq=False)
class OpenSession:
    """A session and what it was made of.

    Attributes:
        method: carries labels.
        stack: the slices; its intensity range is known, while a new capture would work it out again.
        session: propagates.
    """

    method: Method
    stack: SliceStack
    session: Session


class SessionKeeper:
    """Keeps the last session until another volume, geometry, axis or choice of engine is asked for.

    Args:
        find_weights: method name to weights file.
        make_method: replaces the engine's own choice of method.
        make_session: replaces the engine's session.

    Attributes:
        in_use: to be held by whoever computes with the session: it serves one at a time.
    """

    def __init__(
        self, find_weights: FindWeights, make_method: MakeMethod | None = None, make_session: MakeSession | None = None
    ) -> None:
        self.in_use = threading.RLock()
        self._find_weights = find_weights
        self._replaced_method = make_method
        self._make_session = make_session or _engine_session
        self._options = EngineChoice()
        self._kept: tuple[VolumeState, EngineChoice, OpenSession] | None = None

    def set_options(self, weights_file: Path | None, memory_bound_mb: float | None) -> None:
        """What later choices hold beside method and device; a session made with others is left at its next use."""
        self._options = replace(self._options, weights_file=weights_file, memory_bound_mb=memory_bound_mb)

    def choice(self, method: str | None, device: str | None) -> EngineChoice:
        """The engine to take; None stands for the method and device of the last session."""
        kept = self._kept
        last = kept[1] if kept is not None else EngineChoice()
        return replace(self._options, method=method or last.method, device=device or last.device)

    def method(self, choice: EngineChoice) -> Method:
        """The method by itself, before there is anything to propagate.

        Raises:
            MethodError, WeightsError, DeviceError: there can be none.
        """
        if self._replaced_method is not None:
            return self._replaced_method(choice.method, choice.device)
        return self._engine_method(choice)

    def request(self, captured: Capture, choice: EngineChoice) -> SessionRequest:
        """What it takes to open the session for a capture; reads the scene, computes nothing."""
        return SessionRequest(lambda: captured.stack, volume_state(captured), choice)

    def open(self, request: SessionRequest) -> OpenSession:
        """The session for a request, on any thread.

        Raises:
            VolumeError, MethodError, WeightsError, DeviceError: there can be none.
        """
        with self.in_use:
            kept = self._kept
            if kept is not None and kept[:2] == (request.volume, request.choice):
                return kept[2]
            # Give the old one's memory back before the new one takes its own.
            self._kept = kept = None
            made = self.method(request.choice)
            stack = request.stack_of()
            opened = OpenSession(made, stack, self._make_session(stack, made))
            self._kept = (request.volume, request.choice, opened)
            return opened

    def drop(self) -> None:
        """Give its memory back; one that is computing keeps it until it is done."""
        self._kept = None

    def _engine_method(self, choice: EngineChoice) -> Method:
        try:
            from ..engine.methods import ENDS_OF, REFINEMENT_OF, WEIGHTS_OF, create_method
        except ModuleNotFoundError as error:
            msg = f"The Python package '{error.name}' is not installed here: install it before propagating."
            raise MethodError(msg) from error
        name, weights = choice.method, None
        if name in WEIGHTS_OF:
            weights = choice.weights_file or self._find_weights(WEIGHTS_OF[name])
        refinement = self._find_weights(REFINEMENT_OF[name]) if name in REFINEMENT_OF else None
        ends = self._find_weights(ENDS_OF[name]) if name in ENDS_OF else None
        bound = {} if choice.memory_bound_mb is None else {"memory_bound_mb": choice.memory_bound_mb}
        return create_method(name, weights, choice.device, refinement=refinement, ends=ends, **bound)


def default_weights(name: str) -> Path:
    """The weights of a method from the catalogue."""
    from ..weights import find_weights

    return Path(find_weights(name))


def volume_state(captured: Capture) -> VolumeState:
    """What a capture's volume and painted axis are at this moment."""
    between = volume_to_segmentation(captured.volume_node, captured.segmentation_node)
    lattices = np.concatenate([between.ravel(), captured.grid.ijk_to_segmentation.ravel()])
    return VolumeState(
        volume_id=f"{captured.volume_node.GetID()}@{id(captured.volume_node.GetScene())}",
        image_time=image_time(captured.volume_node),
        geometry=tuple(round(float(value), 6) for value in lattices),
        shape=captured.grid.shape,
        axis=captured.axis,
    )


def image_time(volume_node: Any) -> int:
    """When a volume's image was last changed, in VTK's time; it must have one."""
    image = volume_node.GetImageData()
    return max(int(image.GetMTime()), int(image.GetPointData().GetScalars().GetMTime()))


def _engine_session(stack: SliceStack, method: Method) -> Session:
    from ..engine.session import PropagationSession

    return PropagationSession(stack, method)
