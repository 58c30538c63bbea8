"""A last look at each label when its passes have ended, for methods that take one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .errors import PropagationCancelled
from .fusion import LabelPlan, doubt_of, fuse_label
from .protocol import Draft, Finishing, SliceSource
from .records import IsCancelled, Progress, ProgressCallback


@dataclass
class Told:
    """Progress over the labels' last looks, and whether to go on.

    Attributes:
        before: steps done before the present label's.
        slice_of: the volume's number of a slice.
    """

    progress: ProgressCallback | None
    is_cancelled: IsCancelled | None
    before: int
    slice_of: Callable[[int], int]

    def step(self, done: int, total: int, slice_index: int) -> None:
        """One step of a label begins.

        Raises:
            PropagationCancelled: the user said so.
        """
        if self.is_cancelled is not None and self.is_cancelled():
            msg = f"Cancelled after {done} of {total} steps of refinement; nothing was changed."
            raise PropagationCancelled(msg)
        if self.progress is not None:
            step = f"refinement {done + 1} of {total}"
            self.progress(Progress(self.before + done + 1, self.before + total, self.slice_of(slice_index), step))
        if done + 1 == total:
            self.before += total


def fuse_finished(
    finishing: Finishing, source: SliceSource, plan: LabelPlan, allowed: tuple[int, int], doubt: np.ndarray, told: Told
) -> tuple[np.ndarray, np.ndarray]:
    """As `fuse_label`, after a last look; the anchors stay bit-identical.

    Raises:
        PropagationCancelled: the user said so.
    """
    own = np.zeros(doubt.shape, np.float32)
    mask, confidence = fuse_label(plan, allowed, own)
    drawn = frozenset(anchor.slice_index for anchor in plan.anchors)
    first = plan.anchors[0].slice_index
    changed = finishing.finish(
        source, Draft(mask, own, confidence, drawn), lambda done, total: told.step(done, total, first)
    )
    for index, filled in changed.items():
        if index in drawn or not allowed[0] <= index <= allowed[1]:
            continue
        rows_columns = filled.region.slices
        mask[index][rows_columns] = filled.soft > 0.5
        own[index][rows_columns] = doubt_of(filled.soft)
        confidence[index] = filled.expected_dice
    for at in np.flatnonzero(own.any(axis=(1, 2))):
        # Slices that nothing is written on take no memory.
        np.maximum(doubt[at], own[at], out=doubt[at])
    return mask, confidence
