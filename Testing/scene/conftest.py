"""Real MRML scenes, made anew for each test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core")

from scene_fixture import scene  # noqa: E402
from slicerhost.fake_session import FakeSession  # noqa: E402

from Sli2VolSlicerLib.scene.editor import SegmentWriter, modifier_image  # noqa: E402
from Sli2VolSlicerLib.scene.geometry import image_to_array  # noqa: E402
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation, add_volume  # noqa: E402
from Sli2VolSlicerLib.scene.logic import SceneLogic  # noqa: E402

__all__ = ["make_world", "scene"]

SHAPE = (10, 12, 14)


@dataclass
class World:
    """One volume and one segmentation on its grid."""

    scene: Any
    volume: Any
    segmentation: Any
    voxels: np.ndarray
    ijk_to_ras: np.ndarray

    def add(self, segment_id: str, mask: np.ndarray) -> str:
        return add_segment(self.segmentation, segment_id, mask, self.ijk_to_ras)

    def mask(self, segment_id: str) -> np.ndarray:
        """A segment over the volume's grid, read the plain way (it must lie on that grid)."""
        segment = self.segmentation.GetSegmentation().GetSegment(segment_id)
        image = segment.GetRepresentation("Binary labelmap")
        result = np.zeros(self.voxels.shape, dtype=bool)
        i0, i1, j0, j1, k0, k1 = image.GetExtent()
        if i1 >= i0:
            result[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = image_to_array(image) == segment.GetLabelValue()
        return result

    def paint(self, segment_id: str, mask: np.ndarray) -> None:
        """Replace a segment by `mask`, as the user's strokes in the Segment Editor would."""
        segment = self.segmentation.GetSegmentation().GetSegment(segment_id)
        extent = (0, mask.shape[2] - 1, 0, mask.shape[1] - 1, 0, mask.shape[0] - 1)
        now = self.mask(segment_id)
        writer = self.writer()
        for write, values in ((writer.remove, now & ~mask), (writer.add, mask & ~now)):
            if values.any():
                image = segment.GetRepresentation("Binary labelmap")
                write(segment_id, modifier_image(image, values, extent))
        assert np.array_equal(self.mask(segment_id), mask)

    def paint_slice(self, segment_id: str, index: int, plane: np.ndarray | None = None, axis: int = 0) -> None:
        """Replace one slice of a segment; None empties it."""
        mask = self.mask(segment_id)
        np.moveaxis(mask, axis, 0)[index] = False if plane is None else plane
        self.paint(segment_id, mask)

    def filled(self, segment_id: str) -> list[int]:
        """The slices along axis 0 on which a segment is."""
        return np.flatnonzero(self.mask(segment_id).any(axis=(1, 2))).tolist()

    def share_layers(self) -> int:
        """Put segments that do not overlap into one labelmap; the number of layers left."""
        self.segmentation.GetSegmentation().CollapseBinaryLabelmaps(False)
        return int(self.segmentation.GetSegmentation().GetNumberOfLayers())

    def editor_node(self) -> Any:
        """The user's segment editor settings, as Slicer makes them."""
        node = self.scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        node.SetAndObserveSegmentationNode(self.segmentation)
        node.SetAndObserveSourceVolumeNode(self.volume)
        return node

    def writer(self) -> SegmentWriter:
        return SegmentWriter(self.segmentation)


def voxels_of(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Reproducible noise: every slice differs from its neighbours and its mirror image."""
    return np.random.default_rng(7).integers(0, 1000, shape).astype(np.int16)


@pytest.fixture
def make_world(scene: Any) -> Callable[..., World]:
    def make(voxels: np.ndarray | None = None, ijk_to_ras: np.ndarray | None = None) -> World:
        values = voxels_of() if voxels is None else voxels
        matrix = np.diag([0.8, 0.9, 2.5, 1.0]) if ijk_to_ras is None else ijk_to_ras
        volume = add_volume(scene, values, matrix)
        return World(scene, volume, add_segmentation(scene, volume), values, matrix)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def logic() -> SceneLogic:
    """A logic whose engine is replaced by a fake one."""
    return SceneLogic(make_method=lambda name, device: None, make_session=FakeSession)


def blank(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.zeros(shape, dtype=bool)


@pytest.fixture
def copying() -> SceneLogic:
    """A logic with the real engine and the method that copies, whatever the default is."""
    from Sli2VolSlicerLib.engine.methods import create_method

    return SceneLogic(make_method=lambda name, device: create_method("copy", None, "cpu"))


@pytest.fixture
def disc() -> np.ndarray:
    """One slice painted along axis 0: rows 3 to 7, columns 4 to 9 of slice 4."""
    mask = blank()
    mask[4, 3:8, 4:10] = True
    return mask
