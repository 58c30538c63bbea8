"""Like with like: rows compared on the painted slices that both have, and rows that have fewer told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .records import CaseResult
from .summary import Figure, Interval, bootstrap, dice_of, family_means, structure_means
from .work import GIVEN_ENDS

Rows = Mapping[str, Sequence[CaseResult]]

Painted = tuple[str, int]
"""A case's name and the seed of its painted slice."""


def painted(results: Iterable[CaseResult]) -> set[Painted]:
    """On what a row was run."""
    return {(result.case_name, result.seed) for result in results}


def in_common(ours: Sequence[CaseResult], theirs: Sequence[CaseResult]) -> tuple[list[CaseResult], list[CaseResult]]:
    """Of two rows what was painted for both."""
    both = painted(ours) & painted(theirs)
    one, other = ([r for r in own if (r.case_name, r.seed) in both] for own in (ours, theirs))
    return one, other


def paired_difference(ours: Sequence[CaseResult], theirs: Sequence[CaseResult], figure: Figure = dice_of) -> Interval:
    """Ours minus theirs, structure by structure, over what was painted for both."""
    one, other = (structure_means(own, figure) for own in in_common(ours, theirs))
    return bootstrap([one[s] - other[s] for s in one if s in other])


def families_ahead(ours: Sequence[CaseResult], theirs: Sequence[CaseResult]) -> list[str]:
    """Families in which ours has the higher mean Dice, over what was painted for both."""
    one, other = (family_means(own) for own in in_common(ours, theirs))
    return sorted(family for family in one if family in other and one[family] > other[family])


def structures_behind(
    ours: Sequence[CaseResult], theirs: Sequence[CaseResult]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Structures in which ours has the lower mean Dice, over what was painted for both: ours and theirs."""
    one, other = (structure_means(own) for own in in_common(ours, theirs))
    return {s: (one[s], other[s]) for s in sorted(one) if s in other and one[s] < other[s]}


def size(results: Sequence[CaseResult]) -> str:
    """How many cases, and how many painted slices if more than one each."""
    cases = len({result.case_name for result in results})
    words = f"{cases} case{'s' if cases != 1 else ''}"
    return words if cases == len(results) else f"{words}, {len(results)} painted slices"


def _everything(rows: Rows) -> set[Painted]:
    """All that any row was run on."""
    return set[Painted]().union(*map(painted, rows.values()))


def with_fewer(rows: Rows) -> set[str]:
    """Rows that lack something that another row was run on."""
    everything = _everything(rows)
    return {name for name, results in rows.items() if painted(results) < everything}


def titles(rows: Rows) -> dict[str, str]:
    """What each row is called in tables: rows with fewer painted slices than others say how many they have."""
    everything = _everything(rows)
    cases = {case for case, _ in everything}
    named = {}
    for name, results in rows.items():
        own = painted(results)
        told = f"{len({case for case, _ in own})} of {len(cases)} cases"
        if len(everything) > len(cases):
            told = f"{told}, {len(own)} of {len(everything)} painted slices"
        named[name] = f"{name} ({told})" if own < everything else name
    return named


def is_given_ends(results: Sequence[CaseResult]) -> bool:
    """Whether a row was told where the structure ends."""
    return any(GIVEN_ENDS in result.notes for result in results)
