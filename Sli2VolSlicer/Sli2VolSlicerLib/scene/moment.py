"""Whether a result still fits the scene that it was computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import vtk

from ..engine.errors import StaleResultError
from .capture import Capture
from .geometry import matrix_to_array
from .grid import volume_to_segmentation
from .memory import read_tag
from .segments import BINARY_LABELMAP, read_segment
from .sessions import image_time

_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class SegmentMoment:
    """A segment as it was.

    Attributes:
        segment_id: its ID.
        name: its name.
        tag: its memory: anchors and limits.
        lattice: its labelmap's ijk to the segmentation's coordinates, (4, 4); None where it is not kept as one.
    """

    segment_id: str
    name: str
    tag: str
    lattice: np.ndarray | None


@dataclass(frozen=True, eq=False)
class SceneMoment:
    """The part of a scene that a result depends on, as it was when its computation began.

    Attributes:
        volume_node, segmentation_node: the nodes.
        scene: what they were in.
        image: the volume's vtkImageData.
        image_time: when that was last changed, in VTK's time.
        between: volume ijk to the segmentation's coordinates, (4, 4).
        segmentation: the node's vtkSegmentation.
        representation: what its segments are kept as.
        segments: those that were captured. Their voxels are compared when the result is written.
    """

    volume_node: Any
    segmentation_node: Any
    scene: Any
    image: Any
    image_time: int
    between: np.ndarray
    segmentation: Any
    representation: str
    segments: tuple[SegmentMoment, ...]

    @classmethod
    def of(cls, captured: Capture) -> SceneMoment:
        """The moment of a capture that has just been taken."""
        volume, node = captured.volume_node, captured.segmentation_node
        segmentation = node.GetSegmentation()
        return cls(
            volume,
            node,
            node.GetScene(),
            volume.GetImageData(),
            image_time(volume),
            volume_to_segmentation(volume, node),
            segmentation,
            str(segmentation.GetSourceRepresentationName()),
            tuple(_segment_moment(segmentation, each.segment_id) for each in captured.segments),
        )

    def require_unchanged(self) -> None:
        """Refuse what was computed from something else.

        Raises:
            StaleResultError: says what has changed since.
        """
        self._require_nodes()
        name = self.volume_node.GetName()
        if self.volume_node.GetImageData() is not self.image or image_time(self.volume_node) != self.image_time:
            raise _stale(f"Volume '{name}' was edited or replaced")
        if not _same(volume_to_segmentation(self.volume_node, self.segmentation_node), self.between):
            raise _stale(f"Volume '{name}' or segmentation '{self.segmentation_node.GetName()}' was moved")
        if str(self.segmentation.GetSourceRepresentationName()) != self.representation:
            raise _stale(f"Segmentation '{self.segmentation_node.GetName()}' was converted")
        for each in self.segments:
            self._require_segment(each)

    def _require_nodes(self) -> None:
        present = [node.GetScene() is self.scene for node in (self.volume_node, self.segmentation_node)]
        if not any(present):
            raise _stale("The scene was closed")
        if not present[0]:
            raise _stale(f"Volume '{self.volume_node.GetName()}' was deleted")
        if not present[1]:
            raise _stale(f"Segmentation '{self.segmentation_node.GetName()}' was deleted")
        if self.segmentation_node.GetSegmentation() is not self.segmentation:
            raise _stale(f"Segmentation '{self.segmentation_node.GetName()}' was replaced")

    def _require_segment(self, then: SegmentMoment) -> None:
        if self.segmentation.GetSegment(then.segment_id) is None:
            raise _stale(f"Segment '{then.name}' was deleted")
        now = _segment_moment(self.segmentation, then.segment_id)
        if now.name != then.name:
            raise _stale(f"Segment '{then.name}' was renamed to '{now.name}'")
        if now.tag != then.tag:
            raise _stale(f"The anchors or limits of segment '{then.name}' were changed")
        if not _same(now.lattice, then.lattice):
            raise _stale(f"The voxel grid of segment '{then.name}' was changed")


def _segment_moment(segmentation: Any, segment_id: str) -> SegmentMoment:
    segment = segmentation.GetSegment(segment_id)
    labelmap = read_segment(segmentation, segment_id)
    lattice = None
    if labelmap is not None and str(segmentation.GetSourceRepresentationName()) == BINARY_LABELMAP:
        matrix = vtk.vtkMatrix4x4()
        labelmap.image.GetImageToWorldMatrix(matrix)
        lattice = matrix_to_array(matrix)
    return SegmentMoment(segment_id, str(segment.GetName()), read_tag(segment), lattice)


def _same(now: np.ndarray | None, then: np.ndarray | None) -> bool:
    if now is None or then is None:
        return now is then
    return bool(np.allclose(now, then, rtol=0, atol=_TOLERANCE))


def _stale(what: str) -> StaleResultError:
    return StaleResultError(f"{what} while the result was being computed: nothing was written. Propagate again.")
