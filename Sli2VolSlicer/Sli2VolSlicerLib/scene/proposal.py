"""What a propagation would change in the segments it was captured from: worked out without a look at the scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..engine.errors import MethodError
from ..engine.records import Direction, Propagation
from .capture import Capture, CapturedSegment
from .geometry import Box
from .patch import Patch


@dataclass(frozen=True)
class Reach:
    """Which slices a propagation was allowed to change; the others stay as they are.

    Attributes:
        direction: which way passes ran from the anchors.
        slice_range: first and last slice of the grid's axis; None for all.
    """

    direction: Direction = Direction.BOTH
    slice_range: tuple[int, int] | None = None

    @classmethod
    def of(cls, direction: str | Direction, slice_range: tuple[int, int] | None = None) -> Reach:
        """That of a direction by its name.

        Raises:
            MethodError: there is no such direction.
        """
        try:
            return cls(Direction(direction), slice_range)
        except ValueError:
            msg = f"The direction must be one of {', '.join(d.value for d in Direction)}, got '{direction}'."
            raise MethodError(msg) from None

    def slices(self, count: int, anchors: tuple[int, ...], drawn: tuple[int, ...]) -> np.ndarray:
        """Bool, (count,): true where a slice may change; never on an anchor.

        Args:
            count: the number of slices.
            anchors: the user's slices.
            drawn: those of them that are not empty: passes start from them.
        """
        free = np.ones(count, dtype=bool)
        if self.direction is Direction.UP:
            free[: min(drawn)] = False
        if self.direction is Direction.DOWN:
            free[max(drawn) + 1 :] = False
        if self.slice_range is not None:
            first, last = self.slice_range
            free[: max(first, 0)] = False
            free[last + 1 :] = False
        free[list(anchors)] = False
        return free


@dataclass(frozen=True, eq=False)
class ProposedSegment:
    """What one segment would become if nothing stood in the way.

    Attributes:
        after: the engine's mask where it may speak, the present one elsewhere.
        box: the smallest block of the grid that holds every difference; None if there is none.
        added: voxels that it would gain, bool, (k, j, i) over `box`.
        removed: those that it would lose.
        found: which slices the engine's own mask is on, bool, (slices,).
    """

    after: Patch
    box: Box | None
    added: np.ndarray
    removed: np.ndarray
    found: np.ndarray


@dataclass(frozen=True, eq=False)
class Proposal:
    """What a propagation would change.

    Attributes:
        propagation: the engine's answer.
        segments: label -> what becomes of the segment.
    """

    propagation: Propagation
    segments: Mapping[int, ProposedSegment]

    @property
    def changes_nothing(self) -> bool:
        """Whether every segment would stay as it is."""
        return all(each.box is None for each in self.segments.values())


def propose(captured: Capture, propagation: Propagation, reach: Reach) -> Proposal:
    """What a propagation would change; on any thread, since it takes a look at every voxel.

    Args:
        captured: what was propagated.
        propagation: the engine's answer.
        reach: which slices it was about.
    """
    return Proposal(propagation, {s.label: _proposed(captured, s, propagation, reach) for s in captured.segments})


def _proposed(captured: Capture, segment: CapturedSegment, propagation: Propagation, reach: Reach) -> ProposedSegment:
    drawn = tuple(a.slice_index for a in captured.anchors if a.label == segment.label and a.mask.any())
    free = reach.slices(captured.slice_count, segment.anchors, drawn)
    engine = Patch.of(np.moveaxis(propagation.masks[segment.label], 0, captured.axis))
    joint = segment.patch.box.joined(engine.box)
    old = segment.patch.over(joint)
    new = old.copy()
    first = joint.start[captured.axis]
    here = free[first : first + joint.shape[captured.axis]]
    captured.slices_first(new)[here] = captured.slices_first(engine.over(joint))[here]
    after = Patch.within(captured.grid.shape, joint, new)
    # Asked for when the result is written, on the main thread.
    after.fingerprints(captured.axis)
    different = Patch.within(captured.grid.shape, joint, new ^ old)
    box = None if different.is_empty else different.box
    part = different.box.seen_from(joint.start).slices if box is not None else np.s_[:0, :0, :0]
    return ProposedSegment(after, box, new[part] & ~old[part], old[part] & ~new[part], engine.filled(captured.axis))
