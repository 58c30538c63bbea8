"""Anchors and limits of segments: listed, accepted, released, set; every change can be undone."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.errors import AnnotationError
from ..engine.records import Anchor, SliceLimits
from .capture import Capture, CapturedSegment
from .editor import SegmentWriter
from .geometry import Box
from .history import SegmentStep, UndoLog, segment_step
from .memory import memory_tag, read_tag, write_tag
from .patch import Patch
from .segments import convert_to_labelmap, read_segment
from .surface import surfaces_made_once

UNITS = ("slices", "mm")

_ROUNDING = 1e-6
"""So that a whole number of slices in mm is not one less."""


@dataclass(frozen=True)
class SceneAnchor:
    """One slice of one segment that is the user's.

    Attributes:
        segment_id: the segment.
        name: its name now.
        axis: the painted axis of the grid (that of the volume's array, where both lattices coincide).
        slice_index: the slice along it.
        is_empty: it says "the structure is not here".
        is_accepted: taken over as it was by `accept`; else drawn or edited by the user.
    """

    segment_id: str
    name: str
    axis: int
    slice_index: int
    is_empty: bool
    is_accepted: bool


@dataclass(frozen=True)
class LimitReport:
    """What setting limits did.

    Attributes:
        limits: the segment's limits now.
        removed_voxels: how many voxels lay beyond and were taken away.
    """

    limits: SliceLimits
    removed_voxels: int


def list_anchors(captured: Capture) -> tuple[SceneAnchor, ...]:
    """All anchors, segment by segment, each in the order of slices."""
    found = []
    for segment in captured.segments:
        filled = segment.patch.filled(captured.axis)
        found += [
            SceneAnchor(segment.segment_id, segment.name, captured.axis, i, not filled[i], i in segment.accepted)
            for i in segment.anchors
        ]
    return tuple(found)


def accept(captured: Capture, log: UndoLog, slice_index: int) -> bool:
    """Make a slice of the captured segment an anchor as it is, also an empty one.

    Returns:
        False when it is one already.

    Raises:
        AnnotationError: no such slice, or it lies beyond the segment's limits.
    """
    segment = captured.segments[0]
    _require_known_limits(segment)
    if not 0 <= slice_index < captured.slice_count:
        msg = f"There is no slice {slice_index}: the volume has slices 0 to {captured.slice_count - 1}."
        raise AnnotationError(msg)
    if slice_index in segment.anchors:
        return False
    if not segment.limits.allows(slice_index):
        msg = (
            f"Slice {slice_index} lies beyond the limits of segment '{segment.name}' ({segment.limits}): "
            "move or clear the limits before accepting it."
        )
        raise AnnotationError(msg)
    anchors, accepted = (*segment.anchors, slice_index), (*segment.accepted, slice_index)
    _note(captured, log, anchors, accepted, segment.limits)
    return True


def release(captured: Capture, log: UndoLog, slice_index: int) -> bool:
    """Give an anchor of the captured segment back: the next propagation may rewrite it.

    Returns:
        False when the slice is no anchor.

    Raises:
        AnnotationError: nothing drawn would be left to propagate from.
    """
    segment = captured.segments[0]
    if slice_index not in segment.anchors:
        return False
    anchors = tuple(i for i in segment.anchors if i != slice_index)
    if not set(anchors).intersection(_drawn(captured, segment)):
        msg = (
            f"Slice {slice_index} is the only drawn slice of segment '{segment.name}': "
            "draw or accept another one before releasing it."
        )
        raise AnnotationError(msg)
    _note(captured, log, anchors, tuple(i for i in segment.accepted if i != slice_index), segment.limits)
    return True


def limit_range(captured: Capture, log: UndoLog, first: float | None, last: float | None, unit: str) -> LimitReport:
    """Say how far the captured segment may reach, and take away what lies beyond, as one undo step.

    Args:
        captured: one segment.
        log: of its segmentation.
        first: the lower side; None leaves that side as it is.
        last: the upper side.
        unit: "slices": absolute slice indices, both included. "mm": how far the segment may reach beyond
            its outermost drawn anchor on that side; whole slices within that distance stay.

    Raises:
        AnnotationError: nothing to set, another unit, no whole slice, a negative distance, no slice left, or
            drawn anchors beyond the limits.
        OutputError: Slicer did not take the change; nothing was changed.
    """
    segment = captured.segments[0]
    given = SliceLimits(*_as_slices(captured, segment, first, last, unit))
    limits = SliceLimits(
        segment.limits.first if given.first is None else given.first,
        segment.limits.last if given.last is None else given.last,
    )
    low, high = limits.within(0, captured.slice_count - 1)
    if low > high:
        msg = f"The limits ({limits}) leave no slice of this volume (0 to {captured.slice_count - 1})."
        raise AnnotationError(msg)
    _refuse_drawn_beyond(captured, segment, limits, "choose wider limits, or erase or release the drawing")
    after = segment.patch.only_slices(captured.axis, low, high)
    _note(captured, log, segment.anchors, segment.accepted, limits, after)
    return LimitReport(limits, segment.patch.voxels - after.voxels)


def check_propagatable(captured: Capture) -> None:
    """Whether there is something to propagate from, and all limits can be respected.

    Raises:
        AnnotationError: all that was drawn of a segment has been erased, a drawn anchor lies beyond its
            segment's limits, or the limits are of another grid.
    """
    for segment in captured.segments:
        _require_known_limits(segment)
        if not _drawn(captured, segment):
            msg = f"Every slice of segment '{segment.name}' that was drawn has been erased: draw it on one slice again."
            raise AnnotationError(msg)
        _refuse_drawn_beyond(captured, segment, segment.limits, "erase or release the drawing, or move the limits")


def overlap_notes(captured: Capture) -> tuple[str, ...]:
    """Where two segments are both drawn on the same voxels, in words: neither drawing gives way to the other."""
    notes = []
    for first, second in itertools.combinations(captured.segments, 2):
        for index in sorted(set(first.anchors).intersection(second.anchors)):
            planes = [segment.patch.plane(captured.axis, index) for segment in (first, second)]
            if count := int((planes[0] & planes[1]).sum()):
                notes.append(
                    f"Segments '{first.name}' and '{second.name}' are both drawn on {count} voxels of slice {index}: "
                    "both were kept as drawn, erase one of them there if they must not overlap."
                )
    return tuple(notes)


def engine_anchors(captured: Capture) -> tuple[Anchor, ...]:
    """The anchors that the engine is to hear of: an empty one beyond the limits says nothing new."""
    limits = engine_limits(captured)
    return tuple(a for a in captured.anchors if a.label not in limits or limits[a.label].allows(a.slice_index))


def engine_limits(captured: Capture) -> Mapping[int, SliceLimits]:
    """Label -> limits, for the labels that have any."""
    return {segment.label: segment.limits for segment in captured.segments if segment.limits}


def _require_known_limits(segment: CapturedSegment) -> None:
    if not segment.are_limits_known:
        msg = (
            f"The limits of segment '{segment.name}' were set along another axis, or on another voxel grid: "
            "clear them, or undo what changed the segment."
        )
        raise AnnotationError(msg)


def _drawn(captured: Capture, segment: CapturedSegment) -> list[int]:
    """The anchors that are not empty."""
    filled = segment.patch.filled(captured.axis)
    return [i for i in segment.anchors if filled[i]]


def _refuse_drawn_beyond(captured: Capture, segment: CapturedSegment, limits: SliceLimits, advice: str) -> None:
    beyond = [i for i in _drawn(captured, segment) if not limits.allows(i)]
    if beyond:
        which = f"slice {beyond[0]}" if len(beyond) == 1 else f"slices {', '.join(map(str, beyond))}"
        msg = f"Segment '{segment.name}' is drawn on {which}, beyond the limits ({limits}): {advice}."
        raise AnnotationError(msg)


def _as_slices(
    captured: Capture, segment: CapturedSegment, first: float | None, last: float | None, unit: str
) -> tuple[int | None, int | None]:
    """Both sides as slice indices."""
    if unit not in UNITS:
        msg = f"Limits are given in {' or '.join(UNITS)}, got '{unit}'."
        raise AnnotationError(msg)
    if first is None and last is None:
        msg = f"Give the first slice, the last slice or both that segment '{segment.name}' may be on."
        raise AnnotationError(msg)
    if unit == "slices":
        return _whole(first), _whole(last)
    drawn = _drawn(captured, segment)
    if not drawn:
        msg = f"Segment '{segment.name}' has no drawn slice to measure from: give its limits in slices."
        raise AnnotationError(msg)
    spacing = captured.grid.spacing_mm[captured.axis]
    below, above = _slices_within(first, spacing), _slices_within(last, spacing)
    return (
        None if below is None else max(0, min(drawn) - below),
        None if above is None else min(captured.slice_count - 1, max(drawn) + above),
    )


def _whole(value: float | None) -> int | None:
    if value is None:
        return None
    if int(value) != value:
        msg = f"Slices are whole numbers, got {value}; distances are given with unit='mm'."
        raise AnnotationError(msg)
    return int(value)


def _slices_within(distance_mm: float | None, spacing_mm: float) -> int | None:
    if distance_mm is None:
        return None
    if not np.isfinite(distance_mm) or distance_mm < 0:
        msg = f"A limit in mm is a distance from the outermost drawn slice, 0 or more; got {distance_mm}."
        raise AnnotationError(msg)
    return int(np.floor(distance_mm / spacing_mm + _ROUNDING))


def _note(
    captured: Capture,
    log: UndoLog,
    anchors: tuple[int, ...],
    accepted: tuple[int, ...],
    limits: SliceLimits,
    after: Patch | None = None,
) -> None:
    """Write the captured segment's memory, and its voxels if they change, as one undo step."""
    segment, node = captured.segments[0], captured.segmentation_node
    after = segment.patch if after is None else after
    layers = log.layers()
    convert_to_labelmap(node, captured.volume_node)
    _require_unedited(captured, segment)
    box = segment.patch.box
    removed = segment.patch.values & ~after.over(box)
    if removed.any():
        _take_away(captured, segment, log.writer, box, removed)
    held = node.GetSegmentation().GetSegment(segment.segment_id)
    tag = read_tag(held)
    write_tag(held, memory_tag(captured.grid, captured.axis, anchors, after, accepted, limits))
    log.add([_step(captured, segment, after, held, tag)], layers)


def _step(captured: Capture, segment: CapturedSegment, after: Patch, held: Any, tag: str) -> SegmentStep:
    tags = (tag, read_tag(held))
    return segment_step(segment.segment_id, captured.grid, captured.axis, segment.patch, after, tags)


def _take_away(
    captured: Capture, segment: CapturedSegment, writer: SegmentWriter, box: Box, removed: np.ndarray
) -> None:
    with surfaces_made_once(captured.segmentation_node, [segment.segment_id]), writer.all_or_nothing():
        writer.change(segment.segment_id, captured.grid.to_labelmap, box, np.zeros_like(removed), removed)


def _require_unedited(captured: Capture, segment: CapturedSegment) -> None:
    """The segment must still be as captured (a source of surfaces has just been converted alike)."""
    labelmap = read_segment(captured.segmentation_node.GetSegmentation(), segment.segment_id)
    now = None if labelmap is None else captured.grid.patch(labelmap.image, labelmap.value)
    if now is None or not now.is_same(segment.patch):
        msg = f"Segment '{segment.name}' changed meanwhile: nothing was changed. Try again."
        raise AnnotationError(msg)
