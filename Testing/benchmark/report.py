"""Docs/results.md: the tables and the pictures, from results.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from .cases import FEASIBILITY_STRUCTURES, PICTURE_FAMILIES, TUNED_FAMILIES, TUNING, find_index, list_cases
from .failures import draw_failures
from .json_lines import write_packed
from .kept_parts import ABLATION, INTERACTIVE, INTERFACE, NOTES_BEGIN, NOTES_END, part_of, with_part
from .pairing import titles
from .pictures import draw_families, words_of
from .records import CaseResult, from_json
from .rows import OURS
from .run import masks_folder, published_path
from .speed import read_speed
from .summary import by_row, row_mean
from .tables import (
    confidence_section,
    ends_section,
    families_section,
    rows_section,
    speed_section,
    structures_section,
    summary_section,
)
from .targets import accuracy_structures, mean_over, targets_section
from .tuning import compared_with_earlier, tuning_summary

_EMPTY_NOTES = "\n## What did not work\n\nNothing has been written here yet.\n\n"


def read_document(output: Path) -> tuple[dict, list[CaseResult]]:
    """results.json as facts and results."""
    document = json.loads(output.read_text())
    return document, [from_json(entry) for entry in document["results"]]


def short_summary(output: Path, earlier: Path | None = None) -> str:
    """One line per row, for the terminal.

    Args:
        earlier: results of another tuning run to compare with.
    """
    document, results = read_document(output)
    rows = by_row(results)
    if document["facts"]["split"] == TUNING:
        summary = tuning_summary({titles(rows)[row]: own for row, own in rows.items()})
        return summary if earlier is None else summary + compared_with_earlier(rows, by_row(read_document(earlier)[1]))
    accurate = accuracy_structures(rows)
    lines = [f"{'row':32s} {'mean Dice':>9s}  95 % interval   target structures: first and second list"]
    for row, own in rows.items():
        mean = row_mean(own)
        first, second = (mean_over(rows, row, each).mean for each in (FEASIBILITY_STRUCTURES, accurate))
        lines.append(
            f"{titles(rows)[row]:32s} {mean.mean:9.3f}  {mean.low:.3f} to {mean.high:.3f}  {first:.3f} {second:.3f}"
        )
    return "\n".join(lines) + "\n"


def write_report(data: Path, output: Path, path: Path) -> None:
    """Write the document, its pictures and, packed, the single results; what was written by hand in it is kept.

    Pictures of families whose licence does not allow publishing go beside `output`, not beside the document.
    """
    document, results = read_document(output)
    rows = by_row(results)
    split = document["facts"]["split"]
    sections = [
        _heading(document["facts"], published_path(path).name),
        rows_section(list(rows)),
        summary_section(rows),
        families_section(rows),
        targets_section(rows),
        ends_section(rows),
        confidence_section(rows),
        speed_section(read_speed(document), rows),
        _pictures(data, output, path, rows, split),
        _failures(data, output, path, rows, split),
        structures_section(rows),
    ]
    notes = kept_notes(path)
    before = path.read_text() if path.is_file() else ""
    text = "\n".join(section for section in sections if section) + f"\n{NOTES_BEGIN}{notes}{NOTES_END}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    for part in (ABLATION, INTERFACE, INTERACTIVE):
        kept = part_of(before, part)
        text = with_part(text, part, kept) if kept else text
    path.write_text(text)
    write_packed(published_path(path), document["results"])


def kept_notes(path: Path) -> str:
    """The hand-written part of the document that is there."""
    if not path.is_file():
        return _EMPTY_NOTES
    _, found, rest = path.read_text().partition(NOTES_BEGIN)
    notes, closed, _ = rest.partition(NOTES_END)
    return notes if found and closed else _EMPTY_NOTES


def _heading(facts: dict, published: str) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    weights = ", ".join(f"{row}: `{file}`" for row, file in facts["weights"].items()) or "none"
    return f"""# Results

Made by `{facts["command"]}` on {facts["date"]}; do not edit except between the two comment lines at the end.

- Machine: {facts["machine"]}; Python {facts["python"]}; {versions}.
- Weights: {weights}.
- Every labelled structure of the {facts["split"]} split with at least 6 slices (a case), painted on
  {_painted(facts["seeds"])} within 3 slices of the one of largest area, drawn at random under a fixed
  seed. What is painted is the truth; everything else is the method's. A result is what a row made of one painted slice.
- The single results are in [{published}]({published}), one JSON object a line, with Dice and confidence slice
  by slice; `--reuse` goes on from them.
- A volume's figure is the mean over its painted slices, a structure's the mean over its volumes; a mean over
  structures counts each of them once. Intervals are 95 % bootstrap intervals over structures.
- The 95 % Hausdorff distance is the larger of the two directed 95th percentiles between surface voxels.
- What was chosen by measurement was chosen on the labelled part of the training volumes and on two of these
  families, {" and ".join(TUNED_FAMILIES)}; never on the others.
"""


def _painted(seeds: int) -> str:
    return "one slice" if seeds == 1 else f"{seeds} different slices, one at a time, each"


def _pictures(data: Path, output: Path, path: Path, rows: Mapping[str, Sequence[CaseResult]], split: str) -> str:
    row = OURS if OURS in rows else next(iter(rows))
    _, named = find_index(data)
    cases = list_cases(data, named or split)
    published = path.parent / "pictures"
    local = output.with_name(output.stem + "-pictures")
    folder_of = {r.family: published if r.family in PICTURE_FAMILIES else local for r in rows[row]}
    made = draw_families(cases, rows[row], masks_folder(output), folder_of)
    lines = [
        "## Pictures",
        "",
        f"The worst and the median result of each family (`{row}`). Green is the truth, orange the result, the red",
        "frame the painted slice. Families whose licence does not allow it are only listed.",
        "",
    ]
    for family, pictures in made.items():
        for kind, result, file in pictures:
            words = f"{family}, {kind}: {words_of(result)}"
            lines.append(f"![{words}](pictures/{file.name})" if family in PICTURE_FAMILIES else f"- {words}")
            lines.append("")
    return "\n".join(lines)


def _failures(data: Path, output: Path, path: Path, rows: Mapping[str, Sequence[CaseResult]], split: str) -> str:
    """The ten worst cases of ours, each with its reason; pictures as in `_pictures`."""
    if OURS not in rows:
        return ""
    _, named = find_index(data)
    folders = path.parent / "pictures", output.with_name(output.stem + "-pictures")
    made = draw_failures(list_cases(data, named or split), rows[OURS], masks_folder(output), folders)
    lines = [
        "## Failures",
        "",
        f"The {len(made)} worst cases (`{OURS}`), of each its worst painted slice. The reason is computed: the wrong",
        "voxels are counted beyond the structure's ends, where the result stops short of them, and in between. Colours",
        "as above.",
        "",
    ]
    for rank, failure in enumerate(made, start=1):
        lines += [f"{rank}. {words_of(failure.result)}: {failure.reason}.", ""]
        if failure.result.family in PICTURE_FAMILIES and failure.picture is not None:
            lines += [f"    ![{words_of(failure.result)}](pictures/{failure.picture.name})", ""]
    return "\n".join(lines)
