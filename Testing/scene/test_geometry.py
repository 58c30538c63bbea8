"""Whatever way the volume lies in space, the scene gives what the plain arrays give."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import vtk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slicerhost.fake_session import FakeSession

from Sli2VolSlicerLib.engine.annotation import anchors_from_masks
from Sli2VolSlicerLib.engine.slice_stack import SliceStack
from Sli2VolSlicerLib.scene.capture import capture
from Sli2VolSlicerLib.scene.geometry import Box, LatticeMap, bounding_box, image_to_array
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation, add_volume, make_scene
from Sli2VolSlicerLib.scene.logic import SceneLogic

SHAPE = (9, 11, 13)
SIGNED_PERMUTATIONS = [
    np.diag(signs)[list(order)]
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]
angles = st.floats(-3.1, 3.1)
spacings = st.tuples(*[st.floats(0.3, 6.0)] * 3)
offsets = st.tuples(*[st.floats(-300, 300)] * 3)


def rotation(a: float, b: float, c: float) -> np.ndarray:
    def turn(angle: float, first: int, second: int) -> np.ndarray:
        matrix = np.eye(3)
        matrix[first, first] = matrix[second, second] = np.cos(angle)
        matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
        return matrix

    return turn(a, 0, 1) @ turn(b, 1, 2) @ turn(c, 0, 2)


@st.composite
def poses(draw: st.DrawFn) -> np.ndarray:
    """An ijk-to-RAS matrix: permuted, flipped, oblique, anisotropic, moved."""
    matrix = np.eye(4)
    turned = rotation(draw(angles), draw(angles), draw(angles)) if draw(st.booleans()) else np.eye(3)
    matrix[:3, :3] = turned @ draw(st.sampled_from(SIGNED_PERMUTATIONS)) @ np.diag(draw(spacings))
    matrix[:3, 3] = draw(offsets)
    return matrix


@st.composite
def linear_transforms(draw: st.DrawFn) -> np.ndarray:
    """A parent transform: rigid, or with scaling."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(draw(angles), draw(angles), draw(angles)) @ np.diag(draw(spacings))
    matrix[:3, 3] = draw(offsets)
    return matrix


def noise(seed: int = 3, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1000, shape).astype(np.int16)


def painted(axis: int, index: int) -> np.ndarray:
    """An asymmetrical patch on one slice."""
    mask = np.zeros(SHAPE, dtype=bool)
    slices = np.moveaxis(mask, axis, 0)
    slices[index, 2:7, 3:8] = True
    slices[index, 2, 3] = False
    return mask


def plain_result(voxels: np.ndarray, mask: np.ndarray, axis: int) -> np.ndarray:
    stack = SliceStack(voxels, (1, 1, 1), axis)
    return stack.volume_order(FakeSession(stack).propagate(anchors_from_masks({1: mask}, axis)).masks[1])


def new_logic() -> SceneLogic:
    return SceneLogic(make_method=lambda name, device: None, make_session=FakeSession)


def put_under(scene: Any, node: Any, matrix: np.ndarray) -> None:
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    of_vtk = vtk.vtkMatrix4x4()
    of_vtk.DeepCopy(matrix.ravel().tolist())
    parent.SetMatrixTransformToParent(of_vtk)
    node.SetAndObserveTransformNodeID(parent.GetID())


def segment_array(segmentation: Any, lattice: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """A segment on a lattice, read by asking for the world position of every painted voxel."""
    segment = segmentation.GetSegmentation().GetSegment("A")
    image = segment.GetRepresentation("Binary labelmap")
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    to_world = np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
    k, j, i = np.nonzero(image_to_array(image) == segment.GetLabelValue())
    extent = image.GetExtent()
    points = np.stack([i + extent[0], j + extent[2], k + extent[4], np.ones_like(i)])
    found = np.rint((np.linalg.inv(lattice) @ to_world @ points)[:3]).astype(int)
    result = np.zeros(shape, dtype=bool)
    result[found[2], found[1], found[0]] = True
    assert result.sum() == len(i)
    return result


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pose=poses(), axis=st.integers(0, 2), index=st.integers(0, 8))
def test_the_result_does_not_depend_on_how_the_volume_lies(pose: np.ndarray, axis: int, index: int) -> None:
    headless = make_scene()
    voxels, mask = noise(), painted(axis, index)
    volume = add_volume(headless.scene, voxels, pose)
    segmentation = add_segmentation(headless.scene, volume)
    add_segment(segmentation, "A", mask, pose)
    result = new_logic().propagate(volume, segmentation)
    assert result.capture.grid.is_native
    assert result.capture.axis == axis
    expected = np.linalg.norm(pose[:3, :3], axis=0)[::-1]
    assert np.allclose(result.capture.grid.spacing_mm, expected)
    assert np.array_equal(segment_array(segmentation, pose, SHAPE), plain_result(voxels, mask, axis))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pose=poses(), over_volume=linear_transforms(), over_segmentation=linear_transforms(), axis=st.integers(0, 2))
def test_parent_linear_transforms_on_either_node_change_nothing(
    pose: np.ndarray, over_volume: np.ndarray, over_segmentation: np.ndarray, axis: int
) -> None:
    headless = make_scene()
    voxels, mask = noise(), painted(axis, 4)
    volume = add_volume(headless.scene, voxels, pose)
    segmentation = add_segmentation(headless.scene)
    put_under(headless.scene, volume, over_volume)
    put_under(headless.scene, segmentation, over_segmentation)
    # the same place in the world, in the segmentation's own coordinates; sheared in general
    lattice = np.linalg.inv(over_segmentation) @ over_volume @ pose
    directions = lattice[:3, :3] / np.linalg.norm(lattice[:3, :3], axis=0)
    if not np.allclose(directions.T @ directions, np.eye(3), atol=1e-6):
        lattice = np.linalg.inv(over_segmentation) @ over_segmentation @ pose
        volume.SetAndObserveTransformNodeID(segmentation.GetTransformNodeID())
    add_segment(segmentation, "A", mask, lattice)
    new_logic().propagate(volume, segmentation)
    assert np.array_equal(segment_array(segmentation, lattice, SHAPE), plain_result(voxels, mask, axis))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pose=poses(),
    turn=st.sampled_from(SIGNED_PERMUTATIONS),
    shift=st.tuples(*[st.integers(-4, 4)] * 3),
    axis=st.integers(0, 2),
)
def test_a_labelmap_that_is_permuted_flipped_or_shifted_gives_the_same(
    pose: np.ndarray, turn: np.ndarray, shift: tuple[int, int, int], axis: int
) -> None:
    headless = make_scene()
    voxels, mask = noise(), painted(axis, 4)
    volume = add_volume(headless.scene, voxels, pose)
    segmentation = add_segmentation(headless.scene)
    to_labelmap = np.eye(4)
    to_labelmap[:3, :3] = turn
    to_labelmap[:3, 3] = shift
    lattice = pose @ np.linalg.inv(to_labelmap)
    exact = LatticeMap.from_matrix(to_labelmap, SHAPE)
    assert exact is not None
    box = bounding_box(mask)
    assert box is not None
    values, extent = exact.to_labelmap(mask[box.slices], box)
    start = np.eye(4)
    start[:3, 3] = extent[::2]
    add_segment(segmentation, "A", values, lattice @ start)
    result = new_logic().propagate(volume, segmentation)
    assert result.capture.grid.is_native
    assert np.array_equal(segment_array(segmentation, pose, SHAPE), plain_result(voxels, mask, axis))


@given(
    turn=st.sampled_from(SIGNED_PERMUTATIONS),
    shift=st.tuples(*[st.integers(-5, 5)] * 3),
    start=st.tuples(*[st.integers(0, 4)] * 3),
)
def test_to_the_labelmap_and_back_is_exact(
    turn: np.ndarray, shift: tuple[int, int, int], start: tuple[int, int, int]
) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = shift
    exact = LatticeMap.from_matrix(matrix, (10, 10, 10))
    assert exact is not None
    values = noise(1, (3, 4, 5))
    box = Box(start, (3, 4, 5))
    on_labelmap, extent = exact.to_labelmap(values, box)
    assert np.array_equal(exact.to_grid(on_labelmap, extent, box), values)
    # and voxel by voxel it is what the matrix says
    i, j, k = (int(v) for v in (matrix @ [start[2] + 1, start[1] + 2, start[0] + 1, 1])[:3])
    assert on_labelmap[k - extent[4], j - extent[2], i - extent[0]] == values[1, 2, 1]


def test_lattices_that_are_a_third_of_a_voxel_apart_are_not_one() -> None:
    matrix = np.eye(4)
    matrix[0, 3] = 0.33
    assert LatticeMap.from_matrix(matrix, SHAPE) is None


def test_lattices_that_differ_by_rounding_are_one() -> None:
    matrix = np.eye(4) + 1e-4
    matrix[3] = [0, 0, 0, 1]
    assert LatticeMap.from_matrix(matrix, SHAPE) == LatticeMap((0, 1, 2), (1, 1, 1), (0, 0, 0))


def other_geometries() -> list[Any]:
    coarse = np.diag([2.0, 2.0, 2.0, 1.0])
    fine = np.diag([0.5, 0.5, 0.5, 1.0])
    moved = np.eye(4)
    moved[:3, 3] = [0.4, -0.3, 0.5]
    tilted = np.eye(4)
    tilted[:3, :3] = rotation(0.3, 0.2, -0.1)
    return [
        pytest.param(m, id=n) for m, n in ((coarse, "coarse"), (fine, "fine"), (moved, "moved"), (tilted, "tilted"))
    ]


@pytest.mark.parametrize("between", other_geometries())
def test_on_another_geometry_the_painted_slice_stays_as_it_was_in_its_own_grid(between: np.ndarray) -> None:
    shape = (24, 24, 24)
    k, j, i = np.indices(shape)
    voxels = (1000.0 * np.exp(-((i - 12) ** 2 + (j - 12) ** 2 + (k - 12) ** 2) / 60)).astype(np.int16)
    headless = make_scene()
    pose = np.diag([1.0, 1.0, 1.5, 1.0])
    volume = add_volume(headless.scene, voxels, pose)
    segmentation = add_segmentation(headless.scene)
    lattice = pose @ between
    centre = np.rint(np.linalg.inv(between) @ [12, 12, 12, 1]).astype(int)[:3]
    mask = np.zeros(tuple(2 * centre[::-1] + 9), dtype=bool)
    radius = max(2, round(3 / between[0, 0]))
    mask[centre[2], centre[1] - radius : centre[1] + radius, centre[0] - radius : centre[0] + radius - 1] = True
    add_segment(segmentation, "A", mask, lattice)
    geometry = segmentation.GetSegmentation().GetConversionParameter("Reference image geometry")
    result = new_logic().propagate(volume, segmentation)
    assert not result.capture.grid.is_native
    assert result.capture.axis == 0
    assert len(result.capture.anchors) == 1
    image = segmentation.GetSegmentation().GetSegment("A").GetRepresentation("Binary labelmap")
    extent = image.GetExtent()
    written = image_to_array(image) == 1
    assert written.any(axis=(1, 2)).sum() > 3
    own = np.zeros(written.shape[1:], dtype=bool)
    rows, columns = np.nonzero(mask[centre[2]])
    own[rows - extent[2], columns - extent[0]] = True
    assert np.array_equal(written[centre[2] - extent[4]], own)
    assert segmentation.GetSegmentation().GetConversionParameter("Reference image geometry") == geometry


def test_the_volume_on_another_lattice_is_interpolated_where_it_lies() -> None:
    shape = (12, 24, 12)
    k, j, i = np.indices(shape)
    voxels = (100 * k + 10 * j + i).astype(np.float32)
    headless = make_scene()
    volume = add_volume(headless.scene, voxels, np.eye(4))
    segmentation = add_segmentation(headless.scene)
    lattice = np.diag([1.0, -2.0, 0.5, 1.0])
    lattice[:3, 3] = [0.25, 22.0, 0.0]
    mask = np.zeros((23, 6, 11), dtype=bool)
    mask[10, 2:4, 3:6] = True
    add_segment(segmentation, "A", mask, lattice)
    grid = capture(volume, segmentation, axis=0).grid
    first = grid.ijk_to_segmentation @ [0, 0, 0, 1]
    for g in ((2, 3, 4), (9, 1, 8)):
        x, y, z, _ = grid.ijk_to_segmentation @ [*g[::-1], 1]
        assert grid.voxels[g] == pytest.approx(100 * z + 10 * y + x, abs=1e-3)
    assert first[0] == pytest.approx(0.25)
    assert grid.spacing_mm == pytest.approx((0.5, 2.0, 1.0))
