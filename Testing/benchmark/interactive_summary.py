"""From simulated users to the figures of the tables; means over structures, as everywhere in the benchmark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from .interactive_records import InteractiveResult
from .summary import Interval, bootstrap

COUNTS = (1, 2, 3, 5, 8)
"""Dice is told after so many drawn slices."""

MOST = 8

GOALS = (0.90, 0.95)
"""The slices needed for so much Dice are counted."""

Figure = Callable[[InteractiveResult], float]
Methods = Mapping[str, Sequence[InteractiveResult]]
Policies = Mapping[str, Sequence[InteractiveResult]]


def by_policy(results: Iterable[InteractiveResult]) -> dict[str, list[InteractiveResult]]:
    """Results grouped by policy, in the order in which they come."""
    grouped: dict[str, list[InteractiveResult]] = {}
    for result in results:
        grouped.setdefault(result.policy, []).append(result)
    return grouped


def by_method(results: Iterable[InteractiveResult]) -> dict[str, list[InteractiveResult]]:
    """Results grouped by method, in the order in which they come."""
    grouped: dict[str, list[InteractiveResult]] = {}
    for result in results:
        grouped.setdefault(result.method, []).append(result)
    return grouped


def structure_figures(results: Iterable[InteractiveResult], figure: Figure) -> dict[tuple[str, str], float]:
    """Mean per structure over volumes and seeds; what is not finite is left out."""
    values: dict[tuple[str, str], list[float]] = {}
    for result in results:
        value = figure(result)
        if math.isfinite(value):
            values.setdefault((result.family, result.structure), []).append(value)
    return {structure: float(np.mean(v)) for structure, v in sorted(values.items())}


def mean_figure(results: Iterable[InteractiveResult], figure: Figure) -> Interval:
    """The mean over structures and its bootstrap interval."""
    return bootstrap(list(structure_figures(results, figure).values()))


def difference(
    one: Sequence[InteractiveResult], figure: Figure, other: Sequence[InteractiveResult], other_figure: Figure
) -> Interval:
    """The first minus the second, structure by structure, over the cases that both have."""
    both = {result.case_name for result in one} & {result.case_name for result in other}
    first = structure_figures((result for result in one if result.case_name in both), figure)
    second = structure_figures((result for result in other if result.case_name in both), other_figure)
    return bootstrap([first[s] - second[s] for s in first if s in second])


def dice_after(count: int) -> Figure:
    """Dice after so many drawn slices."""
    return lambda result: result.after(count)


def fill_after(count: int) -> Figure:
    """What "Fill between slices" makes of the same drawn slices."""
    return lambda result: result.after(count, result.fill_dice)


def shape_after(count: int) -> Figure:
    """Shape-based interpolation on the same drawn slices."""
    return lambda result: result.after(count, result.shape_dice)


def needed_for(goal: float) -> Figure:
    """Slices needed for so much Dice; one more than the most for those that never reach it."""
    return lambda result: float(result.slices_for(goal, MOST))


def reached(goal: float) -> Figure:
    """1 if that Dice was reached at all, else 0."""
    return lambda result: float(result.slices_for(goal, MOST) <= MOST)


def nth(name: str, count: int) -> Figure:
    """The entry after `count` drawn slices of another series, e.g. "correlation"."""
    return lambda result: result.after(count, getattr(result, name)) if len(result.dice) >= count else float("nan")


def over_rounds(name: str, counts: Sequence[int] = COUNTS) -> Figure:
    """The mean of a series over several numbers of drawn slices, where it is finite."""

    def figure(result: InteractiveResult) -> float:
        values = [getattr(result, name)[n - 1] for n in counts if n <= len(result.dice)]
        finite = [value for value in values if math.isfinite(value)]
        return float(np.mean(finite)) if finite else float("nan")

    return figure
