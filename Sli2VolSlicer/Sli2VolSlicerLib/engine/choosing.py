"""Which of several methods runs a pass: the one that finds its way back to the drawn slice best."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .errors import PropagationCancelled
from .passes import Pass, SliceResult, StageSeconds, advance, begin_pass
from .protocol import Carrier, CarryingMethod, ChoosingMethod, Method
from .records import Anchor, IsCancelled
from .working_grid import WorkingGrid, working_scale

_REACH = 1
"""So many slices a trial goes out and back. Three told less than one on the labelled training volumes."""

OpenedAt = Callable[[CarryingMethod, float], tuple[WorkingGrid, Carrier]]
"""A method at one working size."""

_Key = tuple[int, int, bytes]


@dataclass(frozen=True, eq=False)
class Choice:
    """What runs the passes from one drawn slice in one direction.

    Attributes:
        method: runs them.
        reproduced: by a candidate's name, the Dice between the drawn slice and what came back of it; empty where
            there was nothing to choose.
    """

    method: CarryingMethod
    reproduced: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        """In words, e.g. "sli2vol (0.95; mask-prior 0.93)"."""
        name = self.method.name
        if name not in self.reproduced:
            return name
        others = [f"{other} {value:.2f}" for other, value in self.reproduced.items() if other != name]
        return f"{name} ({'; '.join([f'{self.reproduced[name]:.2f}', *others])})"


class Choices:
    """The choices of one session, each made once.

    A choice depends on the volume, the drawn slice and the direction, and on nothing that is drawn elsewhere: a
    correction must not change the method of the passes from other slices.

    Args:
        method: what the session propagates by; where it is a single carrying method there is nothing to choose.
        opened_at: opens candidates.
    """

    def __init__(self, method: Method, opened_at: OpenedAt) -> None:
        self._method = method
        self._opened_at = opened_at
        self._made: dict[_Key, Choice] = {}

    def settle(self, anchors: Sequence[Anchor], is_cancelled: IsCancelled | None) -> None:
        """Make the choices that passes from these slices will need.

        Raises:
            PropagationCancelled: `is_cancelled` said so; what was chosen so far is kept.
        """
        if not isinstance(self._method, ChoosingMethod):
            return
        for anchor in anchors:
            for step in (-1, 1):
                if anchor.mask.any() and _key(anchor, step) not in self._made:
                    self._made[_key(anchor, step)] = self._choice(self._method, anchor, step, is_cancelled)

    def of(self, anchor: Anchor, step: int) -> Choice:
        """What runs the pass from a drawn slice; settled before, where there is a choice."""
        if isinstance(self._method, ChoosingMethod):
            return self._made[_key(anchor, step)]
        assert isinstance(self._method, CarryingMethod), self._method.name
        return Choice(self._method)

    def notes(self, label: int, anchors: Sequence[Anchor]) -> tuple[str, ...]:
        """What was chosen for a label's passes, for the user; none where there was no choice."""
        if not isinstance(self._method, ChoosingMethod):
            return ()
        told = [
            f"slice {anchor.slice_index} {way} by {self._made[_key(anchor, step)]}"
            for anchor in anchors
            for step, way in ((-1, "down"), (1, "up"))
            if anchor.mask.any()
        ]
        return (f"Label {label}, Dice of the drawn slice after one slice out and back: from {', '.join(told)}.",)

    def _choice(self, method: ChoosingMethod, anchor: Anchor, step: int, is_cancelled: IsCancelled | None) -> Choice:
        reproduced: dict[str, float] = {}
        for candidate in method.candidates:
            if is_cancelled is not None and is_cancelled():
                msg = "Cancelled while choosing a method; nothing was changed."
                raise PropagationCancelled(msg)
            # By this slice's own size: the label's largest slice may be drawn later.
            scale = working_scale(float(anchor.mask.sum())) if candidate.rules.rescale else 1.0
            reproduced[candidate.name] = reproduction(candidate, *self._opened_at(candidate, scale), anchor, step)
        return Choice(method.choose(reproduced), reproduced)


def reproduction(method: CarryingMethod, grid: WorkingGrid, carrier: Carrier, anchor: Anchor, step: int) -> float:
    """The Dice between a drawn slice and what a method makes of it by going out and back; 0 if it gets lost.

    Refinement has no part in it: it sees passes as a whole, and knows ends that it would find on the way back, too.
    """
    run = begin_pass(grid, method.rules, anchor.label, anchor.slice_index, step, anchor.mask)
    reached = _reached(method, carrier, run)
    if reached is None:
        return 0.0
    turned = np.zeros(anchor.mask.shape, bool)
    region, soft = grid.soft_to_volume(reached.soft, reached.region)
    turned[region.slices] = soft > 0.5
    if not turned.any():
        return 0.0
    far = anchor.slice_index + step * _REACH
    came = _reached(method, carrier, begin_pass(grid, method.rules, anchor.label, far, -step, turned))
    if came is None:
        return 0.0
    back, drawn = came.placed(grid.shape) > 0.5, grid.soft_from_mask(anchor.mask) > 0.5
    return 2.0 * int((back & drawn).sum()) / max(1, int(back.sum()) + int(drawn.sum()))


def _reached(method: CarryingMethod, carrier: Carrier, run: Pass) -> SliceResult | None:
    """What a pass finds on the slice where a trial turns; None if it does not get there."""
    while run.stopped is None and len(run.results) < min(run.room, _REACH):
        advance([run], carrier, method.rules, StageSeconds())
    return run.results[-1] if len(run.results) == _REACH else None


def mask_digest(mask: np.ndarray) -> bytes:
    """A short fingerprint of a drawn slice, bool (rows, columns)."""
    return hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=16).digest()


def _key(anchor: Anchor, step: int) -> _Key:
    return anchor.slice_index, step, mask_digest(anchor.mask)
