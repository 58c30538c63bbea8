"""The cases that settings are chosen on, and what is said of them: never those that results are reported on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import trim_mean

from .cases import MINIMUM_SLICES, TUNED_FAMILIES, Case, list_cases, read_index
from .pairing import in_common
from .records import CaseResult
from .summary import structure_means

HELD_OUT = {
    "sarcoma": ("004", "012", "021", "044"),
    "headneck": ("12", "34", "95", "274", "323"),
}
"""Patients of the training volumes that no shipped refinement has learned from (its model card)."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "chaosT2MR": ("chaosT2MR",),
    "sarcoma": ("sarcomaCT", "sarcomaMRT1"),
    "head and neck": ("headneckCT",),
    "laMR": ("laMR",),
}
"""The families of each group; groups count alike in the mean."""

LABELLED_BY_US = "labels of our own"
"""Cases on labels that were drawn for the training: learned from, so they say little of what is new."""

_OWN_FAMILIES = ("abdomenCT", "abdomenMRT2")


def tuning_cases(data: Path, labels: Path | None = None) -> list[Case]:
    """The held-out patients of the training volumes, and the two evaluation families that settings are tuned on.

    Args:
        data: the folder with the index.
        labels: a folder of label maps for training volumes that have none in the index; theirs are added.

    Raises:
        BenchmarkError: no index, or it has none of these.
    """
    cases = list_cases(data, "eval", TUNED_FAMILIES)
    cases += [case for case in list_cases(data, "train") if _is_held_out(case)]
    return cases if labels is None else [*cases, *_labelled_by_us(data, labels)]


def _is_held_out(case: Case) -> bool:
    group = next((group for group in HELD_OUT if case.family.startswith(group)), None)
    return group is not None and case.volume.removeprefix(f"{case.family}_") in HELD_OUT[group]


def _labelled_by_us(data: Path, labels: Path) -> list[Case]:
    root, index = read_index(data)
    cases: list[Case] = []
    for volume, entry in sorted(index.items()):
        file = labels / f"{volume}_label.nii.gz"
        if entry["split"] != "train" or "label" in entry or not file.is_file():
            continue
        family = volume.split("_")[0]
        for value in _long_enough(file):
            name = f"label {value}"
            cases.append(Case(volume, family, name, (value,), root / entry["file"], file, entry["licence"]))
    return cases


def _long_enough(label_file: Path) -> list[int]:
    """The values of a label map that are on enough slices."""
    import SimpleITK

    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(label_file)))
    values = (int(value) for value in np.unique(array) if value)
    return [value for value in values if int((array == value).any(axis=(1, 2)).sum()) >= MINIMUM_SLICES]


_TRIMMED = 0.05
"""Of the differences at either end so many count for nothing: a cord of nine pixels may fall from 0.8 to 0.3."""


def tuning_summary(rows: Mapping[str, Sequence[CaseResult]]) -> str:
    """One line per row, for the terminal: the groups, their mean, and labels of our own apart."""
    width = max(len(LABELLED_BY_US), *(len(group) for group in GROUPS))
    lines = [f"{'row':32s} " + " ".join(f"{title:>{width}s}" for title in (*GROUPS, "mean", LABELLED_BY_US))]
    for row, results in rows.items():
        figures = [_mean(results, families) for families in GROUPS.values()]
        figures += [float(np.mean(figures)), _mean(results, _OWN_FAMILIES)]
        lines.append(f"{row:32s} " + " ".join(f"{figure:{width}.4f}" for figure in figures))
    return "\n".join(lines) + "\n"


def compared_with_earlier(rows: Mapping[str, Sequence[CaseResult]], earlier: Mapping[str, Sequence[CaseResult]]) -> str:
    """For each row that both runs have, by how much its results changed, and how many of those that did gained.

    Means hang on single small structures; this is the mean of what remains without the largest gains and losses.
    """
    groups = {**GROUPS, LABELLED_BY_US: _OWN_FAMILIES}
    lines = [f"{'change without the extremes; share that gained':48s} " + " ".join(f"{each:>15s}" for each in groups)]
    for row in (row for row in rows if row in earlier):
        alike = (sorted(own, key=lambda result: result.key) for own in in_common(rows[row], earlier[row]))
        changes = [(now.family, now.dice - before.dice) for now, before in zip(*alike, strict=True)]
        cells = [_change([by for family, by in changes if family in families]) for families in groups.values()]
        lines.append(f"{row:48s} " + " ".join(f"{cell:>15s}" for cell in cells))
    return "\n".join(lines) + "\n"


def _change(differences: Sequence[float]) -> str:
    """Their mean without the extremes, and how many of those that are not 0 are gains."""
    if not differences:
        return "-"
    moved = [difference for difference in differences if difference]
    gained = f"{sum(difference > 0 for difference in moved) / len(moved):.2f}" if moved else "-"
    return f"{trim_mean(differences, _TRIMMED):+.4f} ({gained})"


def _mean(results: Sequence[CaseResult], families: Sequence[str]) -> float:
    """The mean over the structures of some families; NaN where there are none."""
    means = structure_means(result for result in results if result.family in families)
    return float(np.mean(list(means.values()))) if means else float("nan")
