"""What the parts of the panel share: what is chosen, what was seen of it last, and where to say something."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from ..engine.errors import Sli2VolError
from ..scene.logic import SceneLogic, SceneResult
from ..scene.look import Look
from ..scene.recommend import SceneRecommendation
from ..scene.segments import labelmap_segmentation, painted_ids, segment_ids
from .background import Background
from .embedded_editor import EmbeddedEditor
from .options import Options
from .words import error_in_words

_LOG = logging.getLogger(__name__)


@dataclass(eq=False)
class Desk:
    """One panel's things.

    Attributes:
        scene: the vtkMRMLScene.
        ui: the panel's widgets by name.
        logic: does the work in the scene.
        editor: the embedded Segment Editor.
        options: how to propagate.
        background: computes.
        seen: what there is to show of the scene; None where nothing is painted.
        shown_slice: which slice of the painted axis the slice views show.
        result: of the last propagation.
        recommendations: of the last recommendation, while they hold.
    """

    scene: Any
    ui: Any
    logic: SceneLogic
    editor: EmbeddedEditor
    options: Options
    background: Background
    seen: Look | None = None
    shown_slice: int | None = None
    result: SceneResult | None = None
    recommendations: tuple[SceneRecommendation, ...] = ()

    @property
    def volume(self) -> Any:
        """The chosen vtkMRMLScalarVolumeNode, or None."""
        return self.ui.volumeSelector.currentNode()

    @property
    def segmentation(self) -> Any:
        """The chosen vtkMRMLSegmentationNode, or None."""
        return self.ui.segmentationSelector.currentNode()

    def segments(self) -> list[str]:
        """The IDs of the segments that are meant: the selected one, or all visible ones that are painted."""
        node = self.segmentation
        if node is None:
            return []
        if self.options.only_selected_segment:
            selected = self.editor.selected_segment()
            return [] if selected is None else [selected]
        display = node.GetDisplayNode()
        every = segment_ids(node.GetSegmentation())
        visible = [each for each in every if display is None or display.GetSegmentVisibility(each)]
        if not visible or self.volume is None or self.volume.GetImageData() is None:
            return visible
        return list(painted_ids(labelmap_segmentation(node, self.volume), visible))

    def one_segment(self) -> str | None:
        """The segment that a decision about one is meant for: the only one, or the selected one."""
        meant = self.segments()
        return meant[0] if len(meant) == 1 else self.editor.selected_segment()

    def save_state_for_undo(self, segmentation: Any) -> None:
        """Begin a step that the editor's undo takes back, if it is this segmentation that is edited there."""
        if self.editor.widget.segmentationNode() is segmentation:
            self.editor.save_state_for_undo()

    def say(self, text: str) -> None:
        """Tell the user."""
        show_text(self.ui.statusLabel, text)

    def say_error(self, error: BaseException) -> None:
        """Tell the user what went wrong; what should never happen goes to the log with all its details."""
        if not isinstance(error, Sli2VolError):
            _LOG.error("Sli2Vol: %s", error, exc_info=error)
        self.say(error_in_words(error))

    def forget(self) -> None:
        """Let go of everything that was seen or computed."""
        self.seen = self.result = self.shown_slice = None
        self.recommendations = ()


def show_text(label: Any, text: str) -> None:
    """Set a label; an empty one takes no place."""
    label.text = text
    label.visible = bool(text)
