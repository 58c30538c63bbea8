"""Pictures of a result beside the truth: a row of slices with contours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .cases import Case, Volume, load_volume
from .records import CaseResult, read_mask

SLICES_SHOWN = 7
TRUTH_COLOUR = "#2ca02c"
RESULT_COLOUR = "#ff7f0e"
MARGIN_SHARE = 0.25


def worst_and_median(results: Sequence[CaseResult]) -> dict[str, CaseResult]:
    """The result of lowest Dice and the one in the middle (the lower of two)."""
    ordered = sorted(results, key=lambda r: (r.dice, r.case_name, r.seed))
    return {"worst": ordered[0], "median": ordered[(len(ordered) - 1) // 2]}


def words_of(result: CaseResult) -> str:
    """A result in words, e.g. "hnCT_1/Larynx from slice 34, Dice 0.52"."""
    return f"{result.case_name} from slice {result.seed_slice}, Dice {result.dice:.2f}"


def shown_slices(truth: np.ndarray, result: np.ndarray, painted: int, count: int = SLICES_SHOWN) -> list[int]:
    """Slices spread evenly over both masks, the painted one among them."""
    there = np.flatnonzero((truth | result).any(axis=(1, 2)))
    spread = np.linspace(there[0], there[-1], min(count, there[-1] - there[0] + 1)).round().astype(int)
    spread[int(np.abs(spread - painted).argmin())] = painted
    return sorted({int(index) for index in spread})


def draw(volume: Volume, case: Case, result: CaseResult, mask: np.ndarray, path: Path) -> None:
    """One picture: seven slices, the truth and the result as contours, the painted slice framed.

    Args:
        mask: the result, bool (slices, rows, columns).
        path: the .png file to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    truth = volume.truth(case)
    indices = shown_slices(truth, mask, result.seed_slice)
    rows, columns = _window(truth | mask)
    low, high = np.percentile(volume.image[truth.any(axis=(1, 2))][:, rows, columns], [1, 99])
    aspect = volume.spacing_mm[1] / volume.spacing_mm[2]
    figure, axes = plt.subplots(1, len(indices), figsize=(2.0 * len(indices), 2.6), squeeze=False)
    for axis, index in zip(axes[0], indices, strict=True):
        axis.imshow(volume.image[index, rows, columns], cmap="gray", vmin=low, vmax=high, aspect=aspect)
        for drawn, colour in ((truth[index], TRUTH_COLOUR), (mask[index], RESULT_COLOUR)):
            if drawn.any():
                padded = np.pad(drawn[rows, columns].astype(float), 1)
                grid = [np.arange(n) - 1 for n in padded.shape]
                axis.contour(grid[1], grid[0], padded, levels=[0.5], colors=[colour], linewidths=1.2)
        painted = index == result.seed_slice
        axis.set_title(f"{index} painted" if painted else str(index), fontsize=8, color="black")
        axis.set_xticks([])
        axis.set_yticks([])
        for spine in axis.spines.values():
            spine.set_edgecolor("red" if painted else "none")
            spine.set_linewidth(2.0)
    title = f"{result.case_name}   {result.row}   Dice {result.dice:.2f}   (green: truth, orange: result)"
    figure.suptitle(title, fontsize=9)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _window(mask: np.ndarray) -> tuple[slice, slice]:
    sides = []
    for axis in (1, 2):
        hit = np.flatnonzero(mask.any(axis=(0, 3 - axis)))
        margin = int(MARGIN_SHARE * (hit[-1] - hit[0] + 1)) + 4
        sides.append(slice(max(0, int(hit[0]) - margin), min(mask.shape[axis], int(hit[-1]) + margin + 1)))
    return sides[0], sides[1]


def draw_families(
    cases: Sequence[Case],
    results: Sequence[CaseResult],
    masks: Path,
    folder_of: dict[str, Path],
) -> dict[str, list[tuple[str, CaseResult, Path]]]:
    """The worst and the median result of every family of one row.

    Args:
        results: of one row.
        masks: where its masks are kept.
        folder_of: family -> folder for its pictures.

    Returns:
        family -> (kind, result, file).
    """
    named = {case.name: case for case in cases}
    made: dict[str, list[tuple[str, CaseResult, Path]]] = {}
    for family in sorted({r.family for r in results}):
        for kind, result in worst_and_median([r for r in results if r.family == family]).items():
            mask = read_mask(masks, result.row, result.case_name, result.seed)
            if mask is None:
                continue
            case = named[result.case_name]
            path = folder_of[family] / f"benchmark-{family}-{kind}.png"
            draw(load_volume(case), case, result, mask, path)
            made.setdefault(family, []).append((kind, result, path))
    return made
