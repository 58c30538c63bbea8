"""The closed surface that 3D views show, kept up to date without being made more often than is needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

CLOSED_SURFACE = "Closed surface"


def has_surface(segmentation_node: Any) -> bool:
    """Whether 3D views show the segments: Slicer keeps their closed surfaces exactly as long as "Show 3D" is on."""
    segmentation = segmentation_node.GetSegmentation()
    ids = (segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments()))
    return any(segmentation.GetSegment(each).GetRepresentation(CLOSED_SURFACE) is not None for each in ids)


def make_surface(segmentation_node: Any) -> None:
    """Make the closed surfaces that are missing: one call of Slicer's own conversion, that cannot be done in turns."""
    scene, segmentation = segmentation_node.GetScene(), segmentation_node.GetSegmentation()
    if scene is not None and not scene.IsClosing() and segmentation is not None:
        segmentation.CreateRepresentation(CLOSED_SURFACE)


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


@contextmanager
def other_surfaces_kept(segmentation: Any, segment_ids: Collection[str]) -> Iterator[None]:
    """Where labelmaps are replaced within, only these segments lose their surfaces: Slicer takes all of them for old.

    Args:
        segmentation: a vtkSegmentation.
        segment_ids: the segments that change.
    """
    every = (segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments()))
    others = [segmentation.GetSegment(each) for each in every if each not in segment_ids]
    kept = [(segment, segment.GetRepresentation(CLOSED_SURFACE)) for segment in others]
    yield
    for segment, surface in kept:
        if surface is not None:
            segment.AddRepresentation(CLOSED_SURFACE, surface)
