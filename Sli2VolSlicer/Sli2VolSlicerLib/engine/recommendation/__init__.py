"""Which slice to look at next: policies by name."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import RecommendationError
from .doubt import confidence
from .gain import expected_gain
from .quality import estimate_quality
from .records import DescriptorSource, QualityEstimate, Recommendation, RecommendationRequest
from .similarity import Describe, by_features, by_histogram, by_pixels, by_structure, representatives
from .spread import keep_n, random

__all__ = [
    "ALL_AXES_POLICIES",
    "DEFAULT_POLICY",
    "POLICIES",
    "POLICIES_BEFORE_DRAWING",
    "DescriptorSource",
    "QualityEstimate",
    "Recommendation",
    "RecommendationRequest",
    "estimate_quality",
    "recommend",
]

_Policy = Callable[[RecommendationRequest, int], list[Recommendation]]


def _by_looks(describe: Describe, words: str) -> _Policy:
    def policy(request: RecommendationRequest, count: int) -> list[Recommendation]:
        return representatives(request, count, describe, words)

    return policy


_POLICIES: dict[str, _Policy] = {
    "confidence": confidence,
    "expected-gain": expected_gain,
    "keep-n": keep_n,
    "random": random,
    "k-means": _by_looks(by_pixels, "by their pixels"),
    "histogram": _by_looks(by_histogram, "by their histograms"),
    "ssim": _by_looks(by_structure, "by structural similarity"),
    "perceptual": _by_looks(by_features, "by the network's features"),
}

POLICIES: tuple[str, ...] = tuple(_POLICIES)
"""The policies' names."""

DEFAULT_POLICY = "expected-gain"

ALL_AXES_POLICIES: tuple[str, ...] = ("confidence", "expected-gain")
"""Those that can look along all three axes. They judge a propagation: something must be drawn first."""

POLICIES_BEFORE_DRAWING: tuple[str, ...] = tuple(name for name in POLICIES if name not in ALL_AXES_POLICIES)
"""Those that also work before anything is drawn."""


def recommend(
    request: RecommendationRequest, policy: str = DEFAULT_POLICY, *, count: int = 1
) -> tuple[Recommendation, ...]:
    """The next slices to draw, best first, fewer than `count` when there are no more.

    Raises:
        RecommendationError: no policy of this name, one that cannot do what is asked, nothing drawn that it
            could judge, or no slice left.
    """
    if policy not in _POLICIES:
        msg = f"There is no policy {policy!r}; choose one of {', '.join(POLICIES)}."
        raise RecommendationError(msg)
    if count < 1:
        msg = f"At least one slice must be asked for, got {count}."
        raise RecommendationError(msg)
    if request.all_axes and policy not in ALL_AXES_POLICIES:
        msg = (
            f"The policy '{policy}' looks along the painted axis only; choose one of "
            f"{', '.join(ALL_AXES_POLICIES)} for all axes."
        )
        raise RecommendationError(msg)
    return tuple(_POLICIES[policy](request, count))
