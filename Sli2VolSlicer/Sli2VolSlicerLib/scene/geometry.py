"""Voxel lattices: matrices as numpy, exact maps between coinciding lattices, images as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import vtk
from vtk.util import numpy_support

Extent = tuple[int, int, int, int, int, int]
"""First and last voxel along i, j and k, as VTK counts them (both included)."""

LATTICE_TOLERANCE = 0.05
"""Two lattices are one when no voxel centre differs by more than this share of a voxel."""


def matrix_to_array(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    """A vtkMatrix4x4 as float64 (4, 4)."""
    return np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])


def extent_is_empty(extent: Extent) -> bool:
    """VTK's way of saying that an image has no voxels."""
    return extent[0] > extent[1] or extent[2] > extent[3] or extent[4] > extent[5]


def joined_extents(one: Extent, other: Extent) -> Extent:
    """The smallest extent that holds both; an empty one counts for nothing."""
    if extent_is_empty(one):
        return other
    if extent_is_empty(other):
        return one
    i, j, k = ((min(one[a], other[a]), max(one[a + 1], other[a + 1])) for a in (0, 2, 4))
    return *i, *j, *k


def image_to_array(image: Any) -> np.ndarray:
    """The scalars of a one-component vtkImageData as a view, (k, j, i)."""
    low_i, high_i, low_j, high_j, low_k, high_k = image.GetExtent()
    shape = (high_k - low_k + 1, high_j - low_j + 1, high_i - low_i + 1)
    return numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape)


@dataclass(frozen=True)
class Box:
    """A block of voxels: first voxel and size, both in (k, j, i) order."""

    start: tuple[int, int, int]
    shape: tuple[int, int, int]

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """To index a (k, j, i) array with."""
        k, j, i = (slice(first, first + size) for first, size in zip(self.start, self.shape, strict=True))
        return k, j, i

    def moved(self, origin: tuple[int, int, int]) -> Box:
        """As seen from the origin of the grid, when `start` is counted from a voxel `origin` of it."""
        k, j, i = (a + b for a, b in zip(self.start, origin, strict=True))
        return Box((k, j, i), self.shape)

    def seen_from(self, origin: tuple[int, int, int]) -> Box:
        """The inverse of `moved`: with `start` counted from a voxel of the grid."""
        k, j, i = (a - b for a, b in zip(self.start, origin, strict=True))
        return Box((k, j, i), self.shape)

    def common(self, other: Box) -> Box | None:
        """What lies in both; None if nothing does."""
        start = [max(a, b) for a, b in zip(self.start, other.start, strict=True)]
        size = [min(a, b) - c for a, b, c in zip(self._stop, other._stop, start, strict=True)]
        return None if min(size) <= 0 else Box((start[0], start[1], start[2]), (size[0], size[1], size[2]))

    def joined(self, other: Box) -> Box:
        """The smallest block that holds both; one of no size counts for nothing."""
        if 0 in self.shape:
            return other
        if 0 in other.shape:
            return self
        start = [min(a, b) for a, b in zip(self.start, other.start, strict=True)]
        size = [max(a, b) - c for a, b, c in zip(self._stop, other._stop, start, strict=True)]
        return Box((start[0], start[1], start[2]), (size[0], size[1], size[2]))

    @property
    def _stop(self) -> tuple[int, int, int]:
        k, j, i = (a + b for a, b in zip(self.start, self.shape, strict=True))
        return k, j, i


EMPTY_BOX = Box((0, 0, 0), (0, 0, 0))


def bounding_box(mask: np.ndarray) -> Box | None:
    """The smallest block that holds every true voxel of `mask` (bool, 3D); None if there is none."""
    # One pass over all voxels, the rest over what it leaves.
    lines = np.asarray(mask.any(axis=2))
    if not lines.any():
        return None
    k, j = _ends(np.asarray(lines.any(axis=1))), _ends(np.asarray(lines.any(axis=0)))
    i = _ends(np.asarray(mask[slice(*k), slice(*j)].any(axis=(0, 1))))
    return Box((k[0], j[0], i[0]), (k[1] - k[0], j[1] - j[0], i[1] - i[0]))


def _ends(line: np.ndarray) -> tuple[int, int]:
    """The first true place of a line, and the one after the last."""
    places = np.flatnonzero(line)
    return int(places[0]), int(places[-1]) + 1


@dataclass(frozen=True)
class LatticeMap:
    """Grid voxels to labelmap voxels when both lattices coincide: axes permuted, flipped, shifted.

    Labelmap coordinate `a` (of i, j, k) is `signs[a] * grid[axes[a]] + shifts[a]`.
    """

    axes: tuple[int, int, int]
    signs: tuple[int, int, int]
    shifts: tuple[int, int, int]

    @classmethod
    def from_matrix(cls, matrix: np.ndarray, shape: tuple[int, int, int]) -> LatticeMap | None:
        """The exact map that `matrix` stands for, or None when the two lattices differ.

        Args:
            matrix: grid ijk to labelmap ijk, (4, 4).
            shape: the grid's (k, j, i) shape, over which the lattices have to agree.
        """
        rounded = np.rint(matrix)
        rotation = rounded[:3, :3]
        if not (np.abs(rotation).sum(axis=0) == 1).all() or not (np.abs(rotation).sum(axis=1) == 1).all():
            return None
        last = np.array(shape[::-1]) - 1
        corners = np.array([(i, j, k, 1) for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
        if np.abs(corners @ (matrix - rounded).T).max() > LATTICE_TOLERANCE:
            return None
        axes = [int(np.abs(rotation[a]).argmax()) for a in range(3)]
        signs = [int(rotation[a, axes[a]]) for a in range(3)]
        shifts = [int(rounded[a, 3]) for a in range(3)]
        return cls((axes[0], axes[1], axes[2]), (signs[0], signs[1], signs[2]), (shifts[0], shifts[1], shifts[2]))

    def to_matrix(self) -> np.ndarray:
        """Grid ijk to labelmap ijk, (4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3] = 0
        for a in range(3):
            matrix[a, self.axes[a]] = self.signs[a]
            matrix[a, 3] = self.shifts[a]
        return matrix

    def to_grid(self, values: np.ndarray, extent: Extent, box: Box) -> np.ndarray:
        """Labelmap voxels on a block of the grid; zero where the labelmap does not reach.

        Args:
            values: the labelmap, (k, j, i) over `extent`.
            extent: where it lies on its own lattice.
            box: the block of the grid that is asked for.
        """
        result = np.zeros(box.shape, dtype=values.dtype)
        if extent_is_empty(extent):
            return result
        turned = self._turn_to_grid(values.T)
        target: list[slice] = []
        source: list[slice] = []
        for b in range(3):
            first = self._grid_start(extent, b) - box.start[2 - b]
            low, high = max(first, 0), min(first + turned.shape[b], box.shape[2 - b])
            if low >= high:
                return result
            target.append(slice(low, high))
            source.append(slice(low - first, high - first))
        result.T[tuple(target)] = turned[tuple(source)]
        return result

    def grid_box(self, extent: Extent) -> Box:
        """The block of the grid, unbounded, that a block of the labelmap's lattice lies on."""
        k, j, i = (self._grid_start(extent, b) for b in (2, 1, 0))
        sizes = [extent[2 * a + 1] - extent[2 * a] + 1 for a in (self.axes.index(b) for b in (2, 1, 0))]
        return Box((k, j, i), (sizes[0], sizes[1], sizes[2]))

    def to_labelmap(self, values: np.ndarray, box: Box) -> tuple[np.ndarray, Extent]:
        """A block of the grid as labelmap voxels: (k, j, i) array and where it lies there."""
        in_ijk = values.T
        turned = in_ijk.transpose(self.axes)
        flips = tuple(a for a in range(3) if self.signs[a] < 0)
        turned = np.flip(turned, axis=flips) if flips else turned
        return np.ascontiguousarray(turned.T), self.labelmap_extent(box)

    def labelmap_extent(self, box: Box) -> Extent:
        """Where a block of the grid lies on the labelmap's lattice."""
        extent: list[int] = []
        for a in range(3):
            first, size = box.start[2 - self.axes[a]], box.shape[2 - self.axes[a]]
            ends = [self.signs[a] * v + self.shifts[a] for v in (first, first + size - 1)]
            extent += [min(ends), max(ends)]
        return extent[0], extent[1], extent[2], extent[3], extent[4], extent[5]

    def _turn_to_grid(self, values: np.ndarray) -> np.ndarray:
        flips = tuple(a for a in range(3) if self.signs[a] < 0)
        turned = np.flip(values, axis=flips) if flips else values
        return turned.transpose([self.axes.index(b) for b in range(3)])

    def _grid_start(self, extent: Extent, b: int) -> int:
        a = self.axes.index(b)
        return extent[2 * a] - self.shifts[a] if self.signs[a] > 0 else self.shifts[a] - extent[2 * a + 1]
