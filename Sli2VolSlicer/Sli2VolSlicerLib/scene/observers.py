"""All observers that a user interface puts on nodes, in one place, so that none is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import slicer


@dataclass(frozen=True, eq=False)
class _Observation:
    subject: Any
    tag: int
    group: str


class Observers:
    """Puts observers on VTK objects and takes them off again, by group or all at once."""

    def __init__(self) -> None:
        self._held: list[_Observation] = []

    def __len__(self) -> int:
        return len(self._held)

    def add(self, subject: Any, event: Any, callback: Callable[[Any, str], None], group: str = "") -> None:
        """Call `callback(caller, event)` at every `event` (a number or a name) of a vtkObject.

        Args:
            subject: the vtkObject.
            event: e.g. vtk.vtkCommand.ModifiedEvent.
            callback: called on the main thread.
            group: a name to remove it by.
        """
        self._held.append(_Observation(subject, int(subject.AddObserver(event, callback)), group))

    def remove(self, group: str) -> None:
        """Take the observers of one group off."""
        for each in self._held:
            if each.group == group:
                each.subject.RemoveObserver(each.tag)
        self._held = [each for each in self._held if each.group != group]

    def remove_all(self) -> None:
        """Take all observers off."""
        for group in {each.group for each in self._held}:
            self.remove(group)


def changes_of(volume: Any, segmentation: Any) -> Iterator[tuple[Any, int]]:
    """Subjects and events after which there is something else to show of a volume and a segmentation.

    Args:
        volume: vtkMRMLScalarVolumeNode, or None.
        segmentation: vtkMRMLSegmentationNode.
    """
    if volume is not None:
        yield volume, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent
        yield volume, slicer.vtkMRMLTransformableNode.TransformModifiedEvent
    kinds = slicer.vtkSegmentation
    for event in (kinds.SourceRepresentationModified, kinds.SegmentModified, kinds.SegmentAdded, kinds.SegmentRemoved):
        yield segmentation.GetSegmentation(), event
    yield segmentation, slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent
    yield segmentation, slicer.vtkMRMLTransformableNode.TransformModifiedEvent
