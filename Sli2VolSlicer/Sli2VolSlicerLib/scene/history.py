"""Undo and redo that never lose what the user has drawn in between.

Slicer's own history restores whole segmentations: segments that the user has added since would go, and
edited ones would be put back. Here a step holds only what one call changed, slice by slice, and leaves a
slice alone that the user has edited since.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import vtk

from ..engine.errors import OutputError
from .editor import SegmentWriter
from .geometry import Box, LatticeMap, matrix_to_array
from .grid import Grid
from .memory import SegmentMemory, read_tag, write_tag
from .patch import Patch
from .segments import read_segment, segment_ids
from .surface import surfaces_made_once

MOST_STEPS = 50
"""Older ones cannot be taken back any more."""


@dataclass(frozen=True)
class SegmentState:
    """A segment at one moment, as far as a step speaks of it.

    Attributes:
        packed: its voxels in the step's box, eight to a byte, compressed.
        slices: slice -> fingerprint of the whole slice, for those that the step changes.
        tag: its memory.
    """

    packed: bytes
    slices: Mapping[int, str]
    tag: str

    def voxels(self, box: Box) -> np.ndarray:
        """Bool, (k, j, i) over `box`."""
        bits = np.unpackbits(np.frombuffer(zlib.decompress(self.packed), dtype=np.uint8), count=int(np.prod(box.shape)))
        return bits.reshape(box.shape).astype(bool)


@dataclass(frozen=True, eq=False)
class SegmentStep:
    """What one call changed in one segment.

    Attributes:
        segment_id: the segment.
        axis: of the grid, along which slices are told apart.
        shape: the grid's (k, j, i) shape.
        ijk_to_segmentation: the grid's ijk to the segmentation's coordinates, (4, 4).
        box: the block of the grid that holds every changed voxel; None when only the memory changed.
        before: the segment as it was.
        after: as it was left.
    """

    segment_id: str
    axis: int
    shape: tuple[int, int, int]
    ijk_to_segmentation: np.ndarray
    box: Box | None
    before: SegmentState
    after: SegmentState

    @property
    def changes_nothing(self) -> bool:
        """Whether the segment was left as it was."""
        return self.box is None and self.before.tag == self.after.tag


@dataclass(frozen=True)
class UndoStep:
    """What one call changed.

    Attributes:
        segments: what it changed in each.
        layers: how many labelmaps the segmentation had before.
    """

    segments: tuple[SegmentStep, ...]
    layers: int


def segment_step(
    segment_id: str, grid: Grid, axis: int, before: Patch, after: Patch, tags: tuple[str, str]
) -> SegmentStep:
    """A change that has just been made to a segment.

    Args:
        segment_id: the segment.
        grid: what both lie on.
        axis: the painted axis of the grid.
        before: where the segment was.
        after: where it is now.
        tags: its memory before and now.
    """
    return _make_step(segment_id, axis, grid.ijk_to_segmentation, before, after, tags)


class UndoLog:
    """The steps of one segmentation, and how many of them are done.

    Args:
        writer: for this segmentation node.
    """

    def __init__(self, writer: SegmentWriter) -> None:
        self.writer = writer
        self._done: list[UndoStep] = []
        self._undone: list[UndoStep] = []

    def layers(self) -> int:
        """How many labelmaps the segmentation has now."""
        return int(self.writer.segmentation_node.GetSegmentation().GetNumberOfLayers())

    def add(self, segments: Sequence[SegmentStep], layers: int) -> None:
        """Note what has just been done; what was undone before cannot be redone any more."""
        changed = tuple(each for each in segments if not each.changes_nothing)
        if changed:
            self._done = [*self._done, UndoStep(changed, layers)][-MOST_STEPS:]
            self._undone = []

    def change_memory(self, segment_id: str, change: Callable[[Any], None]) -> None:
        """Change nothing but a segment's memory, as a step.

        Args:
            segment_id: the segment.
            change: gets the vtkSegment.
        """
        segment = self.writer.segmentation_node.GetSegmentation().GetSegment(segment_id)
        tag = read_tag(segment)
        change(segment)
        nothing = Patch.nothing((1, 1, 1))
        step = _make_step(segment_id, 0, np.eye(4), nothing, nothing, (tag, read_tag(segment)))
        self.add([step], self.layers())

    def undo(self) -> bool:
        """Take the last step back; slices that were edited since stay as they are. False if there is no step.

        Raises:
            OutputError: all its segments were removed since, or one has another voxel grid now; nothing was changed.
        """
        if not self._done:
            return False
        self._undone.append(self._apply(self._done[-1], backwards=True))
        self._done.pop()
        return True

    def redo(self) -> bool:
        """Do the step again that was taken back last; slices edited since stay as they are.

        Raises:
            OutputError: as `undo`.
        """
        if not self._undone:
            return False
        self._done.append(self._apply(self._undone[-1], backwards=False))
        self._undone.pop()
        return True

    def _apply(self, step: UndoStep, backwards: bool) -> UndoStep:
        """Do a step in one direction; the step that leads from what was to what is now, for the other one."""
        segmentation = self.writer.segmentation_node.GetSegmentation()
        present = set(segment_ids(segmentation))
        steps = [each for each in step.segments if each.segment_id in present]
        if not steps:
            names = ", ".join(f"'{each.segment_id}'" for each in step.segments)
            msg = f"Segment {names} was removed since: there is nothing left of this step; nothing was changed."
            (self._done if backwards else self._undone).pop()
            raise OutputError(msg)
        moves = {each.segment_id: _plan(segmentation, each, backwards) for each in steps}
        layers = self.layers()
        moved = {segment_id: move.voxels for segment_id, move in moves.items() if move.voxels is not None}
        if moved:
            with surfaces_made_once(self.writer.segmentation_node, moved), self.writer.all_or_nothing():
                for segment_id, (to_labelmap, now, target) in moved.items():
                    box = now.box.joined(target.box)
                    here, there = now.over(box), target.over(box)
                    self.writer.change(segment_id, to_labelmap, box, there & ~here, here & ~there)
            if backwards and self.layers() > step.layers:
                segmentation.CollapseBinaryLabelmaps(False)
        opposite = [_moved(segmentation.GetSegment(s.segment_id), s, moves[s.segment_id], backwards) for s in steps]
        return UndoStep(tuple(opposite), step.layers if backwards else layers)


@dataclass(frozen=True, eq=False)
class _Move:
    """How to take one step in one segment.

    Attributes:
        kept: slices that became the user's since, and so stay as they are.
        voxels: the grid's voxels to those of the segment's labelmap now, where the segment is, and where it should
            be; None when only the memory changes.
    """

    kept: frozenset[int]
    voxels: tuple[LatticeMap, Patch, Patch] | None


def _plan(segmentation: Any, step: SegmentStep, backwards: bool) -> _Move:
    here, there = (step.after, step.before) if backwards else (step.before, step.after)
    segment = segmentation.GetSegment(step.segment_id)
    noted = _noted_since(step, here.tag, read_tag(segment))
    if step.box is None:
        return _Move(noted, None)
    labelmap = read_segment(segmentation, step.segment_id)
    to_labelmap = None
    if labelmap is not None:
        matrix = vtk.vtkMatrix4x4()
        labelmap.image.GetImageToWorldMatrix(matrix)
        between = np.linalg.solve(matrix_to_array(matrix), step.ijk_to_segmentation)
        to_labelmap = LatticeMap.from_matrix(between, step.shape)
    if labelmap is None or to_labelmap is None:
        msg = (
            f"The voxel grid of segment '{segment.GetName()}' was changed since (resampled, moved by a hardened "
            "transform, or converted to a surface): this step cannot be taken; nothing was changed."
        )
        raise OutputError(msg)
    nothing = partial(np.empty, step.shape, dtype=bool)
    grid = Grid(step.shape, (1, 1, 1), step.ijk_to_segmentation, to_labelmap, False, nothing)
    now = grid.patch(labelmap.image, labelmap.value)
    prints = now.fingerprints(step.axis)
    kept = noted.union(index for index, known in here.slices.items() if prints.get(index, "") != known)
    part = now.over(step.box)
    wanted = part.copy()
    planes, past = (np.moveaxis(each, step.axis, 0) for each in (wanted, there.voxels(step.box)))
    for index in here.slices.keys() - kept:
        position = index - step.box.start[step.axis]
        planes[position] = past[position]
    return _Move(kept, (to_labelmap, now, now.changed(step.box, wanted & ~part, part & ~wanted)))


def _moved(segment: Any, step: SegmentStep, move: _Move, backwards: bool) -> SegmentStep:
    """Set the memory too; the step between what was found and what was made of it."""
    tag_now = read_tag(segment)
    memory = SegmentMemory.from_text(step.before.tag if backwards else step.after.tag)
    if memory is not None and not move.kept.issubset(memory.anchors):
        memory = replace(memory, anchors=tuple(sorted(move.kept.union(memory.anchors))))
    tag = "" if memory is None else memory.to_text()
    write_tag(segment, tag)
    tags = (tag, tag_now) if backwards else (tag_now, tag)
    if move.voxels is None:
        return replace(step, before=replace(step.before, tag=tags[0]), after=replace(step.after, tag=tags[1]))
    _, now, target = move.voxels
    before, after = (target, now) if backwards else (now, target)
    return _make_step(step.segment_id, step.axis, step.ijk_to_segmentation, before, after, tags)


def _noted_since(step: SegmentStep, tag_then: str, tag_now: str) -> frozenset[int]:
    """Anchors that have been noted since, without a step of their own."""
    then, now = SegmentMemory.from_text(tag_then), SegmentMemory.from_text(tag_now)
    if now is None:
        return frozenset()
    if step.box is not None and not (now.axis == step.axis and now.is_of(step.shape, step.ijk_to_segmentation)):
        return frozenset()
    return frozenset(now.anchors).difference(then.anchors if then is not None else ())


def _make_step(
    segment_id: str,
    axis: int,
    ijk_to_segmentation: np.ndarray,
    before: Patch,
    after: Patch,
    tags: tuple[str, str],
) -> SegmentStep:
    joint = before.box.joined(after.box)
    changed = Patch.within(before.shape, joint, before.over(joint) ^ after.over(joint))
    box = None if changed.is_empty else changed.box
    indices = [int(n) for n in np.flatnonzero(changed.filled(axis))]
    states = []
    for mask, tag in zip((before, after), tags, strict=True):
        packed = b"" if box is None else zlib.compress(np.packbits(mask.over(box)).tobytes(), level=1)
        known = mask.fingerprints(axis) if indices else {}
        states.append(SegmentState(packed, {n: known.get(n, "") for n in indices}, tag))
    return SegmentStep(segment_id, axis, before.shape, ijk_to_segmentation, box, states[0], states[1])
