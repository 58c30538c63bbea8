"""Running the rows over the cases, resumably."""

from __future__ import annotations

import contextlib
import datetime
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np

from . import memory
from .cases import TUNING, BenchmarkError, Case, find_index, list_cases, load_volume, seed_slice
from .metrics import dice, dice_without_slice, end_error, hausdorff_95, slice_dice
from .records import CaseResult, append_results, mask_path, read_results, to_json, write_mask
from .rows import ALL_ROWS, OURS, RowSpec, fingerprint, open_row, row_specs
from .tuning import tuning_cases
from .work import RowResult, Work

Report = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How to run.

    Attributes:
        rows: names of the rows, in the order of the tables.
        families: only these; all by default.
        structures: only these "family/structure"; all by default.
        seeds: painted slices per case, each its own draw.
        row_seeds: rows that get fewer of them, e.g. slow ones, and how many.
        split: "eval", "train", or "tuning" for what settings are chosen on.
        labels: for "tuning": a folder of label maps for training volumes that have none.
        workers: processes at once.
        threads: threads per process (0 leaves it to the libraries).
        weights: files by weights name; the catalogue's by default.
        device: where the engine's rows run.
        reuse: take finished results even if code or weights have changed since.
        published: a report's single results (`published_path`): those that the run has not are taken from there.
        volumes_per_structure: so many volumes of each structure, the first by name; 0 for all.
    """

    rows: Sequence[str] = ALL_ROWS
    families: Sequence[str] | None = None
    structures: Sequence[str] | None = None
    seeds: int = 1
    row_seeds: Mapping[str, int] = field(default_factory=dict)
    split: str = "eval"
    labels: Path | None = None
    workers: int = 1
    threads: int = 0
    weights: dict[str, Path] = field(default_factory=dict)
    device: str = "auto"
    reuse: bool = False
    published: Path | None = None
    volumes_per_structure: int = 0

    def seeds_of(self, row: str) -> int:
        """Painted slices per case of one row."""
        return min(self.seeds, self.row_seeds.get(row, self.seeds))


@dataclass(frozen=True)
class _Job:
    """All of one volume's cases that one row still has to do."""

    spec: RowSpec
    cases: tuple[tuple[Case, int], ...]
    fingerprint: str
    masks: Path


def lines_path(output: Path) -> Path:
    """Where results are kept line by line while running."""
    return output.with_suffix(".jsonl")


def masks_folder(output: Path) -> Path:
    """Where the masks are kept for the pictures."""
    return output.with_name(output.stem + "-masks")


def published_path(report: Path) -> Path:
    """Where the single results behind a report's tables are kept beside it."""
    return report.with_suffix(".jsonl.xz")


def run_benchmark(data: Path, output: Path, options: Options, report: Report, command: str = "") -> list[CaseResult]:
    """Run every row over every case, and write `output` and the lines beside it.

    Results already there, made by the same code and weights, are not computed again.

    Args:
        data: the folder with the index, or its split's folder.
        report: gets one line of progress at a time.
        command: as the user typed it, for the record.

    Raises:
        BenchmarkError: nothing to run, or an unknown row, family, split.
    """
    cases = chosen_cases(data, options)
    specs = row_specs(options.rows, options.weights, options.device)
    for spec in specs:
        _run_row(spec, cases, output, options, report)
    results = _select(read_results(lines_path(output)), specs, cases, options)
    before = json.loads(output.read_text()) if output.is_file() else {}
    document = {
        "facts": facts(command, split_of(data, options), options, specs),
        "results": [to_json(result) for result in results],
        **{key: before[key] for key in ("speed", "interactive", "interface") if key in before},
    }
    output.write_text(json.dumps(document, indent=1))
    return results


def split_of(data: Path, options: Options) -> str:
    """The split that is run, which the folder may name instead of the options."""
    _, named = find_index(data)
    return options.split if named is None or options.split == TUNING else named


def chosen_cases(data: Path, options: Options) -> list[Case]:
    """The cases to run on, in the benchmark's order.

    Raises:
        BenchmarkError: none is left.
    """
    cases = _all_cases(data, options)
    if options.structures is not None:
        cases = [case for case in cases if f"{case.family}/{case.structure}" in options.structures]
    counts: dict[tuple[str, str], int] = {}
    chosen = []
    for case in cases:
        key = (case.family, case.structure)
        counts[key] = counts.get(key, 0) + 1
        if not options.volumes_per_structure or counts[key] <= options.volumes_per_structure:
            chosen.append(case)
    if not chosen:
        msg = f"No case is left after choosing the structures {options.structures}."
        raise BenchmarkError(msg)
    return chosen


def _all_cases(data: Path, options: Options) -> list[Case]:
    if options.labels is not None and options.split != TUNING:
        msg = f"--labels {options.labels} goes with --split {TUNING} only; leave it out or add that."
        raise BenchmarkError(msg)
    if options.split != TUNING:
        return list_cases(data, options.split, options.families)
    cases = tuning_cases(data, options.labels)
    return [case for case in cases if options.families is None or case.family in options.families]


def _select(found: dict, specs: Sequence[RowSpec], cases: Sequence[Case], options: Options) -> list[CaseResult]:
    keys = [
        (spec.name, case.name, seed) for spec in specs for case in cases for seed in range(options.seeds_of(spec.name))
    ]
    return [found[key] for key in keys if key in found]


def _run_row(spec: RowSpec, cases: Sequence[Case], output: Path, options: Options, report: Report) -> None:
    mark = fingerprint(spec)
    wanted = [(case, seed) for case in cases for seed in range(options.seeds_of(spec.name))]
    if options.published is not None:
        _take_published(spec, {(spec.name, case.name, seed) for case, seed in wanted}, output, options.published)
    found = read_results(lines_path(output))
    left = [
        (case, seed)
        for case, seed in wanted
        if (old := found.get((spec.name, case.name, seed))) is None or not (options.reuse or old.fingerprint == mark)
    ]
    report(f"{spec.name}: {len(left)} of {len(wanted)} cases to do")
    if not left:
        return
    volumes = sorted({case.volume for case, _ in left})
    jobs = [
        _Job(spec, tuple((c, s) for c, s in left if c.volume == volume), mark, masks_folder(output))
        for volume in volumes
    ]
    done = 0
    context = multiprocessing.get_context("spawn")
    with (
        thread_limit(options.threads),
        ProcessPoolExecutor(max_workers=options.workers, mp_context=context) as pool,
    ):
        futures: list[Future[list[CaseResult]]] = [pool.submit(_do, job) for job in jobs]
        for future in as_completed(futures):
            results = future.result()
            append_results(lines_path(output), results)
            done += len(results)
            mean = float(np.mean([r.dice for r in results]))
            seconds = sum(r.seconds for r in results)
            report(f"{spec.name} {done}/{len(left)} {results[0].volume}: mean Dice {mean:.3f}, {seconds:.1f} s")


def _take_published(spec: RowSpec, wanted: set[tuple[str, str, int]], output: Path, published: Path) -> None:
    """Go on from a report's single results; of the row that pictures show, from those whose masks are kept."""
    there = read_results(lines_path(output))
    folder = masks_folder(output)
    append_results(
        lines_path(output),
        [
            result
            for key, result in read_results(published).items()
            if key in wanted
            and key not in there
            and (spec.name != OURS or mask_path(folder, result.row, result.case_name, result.seed).is_file())
        ],
    )


@contextlib.contextmanager
def thread_limit(threads: int) -> Iterator[None]:
    """Processes started within use this many threads (0: as many as they like)."""
    names = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "VTK_SMP_MAX_THREADS") if threads else ()
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: str(threads) for name in names})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _do(job: _Job) -> list[CaseResult]:
    """One volume, one row: in a process of its own, so that memory is the row's."""
    from Sli2VolSlicerLib.engine.errors import Sli2VolError

    volume = load_volume(job.cases[0][0])
    session = open_row(job.spec, volume)
    results = []
    for case, seed in job.cases:
        truth = volume.truth(case)
        index = seed_slice(truth, case.name, seed)
        work = Work(volume.image, volume.spacing_mm, index, truth[index], truth)
        memory.reset_peak()
        cpu = time.process_time()
        error = ""
        try:
            made = session.segment(work)
        except Sli2VolError as failure:
            error = str(failure)
            only = np.zeros(truth.shape, bool)
            only[index] = work.painted
            made = RowResult(only, 0.0, 0)
        cost = Cost(memory.peak_mb(), time.process_time() - cpu)
        result = measure(case, seed, job, truth, work, made, cost, error)
        write_mask(job.masks, result, made.mask)
        results.append(result)
    return results


@dataclass(frozen=True)
class Cost:
    """What one result took: peak memory of the process, processor time of all its threads."""

    peak_mb: float
    cpu_seconds: float


def measure(
    case: Case, seed: int, job: _Job, truth: np.ndarray, work: Work, made: RowResult, cost: Cost, error: str
) -> CaseResult:
    """All figures of one result."""
    ends = end_error(made.mask, truth)
    indices: tuple[int, ...] = ()
    per_slice = slice_dice(made.mask, truth)
    if made.slice_confidence is not None:
        looked = np.isfinite(made.slice_confidence) & np.isfinite(per_slice)
        looked[work.seed_slice] = False
        indices = tuple(int(i) for i in np.flatnonzero(looked))
    confidence = made.slice_confidence if made.slice_confidence is not None else per_slice
    return CaseResult(
        volume=case.volume,
        family=case.family,
        structure=case.structure,
        row=job.spec.name,
        seed=seed,
        fingerprint=job.fingerprint,
        seed_slice=work.seed_slice,
        truth_slices=int(truth.any(axis=(1, 2)).sum()),
        dice=dice(made.mask, truth),
        dice_without_seed=dice_without_slice(made.mask, truth, work.seed_slice),
        hd95_mm=hausdorff_95(made.mask, truth, work.spacing_mm),
        over=(ends.over_low, ends.over_high),
        under=(ends.under_low, ends.under_high),
        seconds=made.seconds,
        slices=made.slices,
        peak_mb=cost.peak_mb,
        cpu_seconds=cost.cpu_seconds,
        slice_indices=indices,
        slice_dice=tuple(round(float(per_slice[i]), 4) for i in indices),
        slice_confidence=tuple(round(float(confidence[i]), 4) for i in indices),
        stops=made.stops,
        notes=made.notes,
        device=made.device,
        error=error,
    )


def facts(command: str, split: str, options: Options, specs: Sequence[RowSpec]) -> dict[str, object]:
    """What the figures were made with: machine, date, versions, command."""
    packages = ("torch", "numpy", "scipy", "scikit-image", "SimpleITK", "slicer-core", "sli2volslicer")
    return {
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "split": split,
        "seeds": options.seeds,
        "workers": options.workers,
        "threads": options.threads,
        "machine": machine(),
        "python": sys.version.split()[0],
        "versions": {name: _version(name) for name in packages},
        "weights": {
            spec.name: " + ".join(path.name for path in (spec.weights, spec.refinement, spec.ends) if path is not None)
            for spec in specs
            if spec.weights is not None
        },
    }


def machine() -> str:
    """The processor in words, and how many cores there are for this process."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
