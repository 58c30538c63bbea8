"""Slice views and slices of the painted axis: which one a view shows, and how to get there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .capture import Capture
from .geometry import matrix_to_array
from .grid import node_to_world, volume_to_world, volume_voxels

ALIGNED = float(np.cos(np.radians(1.0)))
"""A view turned by less shows one slice; by more it cuts through several."""


@dataclass(frozen=True, eq=False)
class PaintedSlices:
    """Where the slices along the painted axis lie in the world.

    Attributes:
        ijk_to_world: the grid's, (4, 4).
        shape: the grid's (k, j, i) shape.
        axis: the painted axis of the grid.
    """

    ijk_to_world: np.ndarray
    shape: tuple[int, int, int]
    axis: int

    @classmethod
    def of(cls, captured: Capture) -> PaintedSlices:
        """Those of a capture."""
        world = node_to_world(captured.segmentation_node) @ captured.grid.ijk_to_segmentation
        return cls(world, captured.grid.shape, captured.axis)

    @classmethod
    def of_volume(cls, volume_node: Any, axis: int) -> PaintedSlices:
        """Those of a volume's own array, before anything is painted.

        Raises:
            VolumeError: as `volume_voxels`.
        """
        k, j, i = volume_voxels(volume_node).shape
        return cls(volume_to_world(volume_node), (k, j, i), axis)

    @property
    def count(self) -> int:
        """Slices along the axis."""
        return self.shape[self.axis]

    @property
    def normals(self) -> np.ndarray:
        """Unit normals of the slices along each axis of the array, in the world, one per row, (3, 3)."""
        columns = self.ijk_to_world[:3, :3].T[::-1]
        across = np.stack([np.cross(columns[(axis + 1) % 3], columns[(axis + 2) % 3]) for axis in range(3)])
        return np.asarray(across / np.linalg.norm(across, axis=1, keepdims=True))

    @property
    def centre(self) -> np.ndarray:
        """The middle of the grid in the world, (3,)."""
        middle = (np.array(self.shape[::-1]) - 1) / 2
        return np.asarray(self.ijk_to_world[:3, :3] @ middle + self.ijk_to_world[:3, 3])

    def position(self, point: np.ndarray) -> float:
        """Where a point of the world lies along the axis, in slices."""
        row = np.linalg.inv(self.ijk_to_world)[2 - self.axis]
        return float(row[:3] @ point + row[3])

    def advance(self, direction: np.ndarray) -> float:
        """Slices that one mm along a direction of the world passes."""
        return float(np.linalg.inv(self.ijk_to_world)[2 - self.axis, :3] @ direction)


def slice_nodes(scene: Any) -> tuple[Any, ...]:
    """All slice views (vtkMRMLSliceNode), those in the present layout first."""
    found = [
        scene.GetNthNodeByClass(n, "vtkMRMLSliceNode") for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode"))
    ]
    return tuple(sorted(found, key=lambda node: not node.IsMappedInLayout()))


def nearest_axis(slice_node: Any, slices: PaintedSlices) -> int:
    """The axis of the array whose slices a view shows, or comes nearest to showing."""
    _, normal = _plane(slice_node)
    return int(np.abs(slices.normals @ normal).argmax())


def slice_shown(slice_node: Any, slices: PaintedSlices) -> int | None:
    """The slice of the painted axis that a view shows; None when it shows other or tilted planes, or lies outside."""
    origin, normal = _plane(slice_node)
    if abs(float(slices.normals[slices.axis] @ normal)) < ALIGNED:
        return None
    index = round(slices.position(_nearest_to_centre(slices, origin, normal)))
    return index if 0 <= index < slices.count else None


def first_slice_shown(scene: Any, slices: PaintedSlices) -> int | None:
    """That of the first view in the layout that shows one."""
    shown = (slice_shown(node, slices) for node in slice_nodes(scene) if node.IsMappedInLayout())
    return next((index for index in shown if index is not None), None)


def jump_to_slice(scene: Any, slices: PaintedSlices, index: int) -> int:
    """Move every slice view that shows slices of the painted axis to one of them; nothing moves sideways.

    A tilted view is moved, too, when no other axis is nearer: its middle then shows the slice. All views are
    moved by themselves, so that it makes no difference whether they are linked.

    Returns:
        How many views show such slices.
    """
    moved = 0
    for node in slice_nodes(scene):
        if nearest_axis(node, slices) != slices.axis:
            continue
        moved += 1
        origin, normal = _plane(node)
        is_aligned = abs(float(slices.normals[slices.axis] @ normal)) >= ALIGNED
        start = _nearest_to_centre(slices, origin, normal) if is_aligned else origin
        target = start + normal * (index - slices.position(start)) / slices.advance(normal)
        node.JumpSliceByOffsetting(*(float(v) for v in target))
    return moved


def _plane(slice_node: Any) -> tuple[np.ndarray, np.ndarray]:
    """A point of a view's plane and its unit normal."""
    matrix = matrix_to_array(slice_node.GetSliceToRAS())
    normal = matrix[:3, 2]
    return matrix[:3, 3], normal / np.linalg.norm(normal)


def _nearest_to_centre(slices: PaintedSlices, origin: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """The point of a plane from which a slight tilt matters least."""
    return np.asarray(slices.centre - normal * float((slices.centre - origin) @ normal))
