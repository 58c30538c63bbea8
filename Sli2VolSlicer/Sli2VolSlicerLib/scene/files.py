"""Segmentations in files, through Slicer's own storage node; label maps as segmentations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from ..engine.errors import AnnotationError, OutputError
from .headless import add_segment, add_segmentation

SUFFIX = ".seg.nrrd"


@dataclass(frozen=True)
class SegmentLook:
    """How a label is called and shown.

    Attributes:
        label: its positive value in the label map.
        name: the segment's name.
        color: red, green and blue, 0..1; None for one of Slicer's.
    """

    label: int
    name: str
    color: tuple[float, float, float] | None = None


def save_segmentation(segmentation_node: Any, path: Path | str) -> Path:
    """Write a segmentation node as `.seg.nrrd`, names, colours and tags included.

    Raises:
        OutputError: another suffix, or the file cannot be written.
    """
    target = Path(path)
    if not target.name.endswith(SUFFIX):
        msg = f"A segmentation is saved as *{SUFFIX}, got '{target.name}'."
        raise OutputError(msg)
    if not target.parent.is_dir():
        msg = f"The folder '{target.parent}' does not exist: '{target.name}' cannot be written there."
        raise OutputError(msg)
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(target))
    if not storage.WriteData(segmentation_node):
        msg = f"Slicer could not write the segmentation to '{target}': {_messages(storage)}"
        raise OutputError(msg)
    return target


def load_segmentation(scene: Any, path: Path | str) -> Any:
    """Read a segmentation file into a new vtkMRMLSegmentationNode.

    Raises:
        AnnotationError: the file is missing or is no segmentation.
    """
    source = Path(path)
    if not source.is_file():
        msg = f"There is no file '{source}'."
        raise AnnotationError(msg)
    node = add_segmentation(scene, name=source.name.removesuffix(SUFFIX))
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(source))
    if not storage.ReadData(node):
        scene.RemoveNode(node)
        msg = f"'{source}' could not be read as a segmentation: {_messages(storage)}"
        raise AnnotationError(msg)
    return node


def label_map_to_segmentation(
    scene: Any,
    labels: np.ndarray,
    ijk_to_ras: np.ndarray,
    looks: Sequence[SegmentLook] | None = None,
    name: str = "Segmentation",
) -> Any:
    """A vtkMRMLSegmentationNode with one segment per label.

    Args:
        scene: where to.
        labels: integers, (k, j, i); 0 is background.
        ijk_to_ras: the label map's ijk to RAS, (4, 4).
        looks: names and colours; "Segment 1", "Segment 2", ... for every label present by default.
        name: the node's name.
    """
    if looks is None:
        looks = [SegmentLook(int(v), f"Segment {int(v)}") for v in np.unique(labels) if v != 0]
    node = add_segmentation(scene, name=name)
    for look in looks:
        segment_id = add_segment(node, f"Segment_{look.label}", labels == look.label, ijk_to_ras, look.color)
        node.GetSegmentation().GetSegment(segment_id).SetName(look.name)
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    return node


def _messages(storage: Any) -> str:
    text = str(storage.GetUserMessages().GetAllMessagesAsString()).strip()
    return text or "no reason was given; check that the place can be written to and read from."
