"""Simulated users on every structure: each policy draws slice after slice."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .cases import BenchmarkError, Case, Volume, load_volume, seed_slice
from .confidence_metrics import rejection, slice_correlation
from .interactive_records import (
    OURS_POLICY,
    POLICY_NAMES,
    POLICY_ROWS,
    InteractiveKey,
    InteractiveResult,
    PolicyRow,
    append_interactive,
    read_interactive,
    to_json,
)
from .interpolations import fill_between_slices, shape_interpolation
from .metrics import dice
from .rows import ENGINE_ROWS, OURS, RowSpec, fingerprint, method_of, row_specs
from .run import Options, chosen_cases, facts, split_of, thread_limit

if TYPE_CHECKING:
    from Sli2VolSlicerLib.engine.simulation import Round

MOST_SLICES = 8
"""So many slices are drawn at most."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class InteractiveOptions:
    """What is run, besides the benchmark's own options.

    Attributes:
        policies: names of policy rows.
        methods: propagate; the first with all policies, the others with ours (or the first of the policies).
    """

    policies: Sequence[str] = POLICY_NAMES
    methods: Sequence[str] = (OURS,)

    def rows_of(self, method: str) -> tuple[PolicyRow, ...]:
        """What one of the methods is played with."""
        main = OURS_POLICY if OURS_POLICY in self.policies else self.policies[0]
        names = self.policies if method == self.methods[0] else (main,)
        return tuple(row for row in POLICY_ROWS if row.name in names and _can(row, method))


@dataclass(frozen=True)
class _Job:
    """One case and the policies that it still needs."""

    case: Case
    rows: tuple[PolicyRow, ...]
    spec: RowSpec
    fingerprint: str


def interactive_lines(output: Path) -> Path:
    """Where results are kept line by line while running."""
    return output.with_name(output.stem + "-interactive.jsonl")


def run_interactive(
    data: Path, output: Path, options: Options, own: InteractiveOptions, report: Report, command: str = ""
) -> list[InteractiveResult]:
    """Play every policy on every case, method by method, and write `output` under the key "interactive", and the lines
    beside it.

    Cases already played by the same code and weights are not played again.

    Raises:
        BenchmarkError: an unknown policy or method, or nothing to play on.
    """
    unknown = [name for name in own.policies if name not in POLICY_NAMES]
    if unknown:
        msg = f"Unknown policies {', '.join(unknown)}; choose from {', '.join(POLICY_NAMES)}."
        raise BenchmarkError(msg)
    for method in own.methods:
        if method not in ENGINE_ROWS:
            msg = f"Drawing more slices needs methods of the engine, got {method!r}; choose {', '.join(ENGINE_ROWS)}."
            raise BenchmarkError(msg)
    cases = chosen_cases(data, options)
    specs = row_specs(own.methods, options.weights, options.device)
    for spec in specs:
        found = read_interactive(interactive_lines(output))
        jobs = _left(cases, own.rows_of(spec.name), spec, _mark(spec), found, options.reuse)
        report(f"{spec.name}: {len(jobs)} of {len(cases)} cases to play")
        _play_all(jobs, output, options, report)
    found = read_interactive(interactive_lines(output))
    keys = [
        (spec.name, case.name, row.name, row.seed) for spec in specs for case in cases for row in own.rows_of(spec.name)
    ]
    results = [found[key] for key in keys if key in found]
    document = json.loads(output.read_text()) if output.is_file() else {}
    document["interactive"] = {
        "facts": facts(command, split_of(data, options), options, specs),
        "results": [to_json(result) for result in results],
    }
    output.write_text(json.dumps(document, indent=1, allow_nan=False))
    return results


def _can(row: PolicyRow, method: str) -> bool:
    """The policy "perceptual" needs a network."""
    return row.policy != "perceptual" or method not in ("copy", "optical-flow", "voxelmorph", "overfit", "auto")


def _mark(spec: RowSpec) -> str:
    """Changes with the code and the weights that the results depend on."""
    digest = hashlib.sha256(fingerprint(spec).encode())
    folder = Path(__file__).resolve().parent
    for name in ("interactive.py", "interpolations.py", "confidence_metrics.py", "slicer_effects.py"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]


def _left(
    cases: Sequence[Case],
    rows: Sequence[PolicyRow],
    spec: RowSpec,
    mark: str,
    found: Mapping[InteractiveKey, InteractiveResult],
    reuse: bool,
) -> list[_Job]:
    jobs = []
    for case in cases:
        missing = tuple(
            row
            for row in rows
            if (old := found.get((spec.name, case.name, row.name, row.seed))) is None
            or not (reuse or old.fingerprint == mark)
        )
        if missing:
            jobs.append(_Job(case, missing, spec, mark))
    return jobs


def _play_all(jobs: Sequence[_Job], output: Path, options: Options, report: Report) -> None:
    if not jobs:
        return
    context = multiprocessing.get_context("spawn")
    with (
        thread_limit(options.threads),
        ProcessPoolExecutor(max_workers=options.workers, mp_context=context) as pool,
    ):
        futures = [pool.submit(play_case, job) for job in jobs]
        for done, future in enumerate(as_completed(futures), start=1):
            results = future.result()
            append_interactive(interactive_lines(output), results)
            first = results[0]
            series = " ".join(f"{value:.2f}" for value in first.dice)
            report(f"{first.method} {done}/{len(jobs)} {first.case_name}, {first.policy}: Dice {series}")


def play_case(job: _Job) -> list[InteractiveResult]:
    """All policies on one case, in a process of its own."""
    from Sli2VolSlicerLib.engine.descriptors import descriptors_of
    from Sli2VolSlicerLib.engine.session import PropagationSession
    from Sli2VolSlicerLib.engine.simulation import SimulatedUser, simulate
    from Sli2VolSlicerLib.engine.slice_stack import SliceStack

    volume = load_volume(job.case)
    truth = volume.truth(job.case)
    method = method_of(job.spec)
    stack = SliceStack(volume.image, volume.spacing_mm, axis=0)
    features = descriptors_of(stack, method)
    shared = PropagationSession(stack, method)
    first = seed_slice(truth, job.case.name)
    results = []
    for row in job.rows:
        # Seconds are told of our policy: it alone must find nothing computed by the others.
        session = PropagationSession(stack, method) if row.name == OURS_POLICY else shared
        chooses_first = row.policy in ("k-means", "histogram", "ssim", "perceptual")
        user = SimulatedUser(row.policy, MOST_SLICES, None if chooses_first else first, row.told, row.seed)
        rounds = list(simulate(session, truth, user, features=features))
        results.append(measured(job, row, rounds, truth, volume))
    return results


def measured(
    job: _Job, row: PolicyRow, rounds: Sequence[Round], truth: np.ndarray, volume: Volume
) -> InteractiveResult:
    """All figures of one simulated user."""
    fill, shape, correlation, correlation_all, areas = [], [], [], [], []
    drawn: dict[int, np.ndarray] = {}
    nothing = (float("nan"),) * 3
    for each in rounds:
        drawn[each.slice_index] = truth[each.slice_index]
        fill.append(dice(fill_between_slices(drawn, truth.shape, volume.spacing_mm), truth))
        shape.append(dice(shape_interpolation(drawn, truth.shape, volume.spacing_mm), truth))
        mask, confidence = each.propagation.masks[1], each.propagation.slice_confidence[1]
        correlation.append(slice_correlation(confidence, mask, truth, drawn))
        correlation_all.append(slice_correlation(confidence, mask, truth, drawn, unlooked=True))
        rejected = rejection(each.propagation.confidence, mask, truth, drawn)
        areas.append((rejected.area, rejected.best, rejected.error_rate) if rejected is not None else nothing)
    return InteractiveResult(
        volume=job.case.volume,
        family=job.case.family,
        structure=job.case.structure,
        policy=row.name,
        seed=row.seed,
        fingerprint=job.fingerprint,
        drawn=tuple(each.slice_index for each in rounds),
        empty=tuple(each.is_empty for each in rounds),
        dice=_rounded(each.dice for each in rounds),
        fill_dice=_rounded(fill),
        shape_dice=_rounded(shape),
        expected_dice=_rounded(each.expected_dice for each in rounds),
        seconds=_rounded(each.propagate_seconds for each in rounds),
        recommend_seconds=_rounded(each.recommend_seconds for each in rounds),
        correlation=_rounded(correlation),
        correlation_all=_rounded(correlation_all),
        rejection=_rounded(each[0] for each in areas),
        rejection_best=_rounded(each[1] for each in areas),
        error_rate=_rounded(each[2] for each in areas),
        device=rounds[0].propagation.device,
        method=job.spec.name,
    )


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
