"""The page's desk: the page says how to propagate, the segment editor of trame-slicer what is edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..engine.records import Direction
from ..scene import desk as scene_desk
from ..scene.background import Background
from ..scene.logic import SceneLogic
from .page_state import PageState
from .undo import SegmentsStep


@dataclass(frozen=True)
class PageChoices:
    """How to propagate, as the page says it.

    Args:
        page: its values.
    """

    page: PageState

    @property
    def direction(self) -> Direction:
        """Which way to go."""
        return Direction(self.page["direction"])

    @property
    def only_selected_segment(self) -> bool:
        """Whether one segment is propagated, or all visible ones."""
        return bool(self.page["only_selected"])

    @property
    def slice_range(self) -> tuple[int, int] | None:
        """First and last slice that may change; None for all."""
        if not self.page["is_ranged"]:
            return None
        return int(self.page["range_first"] or 0), int(self.page["range_last"] or 0)

    @property
    def method(self) -> str:
        """A name out of METHODS."""
        return str(self.page["method"])

    @property
    def device(self) -> str:
        """A name out of DEVICES."""
        return str(self.page["device"])

    @property
    def show_confidence(self) -> bool:
        """Whether the confidence is laid over the slices."""
        return bool(self.page["show_confidence"])


class PageDesk(scene_desk.Desk):
    """One page's things.

    Args:
        app: the trame-slicer application.
        page: its values.
        logic: does the work in the scene.
        background: computes.
    """

    def __init__(self, app: Any, page: PageState, logic: SceneLogic, background: Background) -> None:
        super().__init__(app.scene, logic, background)
        self._editor = app.segmentation_editor
        self._page = page
        self._choices = PageChoices(page)

    @property
    def volume(self) -> Any:
        """The open vtkMRMLScalarVolumeNode, or None."""
        return self._editor.active_volume_node

    @property
    def segmentation(self) -> Any:
        """The vtkMRMLSegmentationNode that is edited, or None."""
        return self._editor.active_segmentation_node

    @property
    def editor_node(self) -> Any:
        """The vtkMRMLSegmentEditorNode of the tools."""
        return self._editor.editor_node

    @property
    def choices(self) -> PageChoices:
        """How to propagate."""
        return self._choices

    def selected_segment(self) -> str | None:
        """The ID of the segment that is selected in the list."""
        return str(self._editor.active_segment_id) or None

    def save_state_for_undo(self, segmentation: Any) -> None:
        """Begin a step that undo takes back."""
        if segmentation is not None and segmentation is self.segmentation and self._editor.undo_stack is not None:
            self._editor.undo_stack.push(SegmentsStep(segmentation))

    def say(self, text: str) -> None:
        """Tell the user."""
        self._page.show(status=text)

    def say_error(self, error: BaseException) -> None:
        """Tell the user what went wrong, where it cannot be overlooked."""
        super().say_error(error)
        self._page.error(str(self._page["status"]))
        self._page.show(status="")
