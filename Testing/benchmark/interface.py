"""How the panel answers while it works: the longest gap between ticks of the main loop, and how soon Cancel acts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .alone import alone
from .cases import BenchmarkError, Case, list_cases, load_volume, seed_slice

CASE = "sabsCT_01/liver"
ENLARGED = (200, 512, 512)
"""The volume is also measured made larger, to what large ones are."""

PLACES = ("begin", "running", "finish")
CORRECTION = 15
"""So many slices from the first one the second and the third are drawn, if the structure is there."""

IDLE_S = 3.0
CANCEL_AFTER = 5


@dataclass(frozen=True)
class PlaceGap:
    """The gaps between ticks in one place of a run, in ms."""

    place: str
    longest_ms: float
    p95_ms: float


@dataclass(frozen=True)
class PanelRun:
    """One press of Propagate.

    Attributes:
        what: which.
        gaps: by place: "begin" (the click), "running" and "finish" (writing the result and what follows by itself).
    """

    what: str
    gaps: tuple[PlaceGap, ...]

    @property
    def longest(self) -> PlaceGap:
        """The longest gap, and where."""
        return max(self.gaps, key=lambda gap: gap.longest_ms)


@dataclass(frozen=True)
class PanelAnswers:
    """One structure of one volume.

    Attributes:
        case: volume and structure.
        shape: the volume's.
        idle: the gaps while nothing was done, in the same process.
        drawing: the gaps while the slice views drew the confidence, and nothing else was done.
        runs: in their order.
        cancel_seconds: from the click on Cancel until the panel was free.
        cancel_slices: how many were still filled after the click.
        seconds_per_slice: of the run that was cancelled.
    """

    case: str
    shape: tuple[int, int, int]
    idle: PlaceGap
    drawing: PlaceGap
    runs: tuple[PanelRun, ...]
    cancel_seconds: float
    cancel_slices: int
    seconds_per_slice: float


def measure_interface(data: Path, output: Path, report: Callable[[str], None]) -> tuple[PanelAnswers, ...]:
    """Measure, and add the figures to `output`.

    Raises:
        BenchmarkError: the case is not in the data, or what stands in for desktop Slicer is not here.
    """
    cases = [case for case in list_cases(data, "eval") if case.name == CASE]
    if not cases:
        msg = f"The panel is measured on {CASE}, which is not in {data}."
        raise BenchmarkError(msg)
    _require_desktop()
    measured = []
    for shape in (None, ENLARGED):
        answers = alone(measure_panel, cases[0], shape)
        measured.append(answers)
        for run in answers.runs:
            gaps = ", ".join(f"{gap.place} {gap.longest_ms:.0f}" for gap in run.gaps)
            report(f"{'x'.join(map(str, answers.shape))} {run.what}: longest gap in ms: {gaps}")
        report(f"idle {answers.idle.longest_ms:.0f} ms; cancelled in {answers.cancel_seconds:.2f} s")
    document = json.loads(output.read_text()) if output.is_file() else {}
    document["interface"] = [asdict(each) for each in measured]
    output.write_text(json.dumps(document, indent=1))
    return tuple(measured)


def read_interface(document: dict) -> tuple[PanelAnswers, ...]:
    """What `measure_interface` added to the results, if it was run."""
    return tuple(
        PanelAnswers(
            each["case"],
            tuple(each["shape"]),
            PlaceGap(**each["idle"]),
            PlaceGap(**each["drawing"]),
            tuple(PanelRun(run["what"], tuple(PlaceGap(**gap) for gap in run["gaps"])) for run in each["runs"]),
            each["cancel_seconds"],
            each["cancel_slices"],
            each["seconds_per_slice"],
        )
        for each in document.get("interface", [])
    )


def measure_panel(case: Case, shape: tuple[int, int, int] | None = None) -> PanelAnswers:
    """Work with the panel as a user does.

    Args:
        case: volume and structure.
        shape: to bring the volume to; None leaves it as it is.
    """
    volume = load_volume(case)
    voxels, truth, spacing = volume.image, volume.truth(case), volume.spacing_mm
    if shape is not None:
        index = np.ix_(*(np.arange(n) * m // n for n, m in zip(shape, voxels.shape, strict=True)))
        k, j, i = (s * m / n for s, n, m in zip(spacing, shape, voxels.shape, strict=True))
        voxels, truth, spacing = np.ascontiguousarray(voxels[index]), truth[index], (k, j, i)
    _require_desktop()
    from slicerhost.host import slicer_desktop
    from slicerhost.pulse import idle
    from slicerhost.user import User

    from Sli2VolSlicerLib.scene.headless import make_scene

    headless = make_scene()
    with slicer_desktop(headless.scene) as desktop:
        user = User(desktop, headless.scene, voxels, truth, spacing)
        nothing = idle(IDLE_S)
        first = seed_slice(truth, case.name)
        user.draw(first)
        cancelled = user.cancel_after(CANCEL_AFTER)
        user.forget()
        runs = [_run("first", user.propagate())]
        user.draw(_within(truth, first + CORRECTION))
        runs.append(_run("corrected", user.propagate()))
        user.show_confidence()
        user.draw(_within(truth, first - CORRECTION))
        runs.append(_run("corrected, confidence shown", user.propagate()))
        drawing = user.draw_views_anew()
        return PanelAnswers(
            case.name,
            voxels.shape,
            PlaceGap("idle", nothing.longest_ms, nothing.p95_ms),
            PlaceGap("drawing", drawing.longest_ms, drawing.p95_ms),
            tuple(runs),
            cancelled.seconds,
            cancelled.slices,
            cancelled.seconds_per_slice,
        )


def _run(what: str, gaps: dict) -> PanelRun:
    return PanelRun(what, tuple(PlaceGap(p, gaps[p].longest_ms, gaps[p].p95_ms) for p in PLACES if p in gaps))


def _within(truth: np.ndarray, index: int) -> int:
    """The slice of the structure that is nearest to `index`."""
    there = np.flatnonzero(truth.any(axis=(1, 2)))
    return int(there[np.abs(there - index).argmin()])


def _require_desktop() -> None:
    """Make the stand-in importable: it lies beside the benchmark in a checkout, and is not installed with it."""
    beside = Path(__file__).resolve().parents[1]
    if (beside / "slicerhost").is_dir() and str(beside) not in sys.path:
        sys.path.append(str(beside))
    missing = [name for name in ("slicerhost", "slicer", "PySide6") if find_spec(name) is None]
    if missing:
        msg = f"The panel is measured in a checkout, with pip install -e .[scene,dev]; missing: {', '.join(missing)}."
        raise BenchmarkError(msg)
