"""Files and pictures: what is written is what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from vtk.util import numpy_support

from Sli2VolSlicerLib.commands.segmentation_file import SegmentEntry, write_segmentation
from Sli2VolSlicerLib.engine.errors import AnnotationError, OutputError
from Sli2VolSlicerLib.scene import picture
from Sli2VolSlicerLib.scene.capture import capture
from Sli2VolSlicerLib.scene.files import SegmentLook, label_map_to_segmentation, load_segmentation, save_segmentation
from Sli2VolSlicerLib.scene.headless import add_volume

SHAPE = (10, 12, 14)
OBLIQUE = ((0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, -1.0), (0.7, 0.9, 2.5), (10.0, -20.0, 30.0))
RED = (0.9, 0.1, 0.2)


@pytest.fixture
def labels() -> np.ndarray:
    values = np.zeros(SHAPE, dtype=np.uint8)
    values[2:5, 3:8, 4:9] = 1
    values[6:8, 1:4, 2:13] = 4
    return values


def image_of(values: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(values)
    image.SetDirection(OBLIQUE[0])
    image.SetSpacing(OBLIQUE[1])
    image.SetOrigin(OBLIQUE[2])
    return image


def ras_matrix() -> np.ndarray:
    """OBLIQUE as ijk to RAS."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(OBLIQUE[0], (3, 3)) * OBLIQUE[1]
    matrix[:3, 3] = OBLIQUE[2]
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def test_slicer_opens_a_label_map_file_as_a_segmentation(scene: Any, labels: np.ndarray, tmp_path: Path) -> None:
    entries = [SegmentEntry(1, "Liver: left|right", RED), SegmentEntry(4, "Rein é"), SegmentEntry(7, "Absent")]
    path = write_segmentation(image_of(labels), tmp_path / "out.seg.nrrd", entries)
    node = load_segmentation(scene, path)
    segmentation = node.GetSegmentation()
    assert segmentation.GetSourceRepresentationName() == "Binary labelmap"
    found = [segmentation.GetNthSegment(n) for n in range(segmentation.GetNumberOfSegments())]
    assert [s.GetName() for s in found] == ["Liver: left|right", "Rein é", "Absent"]
    assert found[0].GetColor() == pytest.approx(RED, abs=1e-3)
    assert segmentation.GetNumberOfLayers() == 1
    volume = add_volume(scene, np.random.default_rng(0).random(SHAPE), ras_matrix())
    captured = capture(volume, node, ["Segment_1"], axis=0)
    assert captured.grid.is_native
    assert np.array_equal(captured.segments[0].mask, labels == 1)


def test_the_file_is_also_a_plain_label_map(labels: np.ndarray, tmp_path: Path) -> None:
    path = write_segmentation(image_of(labels), tmp_path / "out.seg.nrrd")
    image = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(image), labels)
    assert image.GetDirection() == pytest.approx(OBLIQUE[0])
    assert image.GetMetaData("Segment1_LabelValue") == "4"
    assert image.GetMetaData("Segment1_Extent") == "2 12 1 3 6 7"


def test_a_label_above_255_keeps_its_value(labels: np.ndarray, tmp_path: Path) -> None:
    values = labels.astype(np.int32)
    values[values == 4] = 300
    path = write_segmentation(image_of(values), tmp_path / "out.seg.nrrd")
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), values)


@pytest.mark.parametrize(
    ("name", "entries", "words"),
    [
        ("out.nrrd", None, "seg.nrrd"),
        ("nowhere/out.seg.nrrd", None, "could not be written"),
        ("out.seg.nrrd", [SegmentEntry(1, "a"), SegmentEntry(1, "b")], "named once"),
        ("out.seg.nrrd", [SegmentEntry(0, "a")], "positive"),
    ],
)
def test_what_cannot_be_written_leaves_no_file(
    labels: np.ndarray, tmp_path: Path, name: str, entries: list[SegmentEntry] | None, words: str
) -> None:
    with pytest.raises(OutputError, match=words):
        write_segmentation(image_of(labels), tmp_path / name, entries)
    assert list(tmp_path.iterdir()) == []


def test_a_label_map_becomes_a_segmentation_and_comes_back_from_its_file(
    scene: Any, labels: np.ndarray, tmp_path: Path
) -> None:
    looks = [SegmentLook(1, "Liver", RED), SegmentLook(4, "Kidney")]
    node = label_map_to_segmentation(scene, labels, ras_matrix(), looks)
    loaded = load_segmentation(scene, save_segmentation(node, tmp_path / "a.seg.nrrd"))
    segmentation = loaded.GetSegmentation()
    assert [segmentation.GetNthSegment(n).GetName() for n in range(2)] == ["Liver", "Kidney"]
    volume = add_volume(scene, np.random.default_rng(0).random(SHAPE), ras_matrix())
    masks = [s.mask for s in capture(volume, loaded, axis=0).segments]
    assert np.array_equal(masks[0], labels == 1)
    assert np.array_equal(masks[1], labels == 4)


def test_saving_names_what_is_wrong_with_the_place(scene: Any, labels: np.ndarray, tmp_path: Path) -> None:
    node = label_map_to_segmentation(scene, labels, ras_matrix())
    with pytest.raises(OutputError, match=r"\*.seg.nrrd"):
        save_segmentation(node, tmp_path / "a.nii.gz")
    with pytest.raises(OutputError, match="does not exist"):
        save_segmentation(node, tmp_path / "nowhere" / "a.seg.nrrd")
    with pytest.raises(AnnotationError, match="no file"):
        load_segmentation(scene, tmp_path / "a.seg.nrrd")


@pytest.mark.parametrize("with_graphics", [True, False])
def test_the_picture_shows_the_segments_in_their_colours(
    scene: Any, labels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_graphics: bool
) -> None:
    if with_graphics and not picture.graphics_available():
        pytest.skip("VTK cannot draw on this machine: no OpenGL library (libEGL or libOSMesa).")
    monkeypatch.setattr(picture, "graphics_available", lambda: with_graphics)
    looks = [SegmentLook(1, "A", (1.0, 0.0, 0.0)), SegmentLook(4, "B", (0.0, 0.0, 1.0))]
    node = label_map_to_segmentation(scene, labels, ras_matrix(), looks)
    path = picture.surface_picture(node, tmp_path / "a.png", size=(120, 100))
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    assert reader.GetOutput().GetDimensions()[:2] == (120, 100)
    pixels = numpy_support.vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars())[:, :3].astype(int)
    red = (pixels[:, 0] > pixels[:, 2] + 60).sum()
    blue = (pixels[:, 2] > pixels[:, 0] + 60).sum()
    assert red > 100
    assert blue > 100
    assert not node.GetSegmentation().ContainsRepresentation("Closed surface")


def test_no_picture_of_nothing(scene: Any, tmp_path: Path) -> None:
    node = label_map_to_segmentation(scene, np.zeros(SHAPE, dtype=np.uint8), np.eye(4), [SegmentLook(1, "A")])
    with pytest.raises(AnnotationError, match="nothing to draw"):
        picture.surface_picture(node, tmp_path / "a.png")
