"""Pseudo-labels: one slice of a training volume, propagated through all of it (Sli2Vol+, section 3.2)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ...engine.protocol import Method
from ...engine.records import Anchor
from ...engine.session import PropagationSession
from ...engine.slice_stack import SliceStack
from ..refinement.objects import LabelledVolume, grown_objects

_VERSION = 1
_GROWN = 8
"""Regions grown in a volume without labels; those that its one slice cuts are propagated."""

_LEAST_DRAWN = 9
"""Pixels; less on the one slice is left out."""


@dataclass(frozen=True, eq=False)
class PseudoLabels:
    """What one slice of a volume gave.

    Attributes:
        labels: uint8 on the volume's grid, 0 where nothing is, else the structure's number.
        slice_index: the one slice, along the first axis.
        drawn: uint8 (rows, columns), what was drawn on it.
    """

    labels: np.ndarray
    slice_index: int
    drawn: np.ndarray

    @property
    def numbers(self) -> tuple[int, ...]:
        """The structures that there are."""
        return tuple(int(number) for number in np.unique(self.drawn) if number)


def one_slice(volume: LabelledVolume, seed: int) -> tuple[int, np.ndarray]:
    """The slice of a volume that is drawn, and what is drawn there.

    It is the slice that shows the most of the most structures: those of the volume's labels or, without labels, regions
    of like intensity grown in it. All that is used of labels is this slice of them.

    Args:
        volume: with labels or without.
        seed: of the grown regions.

    Returns:
        Its number along the first axis, and uint8 (rows, columns), structures numbered from 1.
    """
    shape = volume.voxels.shape
    shares = np.zeros(shape[0])
    masks = list(_masks(volume, seed))
    for mask in masks:
        areas = mask.sum(axis=(1, 2))
        shares += areas / max(1, areas.max())
    index = int(shares.argmax())
    drawn = np.zeros(shape[1:], np.uint8)
    shown = [mask[index] for mask in masks if mask[index].sum() >= _LEAST_DRAWN]
    # The larger first: where grown regions overlap, the smaller is drawn on top.
    for number, mask in enumerate(sorted(shown, key=lambda m: -int(m.sum())), start=1):
        drawn[mask] = number
    return index, drawn


def propagated(volume: LabelledVolume, method: Method, seed: int) -> PseudoLabels:
    """A volume's pseudo-labels.

    Args:
        volume: with labels or without.
        method: what propagates; the paper takes Sli2Vol.
        seed: of grown regions.

    Raises:
        VolumeError: the volume cannot be propagated through.
    """
    stack = SliceStack(volume.voxels, volume.spacing_mm, 0)
    index, drawn = one_slice(volume, seed)
    anchors = [Anchor(index, int(number), drawn == number) for number in np.unique(drawn) if number]
    if not anchors:
        return PseudoLabels(np.zeros(volume.voxels.shape, np.uint8), index, drawn)
    done = PropagationSession(stack, method).propagate(anchors)
    return PseudoLabels(done.label_map().astype(np.uint8), index, drawn)


def identity_of(volume: LabelledVolume, weights: str, seed: int) -> str:
    """In words, everything but the engine's code that decides a volume's pseudo-labels."""
    return repr([_VERSION, weights, seed, volume.identity])


def keep_labels(path: Path, identity: str, made: PseudoLabels) -> None:
    """Write a volume's pseudo-labels; the file is replaced in one step."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        np.savez_compressed(
            file, identity=np.array(identity), labels=made.labels, slice_index=made.slice_index, drawn=made.drawn
        )
    temporary.replace(path)


def kept_labels(path: Path, identity: str) -> PseudoLabels | None:
    """A volume's pseudo-labels out of their file; None if they are not there, or not of this identity."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["identity"]) != identity:
                return None
            return PseudoLabels(kept["labels"], int(kept["slice_index"]), kept["drawn"])
    except (FileNotFoundError, BadZipFile, KeyError, ValueError):
        return None


def _masks(volume: LabelledVolume, seed: int) -> Iterator[np.ndarray]:
    if volume.labels is not None:
        for value in np.unique(volume.labels):
            if value:
                yield volume.labels == value
        return
    generator = np.random.default_rng([20_262, seed, zlib.crc32(volume.name.encode())])
    for grown in grown_objects(volume, _GROWN, generator):
        yield grown.mask
