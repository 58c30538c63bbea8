"""What was last written into a segment, so that what the user has changed since can be told apart.

The memory lies in a tag of the segment itself: it is saved and loaded with the segmentation, and
undo takes it back together with the voxels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import vtk

from ..engine.errors import AnnotationError
from ..engine.records import UNLIMITED, SliceLimits
from .geometry import Box, LatticeMap, image_to_array, matrix_to_array
from .grid import Grid
from .patch import Patch
from .segments import SegmentLabelmap

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
        accepted: those of the anchors that the user accepted as they were.
        limits: the slices that the segment may be on.
        lattice: the grid's ijk to that of the labelmap then; None in memories of an earlier version.
    """

    axis: int
    shape: tuple[int, int, int]
    matrix: tuple[float, ...]
    anchors: tuple[int, ...]
    written: Mapping[int, str]
    accepted: tuple[int, ...] = ()
    limits: SliceLimits = UNLIMITED
    lattice: LatticeMap | None = None

    def is_of(self, shape: tuple[int, ...], ijk_to_segmentation: np.ndarray) -> bool:
        """Whether it speaks of this grid (same lattice, same transforms)."""
        if self.shape != shape:
            return False
        return bool(np.allclose(self.matrix, ijk_to_segmentation.ravel(), atol=_MATRIX_TOLERANCE))

    def to_text(self) -> str:
        """As one line of letters, digits and `;=,.-` (what a segment tag can hold in every file format)."""
        parts = [
            _VERSION,
            f"axis={self.axis}",
            "shape=" + ",".join(map(str, self.shape)),
            "matrix=" + ",".join(f"{v:.6f}" for v in self.matrix),
            "anchors=" + ",".join(map(str, self.anchors)),
            "written=" + ",".join(f"{i}={h}" for i, h in sorted(self.written.items())),
            "accepted=" + ",".join(map(str, self.accepted)),
            f"limits={_side_text(self.limits.first)},{_side_text(self.limits.last)}",
            f"lattice={_lattice_text(self.lattice)}",
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
            # Earlier versions had none of these.
            accepted = tuple(int(v) for v in fields.get("accepted", "").split(",") if v)
            first, last = (int(v) if v else None for v in fields.get("limits", ",").split(","))
            limits = SliceLimits(first, last)
            lattice = _lattice_from(fields.get("lattice", ""))
        except (KeyError, ValueError, AnnotationError):
            return None
        if len(matrix) != 16 or axis not in (0, 1, 2):
            return None
        return cls(axis, (k, j, i), matrix, anchors, written, accepted, limits, lattice)


def anchor_slices(mask: Patch, memory: SegmentMemory) -> tuple[int, ...]:
    """The slices that are the user's: earlier anchors, and those that differ from what was written.

    A slice that the user has emptied is an anchor too; it says that the structure is not there.

    Args:
        mask: where the segment is now.
        memory: of this segment.
    """
    now = mask.fingerprints(memory.axis)
    edited = {i for i in now.keys() | memory.written.keys() if now.get(i) != memory.written.get(i)}
    return tuple(sorted(edited.union(memory.anchors)))


def accepted_slices(mask: Patch, memory: SegmentMemory) -> tuple[int, ...]:
    """The anchors that were accepted and have not been drawn on since."""
    now = mask.fingerprints(memory.axis)
    return tuple(i for i in memory.accepted if now.get(i, "") == memory.written.get(i, ""))


def memory_on_grid(segment: Any, grid: Grid, labelmap: SegmentLabelmap, mask: Patch) -> SegmentMemory | None:
    """What a vtkSegment remembers, in slices of this grid.

    The grid may be flipped, permuted or shifted against the one that the memory was made on (Slicer flips
    some volumes when it loads them; volumes are cropped), as long as the slices coincide: in space, or, where
    a transform was hardened, in the labelmap. None when there is no memory or they do not.

    Args:
        segment: the vtkSegment.
        grid: the grid now.
        labelmap: the segment's labelmap.
        mask: where it is, over the grid.
    """
    memory = stored_memory(segment)
    if memory is None or memory.is_of(grid.shape, grid.ijk_to_segmentation):
        return memory
    if labelmap.is_empty():
        return None
    matrix = vtk.vtkMatrix4x4()
    labelmap.image.GetImageToWorldMatrix(matrix)
    in_space = LatticeMap.from_matrix(
        np.linalg.solve(matrix_to_array(matrix), np.reshape(memory.matrix, (4, 4))), memory.shape
    )
    to_labelmap = in_space or memory.lattice
    if to_labelmap is None:
        return None
    between = np.linalg.solve(grid.to_labelmap.to_matrix(), to_labelmap.to_matrix())
    to_grid = LatticeMap.from_matrix(between, memory.shape)
    assert to_grid is not None, "both lattices are the labelmap's"
    image = labelmap.image
    mask_then = to_labelmap.to_grid(image_to_array(image), image.GetExtent(), Box((0, 0, 0), memory.shape))
    moved = _moved(memory, to_grid, Patch.of(mask_then == labelmap.value), grid, mask)
    # That the numbers of voxels fit proves nothing: it must be the same segment, too.
    return None if moved is None or (in_space is None and is_begun_anew(moved, mask)) else moved


def _moved(
    memory: SegmentMemory, to_grid: LatticeMap, mask_then: Patch, grid: Grid, mask: Patch
) -> SegmentMemory | None:
    """A memory in slices of another grid; None when they do not meet.

    Args:
        memory: in slices of its own grid.
        to_grid: from there to the other one.
        mask_then: where the segment is now, over the memory's grid.
        grid: the other grid.
        mask: where the segment is now, over it.
    """
    place = to_grid.axes.index(2 - memory.axis)
    axis, sign, shift = 2 - place, to_grid.signs[place], to_grid.shifts[place]
    here, unmoved = mask.fingerprints(axis), mask_then.fingerprints(memory.axis)

    def moved(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(i for i in (sign * i + shift for i in indices) if 0 <= i < grid.shape[axis]))

    written: dict[int, str] = {}
    for index, known in memory.written.items():
        for target in moved((index,)):
            written[target] = here.get(target, "") if unmoved.get(index) == known else known
    if not written:
        return None
    ends = (memory.limits.first, memory.limits.last)[::sign]
    first, last = (None if end is None else sign * end + shift for end in ends)
    return SegmentMemory(
        axis,
        grid.shape,
        tuple(float(v) for v in grid.ijk_to_segmentation.ravel()),
        moved(memory.anchors),
        {index: known for index, known in written.items() if known},
        moved(memory.accepted),
        SliceLimits(first, last),
        grid.to_labelmap,
    )


def is_begun_anew(memory: SegmentMemory, mask: Patch) -> bool:
    """Whether nothing of what was filled in is left (of what was drawn, if nothing was filled in).

    Args:
        memory: in slices of the grid.
        mask: where the segment is now, over the grid.
    """
    now = mask.fingerprints(memory.axis)
    filled = {i: h for i, h in memory.written.items() if i not in memory.anchors} or memory.written
    return not any(now.get(i) == h for i, h in filled.items())


def stored_memory(segment: Any) -> SegmentMemory | None:
    """What a vtkSegment remembers, in slices of the grid that it was made on."""
    return SegmentMemory.from_text(read_tag(segment))


def memory_tag(
    grid: Grid,
    axis: int,
    anchors: tuple[int, ...],
    mask: Patch,
    accepted: tuple[int, ...] = (),
    limits: SliceLimits | None = None,
) -> str:
    """What a segment is to remember, for `write_tag`.

    Args:
        grid: what `mask` lies on.
        axis: the painted axis of the grid.
        anchors: the user's slices.
        mask: where the segment is.
        accepted: those of the anchors that were accepted as they were.
        limits: the slices that the segment may be on.
    """
    matrix = tuple(float(v) for v in grid.ijk_to_segmentation.ravel())
    memory = SegmentMemory(
        axis,
        grid.shape,
        matrix,
        tuple(sorted(anchors)),
        mask.fingerprints(axis),
        tuple(sorted(accepted)),
        limits or UNLIMITED,
        grid.to_labelmap,
    )
    return memory.to_text()


def forget(segment: Any) -> None:
    """Drop a vtkSegment's memory but for its limits: every painted slice counts as the user's again."""
    memory = stored_memory(segment)
    kept = memory is not None and bool(memory.limits)
    text = replace(memory, anchors=(), written={}, accepted=()).to_text() if memory is not None and kept else ""
    write_tag(segment, text)


def forget_limits(segment: Any) -> None:
    """Drop a vtkSegment's limits, whatever grid they were set on."""
    memory = stored_memory(segment)
    if memory is not None:
        write_tag(segment, replace(memory, limits=UNLIMITED).to_text())


def read_tag(segment: Any) -> str:
    """The memory as text; "" if there is none."""
    text = vtk.reference("")
    return str(text) if segment.GetTag(TAG, text) else ""


def write_tag(segment: Any, text: str) -> None:
    """Replace the memory; "" removes it. Nothing is touched when it is the same already."""
    if text == read_tag(segment):
        return
    if text:
        segment.SetTag(TAG, text)
    else:
        segment.RemoveTag(TAG)


def _side_text(side: int | None) -> str:
    return "" if side is None else str(side)


def _lattice_text(lattice: LatticeMap | None) -> str:
    return "" if lattice is None else ",".join(map(str, (*lattice.axes, *lattice.signs, *lattice.shifts)))


def _lattice_from(text: str) -> LatticeMap | None:
    if not text:
        return None
    a, b, c, d, e, f, g, h, i = (int(v) for v in text.split(","))
    return LatticeMap((a, b, c), (d, e, f), (g, h, i))
