"""What the parts of a user interface share: what is chosen, what was seen of it last, and where to say something.

The panel in Slicer and the page in the browser each have one; what a user can do is written for any of them.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import Any, Protocol

from ..engine.errors import Sli2VolError
from ..engine.records import Direction
from .background import Background
from .logic import SceneLogic, SceneResult
from .look import Look, look
from .recommend import SceneRecommendation
from .segments import labelmap_segmentation, painted_ids, segment_ids
from .slice_views import first_slice_shown
from .words import error_in_words

_LOG = logging.getLogger(__name__)


class Choices(Protocol):
    """How the user wants to propagate; the names are those of `PanelState`."""

    @property
    def direction(self) -> Direction:
        """Which way to go."""

    @property
    def only_selected_segment(self) -> bool:
        """Whether one segment is propagated, or all visible ones."""

    @property
    def slice_range(self) -> tuple[int, int] | None:
        """First and last slice that may change; None for all."""

    @property
    def method(self) -> str:
        """A name out of METHODS."""

    @property
    def device(self) -> str:
        """A name out of DEVICES."""

    @property
    def show_confidence(self) -> bool:
        """Whether the confidence is laid over the slices."""


class Desk(ABC):
    """One user's things.

    Args:
        scene: the vtkMRMLScene.
        logic: does the work in the scene.
        background: computes.

    Attributes:
        seen: what there is to show of the scene; None where nothing is painted.
        shown_slice: which slice of the painted axis the slice views show.
        result: of the last propagation.
        recommendations: of the last recommendation, while they hold.
    """

    def __init__(self, scene: Any, logic: SceneLogic, background: Background) -> None:
        self.scene = scene
        self.logic = logic
        self.background = background
        self.seen: Look | None = None
        self.shown_slice: int | None = None
        self.result: SceneResult | None = None
        self.recommendations: tuple[SceneRecommendation, ...] = ()

    @property
    @abstractmethod
    def volume(self) -> Any:
        """The chosen vtkMRMLScalarVolumeNode, or None."""

    @property
    @abstractmethod
    def segmentation(self) -> Any:
        """The chosen vtkMRMLSegmentationNode, or None."""

    @property
    @abstractmethod
    def editor_node(self) -> Any:
        """The vtkMRMLSegmentEditorNode whose masking holds for propagations too."""

    @property
    @abstractmethod
    def choices(self) -> Choices:
        """How to propagate."""

    @abstractmethod
    def selected_segment(self) -> str | None:
        """The ID of the segment that is selected in the editor's list."""

    @abstractmethod
    def save_state_for_undo(self, segmentation: Any) -> None:
        """Begin a step that the editor's undo takes back, if it is this segmentation that is edited there."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Tell the user."""

    def segments(self) -> list[str]:
        """The IDs of the segments that are meant: the selected one, or all visible ones that are painted."""
        node = self.segmentation
        if node is None:
            return []
        if self.choices.only_selected_segment:
            selected = self.selected_segment()
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
        return meant[0] if len(meant) == 1 else self.selected_segment()

    def look(self) -> None:
        """Look at the scene; what is wrong with it is said."""
        try:
            self.seen = look(self.volume, self.segmentation, self.segments(), self.result, self.recommendations)
        except Sli2VolError as error:
            self.seen = None
            self.say_error(error)

    def follow_views(self) -> None:
        """Note which slice the slice views show."""
        self.shown_slice = first_slice_shown(self.scene, self.seen.slices) if self.seen is not None else None

    def say_error(self, error: BaseException) -> None:
        """Tell the user what went wrong; what should never happen goes to the log with all its details."""
        if not isinstance(error, Sli2VolError):
            _LOG.error("Sli2Vol: %s", error, exc_info=error)
        self.say(error_in_words(error))

    def forget(self) -> None:
        """Let go of everything that was seen or computed."""
        self.seen = self.result = self.shown_slice = None
        self.recommendations = ()
