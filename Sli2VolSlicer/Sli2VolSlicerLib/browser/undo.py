"""One undo history for what is painted and for what is propagated, accepted, released and limited."""

from __future__ import annotations

from typing import Any

import slicer
from undo_stack import UndoCommand, UndoStack

MOST_STEPS = 12
"""A step of the brush holds the segments before and after it."""


class SegmentsStep(UndoCommand):
    """Takes back whatever happens to the segments from now on, until the next step.

    The state after it is copied only if it is taken back: until then it is the segments themselves.

    Args:
        segmentation_node: the vtkMRMLSegmentationNode, as it is before the step.
    """

    def __init__(self, segmentation_node: Any) -> None:
        super().__init__()
        self._node = segmentation_node
        self._other = _copy(segmentation_node.GetSegmentation())

    def undo(self) -> None:
        """Put the segments back as they were."""
        self._swap()

    def redo(self) -> None:
        """Put them as they were when the step was taken back."""
        self._swap()

    def _swap(self) -> None:
        segmentation = self._node.GetSegmentation()
        now = _copy(segmentation)
        segmentation.DeepCopy(self._other)
        self._other = now
        segmentation.Modified()
        self._node.Modified()


def make_history() -> UndoStack:
    """An empty history."""
    return UndoStack(undo_limit=MOST_STEPS)


def _copy(segmentation: Any) -> Any:
    copy = slicer.vtkSegmentation()
    copy.DeepCopy(segmentation)
    return copy
