"""How large segments are, in the numbers that people want."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .capture import Capture, CapturedSegment
from .grid import node_to_world

_MM3_PER_ML = 1000.0


@dataclass(frozen=True)
class SegmentSize:
    """How large a segment is.

    Attributes:
        slices: how many slices along the painted axis it is on.
        millilitres: its volume, in the world.
    """

    slices: int
    millilitres: float


def segment_size(captured: Capture, segment: CapturedSegment) -> SegmentSize:
    """The size of a captured segment."""
    on_slices = segment.patch.counts(captured.axis)
    world = node_to_world(captured.segmentation_node) @ captured.grid.ijk_to_segmentation
    # The determinant, and not the product of the spacings: voxels may be sheared.
    voxel_mm3 = abs(float(np.linalg.det(world[:3, :3])))
    return SegmentSize(int(np.count_nonzero(on_slices)), int(on_slices.sum()) * voxel_mm3 / _MM3_PER_ML)
