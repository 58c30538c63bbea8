"""The structures whose mean Dice has a target, and whether it is reached."""

from __future__ import annotations

from collections.abc import Sequence

from .cases import AIMED_AT, FEASIBILITY_STRUCTURES, LEAST_ACCURATE, LEAST_FEASIBLE, counts_for_accuracy
from .pairing import Rows, titles
from .rows import OURS
from .summary import Interval, Structure, bootstrap, structure_means
from .tables import best_bold, interval, table


def targets_section(rows: Rows) -> str:
    """Both lists of structures with their targets; empty if there are no results of any of them."""
    parts = [part for part in (_feasibility(rows), _accuracy(rows)) if part]
    return "\n".join(("## Target structures\n", *parts)) if parts else ""


def accuracy_structures(rows: Rows) -> list[Structure]:
    """The structures of the second list that there are results of."""
    there = {structure for results in rows.values() for structure in structure_means(results)}
    return sorted(structure for structure in there if counts_for_accuracy(*structure))


def mean_over(rows: Rows, name: str, structures: Sequence[Structure]) -> Interval:
    """A row's mean Dice over those of the structures that it has."""
    means = structure_means(rows[name])
    return bootstrap([means[structure] for structure in structures if structure in means])


def _feasibility(rows: Rows) -> str:
    there = {structure for results in rows.values() for structure in structure_means(results)}
    structures = [structure for structure in FEASIBILITY_STRUCTURES if structure in there]
    if not structures:
        return ""
    words = f"{len(FEASIBILITY_STRUCTURES)} structures. Target: a mean Dice of at least {LEAST_FEASIBLE:.2f}."
    return f"### First list\n\n{words}{_verdict(rows, structures, LEAST_FEASIBLE)}\n\n{_list(rows, structures)}"


def _accuracy(rows: Rows) -> str:
    structures = accuracy_structures(rows)
    if not structures:
        return ""
    words = (
        "All structures of sabsCT but the adrenals and the gallbladder, of chaosT2MR, laMR and spleenCT, and the whole "
        f"tumour of bratsMR. Target: a mean Dice of at least {LEAST_ACCURATE:.2f}; the aim is {AIMED_AT:.2f}."
    )
    verdict = _verdict(rows, structures, LEAST_ACCURATE, AIMED_AT)
    return f"### Second list\n\n{words}{verdict}\n\n{_list(rows, structures)}"


def _verdict(rows: Rows, structures: Sequence[Structure], *targets: float) -> str:
    if OURS not in rows:
        return ""
    mean = mean_over(rows, OURS, structures)
    reached = [f"{each:.2f} **{'reached' if mean.mean >= each else 'not reached'}**" for each in targets]
    count = f"{len(structures)} structure{'s' if len(structures) != 1 else ''}"
    return f"\n`{OURS}`: {interval(mean)} over {count}; {', '.join(reached)}."


def _list(rows: Rows, structures: Sequence[Structure]) -> str:
    means = {name: structure_means(results) for name, results in rows.items()}
    lines = [
        [" ".join(structure), *best_bold(rows, [means[name].get(structure, float("nan")) for name in rows])]
        for structure in structures
    ]
    lines.append(["**mean**", *best_bold(rows, [mean_over(rows, name, structures).mean for name in rows], 3)])
    return table(("structure", *titles(rows).values()), lines)
