"""Slice views and slices of the painted axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from Sli2VolSlicerLib.scene.capture import capture
from Sli2VolSlicerLib.scene.geometry import matrix_to_array
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation
from Sli2VolSlicerLib.scene.slice_views import (
    PaintedSlices,
    first_slice_shown,
    jump_to_slice,
    nearest_axis,
    slice_shown,
)

NORMALS = {"Axial": (0, 0, 1), "Sagittal": (1, 0, 0), "Coronal": (0, 1, 0)}
OBLIQUE = np.array([[0.6, -0.8, 0, 12], [0.48, 0.36, -1.6, -30], [0.64, 0.48, 1.2, 7], [0, 0, 0, 1.0]])
"""Turned about two axes; 1 x 1 x 2 mm."""


def add_view(scene: Any, name: str, normal: tuple[float, float, float], offset: float = 0.0) -> Any:
    node = slicer.vtkMRMLSliceNode()
    node.SetName(name)
    node.SetLayoutName(name)
    node.SetMappedInLayout(1)
    node = scene.AddNode(node)
    across = np.linalg.svd(np.atleast_2d(np.asarray(normal, dtype=float)))[2]
    unit = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
    matrix = vtk.vtkMatrix4x4()
    for row in range(3):
        for column, value in enumerate((across[1][row], across[2][row], unit[row], unit[row] * offset)):
            matrix.SetElement(row, column, float(value))
    node.GetSliceToRAS().DeepCopy(matrix)
    node.UpdateMatrices()
    return node


def plane_of(node: Any) -> tuple[np.ndarray, np.ndarray]:
    matrix = matrix_to_array(node.GetSliceToRAS())
    return matrix[:3, 3], matrix[:3, 2]


def ijk_on(node: Any, world: Any) -> np.ndarray:
    """ijk of a point on the view's plane."""
    return np.linalg.solve(world.ijk_to_ras, np.append(plane_of(node)[0], 1.0))[:3]


@pytest.fixture
def painted(make_world: Callable[..., Any]) -> Callable[..., Any]:
    def make(axis: int, ijk_to_ras: np.ndarray | None = None) -> Any:
        world = make_world(ijk_to_ras=ijk_to_ras)
        mask = np.zeros(world.voxels.shape, dtype=bool)
        np.moveaxis(mask, axis, 0)[4, 2:6, 3:8] = True
        world.add("A", mask)
        world.slices = PaintedSlices.of(capture(world.volume, world.segmentation))
        return world

    return make


@pytest.mark.parametrize(("axis", "view"), [(0, "Axial"), (1, "Coronal"), (2, "Sagittal")])
def test_only_the_view_of_the_painted_axis_jumps(painted: Callable[..., Any], axis: int, view: str) -> None:
    world = painted(axis)
    views = {name: add_view(world.scene, name, normal) for name, normal in NORMALS.items()}
    before = {name: matrix_to_array(node.GetSliceToRAS()) for name, node in views.items()}
    assert jump_to_slice(world.scene, world.slices, 5) == 1
    spacing = world.ijk_to_ras[2 - axis, 2 - axis]
    for name, node in views.items():
        if name == view:
            assert node.GetSliceOffset() == pytest.approx(5 * spacing)
            assert slice_shown(node, world.slices) == 5
        else:
            assert np.array_equal(matrix_to_array(node.GetSliceToRAS()), before[name])
            assert slice_shown(node, world.slices) is None
        assert nearest_axis(node, world.slices) == {"Axial": 0, "Coronal": 1, "Sagittal": 2}[name]
    assert first_slice_shown(world.scene, world.slices) == 5


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("flip", [1, -1])
def test_a_view_turned_to_the_plane_of_an_oblique_volume_jumps_exactly(
    painted: Callable[..., Any], axis: int, flip: int
) -> None:
    world = painted(axis, OBLIQUE)
    normal = flip * OBLIQUE[:3, 2 - axis]
    node = add_view(world.scene, "Red", tuple(normal), 3.0)
    for index in (0, 7, world.slices.count - 1):
        assert jump_to_slice(world.scene, world.slices, index) == 1
        assert slice_shown(node, world.slices) == index
        assert ijk_on(node, world)[2 - axis] == pytest.approx(index, abs=1e-6)


def test_jumping_moves_no_view_sideways(painted: Callable[..., Any]) -> None:
    world = painted(0)
    node = add_view(world.scene, "Red", (0, 0, 1))
    node.JumpSliceByCentering(3, 5, 1)
    jump_to_slice(world.scene, world.slices, 8)
    assert plane_of(node)[0] == pytest.approx([3, 5, 8 * 2.5])


def test_a_tilted_view_shows_no_single_slice_but_its_middle_jumps_there(painted: Callable[..., Any]) -> None:
    world = painted(0)
    node = add_view(world.scene, "Red", (0, np.sin(np.radians(20)), np.cos(np.radians(20))))
    assert slice_shown(node, world.slices) is None
    assert jump_to_slice(world.scene, world.slices, 6) == 1
    assert ijk_on(node, world)[2] == pytest.approx(6)


def test_a_view_outside_of_the_volume_shows_no_slice(painted: Callable[..., Any]) -> None:
    world = painted(0)
    node = add_view(world.scene, "Red", (0, 0, 1), 300.0)
    assert slice_shown(node, world.slices) is None


def test_all_views_of_the_axis_jump_linked_or_not(painted: Callable[..., Any]) -> None:
    world = painted(0)
    views = [add_view(world.scene, name, (0, 0, 1), 1.0) for name in ("Red", "Compare1", "Compare2")]
    for name in ("Red", "Compare1", "Compare2"):
        composite = slicer.vtkMRMLSliceCompositeNode()
        composite.SetLayoutName(name)
        composite.SetLinkedControl(True)
        composite.SetHotLinkedControl(True)
        world.scene.AddNode(composite)
    assert jump_to_slice(world.scene, world.slices, 2) == 3
    assert {slice_shown(view, world.slices) for view in views} == {2}


def test_a_hidden_view_does_not_say_which_slice_is_shown(painted: Callable[..., Any]) -> None:
    world = painted(0)
    hidden, shown = add_view(world.scene, "Red", (0, 0, 1)), add_view(world.scene, "Slice4", (0, 0, 1), 7.5)
    hidden.SetMappedInLayout(0)
    assert first_slice_shown(world.scene, world.slices) == 3
    shown.SetMappedInLayout(0)
    assert first_slice_shown(world.scene, world.slices) is None


def test_transforms_of_volume_and_segmentation_count(painted: Callable[..., Any]) -> None:
    world = painted(0)
    turn = world.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    for (row, column), value in {(1, 1): 0, (1, 2): -1, (2, 1): 1, (2, 2): 0, (1, 3): 40}.items():
        matrix.SetElement(row, column, value)
    turn.SetMatrixTransformToParent(matrix)
    for node in (world.volume, world.segmentation):
        node.SetAndObserveTransformNodeID(turn.GetID())
    slices = PaintedSlices.of(capture(world.volume, world.segmentation))
    coronal = add_view(world.scene, "Green", (0, 1, 0))
    assert jump_to_slice(world.scene, slices, 4) == 1
    assert coronal.GetSliceOffset() == pytest.approx(40 - 4 * 2.5)
    of_volume = PaintedSlices.of_volume(world.volume, 0)
    assert slice_shown(coronal, of_volume) == 4


def test_slices_are_those_of_the_segmentation_where_its_grid_is_finer(world: Any) -> None:
    fine = np.diag([0.8, 0.9, 1.25, 1.0])
    segmentation = add_segmentation(world.scene)
    mask = np.zeros((20, 12, 14), dtype=bool)
    mask[9, 3:8, 4:10] = True
    add_segment(segmentation, "A", mask, fine)
    captured = capture(world.volume, segmentation)
    slices = PaintedSlices.of(captured)
    node = add_view(world.scene, "Red", (0, 0, 1), 9 * 1.25)
    shown = slice_shown(node, slices)
    assert shown is not None
    assert captured.slices_first(captured.segments[0].mask)[shown].any()
