"""The one session that is kept, so that what depends on the volume alone is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..engine.errors import MethodError
from ..engine.records import Anchor, Direction, IsCancelled, ProgressCallback, Propagation, SliceLimits
from ..engine.slice_stack import SliceStack
from .capture import Capture

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


MakeSession = Callable[[SliceStack, "Method"], Session]


@dataclass(frozen=True)
class _SessionKey:
    volume_id: str
    image_time: int
    geometry: tuple[float, ...]
    shape: tuple[int, ...]
    axis: int
    method: str
    device: str


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
    """Keeps the last session until another volume, geometry, axis, method or device is asked for.

    Args:
        find_weights: method name to weights file.
        make_method: replaces the engine's own choice of method.
        make_session: replaces the engine's session.
    """

    def __init__(
        self, find_weights: FindWeights, make_method: MakeMethod | None = None, make_session: MakeSession | None = None
    ) -> None:
        self._find_weights = find_weights
        self._make_method = make_method or self._engine_method
        self._make_session = make_session or _engine_session
        self._kept: tuple[_SessionKey, OpenSession] | None = None

    def method(self, method: str | None, device: str | None) -> Method:
        """The method by itself, before there is anything to propagate; None stands for those of last time.

        Raises:
            MethodError, WeightsError, DeviceError: there can be none.
        """
        return self._make_method(*self._names(method, device))

    def open(self, captured: Capture, method: str | None, device: str | None) -> OpenSession:
        """The session for a capture; None stands for the method and device of the last one.

        Raises:
            VolumeError, MethodError, WeightsError, DeviceError: there can be none.
        """
        method, device = self._names(method, device)
        key = _session_key(captured, method, device)
        if self._kept is None or self._kept[0] != key:
            self._kept = None
            made = self._make_method(method, device)
            self._kept = (key, OpenSession(made, captured.stack, self._make_session(captured.stack, made)))
        return self._kept[1]

    def drop(self) -> None:
        """Give its memory back."""
        self._kept = None

    def _names(self, method: str | None, device: str | None) -> tuple[str, str]:
        last = self._kept[0] if self._kept is not None else None
        return (
            method or (last.method if last is not None else DEFAULT_METHOD),
            device or (last.device if last is not None else DEFAULT_DEVICE),
        )

    def _engine_method(self, name: str, device: str) -> Method:
        try:
            from ..engine.methods import METHODS_WITH_WEIGHTS, REFINEMENT_OF, create_method
        except ModuleNotFoundError as error:
            msg = f"The Python package '{error.name}' is not installed here: install it before propagating."
            raise MethodError(msg) from error
        weights = self._find_weights(name) if name in METHODS_WITH_WEIGHTS else None
        refinement = self._find_weights(REFINEMENT_OF[name]) if name in REFINEMENT_OF else None
        return create_method(name, weights, device, refinement=refinement)


def default_weights(name: str) -> Path:
    """The weights of a method from the catalogue."""
    from ..weights import find_weights

    return Path(find_weights(name))


def _engine_session(stack: SliceStack, method: Method) -> Session:
    from ..engine.session import PropagationSession

    return PropagationSession(stack, method)


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
