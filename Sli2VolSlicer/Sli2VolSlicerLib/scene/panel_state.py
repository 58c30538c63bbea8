"""What the user has chosen in the panel, kept in the scene: it is saved, loaded and closed with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import slicer

from ..engine.records import Direction
from .sessions import DEFAULT_DEVICE, DEFAULT_METHOD

METHODS = (
    "sli2vol",
    "sli2vol-paper",
    "mask-prior",
    "copy",
    "optical-flow",
    "interpolation",
    "overfit",
    "auto",
    "sli2vol-plus",
)
"""As engine.methods.METHOD_NAMES, which cannot be asked before torch is there."""

DEVICES = ("auto", "cpu", "cuda", "mps")
"""As engine.devices.DEVICE_NAMES."""

DEFAULT_MEMORY_BOUND_MB = 512.0
MEMORY_BOUNDS_MB = (64.0, 65536.0)
"""The least and the most that may be chosen."""

MODULE_NAME = "Sli2VolSlicer"

VOLUME_ROLE = "Sli2Vol.Volume"
SEGMENTATION_ROLE = "Sli2Vol.Segmentation"

_T = TypeVar("_T")


@dataclass(frozen=True)
class PanelState:
    """The panel's choices.

    Attributes:
        volume_id: of the vtkMRMLScalarVolumeNode; None if there is none.
        segmentation_id: of the vtkMRMLSegmentationNode; None if there is none.
        direction: which way passes run.
        only_selected_segment: propagate the selected segment alone, and not all visible ones.
        range_first: the first slice that may change; None for no limit on that side.
        range_last: the last one.
        method: one of METHODS.
        device: one of DEVICES.
        weights_file: in place of the catalogue's weights.
        memory_bound_mb: what may be kept of features, in megabytes.
        show_confidence: lay the confidence over the slice views.
    """

    volume_id: str | None = None
    segmentation_id: str | None = None
    direction: Direction = Direction.BOTH
    only_selected_segment: bool = False
    range_first: int | None = None
    range_last: int | None = None
    method: str = DEFAULT_METHOD
    device: str = DEFAULT_DEVICE
    weights_file: Path | None = None
    memory_bound_mb: float = DEFAULT_MEMORY_BOUND_MB
    show_confidence: bool = False

    @property
    def slice_range(self) -> tuple[int, int] | None:
        """As `SceneLogic.begin` takes it; None when neither side is limited."""
        if self.range_first is None and self.range_last is None:
            return None
        first = 0 if self.range_first is None else self.range_first
        return first, _NO_LAST_SLICE if self.range_last is None else self.range_last


_NO_LAST_SLICE = 2**31 - 1


def parameter_node(scene: Any) -> Any:
    """The module's vtkMRMLScriptedModuleNode, that of ScriptedLoadableModuleLogic.getParameterNode; made if needed."""
    node = scene.GetSingletonNode(MODULE_NAME, "vtkMRMLScriptedModuleNode")
    if node is None:
        node = slicer.vtkMRMLScriptedModuleNode()
        node.SetSingletonTag(MODULE_NAME)
        node.SetName(MODULE_NAME)
        node = scene.AddNode(node)
    # Closing a scene takes the attributes of the nodes that stay.
    if node.GetAttribute("ModuleName") != MODULE_NAME:
        node.SetAttribute("ModuleName", MODULE_NAME)
    return node


def read_state(node: Any) -> PanelState:
    """The state in a parameter node; what is missing, unknown or damaged is as by default."""
    default = PanelState()
    first, last = (_read(node, f"Range{side}", _slice_index, None) for side in ("First", "Last"))
    if first is not None and last is not None and first > last:
        first = last = None
    return PanelState(
        volume_id=_referred(node, VOLUME_ROLE, "vtkMRMLScalarVolumeNode"),
        segmentation_id=_referred(node, SEGMENTATION_ROLE, "vtkMRMLSegmentationNode"),
        direction=_read(node, "Direction", Direction, default.direction),
        only_selected_segment=_read(node, "OnlySelectedSegment", _flag, default.only_selected_segment),
        range_first=first,
        range_last=last,
        method=_read(node, "Method", lambda text: _one_of(METHODS, text), default.method),
        device=_read(node, "Device", lambda text: _one_of(DEVICES, text), default.device),
        weights_file=_read(node, "WeightsFile", Path, default.weights_file),
        memory_bound_mb=_read(node, "MemoryBoundMB", _memory_bound, default.memory_bound_mb),
        show_confidence=_read(node, "ShowConfidence", _flag, default.show_confidence),
    )


def write_state(node: Any, state: PanelState) -> None:
    """Put a state into a parameter node: one event if anything changes, none otherwise."""
    texts = {
        "Direction": state.direction.value,
        "OnlySelectedSegment": str(state.only_selected_segment).lower(),
        "RangeFirst": _text(state.range_first),
        "RangeLast": _text(state.range_last),
        "Method": state.method,
        "Device": state.device,
        "WeightsFile": _text(state.weights_file),
        "MemoryBoundMB": f"{state.memory_bound_mb:g}",
        "ShowConfidence": str(state.show_confidence).lower(),
    }
    references = {VOLUME_ROLE: state.volume_id, SEGMENTATION_ROLE: state.segmentation_id}
    before = node.StartModify()
    for name, text in texts.items():
        if node.GetParameter(name) != text:
            node.SetParameter(name, text)
    for role, node_id in references.items():
        if node.GetNodeReferenceID(role) != node_id:
            node.SetNodeReferenceID(role, node_id)
    node.EndModify(before)


def _referred(node: Any, role: str, kind: str) -> str | None:
    """The ID of the node in a role; None when it is gone or another kind of node."""
    found = node.GetNodeReference(role)
    return str(found.GetID()) if found is not None and found.IsA(kind) else None


def _read(node: Any, name: str, parse: Callable[[str], _T], default: _T) -> _T:
    text = str(node.GetParameter(name) or "")
    if not text:
        return default
    try:
        return parse(text)
    except ValueError:
        return default


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[_one_of(("true", "false"), text)]


def _one_of(known: tuple[str, ...], text: str) -> str:
    if text not in known:
        msg = f"'{text}' is none of {', '.join(known)}."
        raise ValueError(msg)
    return text


def _slice_index(text: str) -> int:
    index = int(text)
    if index < 0:
        msg = f"There is no slice {index}."
        raise ValueError(msg)
    return index


def _memory_bound(text: str) -> float:
    bound = float(text)
    if not math.isfinite(bound) or not MEMORY_BOUNDS_MB[0] <= bound <= MEMORY_BOUNDS_MB[1]:
        msg = f"{bound} MB is out of bounds."
        raise ValueError(msg)
    return bound


def _text(value: object) -> str:
    return "" if value is None else str(value)
