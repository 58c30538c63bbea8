"""Slicer's own segment editor logic, set to write exactly what it is told, with undo and redo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import slicer
import vtk

from ..engine.errors import OutputError
from .geometry import Box, Extent, LatticeMap, bounding_box, image_to_array
from .segments import read_segment

_SINGLETON_TAG = "Sli2VolSlicer"


class SegmentWriter:
    """Writes into segments through vtkSlicerSegmentEditorLogic, one undo step at a time.

    It has a parameter node of its own, with masking off and overlaps allowed: what may be edited
    is decided by `editable.py` from the user's settings, and neighbours are never overwritten.

    Args:
        segmentation_node: the node to write into; it must be in a scene.
        history: the vtkSegmentationHistory to save states in; one of its own by default. What is undone
            and redone at the user's wish is in `history.UndoLog`.
    """

    def __init__(self, segmentation_node: Any, history: Any | None = None) -> None:
        scene = segmentation_node.GetScene()
        if scene is None:
            msg = f"Segmentation '{segmentation_node.GetName()}' is in no scene: add it to one before propagating."
            raise OutputError(msg)
        self.segmentation_node = segmentation_node
        self._parameters = _parameter_node(scene)
        self._parameters.SetAndObserveSegmentationNode(segmentation_node)
        self._history = history or _short_history()
        self._history.SetSegmentation(segmentation_node.GetSegmentation())
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._logic.SetMRMLScene(scene)
        self._logic.SetSegmentationHistory(self._history)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Whatever is changed within is taken back if it fails half way.

        Raises:
            OutputError: the state could not be saved; nothing was changed.
        """
        self.save_state()
        finished = False
        try:
            yield
            finished = True
        finally:
            if not finished:
                self.undo()

    def change(
        self, segment_id: str, to_labelmap: LatticeMap, box: Box, added: np.ndarray, removed: np.ndarray
    ) -> None:
        """Take voxels of a segment away, then add others, each in the smallest extent that holds them.

        Args:
            segment_id: the segment.
            to_labelmap: the grid's voxels to those of the segment's labelmap.
            box: the block of the grid that is spoken of.
            added: bool, (k, j, i) over `box`.
            removed: likewise.
        """
        segmentation = self.segmentation_node.GetSegmentation()
        for values, write in ((removed, self.remove), (added, self.add)):
            inner = bounding_box(values)
            if inner is None:
                continue
            start = [a + b for a, b in zip(box.start, inner.start, strict=True)]
            tight = Box((start[0], start[1], start[2]), inner.shape)
            on_labelmap, extent = to_labelmap.to_labelmap(values[inner.slices], tight)
            labelmap = read_segment(segmentation, segment_id)
            assert labelmap is not None
            write(segment_id, modifier_image(labelmap.image, on_labelmap, extent))

    def is_usable(self) -> bool:
        """Whether its nodes are still in the scene (a scene can be closed)."""
        scene = self.segmentation_node.GetScene()
        return scene is not None and bool(scene.IsNodePresent(self._parameters))

    def save_state(self) -> None:
        """Begin an undo step.

        Raises:
            OutputError: the state could not be saved, so that the edit could not be undone.
        """
        self._select()
        if not self._logic.SaveStateForUndo():
            msg = (
                f"The state of segmentation '{self.segmentation_node.GetName()}' could not be saved for undo: "
                "nothing was written."
            )
            raise OutputError(msg)

    def add(self, segment_id: str, image: Any) -> None:
        """Add the non-zero voxels of a vtkOrientedImageData on the segment's lattice."""
        self._modify(segment_id, image, self._logic.ModificationModeAdd)

    def remove(self, segment_id: str, image: Any) -> None:
        """Take the non-zero voxels of a vtkOrientedImageData away."""
        self._modify(segment_id, image, self._logic.ModificationModeRemove)

    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._history.IsRestorePreviousStateAvailable())

    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return bool(self._history.IsRestoreNextStateAvailable())

    def undo(self) -> None:
        """Take the last step back."""
        self._select()
        self._logic.Undo()

    def redo(self) -> None:
        """Do the step again that was taken back last."""
        self._select()
        self._logic.Redo()

    def _modify(self, segment_id: str, image: Any, mode: int) -> None:
        self._select()
        self._logic.ModifySegmentByLabelmap(
            self.segmentation_node, segment_id, image, mode, image.GetExtent(), False, True
        )

    def _select(self) -> None:
        """The parameter node is shared by all writers of a scene: point it at this one's segmentation."""
        self._parameters.SetAndObserveSegmentationNode(self.segmentation_node)
        self._logic.SetSegmentEditorNode(self._parameters)
        self._history.SetSegmentation(self.segmentation_node.GetSegmentation())


def modifier_image(labelmap: Any, values: np.ndarray, extent: Extent) -> Any:
    """A vtkOrientedImageData on `labelmap`'s lattice.

    Args:
        labelmap: gives origin, spacing and directions.
        values: bool, (k, j, i) over `extent`.
        extent: where it lies on the lattice.
    """
    image = slicer.vtkOrientedImageData()
    image.SetOrigin(labelmap.GetOrigin())
    image.SetSpacing(labelmap.GetSpacing())
    image.CopyDirections(labelmap)
    image.SetExtent(extent)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image_to_array(image)[...] = values
    return image


def _short_history() -> Any:
    """Enough to take back what failed half way."""
    history = slicer.vtkSegmentationHistory()
    history.SetMaximumNumberOfStates(2)
    return history


def _parameter_node(scene: Any) -> Any:
    node = scene.GetSingletonNode(_SINGLETON_TAG, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = slicer.vtkMRMLSegmentEditorNode()
        node.SetName("Sli2Vol writer")
        node.SetSingletonTag(_SINGLETON_TAG)
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node = scene.AddNode(node)
    node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
    node.SetSourceVolumeIntensityMask(False)
    return node
