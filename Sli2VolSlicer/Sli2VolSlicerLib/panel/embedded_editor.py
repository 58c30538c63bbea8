"""Slicer's Segment Editor inside the panel, with a parameter node of its own."""

from __future__ import annotations

from typing import Any

import slicer

EDITOR_TAG = "Sli2VolSegmentEditor"
"""Not the Segment Editor module's: two widgets on one node would both switch their effects on."""

_UNDO_STATES = 20


class EmbeddedEditor:
    """The editor widget, its node, its keys and its undo history.

    Args:
        scene: the vtkMRMLScene.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self.node: Any = None
        self.widget = slicer.qMRMLSegmentEditorWidget()
        self.widget.maximumNumberOfUndoStates = _UNDO_STATES
        self.widget.segmentationNodeSelectorVisible = False
        self.widget.sourceVolumeNodeSelectorVisible = False
        # The node goes first, so that what setting the scene selects is kept in it.
        self.find_node()
        self.widget.setMRMLScene(scene)

    def find_node(self) -> None:
        """Take the editor's node out of the scene, or put one in; a scene that was loaded has another one."""
        node = self._scene.GetSingletonNode(EDITOR_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.vtkMRMLSegmentEditorNode()
            node.SetSingletonTag(EDITOR_TAG)
            node.SetName("Sli2Vol segment editor")
            node = self._scene.AddNode(node)
        if node is not self.node:
            self.node = node
            self.widget.setMRMLSegmentEditorNode(node)

    def show(self, volume: Any, segmentation: Any) -> None:
        """Edit this segmentation on this volume; either may be None."""
        if self.widget.segmentationNode() is not segmentation:
            self.widget.setSegmentationNode(segmentation)
        if self.widget.sourceVolumeNode() is not volume:
            self.widget.setSourceVolumeNode(volume)

    def enter(self) -> None:
        """Take the keys and the views."""
        self.find_node()
        self.widget.setupViewObservations()
        self.widget.installKeyboardShortcuts()
        self.widget.updateWidgetFromMRML()

    def exit(self) -> None:
        """Give the keys and the views back, and put the effect away."""
        self.widget.setActiveEffectByName("")
        self.widget.uninstallKeyboardShortcuts()
        self.widget.removeViewObservations()

    def set_keys(self, installed: bool) -> None:
        """Take the keys, or give them back."""
        if installed:
            self.widget.installKeyboardShortcuts()
        else:
            self.widget.uninstallKeyboardShortcuts()

    def leave_scene(self) -> None:
        """Let go of everything in a scene that is about to be closed."""
        self.widget.setActiveEffectByName("")
        self.widget.setSegmentationNode(None)
        self.widget.removeViewObservations()
        self.node = None

    def close(self) -> None:
        """Let go of the scene for good."""
        self.exit()
        self.widget.setMRMLSegmentEditorNode(None)
        self.widget.setMRMLScene(None)

    def selected_segment(self) -> str | None:
        """The ID of the segment that is selected in the editor's list."""
        return str(self.widget.currentSegmentID()) or None

    def save_state_for_undo(self) -> None:
        """Begin a step that the editor's undo takes back."""
        self.widget.saveStateForUndo()
