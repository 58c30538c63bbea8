"""What slices look like to the network that propagates: the descriptors of the policy `perceptual`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from .recommendation.similarity import reduced
from .slice_stack import SliceStack


@runtime_checkable
class Describes(Protocol):
    """A method that can say by a vector what a slice looks like."""

    def describe(self, picture: np.ndarray) -> np.ndarray:
        """A small slice, float32 (rows, columns), 0..1, as float32 (values,)."""
        ...


class SliceDescriptors:
    """Descriptors of a stack's slices, reduced to about 64 pixels a side, computed once.

    Args:
        stack: the slices.
        method: has a network.
    """

    def __init__(self, stack: SliceStack, method: Describes) -> None:
        self._stack = stack
        self._method = method
        self._kept: dict[int, np.ndarray] = {}

    def descriptor(self, axis: int, index: int) -> np.ndarray:
        """Slice `index` along the stack's axis, float32 (values,).

        Raises:
            ValueError: another axis.
        """
        if axis != self._stack.axis:
            msg = f"These are descriptors of slices along axis {self._stack.axis}, not along axis {axis}."
            raise ValueError(msg)
        if index not in self._kept:
            self._kept[index] = self._method.describe(reduced(self._stack.intensity(index)))
        return self._kept[index]


def descriptors_of(stack: SliceStack, method: object) -> SliceDescriptors | None:
    """Descriptors by this method; None if it has no network."""
    return SliceDescriptors(stack, method) if isinstance(method, Describes) else None
