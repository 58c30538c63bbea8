"""Bad input: a clear message, nothing lost, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from Sli2VolSlicerLib.engine.errors import AnnotationError, MethodError, OutputError, VolumeError
from Sli2VolSlicerLib.scene.capture import capture
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation
from Sli2VolSlicerLib.scene.logic import SceneLogic


def test_no_volume(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    with pytest.raises(VolumeError, match="No volume is selected"):
        logic.propagate(None, world.segmentation)


def test_no_segmentation(world: Any, logic: SceneLogic) -> None:
    with pytest.raises(AnnotationError, match="No segmentation is selected"):
        logic.propagate(world.volume, None)


def test_a_segmentation_without_segments(world: Any, logic: SceneLogic) -> None:
    with pytest.raises(AnnotationError, match="has no segments"):
        logic.propagate(world.volume, world.segmentation)


def test_a_volume_without_an_image(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    hollow = world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Hollow")
    with pytest.raises(VolumeError, match="'Hollow' holds no image"):
        logic.propagate(hollow, world.segmentation)


def test_something_that_is_no_volume(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    with pytest.raises(VolumeError, match="vtkMRMLSegmentationNode"):
        logic.propagate(world.segmentation, world.segmentation)


@pytest.mark.parametrize("components", [3, 5])
def test_a_colour_volume_or_time_series(world: Any, logic: SceneLogic, disc: np.ndarray, components: int) -> None:
    world.add("A", disc)
    image = vtk.vtkImageData()
    image.SetDimensions(14, 12, 10)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, components)
    world.volume.SetAndObserveImageData(image)
    with pytest.raises(VolumeError, match=f"has {components} values per voxel"):
        logic.propagate(world.volume, world.segmentation)


@pytest.mark.parametrize(
    ("voxels", "words"),
    [
        (np.full((10, 12, 14), np.nan, dtype=np.float32), "NaN"),
        (np.full((10, 12, 14), 7, dtype=np.int16), "constant"),
        (np.arange(9, dtype=np.int16).reshape(1, 3, 3), "slice"),
    ],
)
def test_a_volume_that_cannot_be_followed(
    make_world: Callable[..., Any], logic: SceneLogic, voxels: np.ndarray, words: str
) -> None:
    world = make_world(voxels)
    mask = np.zeros(voxels.shape, dtype=bool)
    mask[0, 1:3, 1:3] = True
    world.add("A", mask)
    with pytest.raises(VolumeError, match=words):
        logic.propagate(world.volume, world.segmentation, axis=0)
    assert np.array_equal(world.mask("A"), mask)


def test_an_empty_annotation(world: Any, logic: SceneLogic) -> None:
    world.segmentation.GetSegmentation().AddEmptySegment("A", "Kidney")
    with pytest.raises(AnnotationError, match="The annotation is empty"):
        logic.propagate(world.volume, world.segmentation)
    with pytest.raises(AnnotationError, match="Segment 'Kidney' is empty"):
        logic.propagate(world.volume, world.segmentation, ["A"])


def test_an_empty_segment_beside_a_painted_one_is_left_alone(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.segmentation.GetSegmentation().AddEmptySegment("Empty")
    world.add("A", disc)
    result = logic.propagate(world.volume, world.segmentation)
    assert [s.segment_id for s in result.capture.segments] == ["A"]


def test_a_segment_that_does_not_exist(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    with pytest.raises(AnnotationError, match=r"no segment 'Z'.*its segments: A"):
        logic.propagate(world.volume, world.segmentation, ["Z"])


def test_a_segment_named_twice(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    with pytest.raises(AnnotationError, match="named twice"):
        logic.propagate(world.volume, world.segmentation, ["A", "A"])


def test_a_segment_that_lies_elsewhere(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    away = world.ijk_to_ras.copy()
    away[0, 3] = 80.0
    add_segment(world.segmentation, "A", disc, away)
    with pytest.raises(AnnotationError, match="does not meet volume"):
        logic.propagate(world.volume, world.segmentation)


def test_segments_on_different_grids(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    add_segment(world.segmentation, "B", disc, world.ijk_to_ras @ np.diag([0.5, 0.5, 1, 1]))
    with pytest.raises(AnnotationError, match="'A' and 'B' lie on different voxel grids"):
        logic.propagate(world.volume, world.segmentation)


def test_a_label_painted_over_several_axes(world: Any, logic: SceneLogic) -> None:
    mask = np.zeros(world.voxels.shape, dtype=bool)
    mask[4, 2:10, 2:12] = True
    mask[1:9, 5, 2:12] = True
    world.add("A", mask)
    with pytest.raises(AnnotationError, match="axis"):
        logic.propagate(world.volume, world.segmentation)
    assert np.array_equal(world.mask("A"), mask)


def test_an_axis_that_does_not_exist(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    with pytest.raises(AnnotationError, match="must be 0, 1 or 2, got 3"):
        logic.propagate(world.volume, world.segmentation, axis=3)


def test_a_direction_that_does_not_exist(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    with pytest.raises(MethodError, match="both, up, down, got 'sideways'"):
        logic.propagate(world.volume, world.segmentation, direction="sideways")


@pytest.mark.parametrize("which", ["volume", "segmentation"])
def test_a_non_linear_transform(world: Any, logic: SceneLogic, disc: np.ndarray, which: str) -> None:
    world.add("A", disc)
    bent = world.scene.AddNewNodeByClass("vtkMRMLTransformNode", "Bent")
    spline = vtk.vtkThinPlateSplineTransform()
    points = vtk.vtkPoints()
    for corner in ((0, 0, 0), (9, 0, 0), (0, 9, 0), (0, 0, 9)):
        points.InsertNextPoint(*corner)
    spline.SetSourceLandmarks(points)
    spline.SetTargetLandmarks(points)
    bent.SetAndObserveTransformToParent(spline)
    getattr(world, which).SetAndObserveTransformNodeID(bent.GetID())
    with pytest.raises(AnnotationError, match="non-linear transform 'Bent'"):
        logic.propagate(world.volume, world.segmentation)


def test_one_non_linear_transform_over_both_nodes_does_not_matter(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    bent = world.scene.AddNewNodeByClass("vtkMRMLTransformNode", "Bent")
    bent.SetAndObserveTransformToParent(vtk.vtkThinPlateSplineTransform())
    world.volume.SetAndObserveTransformNodeID(bent.GetID())
    world.segmentation.SetAndObserveTransformNodeID(bent.GetID())
    assert logic.propagate(world.volume, world.segmentation).report.changed


def test_a_segmentation_outside_any_scene(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    loose = slicer.vtkMRMLSegmentationNode()
    loose.SetName("Loose")
    loose.GetSegmentation().DeepCopy(world.segmentation.GetSegmentation())
    with pytest.raises(OutputError, match="'Loose' is in no scene"):
        logic.propagate(world.volume, loose)


def test_segments_kept_as_surfaces_are_converted_only_when_written(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    disc[5] = disc[4]
    world.add("A", disc)
    segmentation = world.segmentation.GetSegmentation()
    assert segmentation.CreateRepresentation("Closed surface")
    segmentation.SetSourceRepresentationName("Closed surface")
    segmentation.RemoveRepresentation("Binary labelmap")
    captured = capture(world.volume, world.segmentation)
    assert captured.grid.is_native
    assert len(captured.anchors) >= 2
    assert segmentation.GetSourceRepresentationName() == "Closed surface"
    result = logic.propagate(world.volume, world.segmentation)
    assert segmentation.GetSourceRepresentationName() == "Binary labelmap"
    for anchor in result.capture.anchors:
        assert np.array_equal(world.mask("A")[anchor.slice_index], anchor.mask)


def test_a_segmentation_can_be_painted_in_before_it_has_a_geometry(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    bare = add_segmentation(world.scene)
    add_segment(bare, "A", disc, world.ijk_to_ras)
    assert logic.propagate(world.volume, bare).report.changed
