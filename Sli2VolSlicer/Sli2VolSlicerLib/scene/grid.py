"""The lattice that the engine works on, for one volume node and one labelmap lattice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import slicer
import vtk

from ..engine.errors import AnnotationError, VolumeError
from .geometry import Box, Extent, LatticeMap, bounding_box, extent_is_empty, image_to_array, matrix_to_array
from .patch import Patch

MOST_RESAMPLED_VOXELS = 2**30


@dataclass(frozen=True, eq=False)
class Grid:
    """Where slices are taken and masks are compared.

    It is the volume's own lattice when the segmentation lies on the same one (moved, flipped or
    permuted as it may be). Else it is the segmentation's lattice, the volume being interpolated
    onto it, as Slicer's own effects do: what the user painted is then never resampled.

    Attributes:
        shape: how many voxels there are, (k, j, i).
        spacing_mm: in the world, per axis of the same.
        ijk_to_segmentation: grid ijk to the segmentation node's coordinates, (4, 4).
        to_labelmap: grid ijk to labelmap ijk.
        is_native: the grid is the volume's own lattice.
        make_voxels: gives the volume's intensities; it touches no node.
        volume_axes: for each axis of the volume's array, the grid axis most parallel to it.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    ijk_to_segmentation: np.ndarray
    to_labelmap: LatticeMap
    is_native: bool
    make_voxels: Callable[[], np.ndarray]
    volume_axes: tuple[int, int, int] = (0, 1, 2)

    @cached_property
    def voxels(self) -> np.ndarray:
        """The volume's intensities, (k, j, i); where it has to be interpolated, this takes time once."""
        return self.make_voxels()

    @property
    def box(self) -> Box:
        """The whole grid."""
        return Box((0, 0, 0), self.shape)

    def read(self, image: Any, box: Box | None = None) -> np.ndarray:
        """An image on the labelmap's lattice, over the grid or a block of it."""
        extent = image.GetExtent()
        wanted = box or self.box
        if image.GetPointData().GetScalars() is None:
            return np.zeros(wanted.shape, dtype=np.uint8)
        return self.to_labelmap.to_grid(image_to_array(image), extent, wanted)

    def patch(self, image: Any, value: int) -> Patch:
        """Where an image on the labelmap's lattice has a value; takes no longer than the image is large."""
        extent = image.GetExtent()
        if extent_is_empty(extent) or image.GetPointData().GetScalars() is None:
            return Patch.nothing(self.shape)
        there = image_to_array(image) == value
        inner = bounding_box(there)
        if inner is None:
            return Patch.nothing(self.shape)
        (k, j, i), (depth, rows, columns) = inner.moved((extent[4], extent[2], extent[0])).start, inner.shape
        held: Extent = (i, i + columns - 1, j, j + rows - 1, k, k + depth - 1)
        whole = self.to_labelmap.grid_box(held)
        box = whole.common(self.box)
        if box is None:
            return Patch.nothing(self.shape)
        values = self.to_labelmap.to_grid(there[inner.slices], held, box)
        # Most lie on the grid as a whole, and fit their block already.
        return Patch(self.shape, box, values) if box == whole else Patch.within(self.shape, box, values)


def volume_voxels(volume_node: Any) -> np.ndarray:
    """The volume's intensities as a view, (k, j, i).

    Raises:
        VolumeError: no volume, no image data, colour volume, or time series.
    """
    if volume_node is None:
        msg = "No volume is selected: choose the volume on which the structure was painted."
        raise VolumeError(msg)
    name = volume_node.GetName()
    if not volume_node.IsA("vtkMRMLScalarVolumeNode"):
        msg = f"'{name}' is a {volume_node.GetClassName()}; choose a scalar volume."
        raise VolumeError(msg)
    image = volume_node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or image.GetNumberOfPoints() == 0:
        msg = f"Volume '{name}' holds no image: load it again or choose another one."
        raise VolumeError(msg)
    components = image.GetNumberOfScalarComponents()
    if components != 1:
        msg = f"Volume '{name}' has {components} values per voxel (colour or time series); choose one scalar 3D volume."
        raise VolumeError(msg)
    return image_to_array(image)


def volume_to_segmentation(volume_node: Any, segmentation_node: Any) -> np.ndarray:
    """Volume ijk to the segmentation node's own coordinates, (4, 4), parent transforms included.

    Raises:
        AnnotationError: a parent transform is not linear.
    """
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    volume_parent = volume_node.GetParentTransformNode()
    segmentation_parent = segmentation_node.GetParentTransformNode()
    ijk_to_ras = matrix_to_array(matrix)
    if volume_parent is segmentation_parent:
        return ijk_to_ras
    _require_linear(volume_node)
    _require_linear(segmentation_node)
    between = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(volume_parent, segmentation_parent, between)
    return matrix_to_array(between) @ ijk_to_ras


def node_to_world(node: Any) -> np.ndarray:
    """A node's own coordinates to the world, (4, 4); one that is not linear is left out."""
    parent = node.GetParentTransformNode()
    if parent is None or not parent.IsTransformToWorldLinear():
        return np.eye(4)
    matrix = vtk.vtkMatrix4x4()
    parent.GetMatrixTransformToWorld(matrix)
    return matrix_to_array(matrix)


def volume_to_world(volume_node: Any) -> np.ndarray:
    """Volume ijk to the world, (4, 4), linear parent transforms included."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return np.asarray(node_to_world(volume_node) @ matrix_to_array(matrix))


def make_grid(volume_node: Any, segmentation_node: Any, labelmap: Any) -> Grid:
    """The grid for a volume and the lattice of one binary labelmap of a segmentation.

    Raises:
        VolumeError: the volume is unfit, or would grow beyond 2**30 voxels on the segmentation's lattice.
        AnnotationError: a parent transform is not linear.
    """
    voxels = volume_voxels(volume_node)
    volume_ijk = volume_to_segmentation(volume_node, segmentation_node)
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    labelmap_ijk = matrix_to_array(matrix)
    between = np.linalg.solve(labelmap_ijk, volume_ijk)
    k, j, i = voxels.shape
    exact = LatticeMap.from_matrix(between, (k, j, i))
    world = node_to_world(segmentation_node)
    if exact is not None:
        return Grid((k, j, i), _spacing(world @ volume_ijk), volume_ijk, exact, True, lambda: voxels)
    start, shape = _reached(voxels, between, str(volume_node.GetName()))
    shift = np.eye(4)
    shift[:3, 3] = start
    ijk = labelmap_ijk @ shift
    to_labelmap = LatticeMap((0, 1, 2), (1, 1, 1), start)
    resample = partial(_resample, voxels, between, start, shape)
    return Grid(shape, _spacing(world @ ijk), ijk, to_labelmap, False, resample, _parallel_axes(between))


def _reached(voxels: np.ndarray, between: np.ndarray, name: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The block of the labelmap's lattice that holds the volume: first voxel (i, j, k) and shape (k, j, i)."""
    last = np.array(voxels.shape[::-1]) - 1
    corners = np.array([(i, j, k, 1) for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
    reached = (corners @ between.T)[:, :3]
    low = np.ceil(reached.min(axis=0) - 0.5).astype(int)
    high = np.floor(reached.max(axis=0) + 0.5).astype(int)
    size = high - low + 1
    if np.prod(size.astype(float)) > MOST_RESAMPLED_VOXELS:
        msg = (
            f"Volume '{name}' would have {size[0]}x{size[1]}x{size[2]} voxels on the segmentation's grid, "
            "which is too many: set the segmentation's source geometry to the volume."
        )
        raise VolumeError(msg)
    return (int(low[0]), int(low[1]), int(low[2])), (int(size[2]), int(size[1]), int(size[0]))


def _resample(
    voxels: np.ndarray, between: np.ndarray, start: tuple[int, int, int], shape: tuple[int, int, int]
) -> np.ndarray:
    """The volume interpolated onto a block of the labelmap's lattice, float32, (k, j, i)."""
    from scipy import ndimage

    back = np.linalg.inv(between)
    offset = back[:3, :3] @ start + back[:3, 3]
    flip = np.ix_([2, 1, 0], [2, 1, 0])
    resampled: np.ndarray = ndimage.affine_transform(
        voxels.astype(np.float32),
        back[:3, :3][flip],
        offset=offset[::-1],
        output_shape=shape,
        order=1,
        mode="constant" if _is_turned(between) else "nearest",
        cval=float(voxels.min()),
    )
    return resampled


def _is_turned(between: np.ndarray) -> bool:
    """Whether the axes of two lattices are not parallel."""
    rotation = np.abs(between[:3, :3] / np.linalg.norm(between[:3, :3], axis=0))
    return bool((np.sort(rotation, axis=0)[:2] > 1e-3).any())


def _parallel_axes(between: np.ndarray) -> tuple[int, int, int]:
    """For each volume array axis the labelmap array axis most parallel to it."""
    i, j, k = (2 - int(a) for a in np.abs(between[:3, :3] / np.linalg.norm(between[:3, :3], axis=0)).argmax(axis=0))
    return k, j, i


def _spacing(ijk_to_world: np.ndarray) -> tuple[float, float, float]:
    i, j, k = (float(v) for v in np.linalg.norm(ijk_to_world[:3, :3], axis=0))
    return k, j, i


def _require_linear(node: Any) -> None:
    parent = node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():
        msg = (
            f"'{node.GetName()}' is under the non-linear transform '{parent.GetName()}': "
            "harden it, or take the node out of it."
        )
        raise AnnotationError(msg)
