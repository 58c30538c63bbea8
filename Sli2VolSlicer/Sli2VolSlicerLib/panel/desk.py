"""The panel's desk: its widgets say what is chosen."""

from __future__ import annotations

from typing import Any

from ..engine.records import Progress
from ..scene import desk as scene_desk
from ..scene.background import Background
from ..scene.logic import SceneLogic
from ..scene.translation import tr as _
from .embedded_editor import EmbeddedEditor
from .options import Options


class Desk(scene_desk.Desk):
    """One panel's things.

    Args:
        scene: the vtkMRMLScene.
        ui: the panel's widgets by name.
        logic: does the work in the scene.
        editor: the embedded Segment Editor.
        options: how to propagate.
        background: computes.
    """

    def __init__(
        self,
        scene: Any,
        ui: Any,
        logic: SceneLogic,
        editor: EmbeddedEditor,
        options: Options,
        background: Background,
    ) -> None:
        super().__init__(scene, logic, background)
        self.ui = ui
        self.editor = editor
        self.options = options

    @property
    def volume(self) -> Any:
        """The chosen vtkMRMLScalarVolumeNode, or None."""
        return self.ui.volumeSelector.currentNode()

    @property
    def segmentation(self) -> Any:
        """The chosen vtkMRMLSegmentationNode, or None."""
        return self.ui.segmentationSelector.currentNode()

    @property
    def editor_node(self) -> Any:
        """The embedded editor's parameter node."""
        return self.editor.node

    @property
    def choices(self) -> Options:
        """How to propagate."""
        return self.options

    def selected_segment(self) -> str | None:
        """The ID of the segment that is selected in the editor's list."""
        return self.editor.selected_segment()

    def save_state_for_undo(self, segmentation: Any) -> None:
        """Begin a step that the editor's undo takes back, if it is this segmentation that is edited there."""
        if self.editor.widget.segmentationNode() is segmentation:
            self.editor.save_state_for_undo()

    def say(self, text: str) -> None:
        """Tell the user."""
        show_text(self.ui.statusLabel, text)


class BigButton:
    """Propagate, which is Cancel while it runs, and its progress bar.

    Args:
        ui: the panel's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        bar = ui.progressBar
        policy = bar.sizePolicy
        # What lies below must not move under the mouse when a propagation begins or ends.
        policy.setRetainSizeWhenHidden(True)
        bar.sizePolicy = policy
        bar.visible = False

    def show_progress(self, progress: Progress, words: str) -> None:
        """A slice more is done."""
        bar = self._ui.progressBar
        bar.maximum = progress.total
        bar.value = progress.done
        bar.format = words

    def show_running(self, running: bool) -> None:
        """A propagation has begun or ended."""
        ui = self._ui
        ui.propagateButton.text = _("Cancel") if running else _("Propagate")
        ui.progressBar.visible = running
        ui.progressBar.maximum = 0
        ui.progressBar.value = 0
        ui.progressBar.format = ""


def show_text(label: Any, text: str) -> None:
    """Set a label; an empty one takes no place."""
    label.text = text
    label.visible = bool(text)
