"""The section "What each part is worth" of Docs/results.md."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from .ablation import ABLATIONS
from .cases import BenchmarkError
from .kept_parts import ABLATION, with_part
from .pairing import paired_difference, size, titles
from .records import CaseResult, from_json
from .rows import OURS
from .summary import by_row, family_means, row_mean
from .tables import interval, number, table


def ablation_section(facts: dict, results: Iterable[CaseResult]) -> str:
    """The table: each part taken out, what is then lost, and what it costs in time.

    Raises:
        BenchmarkError: the default or all ablations are missing.
    """
    rows = by_row(results)
    names = [name for name in ABLATIONS if name in rows]
    if OURS not in rows or not names:
        msg = "There are no results of the default without one of its parts; run with --ablation."
        raise BenchmarkError(msg)
    whole = rows[OURS]
    families = sorted(family_means(whole))
    lines = [_line("nothing: the default as it is", whole, whole, families)]
    shown = titles({name: rows[name] for name in (OURS, *names)})
    lines += [
        _line(ABLATIONS[name].words + shown[name].removeprefix(name), rows[name], whole, families) for name in names
    ]
    header = ("taken out", "Dice", "the default's lead", "CPU seconds", *families)
    return f"""## What each part is worth

Made by `{facts["command"]}` on {facts["date"]}: {size(whole)}. Machine: {facts["machine"]}.
The default with one part taken out, everything else as it is; means over structures with 95 % bootstrap intervals,
processor seconds per structure with features and all, and the families' means. Nothing was trained anew for a row.

{table(header, lines)}"""


def _line(words: str, own: list[CaseResult], whole: list[CaseResult], families: list[str]) -> list[str]:
    lead = "" if own is whole else interval(paired_difference(whole, own))
    by_family = family_means(own)
    seconds = row_mean(own, lambda result: result.cpu_seconds).mean
    shown = [number(by_family.get(family, float("nan")), 3) for family in families]
    return [words, interval(row_mean(own)), lead, number(seconds), *shown]


def write_ablation_report(output: Path, path: Path) -> None:
    """Write the section into the document, and leave the rest as it is."""
    document = json.loads(output.read_text())
    section = ablation_section(document["facts"], [from_json(entry) for entry in document["results"]])
    text = path.read_text() if path.is_file() else "# Results\n"
    path.write_text(with_part(text, ABLATION, section))
