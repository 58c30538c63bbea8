"""What was last written into a segment, so that what the user has changed since can be told apart.

The memory lies in a tag of the segment itself: it is saved and loaded with the segmentation, and
undo takes it back together with the voxels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import vtk

from .grid import Grid

TAG = "Sli2Vol.Memory"
_VERSION = "1"
_MATRIX_TOLERANCE = 0.01


@dataclass(frozen=True)
class SegmentMemory:
    """One segment as it was after the last write.

    Attributes:
        axis: the grid axis that was propagated along.
        shape: the grid's (k, j, i) shape.
        matrix: the grid's ijk to the segmentation's coordinates, 16 values row by row.
        anchors: slices that were the user's then, sorted.
        written: slice -> fingerprint of its mask; empty slices are left out.
    """

    axis: int
    shape: tuple[int, int, int]
    matrix: tuple[float, ...]
    anchors: tuple[int, ...]
    written: Mapping[int, str]

    def is_of(self, grid: Grid) -> bool:
        """Whether it speaks of this grid (same volume lattice, same transforms)."""
        if self.shape != grid.voxels.shape:
            return False
        return bool(np.allclose(self.matrix, grid.ijk_to_segmentation.ravel(), atol=_MATRIX_TOLERANCE))

    def to_text(self) -> str:
        """As one line of letters, digits and `;=,.-` (what a segment tag can hold in every file format)."""
        parts = [
            _VERSION,
            f"axis={self.axis}",
            "shape=" + ",".join(map(str, self.shape)),
            "matrix=" + ",".join(f"{v:.6f}" for v in self.matrix),
            "anchors=" + ",".join(map(str, self.anchors)),
            "written=" + ",".join(f"{i}={h}" for i, h in sorted(self.written.items())),
        ]
        return ";".join(parts)

    @classmethod
    def from_text(cls, text: str) -> SegmentMemory | None:
        """The inverse of `to_text`; None when the text is not of this version or damaged."""
        version, *parts = text.split(";")
        if version != _VERSION:
            return None
        try:
            fields = dict(part.split("=", 1) for part in parts)
            k, j, i = (int(v) for v in fields["shape"].split(","))
            matrix = tuple(float(v) for v in fields["matrix"].split(","))
            anchors = tuple(int(v) for v in fields["anchors"].split(",") if v)
            pairs = (item.split("=", 1) for item in fields["written"].split(",") if item)
            written = {int(index): fingerprint for index, fingerprint in pairs}
            axis = int(fields["axis"])
        except (KeyError, ValueError):
            return None
        if len(matrix) != 16 or axis not in (0, 1, 2):
            return None
        return cls(axis, (k, j, i), matrix, anchors, written)


def slice_fingerprints(mask: np.ndarray, axis: int) -> dict[int, str]:
    """Slice -> fingerprint for every non-empty slice of `mask` (bool, 3D) along `axis`."""
    slices = np.moveaxis(mask, axis, 0)
    filled = np.flatnonzero(slices.any(axis=(1, 2)))
    return {
        int(i): hashlib.sha1(np.packbits(slices[i]).tobytes(), usedforsecurity=False).hexdigest()[:12] for i in filled
    }


def anchor_slices(mask: np.ndarray, memory: SegmentMemory) -> tuple[int, ...]:
    """The slices that are the user's: earlier anchors, and those that differ from what was written.

    A slice that the user has emptied is an anchor too; it says that the structure is not there.

    Args:
        mask: where the segment is now, bool, over the grid.
        memory: of this segment.
    """
    now = slice_fingerprints(mask, memory.axis)
    edited = {i for i in now.keys() | memory.written.keys() if now.get(i) != memory.written.get(i)}
    return tuple(sorted(edited.union(memory.anchors)))


def read_memory(segment: Any, grid: Grid, mask: np.ndarray) -> SegmentMemory | None:
    """What a vtkSegment remembers of this grid.

    None when there is no memory of it, or nothing of what was filled in is left: the user has begun anew.
    """
    memory = SegmentMemory.from_text(_tag(segment))
    if memory is None or not memory.is_of(grid):
        return None
    now = slice_fingerprints(mask, memory.axis)
    if any(now.get(i) == h for i, h in memory.written.items() if i not in memory.anchors):
        return memory
    return None


def remember(segment: Any, grid: Grid, axis: int, anchors: tuple[int, ...], mask: np.ndarray) -> None:
    """Note in a vtkSegment what has just been written: `mask`, bool, over the grid."""
    k, j, i = grid.voxels.shape
    matrix = tuple(float(v) for v in grid.ijk_to_segmentation.ravel())
    memory = SegmentMemory(axis, (k, j, i), matrix, tuple(sorted(anchors)), slice_fingerprints(mask, axis))
    if (text := memory.to_text()) != _tag(segment):
        segment.SetTag(TAG, text)


def forget(segment: Any) -> None:
    """Drop a vtkSegment's memory: every painted slice counts as the user's again."""
    segment.RemoveTag(TAG)


def release(segment: Any, grid: Grid, slice_index: int, mask: np.ndarray) -> bool:
    """Give one anchor back to the tool: the next propagation may rewrite it.

    Returns:
        False when the segment has no memory of this grid, or the slice is its only anchor.
    """
    memory = read_memory(segment, grid, mask)
    if memory is None:
        return False
    left = tuple(i for i in anchor_slices(mask, memory) if i != slice_index)
    if not left:
        return False
    written = dict(memory.written)
    written.pop(slice_index, None)
    now = slice_fingerprints(mask, memory.axis)
    if slice_index in now:
        written[slice_index] = now[slice_index]
    segment.SetTag(TAG, SegmentMemory(memory.axis, memory.shape, memory.matrix, left, written).to_text())
    return True


def _tag(segment: Any) -> str:
    text = vtk.reference("")
    return str(text) if segment.GetTag(TAG, text) else ""
