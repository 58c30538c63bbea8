"""From case results to the figures of the tables.

A structure is a family and a name, e.g. sabsCT liver. A volume's figure is the mean over its painted
slices, a structure's the mean over its volumes; a row's figure is the mean over structures, so that a
structure seen in one volume weighs as much as one seen in eight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .confidence_metrics import rank_correlation
from .records import CaseResult

Structure = tuple[str, str]
Figure = Callable[[CaseResult], float]

RESAMPLINGS = 2000


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def dice_of(result: CaseResult) -> float:
    """The volume Dice, annotated slice included."""
    return result.dice


def structure_means(results: Iterable[CaseResult], figure: Figure = dice_of) -> dict[Structure, float]:
    """Mean per structure; figures that are not finite are left out (a structure with none is absent)."""
    values: dict[Structure, dict[str, list[float]]] = {}
    for result in results:
        value = figure(result)
        if math.isfinite(value):
            of_structure = values.setdefault((result.family, result.structure), {})
            of_structure.setdefault(result.volume, []).append(value)
    return {s: float(np.mean([np.mean(each) for each in volumes.values()])) for s, volumes in values.items()}


def bootstrap(values: Sequence[float]) -> Interval:
    """The mean over structures, and the interval from drawing structures again with replacement."""
    if not values:
        return Interval(float("nan"), float("nan"), float("nan"))
    array = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(0).integers(array.size, size=(RESAMPLINGS, array.size))
    means = array[draws].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(array.mean()), float(low), float(high))


def row_mean(results: Iterable[CaseResult], figure: Figure = dice_of) -> Interval:
    """A row's figure: the mean over structures, with its interval."""
    return bootstrap(list(structure_means(results, figure).values()))


def family_means(results: Iterable[CaseResult], figure: Figure = dice_of) -> dict[str, float]:
    """Mean over the structures of each family."""
    grouped: dict[str, list[float]] = {}
    for (family, _), value in structure_means(results, figure).items():
        grouped.setdefault(family, []).append(value)
    return {family: float(np.mean(v)) for family, v in grouped.items()}


def confidence_correlation(results: Sequence[CaseResult]) -> tuple[float, int, int]:
    """Spearman's rank correlation between a slice's confidence and its true Dice.

    Returns:
        the mean over structures (each the mean over its results with at least 5 slices that differ), and how many
        structures and results there are.
    """
    structures = structure_means(results, _slice_correlation)
    count = sum(math.isfinite(_slice_correlation(result)) for result in results)
    return (float(np.mean(list(structures.values()))) if structures else float("nan")), len(structures), count


def _slice_correlation(result: CaseResult) -> float:
    """NaN where it says nothing."""
    return rank_correlation(result.slice_confidence, result.slice_dice)


def by_row(results: Iterable[CaseResult]) -> dict[str, list[CaseResult]]:
    """Results grouped by row, rows in the order in which they come."""
    grouped: dict[str, list[CaseResult]] = {}
    for result in results:
        grouped.setdefault(result.row, []).append(result)
    return grouped
