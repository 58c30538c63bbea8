"""The section "How the panel answers" of Docs/results.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .cases import BenchmarkError
from .interface import PLACES, PanelAnswers, read_interface
from .kept_parts import INTERFACE, with_part
from .tables import number, table

_WORDS = """\
While the engine computes, Slicer's main loop has to answer. A timer of 5 ms ticks in it, and the longest gap between
two ticks is told, in ms, with the 95th percentile in brackets: at the click ("begin"), while it runs, and while the
result is written and the next slice is looked for ("finish"). Measured in the stand-in for desktop Slicer, on the CPU.
The three slice views draw themselves there, each by a timer of its own as in Slicer, a moment after segments or
confidence have changed; that is in it, and also told by itself. No 3D surface is shown: [limits](limits.md)."""


def interface_section(measured: Sequence[PanelAnswers]) -> str:
    """The table, and what Cancel took."""
    lines = []
    for each in measured:
        size = "x".join(map(str, each.shape))
        lines.append([f"{size}, nothing done", "", f"{number(each.idle.longest_ms, 0)}", ""])
        for run in each.runs:
            gaps = {gap.place: gap for gap in run.gaps}
            cells = []
            for place in PLACES:
                gap = gaps.get(place)
                share = "" if gap is None or place == "begin" else f" ({number(gap.p95_ms, 0)})"
                cells.append("" if gap is None else number(gap.longest_ms, 0) + share)
            lines.append([f"{size}, {run.what}", *cells])
    cancelled = [
        f"- {'x'.join(map(str, each.shape))}: Cancel took effect after {number(each.cancel_seconds)} s, with "
        f"{each.cancel_slices} slice(s) finished\n  after the click (a slice took {number(each.seconds_per_slice)} s "
        f"there). The slice views alone take {number(each.drawing.longest_ms, 0)} ms to draw the confidence."
        for each in measured
    ]
    header = ("run", *PLACES)
    case = measured[0].case
    title = f"## How the panel answers\n\n{_WORDS}\n\nOn {case}, as it is and made larger:\n\n"
    return title + table(header, lines) + "\n" + "\n".join(cancelled) + "\n"


def write_interface_report(output: Path, path: Path) -> None:
    """Write the section into the document, and leave the rest as it is.

    Raises:
        BenchmarkError: nothing has been measured.
    """
    measured = read_interface(json.loads(output.read_text()))
    if not measured:
        msg = f"{output} holds no figures of the panel; measure with --interface."
        raise BenchmarkError(msg)
    text = path.read_text() if path.is_file() else "# Results\n"
    path.write_text(with_part(text, INTERFACE, interface_section(measured)))
