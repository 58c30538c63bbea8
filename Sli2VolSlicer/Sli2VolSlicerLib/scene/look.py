"""One look at the scene for all that is shown of it: the timeline, where its slices lie, and how large segments are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .capture import captures
from .measure import SegmentSize, segment_size
from .recommend import SceneRecommendation, anything_painted
from .slice_views import PaintedSlices
from .timeline import Timeline, timeline_of

if TYPE_CHECKING:
    from .logic import SceneResult


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen.

    Attributes:
        timeline: along the slices.
        slices: where they lie.
        sizes: segment ID -> size.
        names: segment ID -> name.
    """

    timeline: Timeline
    slices: PaintedSlices
    sizes: Mapping[str, SegmentSize]
    names: Mapping[str, str]


def look(
    volume_node: Any,
    segmentation_node: Any,
    segment_ids: Sequence[str] | None = None,
    result: SceneResult | None = None,
    recommendations: Sequence[SceneRecommendation] = (),
) -> Look | None:
    """Look at the painted segments; None where nothing is painted. Nothing is changed.

    Where segments cannot be propagated together (other axes, other grids), it is a look at the first of them.

    Args:
        volume_node: vtkMRMLScalarVolumeNode.
        segmentation_node: vtkMRMLSegmentationNode.
        segment_ids: which segments; all painted ones by default.
        result: of the last propagation.
        recommendations: of the last recommendation, best first.

    Raises:
        VolumeError, AnnotationError: as `capture`.
    """
    if volume_node is None or not anything_painted(volume_node, segmentation_node, segment_ids):
        return None
    captured = captures(volume_node, segmentation_node, segment_ids)[0]
    return Look(
        timeline_of(captured, result, recommendations),
        PaintedSlices.of(captured),
        {segment.segment_id: segment_size(captured, segment) for segment in captured.segments},
        {segment.segment_id: segment.name for segment in captured.segments},
    )
