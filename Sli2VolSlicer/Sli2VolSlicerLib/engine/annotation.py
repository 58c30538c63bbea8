"""From a label map with a few drawn slices to an axis and anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .errors import AnnotationError
from .records import Anchor

THIN_RUN = 3
"""A run of fewer voxels than this along an axis is thin; what was drawn on one slice or two is."""

MOST_LINES = 2
"""So many slices may look like lines of another axis' drawing before the annotation is refused."""


def painted_slices(mask: np.ndarray, axis: int) -> np.ndarray:
    """Indices of the slices along `axis` on which `mask` (bool, 3D) is not empty."""
    others = tuple(a for a in range(3) if a != axis)
    return np.flatnonzero(mask.any(axis=others))


def find_axis(masks: Sequence[np.ndarray]) -> int:
    """The axis along which slices were painted.

    It is the axis across which most of what was painted is thin, as slices drawn here and there are;
    where that says nothing (a thick slab), the axis along which the fewest slices are painted.

    Args:
        masks: one bool array per label, all of one shape.

    Raises:
        AnnotationError: nothing is painted, or no axis is clearly the painted one.
    """
    boxes = [_boxed(mask) for mask in masks if mask.any()]
    if not boxes:
        raise AnnotationError(_EMPTY)
    total = sum(int(box.sum()) for box in boxes)
    flat = [sum(int(_planes(box, axis).sum()) for box in boxes) for axis in range(3)]
    flattest = int(np.argmax(flat))
    if 2 * flat[flattest] > total:
        return flattest
    counts = [sum(painted_slices(box, axis).size for box in boxes) for axis in range(3)]
    fewest = [axis for axis in range(3) if counts[axis] == min(counts)]
    if len(fewest) > 1:
        msg = (
            f"Cannot tell which axis was painted: {min(counts)} slices are painted along each of the axes "
            f"{' and '.join(map(str, fewest))}. Name the axis, or paint along one axis only."
        )
        raise AnnotationError(msg)
    return fewest[0]


def anchors_from_masks(masks: Mapping[int, np.ndarray], axis: int) -> tuple[Anchor, ...]:
    """Every non-empty slice of every label along `axis` as an anchor.

    Args:
        masks: label -> bool (3D, volume order).
        axis: the painted axis.

    Raises:
        AnnotationError: nothing is painted, or a label was painted along another axis too.
    """
    anchors: list[Anchor] = []
    for label, mask in sorted(masks.items()):
        indices = painted_slices(mask, axis)
        if indices.size > MOST_LINES:
            _check_painted_along(mask, axis, label)
        slices = np.moveaxis(mask, axis, 0)
        anchors.extend(Anchor(int(i), label, np.ascontiguousarray(slices[i])) for i in indices)
    if not anchors:
        raise AnnotationError(_EMPTY)
    return tuple(anchors)


_EMPTY = "The annotation is empty: paint the structure on at least one slice."


def _check_painted_along(mask: np.ndarray, axis: int, label: int) -> None:
    """Refuse a label of which several slices are only the lines in which another axis' slices cross them."""
    box = _boxed(mask)
    others = [a for a in range(3) if a != axis]
    crossing = [_planes(box, other) for other in others]
    rest = tuple(others)
    area = box.sum(axis=rest)
    lines = (crossing[0] | crossing[1]).sum(axis=rest) > 0.9 * area
    for planes in crossing:
        lines |= planes.sum(axis=rest) > 0.6 * area
    if lines.sum() > MOST_LINES:
        other = others[int(crossing[1].sum() > crossing[0].sum())]
        msg = (
            f"Label {label} is painted along axis {other} as well as, or instead of, axis {axis}: "
            f"{int(lines.sum())} slices of axis {axis} hold only a line of it. Paint all labels along one axis."
        )
        raise AnnotationError(msg)


def _boxed(mask: np.ndarray) -> np.ndarray:
    """The part of `mask` (bool, 3D) within its bounding box; a view."""
    ranges = [painted_slices(mask, axis) for axis in range(3)]
    return mask[tuple(slice(int(r[0]), int(r[-1]) + 1) if r.size else slice(0, 0) for r in ranges)]


def _planes(mask: np.ndarray, axis: int) -> np.ndarray:
    """The voxels of `mask` that are thin along `axis` and not along the other two (bool, 3D)."""
    result = mask & ~_in_long_runs(mask, axis)
    for other in range(3):
        if other != axis:
            result &= _in_long_runs(mask, other)
    return result


def _in_long_runs(mask: np.ndarray, axis: int) -> np.ndarray:
    """The voxels of `mask` in runs of at least `THIN_RUN` along `axis` (bool, 3D)."""
    result = np.zeros_like(mask)
    count = mask.shape[axis] - THIN_RUN + 1
    if count < 1:
        return result
    source, target = np.moveaxis(mask, axis, 0), np.moveaxis(result, axis, 0)
    starts = np.logical_and.reduce([source[k : k + count] for k in range(THIN_RUN)])
    for k in range(THIN_RUN):
        target[k : k + count] |= starts
    return result
