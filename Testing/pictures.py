"""Pictures of a propagation: slices with contours, and confidence along the slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

RESULT_COLOUR = "#ff9f1c"
TRUTH_COLOUR = "#2ec4f1"
ANCHOR_COLOUR = "#3ddc84"
LARGEST_PANELS = 15


@dataclass(frozen=True, eq=False)
class Upright:
    """How a volume's slices along one axis are turned so that they look as a radiologist expects.

    Axial slices have anterior at the top, the others superior; the patient's left is on the right.

    Attributes:
        axis: numpy axis of the (k, j, i) array along which slices are taken.
        is_transposed: rows and columns change places.
        is_flipped: rows, columns (after that) are mirrored.
        aspect: height of a pixel divided by its width.
    """

    axis: int
    is_transposed: bool
    is_flipped: tuple[bool, bool]
    aspect: float

    @classmethod
    def of(cls, direction: Sequence[float], spacing: Sequence[float], axis: int) -> Upright:
        """From SimpleITK's direction (9 numbers, LPS) and spacing (i, j, k)."""
        cosines = np.array(direction).reshape(3, 3)
        rest = [a for a in range(3) if a != axis]
        # The LPS axis that each array axis runs along, and whether towards L, P or S.
        along = {a: int(np.abs(cosines[:, 2 - a]).argmax()) for a in rest}
        towards = {a: cosines[along[a], 2 - a] > 0 for a in rest}
        row, column = rest
        is_transposed = along[column] > along[row]
        if is_transposed:
            row, column = column, row
        rows_flipped = towards[row] if along[row] == 2 else not towards[row]
        aspect = float(spacing[2 - row]) / float(spacing[2 - column])
        return cls(axis, is_transposed, (bool(rows_flipped), not towards[column]), aspect)

    def turn(self, pixels: np.ndarray) -> np.ndarray:
        """One slice (rows, columns), turned."""
        turned = pixels.T if self.is_transposed else pixels
        rows, columns = self.is_flipped
        return turned[:: -1 if rows else 1, :: -1 if columns else 1]


@dataclass(frozen=True, eq=False)
class Volumes:
    """What a montage shows: arrays with the painted axis first, of one shape.

    Attributes:
        image: any numbers.
        result: bool.
        truth: bool, or None when it is not known.
        anchors: the painted slices.
        upright: how to turn the slices.
    """

    image: np.ndarray
    result: np.ndarray
    truth: np.ndarray | None
    anchors: tuple[int, ...]
    upright: Upright


def draw_montage(volumes: Volumes, path: Path, title: str) -> Path:
    """Slices from one end of the structure to the other, with contours, as a PNG."""
    chosen = _chosen_slices(volumes)
    window = _crop(volumes)
    near = _crop(volumes, margin=0.1)
    low, high = np.percentile(volumes.image[chosen][:, near[0], near[1]], [2, 98])
    columns = min(5, len(chosen))
    rows = -(-len(chosen) // columns)
    height, width = volumes.upright.turn(volumes.image[chosen[0]][window]).shape
    side = 2.5 * min(2.0, max(0.5, height * volumes.upright.aspect / width))
    figure, grid = plt.subplots(
        rows, columns, figsize=(2.6 * columns, (side + 0.25) * rows + 0.8), squeeze=False, layout="constrained"
    )
    for panel in grid.flat:
        panel.axis("off")
    for panel, index in zip(grid.flat, chosen, strict=False):
        pixels = volumes.upright.turn(volumes.image[index][window])
        shading = "bilinear" if max(pixels.shape) < 120 else "nearest"
        panel.imshow(
            pixels, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), aspect=volumes.upright.aspect,
            interpolation=shading,
        )  # fmt: skip
        is_anchor = index in volumes.anchors
        if volumes.truth is not None:
            _contour(panel, volumes.upright.turn(volumes.truth[index][window]), TRUTH_COLOUR, 1.2)
        colour = ANCHOR_COLOUR if is_anchor else RESULT_COLOUR
        _contour(panel, volumes.upright.turn(volumes.result[index][window]), colour, 1.6)
        panel.set_title(f"slice {index}{_painted(volumes, index)}", fontsize=9, pad=3)
    names = [("painted", ANCHOR_COLOUR), ("propagated", RESULT_COLOUR)]
    if volumes.truth is not None:
        names.append(("known truth", TRUTH_COLOUR))
    handles = [Line2D([], [], color=colour, label=name) for name, colour in names]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return save_figure(figure, path)


def draw_confidence(
    confidence: np.ndarray, anchors: Sequence[int], path: Path, title: str, dice: np.ndarray | None = None
) -> Path:
    """Confidence along the slices as a PNG; NaN where there is none.

    Args:
        confidence: float, (slices,).
        anchors: the painted slices, marked.
        path: the PNG.
        title: above the plot.
        dice: true Dice per slice, (slices,), when it is known; NaN where neither mask is there.
    """
    figure, panel = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
    slices = np.arange(confidence.size)
    if dice is not None:
        panel.plot(slices, dice, color=TRUTH_COLOUR, lw=1.4, marker=".", ms=4, label="Dice against the known truth")
    panel.plot(slices, confidence, color=RESULT_COLOUR, lw=2, marker=".", ms=5, label="confidence")
    for number, anchor in enumerate(anchors):
        label = "painted slice" if number == 0 else None
        panel.axvline(anchor, color=ANCHOR_COLOUR, lw=2, ls="--", label=label)
    known = np.flatnonzero(~np.isnan(confidence))
    if known.size:
        panel.set_xlim(max(-0.5, known[0] - 2), min(confidence.size - 0.5, known[-1] + 2))
    panel.set_ylim(0, 1.03)
    panel.set_xlabel("slice")
    panel.set_ylabel("0 to 1")
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    panel.set_title(title, fontsize=11)
    return save_figure(figure, path)


def dice_of(first: np.ndarray, second: np.ndarray) -> float:
    """Dice of two bool arrays; NaN when both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else float("nan")


def dice_per_slice(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dice of every slice of two bool arrays (slices, rows, columns); NaN where both are empty."""
    return np.array([dice_of(a, b) for a, b in zip(first, second, strict=True)])


def save_figure(figure: plt.Figure, path: Path) -> Path:
    """Write a figure as a PNG and close it."""
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _painted(volumes: Volumes, index: int) -> str:
    """What a panel's title says of a painted slice."""
    if index not in volumes.anchors:
        return ""
    return " (painted)" if volumes.result[index].any() else " (painted as empty)"


def _contour(panel: Axes, mask: np.ndarray, colour: str, width: float) -> None:
    if mask.any() and not mask.all():
        panel.contour(mask, levels=[0.5], colors=[colour], linewidths=width)


def _shown(volumes: Volumes) -> np.ndarray:
    return volumes.result if volumes.truth is None else volumes.result | volumes.truth


def _chosen_slices(volumes: Volumes) -> list[int]:
    """Evenly spaced slices over the structure and one beyond each end, the painted ones among them if they are few."""
    present = np.flatnonzero(_shown(volumes).any(axis=(1, 2)))
    first, last = max(0, present[0] - 1), min(len(volumes.result) - 1, present[-1] + 1)
    spread = np.unique(np.linspace(first, last, min(LARGEST_PANELS, last - first + 1)).round().astype(int))
    chosen = {int(s) for s in spread}
    for anchor in volumes.anchors if len(volumes.anchors) <= LARGEST_PANELS // 2 else ():
        others = sorted(chosen - set(volumes.anchors))
        if anchor not in chosen and others:
            chosen.discard(min(others, key=lambda s: abs(s - anchor)))
        chosen.add(anchor)
    return sorted(chosen)


def _crop(volumes: Volumes, margin: float = 0.35) -> tuple[slice, slice]:
    """The rows and columns around everything that is shown, with a margin (a share of its size)."""
    area = np.asarray(_shown(volumes).any(axis=0))
    ranges = []
    for axis in (0, 1):
        present = np.flatnonzero(area.any(axis=1 - axis))
        pixels = max(int(30 * margin), int(margin * (present[-1] - present[0] + 1)))
        ranges.append(slice(max(0, present[0] - pixels), min(area.shape[axis], present[-1] + pixels + 1)))
    return ranges[0], ranges[1]
