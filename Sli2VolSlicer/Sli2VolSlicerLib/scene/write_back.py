"""From a propagation to segments: one undo step, only what changed, the user's slices untouched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..engine.errors import OutputError, StaleResultError
from ..engine.records import Propagation
from .capture import Capture, CapturedSegment
from .editable import EditRules, editable, occupied
from .editor import SegmentWriter
from .geometry import Box
from .history import SegmentStep, segment_step
from .memory import read_tag, remember
from .patch import Patch
from .proposal import Proposal, Reach, propose
from .segments import SegmentLabelmap, convert_to_labelmap, labelmap_segmentation, read_segment
from .surface import has_surface, surfaces_made_once
from .turns import Pace, Turns, in_one_go
from .watch import Watch

_PIECE = 2_000_000
"""So many voxels are written in one go."""


@dataclass(frozen=True, eq=False)
class SegmentChange:
    """What is to change in one segment.

    Attributes:
        segment: the captured segment.
        box: the block of the grid that holds every change.
        added: voxels to add, bool, (k, j, i) over `box`.
        removed: voxels to take away.
        after: what the segment is then.
    """

    segment: CapturedSegment
    box: Box
    added: np.ndarray
    removed: np.ndarray
    after: Patch


@dataclass(frozen=True)
class WriteReport:
    """What was written.

    Attributes:
        added_voxels: segment ID -> voxels added.
        removed_voxels: segment ID -> voxels taken away.
        steps: what is to be undone.
        layers: how many labelmaps the segmentation had before.
    """

    added_voxels: Mapping[str, int]
    removed_voxels: Mapping[str, int]
    steps: tuple[SegmentStep, ...] = field(default=(), repr=False)
    layers: int = 0

    @property
    def changed(self) -> bool:
        """Whether any voxel changed (and so an undo step was made)."""
        return any(self.added_voxels.values()) or any(self.removed_voxels.values())


def write_back(
    capture: Capture,
    propagation: Propagation,
    writer: SegmentWriter,
    rules: EditRules | None = None,
    reach: Reach | None = None,
) -> WriteReport:
    """Write a propagation into the segments that it was captured from, as one undo step; as `writing`, in one go."""
    proposal = propose(capture, propagation, reach or Reach())
    return in_one_go(writing(capture, proposal, writer, rules or EditRules.from_node(None)))


def writing(capture: Capture, proposal: Proposal, writer: SegmentWriter, rules: EditRules) -> Turns[WriteReport]:
    """Write a proposal into the segments that it was made for, as one undo step, in turns.

    Anchors stay bit-identical, and so do all other segments. Every change is worked out before
    the first one is made; if writing fails half way, or the user edits a segment between two turns,
    what was written is taken back.

    Args:
        capture: where the anchors came from.
        proposal: what is to become of the segments.
        writer: for this segmentation node.
        rules: where editing is allowed.

    Raises:
        StaleResultError: a segment was edited since the capture.
        AnnotationError: a segment was removed since.
        OutputError: Slicer could not save the undo state, make the editable area, or take the change.
    """
    watch, pace = Watch(capture), Pace()
    changes = yield from planning(capture, proposal, rules, pace)
    layers = int(capture.segmentation_node.GetSegmentation().GetNumberOfLayers())
    if changes:
        convert_to_labelmap(capture.segmentation_node, capture.volume_node)
        yield from _apply(capture, changes, writer, watch, pace)
    # In the same turn as the last voxels, which would be taken for the user's without it.
    after = {change.segment.label: change.after for change in changes}
    tags = _remember_all(capture, after)
    yield
    steps = []
    for segment in capture.segments:
        if segment.segment_id in tags:
            steps.append(_step(capture, segment, after.get(segment.label, segment.patch), *tags[segment.segment_id]))
            yield
    added = {c.segment.segment_id: int(np.count_nonzero(c.added)) for c in changes}
    removed = {c.segment.segment_id: int(np.count_nonzero(c.removed)) for c in changes}
    return WriteReport(added, removed, tuple(steps), layers)


def planning(capture: Capture, proposal: Proposal, rules: EditRules, pace: Pace) -> Turns[tuple[SegmentChange, ...]]:
    """What would change, segment by segment; nothing is written.

    Where segments may not overlap, a voxel that two propagated segments claim goes to the lower
    label, unless it is drawn on an anchor of the other.
    """
    segmentation = labelmap_segmentation(capture.segmentation_node, capture.volume_node)
    changes: list[SegmentChange] = []
    settled: dict[int, Patch] = {}
    for segment in capture.segments:
        yield from pace.pause()
        labelmap = _unedited(capture, segment, read_segment(segmentation, segment.segment_id))
        proposed = proposal.segments[segment.label]
        settled[segment.label] = segment.patch
        box, added, removed = proposed.box, proposed.added, proposed.removed
        if box is None:
            continue
        forbidden = _forbidden(capture, segment, rules, box, labelmap, settled)
        if forbidden is not None:
            may_change, taken = forbidden
            added, removed = added & may_change & ~taken, removed & may_change
        if added.any() or removed.any():
            after = proposed.after if forbidden is None else segment.patch.changed(box, added, removed)
            changes.append(SegmentChange(segment, box, added, removed, after))
            settled[segment.label] = after
    return tuple(changes)


def _forbidden(
    capture: Capture,
    segment: CapturedSegment,
    rules: EditRules,
    box: Box,
    labelmap: SegmentLabelmap,
    settled: Mapping[int, Patch],
) -> tuple[np.ndarray, np.ndarray] | None:
    """Which voxels of a block may change at all, and which are others' and so not to be added; None for no limits."""
    is_alone = capture.segmentation_node.GetSegmentation().GetNumberOfSegments() == 1
    if rules.allow_everything and (rules.may_overlap or is_alone):
        return None
    taken = occupied(capture, rules, box)
    if not rules.may_overlap:
        taken |= _claimed_by_siblings(capture, segment, settled, box)
    return editable(capture, segment, rules, box, labelmap.image), taken


def _claimed_by_siblings(
    capture: Capture, segment: CapturedSegment, settled: Mapping[int, Patch], box: Box
) -> np.ndarray:
    claimed = np.zeros(box.shape, dtype=bool)
    for other in capture.segments:
        if other.label == segment.label:
            continue
        if other.label in settled:
            claimed |= settled[other.label].over(box)
        else:
            there = other.patch.over(box)
            start = box.start[capture.axis]
            planes = capture.slices_first(there)
            planes[[n for n in range(len(planes)) if start + n not in other.anchors]] = False
            claimed |= there
    return claimed


def _unedited(capture: Capture, segment: CapturedSegment, labelmap: SegmentLabelmap | None) -> SegmentLabelmap:
    """The segment as it is now, which must be as it was captured."""
    if labelmap is None or not capture.grid.patch(labelmap.image, labelmap.value).is_same(segment.patch):
        raise _stale(segment.name)
    return labelmap


def _stale(name: str) -> StaleResultError:
    msg = f"Segment '{name}' was edited while it was being propagated: nothing was written. Propagate again."
    return StaleResultError(msg)


def _apply(
    capture: Capture, changes: tuple[SegmentChange, ...], writer: SegmentWriter, watch: Watch, pace: Pace
) -> Turns[None]:
    """Write all changes piece by piece, or none of them."""
    ids = [change.segment.segment_id for change in changes]
    # Making surfaces takes longer than all the rest, and without them the 3D view would flicker.
    may_pause = not has_surface(capture.segmentation_node)
    yield from pace.pause()
    if (name := watch.edited()) is not None:
        raise _stale(name)
    writer.save_state()
    finished = False
    try:
        with surfaces_made_once(capture.segmentation_node, ids):
            for change in changes:
                for piece in _pieces(change):
                    if may_pause and pace.is_over:
                        yield from pace.pause()
                        if (name := watch.edited()) is not None:
                            finished = True
                            watch.take_back(writer)
                            raise _stale(name)
                    writer.change(
                        piece.segment.segment_id, capture.grid.to_labelmap, piece.box, piece.added, piece.removed
                    )
                    _check_written(capture, piece)
                    watch.note(piece)
        finished = True
    finally:
        if not finished:
            writer.undo()


def _pieces(change: SegmentChange) -> Iterator[SegmentChange]:
    """A change cut into slabs that Slicer writes within a few milliseconds."""
    rows = max(1, change.added[0].size)
    depth = max(1, _PIECE // rows)
    for first in range(0, change.box.shape[0], depth):
        here = slice(first, first + depth)
        added, removed = change.added[here], change.removed[here]
        if added.any() or removed.any():
            k, j, i = change.box.start
            box = Box((k + first, j, i), (len(added), *change.box.shape[1:]))
            yield SegmentChange(change.segment, box, added, removed, change.after)


def _check_written(capture: Capture, change: SegmentChange) -> None:
    """Slicer's logic does not say when it refuses to write: compare what it holds now."""
    labelmap = read_segment(capture.segmentation_node.GetSegmentation(), change.segment.segment_id)
    expected = change.after.over(change.box)
    if labelmap is None or not np.array_equal(
        capture.grid.read(labelmap.image, change.box) == labelmap.value, expected
    ):
        msg = f"Slicer did not take the change of segment '{change.segment.name}': everything was taken back."
        raise OutputError(msg)


def _remember_all(capture: Capture, after: Mapping[int, Patch]) -> dict[str, tuple[str, str]]:
    """Note in every segment what it now holds; segment ID -> its memory before and now."""
    segmentation = capture.segmentation_node.GetSegmentation()
    tags = {}
    for captured in capture.segments:
        segment = segmentation.GetSegment(captured.segment_id)
        if segment is None:
            continue
        tag = read_tag(segment)
        mask = after.get(captured.label, captured.patch)
        remember(segment, capture.grid, capture.axis, captured.anchors, mask, captured.accepted, captured.limits)
        tags[captured.segment_id] = tag, read_tag(segment)
    return tags


def _step(capture: Capture, segment: CapturedSegment, after: Patch, before: str, now: str) -> SegmentStep:
    return segment_step(segment.segment_id, capture.grid, capture.axis, segment.patch, after, (before, now))
