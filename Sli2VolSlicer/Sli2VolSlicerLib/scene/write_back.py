"""From a propagation to segments: one undo step, only what changed, the user's slices untouched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..engine.errors import StaleResultError
from ..engine.records import Propagation
from .capture import Capture, CapturedSegment
from .draft import Draft, SegmentChange
from .editable import EditRules, editable, occupied
from .geometry import Box
from .history import SegmentStep, segment_step
from .memory import memory_tag, read_tag, write_tag
from .patch import Patch
from .proposal import Proposal, Reach, propose
from .segments import SegmentLabelmap, convert_to_labelmap, is_labelmap_source, labelmap_segmentation, read_segment
from .surface import has_surface
from .turns import Pace, Turns, in_one_go
from .watch import Watch

_MOST_DRAFTS = 3
"""One that other edits overtake is made anew so often in turns, and then without a pause."""

SaveState = Callable[[], object]
"""Begins a step that the user's own undo takes back."""


@dataclass(frozen=True)
class WriteReport:
    """What was written.

    Attributes:
        added_voxels: segment ID -> voxels added.
        removed_voxels: segment ID -> voxels taken away.
        steps: what is to be undone.
        layers: how many labelmaps the segmentation had before.
        surface_is_due: closed surfaces were shown, and are to be made anew: `surface.make_surface`.
    """

    added_voxels: Mapping[str, int]
    removed_voxels: Mapping[str, int]
    steps: tuple[SegmentStep, ...] = field(default=(), repr=False)
    layers: int = 0
    surface_is_due: bool = False

    @property
    def changed(self) -> bool:
        """Whether any voxel changed (and so an undo step was made)."""
        return any(self.added_voxels.values()) or any(self.removed_voxels.values())


def write_back(
    capture: Capture, propagation: Propagation, rules: EditRules | None = None, reach: Reach | None = None
) -> WriteReport:
    """Write a propagation into the segments that it was captured from, at once; as `writing`, in one go."""
    proposal = propose(capture, propagation, reach or Reach())
    return in_one_go(writing(capture, proposal, rules or EditRules.from_node(None)))


def writing(
    capture: Capture, proposal: Proposal, rules: EditRules, save_state: SaveState | None = None
) -> Turns[WriteReport]:
    """Write a proposal into the segments that it was made for: worked out in turns, and written at once in the last.

    Anchors stay bit-identical, and so do all other segments. What the user does between two turns is kept:
    if it was to one of these segments, nothing is written.

    Args:
        capture: where the anchors came from.
        proposal: what is to become of the segments.
        rules: where editing is allowed.
        save_state: called once, before anything changes, if anything does.

    Raises:
        StaleResultError: a segment was edited since the capture.
        AnnotationError: a segment was removed since.
        OutputError: Slicer could not make the editable area, or take the change.
    """
    watch, pace = Watch(capture), Pace()
    changes = yield from planning(capture, proposal, rules, pace)
    segmentation = capture.segmentation_node.GetSegmentation()
    layers = int(segmentation.GetNumberOfLayers())
    added = {c.segment.segment_id: int(np.count_nonzero(c.added)) for c in changes}
    removed = {c.segment.segment_id: int(np.count_nonzero(c.removed)) for c in changes}
    yield
    steps = yield from _steps(capture, {change.segment.label: change.after for change in changes}, pace)
    draft = (yield from _drafting(capture, changes, watch, pace, save_state)) if changes else None
    _require_unedited(watch)
    # Nothing may come between these: what is in place without a memory of it would be taken for the user's.
    surface_is_due = draft is not None and has_surface(capture.segmentation_node)
    if draft is not None:
        draft.put_in_place()
    for step in steps:
        write_tag(segmentation.GetSegment(step.segment_id), step.after.tag)
    return WriteReport(added, removed, steps, layers, surface_is_due)


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


def _require_unedited(watch: Watch) -> None:
    if (name := watch.edited()) is not None:
        raise _stale(name)


def _steps(capture: Capture, after: Mapping[int, Patch], pace: Pace) -> Turns[tuple[SegmentStep, ...]]:
    """What is to be undone: of every segment its voxels and its memory, before and afterwards."""
    segmentation = capture.segmentation_node.GetSegmentation()
    steps = []
    for captured in capture.segments:
        yield from pace.pause()
        if (segment := segmentation.GetSegment(captured.segment_id)) is None:
            raise _stale(captured.name)
        mask = after.get(captured.label, captured.patch)
        tag = memory_tag(capture.grid, capture.axis, captured.anchors, mask, captured.accepted, captured.limits)
        tags = read_tag(segment), tag
        steps.append(segment_step(captured.segment_id, capture.grid, capture.axis, captured.patch, mask, tags))
    return tuple(steps)


def _drafting(
    capture: Capture, changes: tuple[SegmentChange, ...], watch: Watch, pace: Pace, save_state: SaveState | None
) -> Turns[Draft]:
    """A draft of all changes that fits the segmentation as it is at the end; the state has been saved then."""
    node = capture.segmentation_node
    must_save = save_state is not None
    if not is_labelmap_source(node):
        _require_unedited(watch)
        if save_state is not None:
            save_state()
        must_save = False
        convert_to_labelmap(node, capture.volume_node)
    drafts = 0
    while True:
        # There may have been a pause since it was last seen.
        _require_unedited(watch)
        draft = Draft(capture, changes)
        drawing = draft.drawing(pace)
        if drafts < _MOST_DRAFTS:
            yield from drawing
        else:
            in_one_go(drawing)
        drafts += 1
        _require_unedited(watch)
        if draft.is_current():
            break
    if must_save and save_state is not None:
        save_state()
    return draft
