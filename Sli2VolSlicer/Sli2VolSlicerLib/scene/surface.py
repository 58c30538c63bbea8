"""The closed surface that 3D views show, kept up to date without being made more often than is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

CLOSED_SURFACE = "Closed surface"


def has_surface(segmentation_node: Any) -> bool:
    """Whether 3D views show the segments: Slicer keeps their closed surfaces exactly as long as "Show 3D" is on."""
    segmentation = segmentation_node.GetSegmentation()
    ids = (segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments()))
    return any(segmentation.GetSegment(each).GetRepresentation(CLOSED_SURFACE) is not None for each in ids)


@contextmanager
def surfaces_made_once(segmentation_node: Any, segment_ids: Iterable[str]) -> Iterator[None]:
    """Whatever is written within, the surfaces of these segments are made once, at the end; none if there was none.

    Slicer's logic makes a surface anew after every single change.
    """
    segmentation = segmentation_node.GetSegmentation()
    if str(segmentation.GetSourceRepresentationName()) == CLOSED_SURFACE or not has_surface(segmentation_node):
        yield
        return
    for segment_id in segment_ids:
        segmentation.GetSegment(segment_id).RemoveRepresentation(CLOSED_SURFACE)
    try:
        yield
    finally:
        segmentation.CreateRepresentation(CLOSED_SURFACE)
