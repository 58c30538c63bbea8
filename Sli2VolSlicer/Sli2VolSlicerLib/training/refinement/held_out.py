"""Which patients are kept out of training, and what of theirs is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np

from ...engine.errors import VolumeError
from .objects import Family


class _Kept(Protocol):
    @property
    def family(self) -> Family: ...

    @property
    def is_held_out(self) -> bool: ...


KeptT = TypeVar("KeptT", bound=_Kept)


def held_out_patients(group_of: Mapping[str, str], share: float, seed: int) -> frozenset[str]:
    """Patients to keep out: the same share of every group, and one patient at least where there are two.

    Args:
        group_of: patient -> the group its volumes belong to.
        share: of each group's patients, 0 (none at all) up to but not 1.
        seed: of the choice.

    Raises:
        VolumeError: no such share.
    """
    if not 0 <= share < 1:
        msg = f"The share of patients held out must be 0 or more and under 1, got {share:g}."
        raise VolumeError(msg)
    generator = np.random.default_rng([20_261, seed])
    chosen: set[str] = set()
    for group in sorted(set(group_of.values())):
        patients = generator.permutation(sorted(p for p, g in group_of.items() if g == group))
        chosen.update(str(p) for p in patients[: round(share * len(patients))])
    if not chosen and share and len(group_of) > 1:
        chosen.add(str(generator.choice(sorted(group_of))))
    return frozenset(chosen)


def measured_by_family(
    everything: Sequence[KeptT], most: int, generator: np.random.Generator
) -> dict[str, list[KeptT]]:
    """What is held out, by family: `most` of each, or all where there are no more."""
    held_out = [one for one in everything if one.is_held_out]
    chosen: dict[str, list[KeptT]] = {}
    for family in sorted({one.family.words for one in held_out}):
        members = [one for one in held_out if one.family.words == family]
        order = generator.permutation(len(members))[:most]
        chosen[family] = [members[index] for index in order]
    return chosen
