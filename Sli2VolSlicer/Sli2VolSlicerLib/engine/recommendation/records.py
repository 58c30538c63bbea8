"""What a recommendation is asked from, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..records import Anchor, Propagation
from ..slice_stack import SliceStack


class DescriptorSource(Protocol):
    """Describes what a slice looks like by a vector, e.g. with a network's features."""

    def descriptor(self, axis: int, index: int) -> np.ndarray:
        """Slice `index` along `axis` of the volume: float32, one dimension, the same size for all slices."""
        ...


@dataclass(frozen=True)
class Recommendation:
    """A slice to look at, and why.

    Attributes:
        axis: of the volume's array; the painted one unless all axes were asked for.
        slice_index: along that axis.
        score: 0..1, larger is more worth drawing; comparable within one call only.
        reason: a sentence for the user, without a full stop.
        label: the segment that it is about; None where it is about no one in particular.
    """

    axis: int
    slice_index: int
    score: float
    reason: str
    label: int | None = None


@dataclass(frozen=True)
class QualityEstimate:
    """How good a propagation is, as far as can be told without the truth.

    Attributes:
        dice: the expected Dice of the volume, 0..1.
        good_enough: whether the user may stop.
        reason: a sentence for the user.
    """

    dice: float
    good_enough: bool
    reason: str


@dataclass(frozen=True, eq=False)
class RecommendationRequest:
    """All that a policy may look at.

    Attributes:
        stack: the volume along the painted axis.
        propagation: the latest; None before anything is drawn (or for a policy that is to ignore it).
        anchors: what is drawn already; empty ones count.
        label: recommend for this label only; for all by default.
        all_axes: look along the other two axes too, where the policy can.
        seed: of random choices.
        slice_range: first and last slice that may be named, along the painted axis, inclusive; all by default.
        features: describes slices, for the policy "perceptual".
    """

    stack: SliceStack
    propagation: Propagation | None = None
    anchors: Sequence[Anchor] = field(default=())
    label: int | None = None
    all_axes: bool = False
    seed: int = 0
    slice_range: tuple[int, int] | None = None
    features: DescriptorSource | None = None
