"""Which slices can be recommended at all."""

from __future__ import annotations

import numpy as np

from ..errors import RecommendationError
from ..records import Anchor, Propagation
from .records import RecommendationRequest


def labels_asked(request: RecommendationRequest) -> tuple[int, ...]:
    """The labels that recommendations are about.

    Raises:
        RecommendationError: the label asked for is nowhere.
    """
    known = {anchor.label for anchor in request.anchors}
    known |= set(request.propagation.masks) if request.propagation is not None else set()
    if request.label is None:
        return tuple(sorted(known))
    if known and request.label not in known:
        msg = f"Label {request.label} is not drawn anywhere; there is {', '.join(map(str, sorted(known)))}."
        raise RecommendationError(msg)
    return (request.label,)


def anchors_of(request: RecommendationRequest, label: int | None) -> tuple[Anchor, ...]:
    """The anchors of one label, or of all, in the order of their slices."""
    own = [anchor for anchor in request.anchors if label is None or anchor.label == label]
    return tuple(sorted(own, key=lambda anchor: anchor.slice_index))


def needed_propagation(request: RecommendationRequest, policy: str) -> Propagation:
    """The propagation, for a policy that cannot do without.

    Raises:
        RecommendationError: nothing is drawn yet.
    """
    if request.propagation is None:
        msg = (
            f"The policy '{policy}' judges a propagation, and nothing is drawn yet: draw one slice, or choose "
            "'keep-n', 'random', 'k-means', 'histogram', 'ssim' or 'perceptual'."
        )
        raise RecommendationError(msg)
    return request.propagation


def found_extent(propagation: Propagation, labels: tuple[int, ...]) -> tuple[int, int] | None:
    """First and last slice on which any of the labels was found; None if there is none."""
    there: set[int] = set()
    for label in labels:
        if label in propagation.masks:
            there.update(int(i) for i in np.flatnonzero(propagation.masks[label].any(axis=(1, 2))))
    return (min(there), max(there)) if there else None


def free_slices(first: int, last: int, taken: set[int], *, with_neighbours: bool = False) -> list[int]:
    """Slices from `first` to `last` that are not taken.

    Slices next to a taken one are left out too, as long as others remain (Slice-and-Conquer, section 3.3);
    `with_neighbours` keeps them.

    Raises:
        RecommendationError: every slice is taken.
    """
    free = [index for index in range(first, last + 1) if index not in taken]
    if not free:
        msg = f"Every slice from {first} to {last} is drawn already; there is nothing left to recommend."
        raise RecommendationError(msg)
    apart = [index for index in free if not {index - 1, index + 1} & taken]
    return free if with_neighbours or not apart else apart
