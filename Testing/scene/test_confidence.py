"""The confidence as a volume to lay over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import vtk
from vtk.util import numpy_support

from Sli2VolSlicerLib.scene.confidence import confidence_node
from Sli2VolSlicerLib.scene.geometry import image_to_array, matrix_to_array
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation
from Sli2VolSlicerLib.scene.logic import SceneLogic


class DoubtfulSession:
    """Gives every voxel a confidence of its own."""

    def __init__(self, stack: Any, method: object = None) -> None:
        from slicerhost.fake_session import FakeSession

        self._session = FakeSession(stack)

    def propagate(self, *arguments: Any, **options: Any) -> Any:
        from dataclasses import replace

        result = self._session.propagate(*arguments, **options)
        values = np.linspace(0, 1, result.confidence.size, dtype=np.float32).reshape(result.confidence.shape)
        return replace(result, doubt=1 - values)


def doubtful() -> SceneLogic:
    return SceneLogic(make_method=lambda name, device: None, make_session=DoubtfulSession)


def values_of(node: Any) -> np.ndarray:
    return image_to_array(node.GetImageData())


def world_matrix(node: Any) -> np.ndarray:
    """ijk to world, parent transform included."""
    matrix, parent = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    if node.GetParentTransformNode() is not None:
        node.GetParentTransformNode().GetMatrixTransformToWorld(parent)
    return matrix_to_array(parent) @ matrix_to_array(matrix)


def test_it_lies_where_the_volume_lies_under_its_transform(world: Any, disc: np.ndarray) -> None:
    shift = world.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Shift")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 25.0)
    shift.SetMatrixTransformToParent(matrix)
    world.volume.SetAndObserveTransformNodeID(shift.GetID())
    world.segmentation.SetAndObserveTransformNodeID(shift.GetID())
    world.add("A", disc)
    logic = doubtful()
    result = logic.propagate(world.volume, world.segmentation)
    node = logic.write_confidence(world.volume, world.segmentation, result=result)
    assert node.GetParentTransformNode() is shift
    assert np.allclose(world_matrix(node), world_matrix(world.volume))
    assert values_of(node).dtype == np.float32
    assert np.array_equal(values_of(node), result.propagation.confidence)


def test_along_another_axis_it_is_in_the_volumes_own_order(world: Any) -> None:
    mask = np.zeros(world.voxels.shape, dtype=bool)
    mask[3:8, 2:9, 5] = True
    world.add("A", mask)
    logic = doubtful()
    result = logic.propagate(world.volume, world.segmentation)
    node = logic.write_confidence(world.volume, world.segmentation, result=result)
    assert result.capture.axis == 2
    assert np.array_equal(values_of(node), np.moveaxis(result.propagation.confidence, 0, 2))


def test_the_node_is_used_again_and_found_through_the_segmentation(world: Any, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic = doubtful()
    assert confidence_node(world.segmentation) is None
    first = logic.write_confidence(world.volume, world.segmentation)
    first.GetDisplayNode().SetWindowLevelMinMax(0.2, 0.9)
    values_of(first)[...] = 0
    second = SceneLogic(make_method=lambda name, device: None, make_session=DoubtfulSession).write_confidence(
        world.volume, world.segmentation
    )
    assert second is first is confidence_node(world.segmentation)
    assert values_of(first).max() == 1
    assert first.GetDisplayNode().GetWindowLevelMin() == pytest.approx(0.2)
    assert world.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 2


def test_when_the_user_removes_it_the_next_call_makes_another(world: Any, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic = doubtful()
    world.scene.RemoveNode(logic.write_confidence(world.volume, world.segmentation))
    again = logic.write_confidence(world.volume, world.segmentation)
    assert world.scene.IsNodePresent(again)
    assert confidence_node(world.segmentation) is again


def test_it_follows_the_volume_to_another_size(world: Any, disc: np.ndarray) -> None:
    from Sli2VolSlicerLib.scene.headless import add_volume

    world.add("A", disc)
    logic = doubtful()
    node = logic.write_confidence(world.volume, world.segmentation)
    bigger = add_volume(world.scene, np.random.default_rng(0).random((12, 12, 14)), world.ijk_to_ras, "Bigger")
    assert logic.write_confidence(bigger, world.segmentation) is node
    assert values_of(node).shape == (12, 12, 14)


def test_on_a_finer_segmentation_it_lies_on_the_segmentations_lattice(world: Any, disc: np.ndarray) -> None:
    segmentation = add_segmentation(world.scene)
    finer = world.ijk_to_ras @ np.diag([0.5, 0.5, 1, 1])
    add_segment(segmentation, "A", np.repeat(np.repeat(disc, 2, axis=1), 2, axis=2), finer)
    logic = doubtful()
    result = logic.propagate(world.volume, segmentation)
    node = logic.write_confidence(world.volume, segmentation, result=result)
    assert not result.capture.grid.is_native
    assert np.allclose(world_matrix(node), result.capture.grid.ijk_to_segmentation)
    assert np.array_equal(values_of(node), result.propagation.confidence)


def test_only_doubt_is_seen_in_an_overlay(world: Any, disc: np.ndarray) -> None:
    world.add("A", disc)
    node = doubtful().write_confidence(world.volume, world.segmentation)
    display = node.GetDisplayNode()
    assert display.GetApplyThreshold()
    assert display.GetUpperThreshold() < 1
    assert numpy_support.vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).size == world.voxels.size


def test_neither_segments_nor_undo_steps_are_touched(world: Any, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic = doubtful()
    logic.write_confidence(world.volume, world.segmentation)
    assert np.array_equal(world.mask("A"), disc)
    assert not logic.undo(world.segmentation)
