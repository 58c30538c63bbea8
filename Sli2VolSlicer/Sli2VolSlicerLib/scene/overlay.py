"""The confidence laid over the slice views, and what was there before put back."""

from __future__ import annotations

from typing import Any

from .colours import confidence_table
from .turns import Turns, in_one_go

OPACITY = 0.6

_SHOWN_ROLE = "sli2volOverlay"
_BEFORE_ROLE = "sli2volForegroundBefore"
_OPACITY_BEFORE = "Sli2Vol.OpacityBefore"


def show_overlay(confidence_node: Any) -> int:
    """Lay a confidence volume over all slice views: `laying_over` in one go."""
    return in_one_go(laying_over(confidence_node))


def laying_over(confidence_node: Any) -> Turns[int]:
    """Lay a confidence volume over all slice views as their foreground, one view at a turn.

    Also over views that were added since.

    What each view had in the foreground is noted in the view's own node, so that it outlives this session.

    Args:
        confidence_node: the vtkMRMLScalarVolumeNode of `write_confidence`, in a scene.

    Returns:
        How many slice views there are.
    """
    scene = confidence_node.GetScene()
    _colour(confidence_node)
    nodes = _composite_nodes(scene)
    for number, node in enumerate(nodes):
        if number:
            yield
        before = node.StartModify()
        if not _is_overlaid(node):
            node.SetNodeReferenceID(_BEFORE_ROLE, node.GetForegroundVolumeID())
            node.SetAttribute(_OPACITY_BEFORE, repr(float(node.GetForegroundOpacity())))
            node.SetForegroundOpacity(OPACITY)
        node.SetNodeReferenceID(_SHOWN_ROLE, confidence_node.GetID())
        node.SetForegroundVolumeID(confidence_node.GetID())
        node.EndModify(before)
    return len(nodes)


def hide_overlay(scene: Any) -> None:
    """Put back what the slice views had in the foreground; one that the user has changed since stays."""
    for node in _composite_nodes(scene):
        if node.GetAttribute(_OPACITY_BEFORE) is None:
            continue
        before = node.StartModify()
        if _is_overlaid(node):
            previous = node.GetNodeReference(_BEFORE_ROLE)
            node.SetForegroundVolumeID(previous.GetID() if previous is not None else None)
            node.SetForegroundOpacity(_number(node.GetAttribute(_OPACITY_BEFORE)))
        for role in (_SHOWN_ROLE, _BEFORE_ROLE):
            node.RemoveNodeReferenceIDs(role)
        node.RemoveAttribute(_OPACITY_BEFORE)
        node.EndModify(before)


def is_overlay_shown(scene: Any) -> bool:
    """Whether a slice view shows the confidence."""
    return any(
        _is_overlaid(node) and node.GetNodeReference(_SHOWN_ROLE) is not None for node in _composite_nodes(scene)
    )


def _is_overlaid(node: Any) -> bool:
    """Whether a view's foreground is what was laid over it (or is no more, because that was deleted)."""
    if node.GetAttribute(_OPACITY_BEFORE) is None:
        return False
    foreground = node.GetForegroundVolumeID()
    scene = node.GetScene()
    if not foreground or scene.GetNodeByID(foreground) is None:
        return True
    return bool(foreground == node.GetNodeReferenceID(_SHOWN_ROLE))


def _composite_nodes(scene: Any) -> list[Any]:
    kind = "vtkMRMLSliceCompositeNode"
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]


def _colour(confidence_node: Any) -> None:
    display = confidence_node.GetDisplayNode()
    if display is None:
        confidence_node.CreateDefaultDisplayNodes()
        display = confidence_node.GetDisplayNode()
    if display is not None:
        display.SetAndObserveColorNodeID(confidence_table(confidence_node.GetScene()).GetID())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
