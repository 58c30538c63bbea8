"""Examples kept in files, so that a run that goes on need not make them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from .examples import PassExample
from .objects import Family, LabelledVolume
from .starts import ExampleSettings

_VERSION = 2
"""Of what examples hold; those kept by an earlier version are not taken."""

_FAMILY = tuple(each.name for each in fields(Family))
_REST = tuple(each.name for each in fields(PassExample) if each.name != "family")


def identity_of(
    volume: LabelledVolume, weights: str, settings: ExampleSettings, seed: int, is_held_out: bool, *more: object
) -> str:
    """In words, everything but the engine's code that decides a volume's examples.

    Args:
        weights: checksum of the correspondence weights.
        more: whatever else decides examples of the second round: the refinement's checksum, how passes are sent on.
    """
    return repr([_VERSION, weights, settings, seed, is_held_out, volume.identity, *more])


def keep_examples(path: Path, identity: str, examples: Sequence[PassExample]) -> None:
    """Write a volume's examples; the file is replaced in one step."""
    temporary = path.with_name(path.name + ".part")
    torch.save({"identity": identity, "examples": [_plain(example) for example in examples]}, temporary)
    temporary.replace(path)


def kept_examples(path: Path, identity: str) -> list[PassExample] | None:
    """A volume's examples, left in their file until looked at; None if they are not there or not of this identity."""
    if not path.is_file():
        return None
    # Mapped, not read: a pass is looked at now and then, and those of many volumes together need not fit in memory.
    kept = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if kept["identity"] != identity:
        return None
    return [PassExample(Family(*each["family"]), **each["rest"]) for each in kept["examples"]]


def _plain(example: PassExample) -> dict[str, Any]:
    family = tuple(getattr(example.family, name) for name in _FAMILY)
    return {"family": family, "rest": {name: getattr(example, name) for name in _REST}}
