"""A session without an engine: every slice gets the nearest anchor's mask where the image is bright."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from Sli2VolSlicerLib.engine.errors import PropagationCancelled
from Sli2VolSlicerLib.engine.records import (
    Anchor,
    Direction,
    IsCancelled,
    PassReport,
    Progress,
    ProgressCallback,
    Propagation,
    SliceLimits,
    StopReason,
)
from Sli2VolSlicerLib.engine.slice_stack import SliceStack


class FakeSession:
    """Deterministic, and sensitive to any flip, shift or permutation of image or mask."""

    def __init__(self, stack: SliceStack, method: object = None) -> None:
        self.stack = stack
        self.calls = 0

    def propagate(
        self,
        anchors: Sequence[Anchor],
        *,
        direction: Direction = Direction.BOTH,
        slice_range: tuple[int, int] | None = None,
        limits: Mapping[int, SliceLimits] | None = None,
        progress: ProgressCallback | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> Propagation:
        self.calls += 1
        count, shape = self.stack.slice_count, self.stack.shape
        labels = sorted({a.label for a in anchors})
        masks = {label: np.zeros((count, *shape), dtype=bool) for label in labels}
        for done in range(count):
            if is_cancelled is not None and is_cancelled():
                raise PropagationCancelled("Propagation was cancelled: nothing was changed.")
            for label in labels:
                if limits and label in limits and not limits[label].allows(done):
                    continue
                own = [a for a in anchors if a.label == label]
                nearest = min(own, key=lambda a: (abs(a.slice_index - done), a.slice_index))
                exact = nearest.slice_index == done
                bright = self.stack.intensity(done) > 0.4
                masks[label][done] = nearest.mask if exact else nearest.mask & bright
            if progress is not None:
                progress(Progress(done + 1, count, done, "slice"))
        passes = tuple(
            PassReport(a.label, a.slice_index, step, count - 1 if step > 0 else 0, StopReason.END_OF_VOLUME)
            for a in anchors
            for step in (-1, 1)
        )
        return Propagation(
            masks=masks,
            doubt=np.zeros((count, *shape), dtype=np.float32),
            slice_confidence={label: np.ones(count, dtype=np.float32) for label in labels},
            passes=passes,
            seconds={"total": 0.0},
            slices_propagated=count,
            device="cpu",
        )
