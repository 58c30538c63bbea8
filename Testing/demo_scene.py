"""The demo's MRML scene: one volume, one segment, and a user who draws on single slices."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from demo_volumes import DemoVolume

from Sli2VolSlicerLib.commands.progress_bar import slice_bar
from Sli2VolSlicerLib.files.volume_files import Grid
from Sli2VolSlicerLib.scene.capture import Capture, capture
from Sli2VolSlicerLib.scene.editor import SegmentWriter
from Sli2VolSlicerLib.scene.geometry import Box
from Sli2VolSlicerLib.scene.headless import HeadlessScene, add_segment, add_segmentation, add_volume, make_scene
from Sli2VolSlicerLib.scene.logic import SceneLogic, SceneResult
from Sli2VolSlicerLib.scene.recommend import SceneRecommendation

SEGMENT = "Structure"
COLOUR = (0.95, 0.62, 0.11)


@dataclass(frozen=True, eq=False)
class DemoScene:
    """The nodes, and the one logic object that works on them (and so keeps what it has computed).

    Attributes:
        headless: the scene, which must outlive its nodes.
        volume: vtkMRMLScalarVolumeNode.
        segmentation: vtkMRMLSegmentationNode with the one segment.
        logic: propagates and recommends.
        axis: the painted axis of the volume's array.
        method: what to propagate by.
        device: and on which device.
    """

    headless: HeadlessScene
    volume: Any
    segmentation: Any
    logic: SceneLogic
    axis: int
    method: str
    device: str

    @classmethod
    def of(cls, demo: DemoVolume, method: str, device: str) -> DemoScene:
        """A new scene with a demo's volume and its one painted slice."""
        headless = make_scene()
        matrix = ijk_to_ras(demo.image.grid)
        volume = add_volume(headless.scene, demo.image.array, matrix, "Volume")
        segmentation = add_segmentation(headless.scene, volume, "Segmentation")
        add_segment(segmentation, SEGMENT, demo.painted, matrix, COLOUR)
        return cls(headless, volume, segmentation, SceneLogic(), demo.axis, method, device)

    def propagate(self) -> SceneResult:
        """Press Propagate, with a progress bar where somebody looks."""
        with slice_bar(sys.stderr.isatty()) as progress:
            return self.logic.propagate(
                self.volume,
                self.segmentation,
                [SEGMENT],
                method=self.method,
                device=self.device,
                axis=self.axis,
                progress=progress,
            )

    def recommend(self) -> SceneRecommendation:
        """The slice to look at next.

        Raises:
            RecommendationError: none is left.
        """
        (found,) = self.logic.recommend(self.volume, self.segmentation, [SEGMENT])
        return found

    def mask(self) -> np.ndarray:
        """The segment as it is in the segmentation node now, bool, the painted axis first."""
        captured = self._capture()
        return captured.slices_first(captured.segments[0].mask)

    def draw(self, slice_index: int, plane: np.ndarray) -> int:
        """Replace one slice of the segment through the segment editor; a slice that is right already is accepted.

        Args:
            slice_index: along the painted axis.
            plane: bool, (rows, columns); an empty one says "the structure is not here".

        Returns:
            How many voxels changed.
        """
        captured = self._capture()
        now = captured.segments[0].mask
        wanted = now.copy()
        captured.slices_first(wanted)[slice_index] = plane
        added, removed = wanted & ~now, now & ~wanted
        changed = int(added.sum() + removed.sum())
        if not changed:
            self.logic.accept(self.volume, self.segmentation, SEGMENT, slice_index)
            return 0
        writer = SegmentWriter(self.segmentation)
        with writer.all_or_nothing():
            writer.change(SEGMENT, captured.grid.to_labelmap, Box((0, 0, 0), now.shape), added, removed)
        return changed

    def _capture(self) -> Capture:
        return capture(self.volume, self.segmentation, [SEGMENT], axis=self.axis)


def ijk_to_ras(grid: Grid) -> np.ndarray:
    """SimpleITK's LPS geometry as Slicer's 4x4 matrix."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(grid.direction).reshape(3, 3) * np.array(grid.spacing)
    matrix[:3, 3] = grid.origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix
