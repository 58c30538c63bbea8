"""Where the user's segment editor settings allow a segment to be edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from ..engine.errors import OutputError
from .capture import Capture, CapturedSegment
from .editor import modifier_image
from .geometry import Box
from .grid import make_grid
from .segments import read_segment, segment_ids


@dataclass(frozen=True)
class EditRules:
    """The masking settings of a vtkMRMLSegmentEditorNode.

    Attributes:
        mask_mode: vtkMRMLSegmentationNode.EditAllowed...
        mask_segment_id: the segment that EditAllowedInsideSingleSegment speaks of.
        overwrite_mode: vtkMRMLSegmentEditorNode.Overwrite...; where Slicer would let a new voxel
            take the place of a neighbour's, here the neighbour keeps it.
        intensity_range: editable intensities of the source volume; None if all.
        source_volume_node: the volume that the range speaks of; None for the propagated one.
    """

    mask_mode: int
    mask_segment_id: str
    overwrite_mode: int
    intensity_range: tuple[float, float] | None
    source_volume_node: Any

    @property
    def may_overlap(self) -> bool:
        """Whether one voxel may belong to several segments."""
        return self.overwrite_mode == slicer.vtkMRMLSegmentEditorNode.OverwriteNone

    @property
    def allow_everything(self) -> bool:
        """Whether every voxel may be edited, as far as no neighbour is in the way."""
        is_everywhere = self.mask_mode == slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere
        return is_everywhere and self.intensity_range is None

    @classmethod
    def from_node(cls, editor_node: Any | None) -> EditRules:
        """The settings of a segment editor node; without one everything may be edited and segments may overlap."""
        if editor_node is None:
            everywhere = slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere
            return cls(everywhere, "", slicer.vtkMRMLSegmentEditorNode.OverwriteNone, None, None)
        limits = None
        if editor_node.GetSourceVolumeIntensityMask():
            low, high = editor_node.GetSourceVolumeIntensityMaskRange()
            limits = (float(low), float(high))
        return cls(
            int(editor_node.GetMaskMode()),
            str(editor_node.GetMaskSegmentID() or ""),
            int(editor_node.GetOverwriteMode()),
            limits,
            editor_node.GetSourceVolumeNode(),
        )


def editable(capture: Capture, segment: CapturedSegment, rules: EditRules, box: Box, labelmap: Any) -> np.ndarray:
    """Which voxels of a block of the grid may change for one segment, bool, (k, j, i) over `box`.

    Args:
        capture: what is being propagated.
        segment: the one to be changed.
        rules: the user's settings.
        box: the block.
        labelmap: the vtkOrientedImageData that gives the segment's lattice.

    Raises:
        OutputError: Slicer could not make the mask.
    """
    allowed = np.ones(box.shape, dtype=bool)
    if rules.mask_mode != slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere:
        allowed &= _inside_area(capture, segment, rules, box, labelmap)
    if rules.intensity_range is not None:
        low, high = rules.intensity_range
        values = _source_values(capture, rules, box, labelmap)
        allowed &= (values >= low) & (values <= high)
    return allowed


def occupied(capture: Capture, rules: EditRules, box: Box) -> np.ndarray:
    """Voxels of a block that other, not propagated segments keep for themselves, bool, (k, j, i)."""
    taken = np.zeros(box.shape, dtype=bool)
    node = capture.segmentation_node
    if rules.may_overlap:
        return taken
    display = node.GetDisplayNode()
    only_visible = rules.overwrite_mode == slicer.vtkMRMLSegmentEditorNode.OverwriteVisibleSegments
    chosen = {s.segment_id for s in capture.segments}
    for other in segment_ids(node.GetSegmentation()):
        hidden = display is not None and not display.GetSegmentVisibility(other)
        if other in chosen or (only_visible and hidden):
            continue
        labelmap = read_segment(node.GetSegmentation(), other)
        if labelmap is not None and not labelmap.is_empty():
            taken |= _segment_in_box(capture, labelmap, box)
    return taken


def _segment_in_box(capture: Capture, labelmap: Any, box: Box) -> np.ndarray:
    """Another segment over a block of the grid; by nearest voxel if it lies on another lattice."""
    first = read_segment(capture.segmentation_node.GetSegmentation(), capture.segments[0].segment_id)
    image, value = labelmap.image, labelmap.value
    resample = slicer.vtkOrientedImageDataResample
    if first is not None and not resample.DoGeometriesMatch(first.image, image):
        _, extent = capture.grid.to_labelmap.to_labelmap(np.zeros(box.shape, dtype=bool), box)
        reference = modifier_image(first.image, np.zeros((1, 1, 1), dtype=bool), extent)
        moved = slicer.vtkOrientedImageData()
        resample.ResampleOrientedImageToReferenceOrientedImage(image, reference, moved, False)
        image = moved
    return capture.grid.read(image, box) == value


def _inside_area(capture: Capture, segment: CapturedSegment, rules: EditRules, box: Box, labelmap: Any) -> np.ndarray:
    _, extent = capture.grid.to_labelmap.to_labelmap(np.zeros(box.shape, dtype=bool), box)
    reference = modifier_image(labelmap, np.zeros((1, 1, 1), dtype=bool), extent)
    forbidden = slicer.vtkOrientedImageData()
    node = capture.segmentation_node
    if not node.GenerateEditMask(forbidden, rules.mask_mode, reference, segment.segment_id, rules.mask_segment_id):
        msg = (
            f"The editable area for segment '{segment.name}' could not be made from masking mode {rules.mask_mode}: "
            "nothing was written. Check the masking settings."
        )
        raise OutputError(msg)
    return capture.grid.read(forbidden, box) == 0


def _source_values(capture: Capture, rules: EditRules, box: Box, labelmap: Any) -> np.ndarray:
    source = rules.source_volume_node
    if source is None or source is capture.volume_node:
        return capture.grid.voxels[box.slices]
    other = make_grid(source, capture.segmentation_node, labelmap)
    values, extent = other.to_labelmap.to_labelmap(other.voxels, other.box)
    reached = capture.grid.to_labelmap.to_grid(np.ones(values.shape, dtype=bool), extent, box)
    return np.where(reached, capture.grid.to_labelmap.to_grid(values, extent, box), np.nan)
