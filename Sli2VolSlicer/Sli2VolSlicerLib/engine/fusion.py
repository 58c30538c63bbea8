"""From passes to masks: votes of the passes that reached a slice, anchors as they were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from .passes import PRESENT, Pass, SliceResult
from .protocol import Region
from .records import Anchor


@dataclass(eq=False)
class LabelPlan:
    """One label: its anchors in order, and its passes.

    Attributes:
        label: the segment's label value.
        anchors: sorted by slice.
        passes: (anchor slice, step) -> pass.
        outcomes: the same -> what came of it on the slices after the anchor, refined if the method refines.
    """

    label: int
    anchors: tuple[Anchor, ...]
    passes: dict[tuple[int, int], Pass] = field(default_factory=dict)
    outcomes: dict[tuple[int, int], Sequence[SliceResult]] = field(default_factory=dict)

    def votes(self, index: int) -> list[tuple[float, Pass, SliceResult]]:
        """What the passes from the anchors on either side say of slice `index`, with their weights.

        Between two anchors a pass counts the more the nearer its anchor is (design, decision 4)
        and the surer it is of the slice; next to the other anchor it is not heard where the other pass is.
        """
        below = max((a.slice_index for a in self.anchors if a.slice_index < index), default=None)
        above = min((a.slice_index for a in self.anchors if a.slice_index > index), default=None)
        found = []
        for anchor, step in ((below, 1), (above, -1)):
            run = self.passes.get((anchor, step)) if anchor is not None else None
            if run is None or anchor is None:
                continue
            position = abs(index - anchor) - 1
            results = self.outcomes[(anchor, step)]
            if position < len(results):
                result = results[position]
                found.append((result.confidence / (position + 1), run, result))
        if len(found) == 2 and below is not None and above is not None:
            far = unheard(above - below)
            return found[:1] if index - below <= far else found[1:] if above - index <= far else found
        return found


def unheard(gap: int) -> int:
    """Slices next to an anchor on which the pass from the next anchor, `gap` slices away, is not heard.

    Its share there would be under a sixth; propagating it that far would be labour lost.
    """
    return max(0, -(-gap // 6) - 1)


def doubt_of(soft: np.ndarray) -> np.ndarray:
    """How unsure a soft mask is of each pixel's label, float32, 0..0.5; 0 where nothing is in question."""
    return np.where(soft > PRESENT, np.minimum(soft, 1 - soft), 0).astype(np.float32)


def fuse_label(plan: LabelPlan, allowed: tuple[int, int], doubt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One label's mask on the volume's slices, and how sure each slice is.

    Args:
        plan: the label, its passes run.
        allowed: first and last slice that may be filled.
        doubt: float32 (slices, rows, columns); raised where this label is in doubt.

    Returns:
        mask: bool (slices, rows, columns), the anchors bit-identical.
        slice_confidence: float32 (slices,), the Dice to be expected; NaN where no pass went.
    """
    masks = np.zeros(doubt.shape, bool)
    per_slice = np.full(len(masks), np.nan, np.float32)
    for index in range(allowed[0], allowed[1] + 1):
        votes = plan.votes(index)
        if not votes:
            continue
        total = sum(weight for weight, _, _ in votes)
        placed = [run.grid.soft_to_volume(result.soft, result.region) for _, run, result in votes]
        asked = reduce(Region.union, (region for region, _ in placed))
        full = np.zeros(asked.shape, np.float32)
        for (weight, _, _), (region, soft) in zip(votes, placed, strict=True):
            full[region.within(asked)] += np.float32(weight / total) * soft
        masks[index][asked.slices] = full > 0.5
        before = doubt[index][asked.slices]
        np.maximum(before, doubt_of(full), out=before)
        per_slice[index] = sum(weight * result.expected_dice for weight, _, result in votes) / total
    for anchor in plan.anchors:
        masks[anchor.slice_index] = anchor.mask
        per_slice[anchor.slice_index] = 1.0
    return masks, per_slice
