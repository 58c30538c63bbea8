"""What a policy of the engine may look at, taken from a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.records import Propagation
from ..engine.slice_stack import SliceStack
from .capture import Capture
from .segments import labelmap_segmentation, painted_ids, require_segmentation
from .sessions import OpenSession

if TYPE_CHECKING:
    from ..engine.recommendation import Recommendation, RecommendationRequest


@dataclass(frozen=True)
class SceneRecommendation:
    """A slice to look at, and why.

    Attributes:
        axis: of the grid (that of the volume's array, where both lattices coincide).
        slice_index: along that axis.
        score: larger is more worth drawing; comparable within one call only.
        reason: a sentence for the user.
        segment_id: the segment that it is about; None where it is about no one in particular.
    """

    axis: int
    slice_index: int
    score: float
    reason: str
    segment_id: str | None


def anything_painted(volume_node: Any, segmentation_node: Any, chosen: Sequence[str] | None) -> bool:
    """Whether one of the chosen segments (of all, by default) holds a voxel.

    Raises:
        AnnotationError: no segmentation, or no segment of a chosen ID.
    """
    if segmentation_node is None or segmentation_node.GetSegmentation().GetNumberOfSegments() == 0:
        if chosen:
            require_segmentation(segmentation_node)
        return False
    return bool(painted_ids(labelmap_segmentation(segmentation_node, volume_node), chosen))


def request_for(
    captured: Capture, propagation: Propagation, opened: OpenSession, *, all_axes: bool, seed: int
) -> RecommendationRequest:
    """What a policy may look at once something is painted; slices beyond all limits are not to be named."""
    from ..engine.descriptors import descriptors_of
    from ..engine.recommendation import RecommendationRequest

    last = captured.slice_count - 1
    reaches = [segment.limits.within(0, last) for segment in captured.segments]
    return RecommendationRequest(
        opened.stack,
        propagation,
        captured.anchors,
        label=1 if len(captured.segments) == 1 else None,
        all_axes=all_axes,
        seed=seed,
        slice_range=(min(low for low, _ in reaches), max(high for _, high in reaches)),
        features=descriptors_of(opened.stack, opened.method),
    )


def blank_request(
    voxels: np.ndarray,
    spacing_mm: tuple[float, float, float],
    axis: int,
    method: object,
    *,
    all_axes: bool,
    seed: int,
) -> RecommendationRequest:
    """What a policy may look at before anything is painted: the volume's own slices.

    Args:
        voxels: the volume's, (k, j, i).
        spacing_mm: per axis of `voxels`.
        axis: of `voxels`.
        method: may describe slices.
        all_axes: look along all three axes.
        seed: of random choices.

    Raises:
        VolumeError: the volume is unfit.
    """
    from ..engine.descriptors import descriptors_of
    from ..engine.recommendation import RecommendationRequest

    stack = SliceStack(voxels, spacing_mm, axis)
    return RecommendationRequest(stack, all_axes=all_axes, seed=seed, features=descriptors_of(stack, method))


def for_scene(found: Sequence[Recommendation], captured: Capture | None) -> tuple[SceneRecommendation, ...]:
    """The engine's recommendations with segments for labels."""
    return tuple(
        SceneRecommendation(
            each.axis,
            each.slice_index,
            each.score,
            each.reason,
            captured.segment_id(each.label) if captured is not None and each.label is not None else None,
        )
        for each in found
    )
