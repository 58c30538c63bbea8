"""The command `sli2vol benchmark`, also `python -m sli2vol_benchmark`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .ablation import ABLATIONS
from .cases import SPLITS, TUNING, BenchmarkError
from .interactive_records import POLICY_NAMES
from .rows import ALL_ROWS, OURS

if TYPE_CHECKING:
    from .run import Options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The benchmark's arguments."""
    parser.add_argument("data", metavar="DATA", type=Path, help="folder with index.json, or its eval or train folder")
    parser.add_argument("--output", type=Path, required=True, help="results.json to write; what is there is reused")
    parser.add_argument("--rows", nargs="+", default=list(ALL_ROWS), metavar="ROW", help=f"of {', '.join(ALL_ROWS)}")
    parser.add_argument("--families", nargs="+", metavar="FAMILY", help="only these families")
    parser.add_argument("--structures", nargs="+", metavar="FAMILY/NAME", help="only these structures")
    parser.add_argument("--seeds", type=int, default=1, help="painted slices per structure (default 1)")
    parser.add_argument(
        "--row-seeds", nargs="+", default=[], metavar="ROW=N", help="fewer painted slices for slow rows"
    )
    parser.add_argument(
        "--split",
        choices=(*SPLITS, TUNING),
        default="eval",
        help="tuning: what settings are chosen on, held-out patients of train and two families of eval (default eval)",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FOLDER", help="with --split tuning: labels of training volumes that have none"
    )
    parser.add_argument(
        "--against", type=Path, metavar="FILE.json", help="with --split tuning: an earlier run's output to compare with"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes at once (default 1; speeds need 1)")
    parser.add_argument("--threads", type=int, default=0, help="threads per process (default: the libraries' choice)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default auto)")
    parser.add_argument(
        "--weights", nargs="+", default=[], metavar="NAME=FILE", help="weights instead of the catalogue's"
    )
    parser.add_argument(
        "--reuse",
        action="store_true",
        help="reuse results, and those published with the report, although code or weights have changed",
    )
    parser.add_argument("--speed", action="store_true", help="also measure speed and memory (needs an idle machine)")
    parser.add_argument("--ablation", action="store_true", help="run the default without one part at a time instead")
    parser.add_argument("--interface", action="store_true", help="measure how the panel answers, and nothing else")
    parser.add_argument("--interactive", action="store_true", help="draw slice after slice by policies instead")
    parser.add_argument(
        "--policies",
        nargs="+",
        default=list(POLICY_NAMES),
        metavar="POLICY",
        help=f"for --interactive, of {', '.join(POLICY_NAMES)}",
    )
    parser.add_argument(
        "--limit-volumes-per-structure", type=int, default=0, metavar="N", help="the first by name (default: all)"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        default=[OURS],
        metavar="NAME",
        help=f"for --interactive: the first by all policies, the others by ours (default {OURS})",
    )
    parser.add_argument("--report", type=Path, metavar="FILE.md", help="write tables and pictures here")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: argparse.Namespace) -> int:
    """Run what the arguments ask for; 0 if all went well, 2 for a mistake in them."""
    from Sli2VolSlicerLib.engine.errors import Sli2VolError

    try:
        _run(arguments)
    except (BenchmarkError, Sli2VolError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _run(arguments: argparse.Namespace) -> None:
    from .run import Options, published_path, run_benchmark

    def report(line: str) -> None:
        if not arguments.quiet:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    _require_sense(arguments)
    rows = (OURS, *ABLATIONS) if arguments.ablation else tuple(arguments.rows)
    options = Options(
        rows=rows,
        families=arguments.families,
        structures=arguments.structures,
        seeds=arguments.seeds,
        row_seeds=_named_counts(arguments.row_seeds, rows),
        split=arguments.split,
        labels=arguments.labels,
        workers=arguments.workers,
        threads=arguments.threads,
        weights=_named_files(arguments.weights),
        device=arguments.device,
        reuse=arguments.reuse,
        volumes_per_structure=arguments.limit_volumes_per_structure,
    )
    if arguments.interface:
        _run_interface(arguments, report)
        return
    if arguments.interactive:
        _run_interactive(arguments, options, report)
        return
    if arguments.reuse and arguments.report is not None and not arguments.ablation:
        options = replace(options, published=published_path(arguments.report))
    run_benchmark(arguments.data, arguments.output, options, report, command_line())
    if arguments.speed:
        from .speed import measure_speed

        measure_speed(arguments.data, arguments.output, options, report)
    if arguments.report is not None:
        _write_report(arguments)
        report(f"wrote {arguments.report}")
    else:
        from .report import short_summary

        sys.stdout.write(short_summary(arguments.output, arguments.against))


def _require_sense(arguments: argparse.Namespace) -> None:
    """Refuse, before any work, what cannot be asked for.

    Raises:
        BenchmarkError: which argument, and why.
    """
    if arguments.seeds < 1 or arguments.workers < 1:
        msg = f"--seeds and --workers must be at least 1, got {arguments.seeds} and {arguments.workers}."
        raise BenchmarkError(msg)
    if arguments.limit_volumes_per_structure < 0:
        msg = f"--limit-volumes-per-structure must be 0 or more, got {arguments.limit_volumes_per_structure}."
        raise BenchmarkError(msg)
    if not arguments.output.resolve().parent.is_dir() or not os.access(arguments.output.resolve().parent, os.W_OK):
        msg = f"Cannot write to {arguments.output.parent}; choose an existing folder that is writable."
        raise BenchmarkError(msg)
    if arguments.report is not None and arguments.split == TUNING:
        msg = f"--report {arguments.report} is for cases that nothing was chosen on: not for --split {TUNING}."
        raise BenchmarkError(msg)
    if arguments.against is not None and arguments.split != TUNING:
        msg = f"--against {arguments.against} goes with --split {TUNING} only; reports compare rows of one run."
        raise BenchmarkError(msg)
    if arguments.against is not None and not arguments.against.is_file():
        msg = f"There is no file {arguments.against} to compare with; give the --output of an earlier run."
        raise BenchmarkError(msg)


def _write_report(arguments: argparse.Namespace) -> None:
    if arguments.ablation:
        from .ablation_report import write_ablation_report

        write_ablation_report(arguments.output, arguments.report)
    else:
        from .report import write_report

        write_report(arguments.data, arguments.output, arguments.report)


def _run_interactive(arguments: argparse.Namespace, options: Options, report: Callable[[str], None]) -> None:
    from .interactive import InteractiveOptions, run_interactive
    from .interactive_report import interactive_summary, write_interactive_report

    own = InteractiveOptions(tuple(arguments.policies), tuple(arguments.methods))
    run_interactive(arguments.data, arguments.output, options, own, report, command_line())
    if arguments.report is not None:
        write_interactive_report(arguments.output, arguments.report)
        report(f"wrote {arguments.report}")
    else:
        sys.stdout.write(interactive_summary(arguments.output))


def _run_interface(arguments: argparse.Namespace, report: Callable[[str], None]) -> None:
    from .interface import measure_interface
    from .interface_report import interface_section, write_interface_report

    measured = measure_interface(arguments.data, arguments.output, report)
    if arguments.report is not None:
        write_interface_report(arguments.output, arguments.report)
        report(f"wrote {arguments.report}")
    else:
        sys.stdout.write(interface_section(measured))


def _named_files(texts: Sequence[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for text in texts:
        name, separator, file = text.partition("=")
        if not separator or not file:
            msg = f"--weights takes NAME=FILE, got {text!r}."
            raise BenchmarkError(msg)
        files[name] = Path(file)
    return files


def _named_counts(texts: Sequence[str], rows: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for text in texts:
        name, _, count = text.partition("=")
        if name not in rows or not count.isdecimal() or int(count) < 1:
            msg = f"--row-seeds takes ROW=N with one of this run's rows and at least 1, got {text!r}."
            raise BenchmarkError(msg)
        counts[name] = int(count)
    return counts


def command_line() -> str:
    """What the user typed, with folders cut from every path: it goes into a document others read."""
    words = ["sli2vol benchmark"]
    for word in sys.argv[1:] if sys.argv[1:2] != ["benchmark"] else sys.argv[2:]:
        name, separator, value = word.rpartition("=")
        words.append(shlex.quote(name + separator + (Path(value).name if os.path.isabs(value) else value)))
    return " ".join(words)


def main(argv: Sequence[str] | None = None) -> int:
    """The module's own command line."""
    parser = argparse.ArgumentParser(prog="sli2vol_benchmark", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(argv))
