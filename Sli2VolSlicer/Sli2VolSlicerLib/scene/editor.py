"""Slicer's own segment editor logic, set to write exactly what it is told, with undo and redo."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from ..engine.errors import OutputError
from .geometry import Extent, image_to_array

_SINGLETON_TAG = "Sli2VolSlicer"


class SegmentWriter:
    """Writes into segments through vtkSlicerSegmentEditorLogic, one undo step at a time.

    It has a parameter node of its own, with masking off and overlaps allowed: what may be edited
    is decided by `editable.py` from the user's settings, and neighbours are never overwritten.

    Args:
        segmentation_node: the node to write into; it must be in a scene.
        history: the undo history to use; one of its own by default.
    """

    def __init__(self, segmentation_node: Any, history: Any | None = None) -> None:
        scene = segmentation_node.GetScene()
        if scene is None:
            msg = f"Segmentation '{segmentation_node.GetName()}' is in no scene: add it to one before propagating."
            raise OutputError(msg)
        self.segmentation_node = segmentation_node
        self._parameters = _parameter_node(scene)
        self._parameters.SetAndObserveSegmentationNode(segmentation_node)
        self._history = history or slicer.vtkSegmentationHistory()
        self._history.SetSegmentation(segmentation_node.GetSegmentation())
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._logic.SetMRMLScene(scene)
        self._logic.SetSegmentationHistory(self._history)

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
