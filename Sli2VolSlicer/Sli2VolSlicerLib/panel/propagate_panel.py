"""The panel: volume, segmentation, Propagate, Cancel, and what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import qt
import slicer

from ..engine.errors import PropagationCancelled, Sli2VolError
from ..engine.records import IsCancelled, Progress, ProgressCallback

SEGMENT_EDITOR_TAG = "SegmentEditor"
"""The tag of the parameter node that Slicer's own Segment Editor module uses."""


class PropagationLogic(Protocol):
    """The part of scene.logic.SceneLogic that the panel asks."""

    def propagate(
        self,
        volume_node: Any,
        segmentation_node: Any,
        segment_ids: Sequence[str] | None = ...,
        *,
        segment_editor_node: Any | None = ...,
        progress: ProgressCallback | None = ...,
        is_cancelled: IsCancelled | None = ...,
    ) -> Any: ...

    def undo(self, segmentation_node: Any) -> bool: ...


class PropagatePanel:
    """Two selectors, three buttons and a line of text.

    Args:
        logic: does the work.
        scene: the vtkMRMLScene whose nodes are offered.
        process_events: lets the application draw and take clicks between two slices.
    """

    def __init__(self, logic: PropagationLogic, scene: Any, process_events: Callable[[], object]) -> None:
        self._logic = logic
        self._scene = scene
        self._process_events = process_events
        self._cancel_asked = False
        self._running = False
        self.widget = qt.QWidget()
        form = qt.QFormLayout(self.widget)
        self.volume_selector = self._selector(
            "vtkMRMLScalarVolumeNode", "The volume on which the structure is painted."
        )
        self.segmentation_selector = self._selector(
            "vtkMRMLSegmentationNode", "The segmentation with the painted slice."
        )
        self.propagate_button = self._button(
            "Propagate", "Carry the painted slices through the volume.", self.propagate
        )
        self.cancel_button = self._button("Cancel", "Stop after the present slice; nothing is changed.", self.cancel)
        self.undo_button = self._button("Undo", "Take the last propagation back.", self.undo)
        self.status = qt.QLabel("Paint a structure on one slice, then press Propagate.")
        self.status.setWordWrap(True)
        form.addRow("Volume:", self.volume_selector)
        form.addRow("Segmentation:", self.segmentation_selector)
        for widget in (self.propagate_button, self.cancel_button, self.undo_button, self.status):
            form.addRow(widget)
        self._set_running(False)

    def propagate(self) -> None:
        """Run; every error that the user can act on is shown in the panel."""
        if self._running:
            return
        self._cancel_asked = False
        self._set_running(True)
        segmentation = self.segmentation_selector.currentNode()
        try:
            result = self._logic.propagate(
                self.volume_selector.currentNode(),
                segmentation,
                segment_editor_node=self._editor_node(segmentation),
                progress=self._show_progress,
                is_cancelled=lambda: self._cancel_asked,
            )
            self.status.setText(_summary(result))
        except PropagationCancelled:
            self.status.setText("Cancelled: nothing was changed.")
        except Sli2VolError as error:
            self.status.setText(str(error))
        finally:
            self._set_running(False)

    def cancel(self) -> None:
        """Stop between two slices."""
        self._cancel_asked = True
        self.status.setText("Cancelling ...")

    def undo(self) -> None:
        """Take the last propagation back."""
        segmentation = self.segmentation_selector.currentNode()
        if self._running or segmentation is None:
            return
        done = self._logic.undo(segmentation)
        self.status.setText("Undone." if done else "There is nothing to undo.")

    def close(self) -> None:
        """Let go of the scene and of a run in progress."""
        self._cancel_asked = True
        self.volume_selector.setMRMLScene(None)
        self.segmentation_selector.setMRMLScene(None)

    def _show_progress(self, progress: Progress) -> None:
        self.status.setText(f"Slice {progress.slice_index}: {progress.done} of at most {progress.total} ...")
        self._process_events()

    def _editor_node(self, segmentation: Any) -> Any | None:
        """The Segment Editor's settings, if it is this segmentation that is being edited there."""
        node = self._scene.GetSingletonNode(SEGMENT_EDITOR_TAG, "vtkMRMLSegmentEditorNode")
        return node if node is not None and node.GetSegmentationNode() is segmentation else None

    def _set_running(self, running: bool) -> None:
        self._running = running
        self.propagate_button.setEnabled(not running)
        self.undo_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)

    def _selector(self, node_class: str, tool_tip: str) -> Any:
        selector = slicer.qMRMLNodeComboBox()
        selector.nodeTypes = [node_class]
        selector.addEnabled = False
        selector.removeEnabled = False
        selector.renameEnabled = False
        selector.noneEnabled = True
        selector.setToolTip(tool_tip)
        selector.setMRMLScene(self._scene)
        return selector

    def _button(self, text: str, tool_tip: str, on_click: Callable[[], None]) -> Any:
        button = qt.QPushButton(text)
        button.setToolTip(tool_tip)
        button.connect("clicked()", on_click)
        return button


def _summary(result: Any) -> str:
    """One or two sentences for the user."""
    added = sum(result.report.added_voxels.values())
    removed = sum(result.report.removed_voxels.values())
    drawn = len(result.capture.anchors)
    lines = [
        f"{result.propagation.slices_propagated} slices from {drawn} drawn ones in {result.seconds['total']:.1f} s: "
        f"{added} voxels added, {removed} removed."
    ]
    lines += [
        f"Segment '{result.capture.segments[p.label - 1].name}', from slice {p.anchor_slice} "
        f"{'up' if p.step > 0 else 'down'} to {p.last_slice}: {p.reason.value}."
        for p in result.propagation.passes
    ]
    return "\n".join([*lines, *result.propagation.notes, *result.notes])
