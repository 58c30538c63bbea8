"""Examples to learn from: real passes of the engine, seen as the network sees them, with the truth beside them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import torch

from ...engine.passes import Pass
from ...engine.protocol import CarryingMethod
from ...engine.refinement.view import view_of
from .objects import Family, LabelledVolume
from .starts import ExampleSettings, pass_starts


@dataclass(frozen=True, eq=False)
class PassExample:
    """One pass, the anchor's slice first.

    Attributes:
        family: what it counts with.
        name: volume, anchor and direction, for messages and to tell runs apart.
        is_held_out: never trained on.
        intensity, soft, truth: uint8 (slices, SIDE, SIDE), 0..255 for 0..1, through one window.
        measures: float32 (slices, MEASURES).
        known: bool (slices,): false where the truth is not known.
        usual_length: slices after the anchor up to where the stop rules would have ended the pass.
    """

    family: Family
    name: str
    is_held_out: bool
    intensity: torch.Tensor
    soft: torch.Tensor
    truth: torch.Tensor
    measures: torch.Tensor
    known: torch.Tensor
    usual_length: int


def pass_examples(
    volume: LabelledVolume, method: CarryingMethod, settings: ExampleSettings, seed: int, is_held_out: bool = False
) -> list[PassExample]:
    """Passes of a method on a volume's structures, grown regions and tracks, from random anchors, both ways.

    Args:
        volume: with labels or without.
        method: whose passes; they go on for a while after a stop rule spoke.
        seed: with the volume's name it decides what is drawn.
        is_held_out: noted in the examples.

    Raises:
        VolumeError: the volume cannot be propagated through.
    """
    generator = np.random.default_rng([seed, zlib.crc32(volume.name.encode())])
    examples: list[PassExample] = []
    for start in pass_starts(volume, method, settings, generator):
        run = start.begun()
        if run is None:
            continue
        start.seen.take_to_its_end(run)
        example = example_of(run, start.truth, start.family, start.name, is_held_out, start.known)
        examples.extend([example] if example is not None else [])
    return examples


def example_of(
    run: Pass,
    truth: np.ndarray,
    family: Family,
    name: str,
    is_held_out: bool = False,
    known: np.ndarray | None = None,
) -> PassExample | None:
    """What is learned from a pass that has ended; None if it could not leave its anchor, or for nothing known.

    Args:
        truth: bool (slices, rows, columns), the volume's slices along the pass.
        known: bool (slices,), where the truth is known; None: everywhere.
    """
    view = view_of(run, run.grid.slice_count)
    if view is None:
        return None
    told = np.ones(len(view.slices), bool) if known is None else known[list(view.slices)]
    if not told[1:].any():
        return None
    wanted = view.window.cut([run.grid.soft_from_mask(truth[index]) for index in view.slices])
    intensity, soft, answer = (_as_bytes(each) for each in (view.intensity, view.soft, wanted))
    return PassExample(
        family, name, is_held_out, intensity, soft, answer, view.measures, torch.from_numpy(told), run.usual_length
    )


def _as_bytes(picture: torch.Tensor) -> torch.Tensor:
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8)
