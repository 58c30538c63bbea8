"""Batches of passes of like length, drawn by what they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...engine.errors import VolumeError
from ...engine.refinement.view import maps_of
from .examples import PassExample
from .objects import GROWN, NOTHING_TO_LEARN_FROM, TRACKED, Family


@dataclass(frozen=True)
class BatchSettings:
    """How batches are drawn.

    Attributes:
        slices: of all of a batch's passes together, about.
        fewest: passes in a batch, at least.
        longest: slices of a pass that are shown at once.
        from_within: chance that of a longer pass the anchor is shown and then slices from a random one on.
        alike: passes of one batch differ by so many slices from the first drawn, at most.
        grown_share, across_share, tracked_share: of the passes drawn; the others follow labelled structures along
            the acquired slices. Within each share groups of volumes count alike, and labels within a group.
        sent_on_share: of the passes drawn, those that were sent on, where there are any; the shares above hold
            among them and among the others.
    """

    slices: int = 100
    fewest: int = 3
    longest: int = 24
    from_within: float = 0.7
    alike: int = 2
    grown_share: float = 0.20
    across_share: float = 0.28
    tracked_share: float = 0.12
    sent_on_share: float = 0.5


@dataclass(frozen=True, eq=False)
class PassBatch:
    """Passes side by side, shorter ones filled up with their last slice.

    Attributes:
        intensity, soft, truth: float32 (passes, slices, side, side), 0..1.
        measures: float32 (passes, slices, MEASURES).
        drawn, drawn_on: float32 (passes, side, side): what was drawn, and the intensity there.
        counted: float32 (passes, slices): 1 where the loss looks, 0 on anchors, where the truth is not known,
            and where filled up.
    """

    intensity: torch.Tensor
    soft: torch.Tensor
    truth: torch.Tensor
    measures: torch.Tensor
    drawn: torch.Tensor
    drawn_on: torch.Tensor
    counted: torch.Tensor

    def maps(self) -> torch.Tensor:
        """The pictures as the network takes them."""
        return maps_of(self.intensity, self.soft, self.drawn, self.drawn_on)


def whole_pass(example: PassExample) -> PassBatch:
    """One pass with all of its slices."""
    return _side_by_side([example], [list(range(len(example.soft)))])


def sampling_shares(families: Sequence[Family], settings: BatchSettings) -> np.ndarray:
    """How often each of these is drawn, float64 that sums to 1."""
    is_sent_on = np.array([family.is_sent_on for family in families])
    shares = np.zeros(len(families))
    for kind, share in ((True, settings.sent_on_share), (False, 1 - settings.sent_on_share)):
        here = is_sent_on == kind
        if here.any():
            own = _shares_in_a_round([family for family in families if family.is_sent_on == kind], settings)
            shares[here] = own if here.all() else share * own
    return shares


def _shares_in_a_round(families: Sequence[Family], settings: BatchSettings) -> np.ndarray:
    """The same among passes that all were sent on, or all were not."""
    sources = np.array([_source(family) for family in families])
    wanted = {GROWN: settings.grown_share, TRACKED: settings.tracked_share, "across": settings.across_share}
    wanted["along"] = 1 - sum(wanted.values())
    groups, members = np.array([family.words for family in families]), np.array([repr(f) for f in families])
    shares = np.zeros(len(families))
    for source, share in wanted.items():
        here = sources == source
        for group in set(groups[here]):
            of_group = here & (groups == group)
            alike = set(members[of_group])
            for member in alike:
                same = members == member
                shares[same] = share / len(set(groups[here])) / len(alike) / int(same.sum())
    result: np.ndarray = shares / shares.sum()
    return result


class BatchSampler:
    """Draws batches; every draw depends on the generator alone.

    Args:
        examples: what to draw from; those held out are left aside.
        settings: how.

    Raises:
        VolumeError: there is nothing to draw from.
    """

    def __init__(self, examples: Sequence[PassExample], settings: BatchSettings) -> None:
        self.settings = settings
        self.examples = tuple(example for example in examples if not example.is_held_out)
        if not self.examples:
            raise VolumeError(NOTHING_TO_LEARN_FROM)
        self._shares = sampling_shares([example.family for example in self.examples], settings)
        self._lengths = np.array([min(settings.longest, len(example.soft)) for example in self.examples])

    def draw(self, generator: np.random.Generator) -> PassBatch:
        """One batch."""
        first = int(generator.choice(len(self.examples), p=self._shares))
        length = int(self._lengths[first])
        count = max(self.settings.fewest, round(self.settings.slices / length))
        alike = np.flatnonzero(np.abs(self._lengths - length) <= self.settings.alike)
        shares = self._shares[alike] / self._shares[alike].sum()
        others = generator.choice(alike, count - 1, p=shares)
        chosen = [self.examples[index] for index in (first, *(int(other) for other in others))]
        return _side_by_side(chosen, [self._shown(len(example.soft), generator) for example in chosen])

    def _shown(self, slices: int, generator: np.random.Generator) -> list[int]:
        """Which slices of a pass are shown."""
        longest = self.settings.longest
        is_from_within = slices > longest and generator.random() < self.settings.from_within
        begin = int(generator.integers(0, slices - longest + 1)) if is_from_within else 0
        # The anchor comes first always: whatever is shown is compared with it.
        return [0, *range(begin + 1, min(slices, begin + longest))]


def _source(family: Family) -> str:
    if family.group in (GROWN, TRACKED):
        return family.group
    return "across" if family.is_across else "along"


def _side_by_side(examples: Sequence[PassExample], shown: Sequence[list[int]]) -> PassBatch:
    slices = max(map(len, shown))
    filled = [[*indices, *[indices[-1]] * (slices - len(indices))] for indices in shown]
    counted = torch.zeros(len(examples), slices)
    for position, (example, indices) in enumerate(zip(examples, shown, strict=True)):
        counted[position, : len(indices)] = example.known[indices].float()
        counted[position, 0] = 0

    def pictures(name: str) -> torch.Tensor:
        parts = [getattr(example, name)[indices] for example, indices in zip(examples, filled, strict=True)]
        return torch.stack(parts).float() / 255

    return PassBatch(
        intensity=pictures("intensity"),
        soft=pictures("soft"),
        truth=pictures("truth"),
        measures=torch.stack([example.measures[indices] for example, indices in zip(examples, filled, strict=True)]),
        drawn=torch.stack([example.soft[0] for example in examples]).float() / 255,
        drawn_on=torch.stack([example.intensity[0] for example in examples]).float() / 255,
        counted=counted,
    )
