"""A mask on a grid, kept as the block that holds it: most of a volume is empty, and the main loop must not wait."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from .geometry import EMPTY_BOX, Box, bounding_box


@dataclass(frozen=True, eq=False)
class Patch:
    """Where a segment is.

    Attributes:
        shape: the grid's (k, j, i) shape.
        box: the smallest block of the grid that holds every true voxel; of no size where there is none.
        values: bool, (k, j, i) over `box`; not to be written to.
    """

    shape: tuple[int, int, int]
    box: Box
    values: np.ndarray
    _fingerprints: dict[int, Mapping[int, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def nothing(cls, shape: tuple[int, int, int]) -> Patch:
        """An empty mask."""
        return cls(shape, EMPTY_BOX, np.zeros((0, 0, 0), dtype=bool))

    @classmethod
    def of(cls, mask: np.ndarray) -> Patch:
        """That of a mask over the whole grid, bool, (k, j, i)."""
        k, j, i = mask.shape
        return cls.within((k, j, i), Box((0, 0, 0), (k, j, i)), mask)

    @classmethod
    def within(cls, shape: tuple[int, int, int], box: Box, values: np.ndarray) -> Patch:
        """That of a mask over a block which may be larger than it needs to be."""
        inner = bounding_box(values)
        if inner is None:
            return cls.nothing(shape)
        return cls(shape, inner.moved(box.start), values[inner.slices])

    @property
    def is_empty(self) -> bool:
        """Whether there is no true voxel."""
        return self.values.size == 0

    @property
    def voxels(self) -> int:
        """How many voxels are true."""
        return int(np.count_nonzero(self.values))

    def whole(self) -> np.ndarray:
        """Over the whole grid, bool, (k, j, i)."""
        return self.over(Box((0, 0, 0), self.shape))

    def over(self, box: Box) -> np.ndarray:
        """Over a block of the grid, bool, (k, j, i); an array of its own."""
        values = np.zeros(box.shape, dtype=bool)
        common = self.box.common(box)
        if common is not None:
            values[common.seen_from(box.start).slices] = self.values[common.seen_from(self.box.start).slices]
        return values

    def plane(self, axis: int, index: int) -> np.ndarray:
        """One whole slice, bool, 2D; an array of its own."""
        start, shape = [0, 0, 0], list(self.shape)
        start[axis], shape[axis] = index, 1
        return self.over(Box((start[0], start[1], start[2]), (shape[0], shape[1], shape[2]))).squeeze(axis)

    def counts(self, axis: int) -> np.ndarray:
        """How many voxels are true on every slice along an axis, int, (slices,)."""
        counts = np.zeros(self.shape[axis], dtype=np.int64)
        if not self.is_empty:
            first = self.box.start[axis]
            others = tuple(a for a in range(3) if a != axis)
            counts[first : first + self.box.shape[axis]] = np.count_nonzero(self.values, axis=others)
        return counts

    def filled(self, axis: int) -> np.ndarray:
        """Which slices along an axis hold a true voxel, bool, (slices,)."""
        filled = np.zeros(self.shape[axis], dtype=bool)
        if not self.is_empty:
            first = self.box.start[axis]
            others = tuple(a for a in range(3) if a != axis)
            filled[first : first + self.box.shape[axis]] = self.values.any(axis=others)
        return filled

    def fingerprints(self, axis: int) -> Mapping[int, str]:
        """Slice -> fingerprint, for every slice along an axis that is not empty; worked out once."""
        if axis not in self._fingerprints:
            self._fingerprints[axis] = {} if self.is_empty else dict(self._work_out_fingerprints(axis))
        return self._fingerprints[axis]

    def _work_out_fingerprints(self, axis: int) -> Iterator[tuple[int, str]]:
        first, planes = self.box.start[axis], np.moveaxis(self.values, axis, 0)
        rows, columns = (self.box.slices[a] for a in range(3) if a != axis)
        plane = np.zeros([self.shape[a] for a in range(3) if a != axis], dtype=bool)
        for n in np.flatnonzero(self.filled(axis)):
            plane[rows, columns] = planes[n - first]
            yield int(n), _digest(plane)

    def is_same(self, other: Patch) -> bool:
        """Whether both are the same mask."""
        return self.shape == other.shape and self.box == other.box and bool(np.array_equal(self.values, other.values))

    def only_slices(self, axis: int, first: int, last: int) -> Patch:
        """What lies on the slices `first` to `last` along an axis, both included."""
        values = self.values.copy()
        planes = np.moveaxis(values, axis, 0)
        start = self.box.start[axis]
        planes[: max(first - start, 0)] = False
        planes[max(last + 1 - start, 0) :] = False
        return Patch.within(self.shape, self.box, values)

    def changed(self, box: Box, added: np.ndarray, removed: np.ndarray) -> Patch:
        """With some voxels more and others less, both bool, (k, j, i) over `box`."""
        joint = self.box.joined(box)
        values = self.over(joint)
        part = values[box.seen_from(joint.start).slices]
        part |= added
        part &= ~removed
        return Patch.within(self.shape, joint, values)


def fingerprint(plane: np.ndarray) -> str:
    """Tells one slice's mask (bool, 2D) from another; "" for an empty one."""
    if not plane.any():
        return ""
    return _digest(plane)


def _digest(plane: np.ndarray) -> str:
    return hashlib.sha1(np.packbits(plane).tobytes(), usedforsecurity=False).hexdigest()[:12]
