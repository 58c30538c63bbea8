"""Timelines of a structure's slices after each Propagate: as a line of text, and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from demo_rounds import Stage
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from pictures import save_figure

WIDEST = 100
MOST_ROWS = 12
URGENCY = "DN|0123456789."
LEGEND = "confidence in tenths (9: 0.9 and more); D drawn, N to be drawn next, | a pass stopped, . nothing"

# Told apart by shape, and by people with red-green blindness.
DICE_COLOUR = "#0072b2"
NEXT_COLOUR = "#d55e00"
DRAWN_COLOUR = "black"
COLOUR_SCALE = "cividis"
STRIP = (-0.34, -0.1)


def text_timeline(stage: Stage) -> str:
    """One character per slice of the volume; where it has too many, only the slices that matter are shown.

    If these are too many too, one character stands for several slices and shows the first of: drawn, next,
    a stop, the least sure.
    """
    marks = _marks(stage)
    first, last = (0, len(marks) - 1) if len(marks) <= WIDEST else shown_span([stage])
    width = -(-(last - first + 1) // WIDEST)
    cells = [marks[low : min(low + width, last + 1)] for low in range(first, last + 1, width)]
    return f"{first} [{''.join(min(cell, key=URGENCY.index) for cell in cells)}] {last}"


def shown_span(stages: Sequence[Stage]) -> tuple[int, int]:
    """The slices that matter in any of the stages and two beyond, first and last."""
    there = np.zeros(stages[0].confidence.size, dtype=bool)
    for stage in stages:
        there |= ~np.isnan(stage.confidence)
        if stage.score is not None:
            there |= ~np.isnan(stage.score.per_slice)
        there[list(stage.drawn)] = True
        if stage.advice.slice_index is not None:
            there[stage.advice.slice_index] = True
    present = np.flatnonzero(there)
    return max(0, int(present[0]) - 2), min(there.size - 1, int(present[-1]) + 2)


def draw_timelines(stages: Sequence[Stage], path: Path, title: str) -> Path:
    """One row per stage: true Dice along the slices, and below it a strip coloured by confidence; a PNG.

    Of many stages the first, the last and evenly spaced ones between are shown.
    """
    span = shown_span(stages)
    spread = np.linspace(0, len(stages) - 1, min(MOST_ROWS, len(stages))).round().astype(int)
    stages = [stages[index] for index in spread]
    figure, rows = plt.subplots(
        len(stages), 1, figsize=(10, 1.9 * len(stages) + 1.3), sharex=True, squeeze=False, layout="constrained"
    )
    for panel, stage in zip(rows.flat, stages, strict=True):
        _draw_row(panel, stage, span)
    rows.flat[-1].set_xlabel("slice")
    strips = rows.flat[0].images[0]
    figure.colorbar(strips, ax=rows, label="confidence: the Dice expected of a slice", shrink=0.6, pad=0.01, aspect=30)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return save_figure(figure, path)


def row_title(stage: Stage) -> str:
    """What was drawn and how good it is now."""
    drawn = f"slice {stage.drawn[-1]} drawn"
    words = f"First Propagate, {drawn}" if stage.number == 0 else f"Round {stage.number}: {drawn}"
    if stage.score is None:
        return words
    return f"{words}; Dice {stage.score.dice:.3f} ({stage.score.dice_undrawn:.3f} without the drawn slices)"


def _marks(stage: Stage) -> list[str]:
    """One character per slice of the volume."""
    marks = ["." if np.isnan(sure) else str(min(9, int(10 * sure))) for sure in stage.confidence]
    for stop in stage.stops:
        marks[stop.slice_index] = "|"
    if stage.advice.slice_index is not None:
        marks[stage.advice.slice_index] = "N"
    for index in stage.drawn:
        marks[index] = "D"
    return marks


def _draw_row(panel: Axes, stage: Stage, span: tuple[int, int]) -> None:
    low, high = STRIP
    slices = np.arange(stage.confidence.size)
    panel.imshow(
        stage.confidence[None], cmap=COLOUR_SCALE, vmin=0, vmax=1, aspect="auto", interpolation="nearest",
        extent=(-0.5, slices.size - 0.5, low, high),
    )  # fmt: skip
    if stage.score is not None:
        panel.plot(slices, stage.score.per_slice, color=DICE_COLOUR, lw=1.6, marker=".", ms=4)
    for index in stage.drawn:
        panel.axvline(index, color=DRAWN_COLOUR, lw=1.2)
    panel.plot(stage.drawn, [1.12] * len(stage.drawn), "v", color=DRAWN_COLOUR, ms=7, clip_on=False)
    if stage.advice.slice_index is not None:
        panel.axvline(stage.advice.slice_index, color=NEXT_COLOUR, lw=1.2, ls=":")
        panel.plot(stage.advice.slice_index, 1.12, "D", color=NEXT_COLOUR, ms=6, clip_on=False)
    middle = (low + high) / 2
    stops = [stop.slice_index for stop in stage.stops]
    panel.plot(stops, [middle] * len(stops), "X", color="white", mec="black", ms=8)
    panel.set(xlim=(span[0] - 0.5, span[1] + 0.5), ylim=(low - 0.04, 1.12), yticks=(0, 0.5, 1), ylabel="Dice")
    panel.grid(axis="y", alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_title(row_title(stage), fontsize=10, loc="left", pad=9)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=DICE_COLOUR, marker=".", lw=1.6, label="Dice against the known truth"),
        Line2D([], [], color=DRAWN_COLOUR, marker="v", lw=1.2, label="drawn"),
        Line2D([], [], color=NEXT_COLOUR, marker="D", lw=1.2, ls=":", label="recommended next"),
        Line2D([], [], color="white", mec="black", marker="X", lw=0, ms=8, label="a pass stopped"),
    ]
