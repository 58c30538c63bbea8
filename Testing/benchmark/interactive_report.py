"""The section "Drawing more slices" of Docs/results.md, and its pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .cases import SEEN_FAMILIES, TUNED_FAMILIES, BenchmarkError
from .interactive_methods import METHODS_PICTURE, draw_lines, method_lines, methods_table
from .interactive_records import OURS_POLICY, InteractiveResult, from_json
from .interactive_summary import (
    COUNTS,
    GOALS,
    MOST,
    Methods,
    Policies,
    by_method,
    by_policy,
    dice_after,
    difference,
    fill_after,
    mean_figure,
    needed_for,
    nth,
    over_rounds,
    reached,
    shape_after,
    structure_figures,
)
from .kept_parts import INTERACTIVE, NOTES_BEGIN, with_part
from .tables import interval, number, table

_DESCRIPTIONS = {
    "expected-gain": "ours: the slice whose drawing is expected to raise the volume's Dice most",
    "confidence": "Slice-and-Conquer's: the slice with the most voxels in doubt",
    "keep-n": "evenly spaced over what the propagation has found, the widest gap first",
    "random": "anywhere in what the propagation has found; mean over three seeds",
    "keep-n told": "evenly spaced over the slices on which the structure really is, which it is told",
    "random told": "anywhere on those slices; mean over three seeds",
    "k-means": "told the same; one slice for every cluster of slices that look alike, by pixels",
    "histogram": "the same, by histograms",
    "ssim": "the same, by structural similarity",
    "perceptual": "the same, by features of the network that propagates",
}


def read_interactive_results(output: Path) -> tuple[dict, list[InteractiveResult]]:
    """The facts and the results of the last interactive run.

    Raises:
        BenchmarkError: there was none.
    """
    document = json.loads(output.read_text()) if output.is_file() else {}
    if "interactive" not in document:
        msg = f"{output} has no results of drawing more slices; run with --interactive."
        raise BenchmarkError(msg)
    part = document["interactive"]
    return part["facts"], [from_json(entry) for entry in part["results"]]


def interactive_summary(output: Path) -> str:
    """A few lines for the terminal."""
    methods = by_method(read_interactive_results(output)[1])
    head = " ".join(f"{n:>6d}" for n in COUNTS)
    lines = [f"{'Dice after drawn slices':40s} {head}   slices for 0.90   for 0.95"]
    for method, of_method in methods.items():
        for policy, own in by_policy(of_method).items():
            figures = " ".join(f"{mean_figure(own, dice_after(n)).mean:6.3f}" for n in COUNTS)
            needed = [mean_figure(own, needed_for(goal)).mean for goal in GOALS]
            lines.append(f"{f'{method}, {policy}':40s} {figures}   {needed[0]:15.2f}   {needed[1]:8.2f}")
    return "\n".join(lines) + "\n"


def write_interactive_report(output: Path, path: Path) -> None:
    """Write the section into the document between its two comment lines; all else in it is kept."""
    facts, results = read_interactive_results(output)
    methods = by_method(results)
    policies = by_policy(next(iter(methods.values())))
    pictures = path.parent / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    draw_policies(policies, pictures / "interactive-policies.png")
    draw_interpolations(policies, pictures / "interactive-fill.png")
    if len(methods) > 1:
        draw_lines(method_lines(methods), pictures / METHODS_PICTURE, "Mean Dice over structures, by method")
    text = path.read_text() if path.is_file() else f"# Results\n\n{NOTES_BEGIN}\n<!-- end of notes -->\n"
    path.write_text(with_part(text, INTERACTIVE, section(facts, methods)))


def section(facts: dict, methods: Methods) -> str:
    """The section's Markdown: the first method with all policies, and all methods side by side."""
    first = next(iter(methods))
    policies = by_policy(methods[first])
    parts = [
        _heading(facts, first, policies),
        methods_table(methods),
        _dice_table(policies),
        _fill_table(policies),
        _needed_table(policies),
        _differences(policies),
        _groups(policies),
        _confidence(policies),
        _seconds(policies),
        _structures(policies),
    ]
    return "\n".join(part for part in parts if part)


def _heading(facts: dict, method: str, policies: Policies) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    cases = len({result.case_name for own in policies.values() for result in own})
    rows = "\n".join(f"- **{name}**: {_DESCRIPTIONS.get(name, '')}." for name in policies)
    return f"""## Drawing more slices

Made by `{facts["command"]}` on {facts["date"]} with the method `{method}`; {cases} cases of the
{facts["split"]} split. Machine: {facts["machine"]}; {versions}.

The user is played: draws the slice that the policy names (the truth; empty where the structure is not), propagates, and
again, up to {MOST} slices. The first slice is the one of the tables above for all policies but the last four, which
choose it themselves. Policies marked "told", and those four, are told on which slices the structure is and draw nowhere
else; the others find out.

{rows}

![Dice against drawn slices](pictures/interactive-policies.png)

![The same drawn slices, filled otherwise](pictures/interactive-fill.png)
"""


def _dice_table(policies: Policies) -> str:
    lines = [[name, *(interval(mean_figure(own, dice_after(n))) for n in COUNTS)] for name, own in policies.items()]
    header = ("policy", *(f"{n} drawn" for n in COUNTS))
    words = "Mean over structures, 95 % bootstrap interval. Where a policy had no slice left, its last Dice counts."
    return f"### Dice after so many drawn slices\n\n{words}\n\n{table(header, lines)}"


def _fill_table(policies: Policies) -> str:
    lines = []
    for name, own in policies.items():
        for filler, figure in (
            ("propagated", dice_after),
            ('"Fill between slices"', fill_after),
            ("shape", shape_after),
        ):
            lines.append([f"{name}: {filler}", *(number(mean_figure(own, figure(n)).mean, 3) for n in COUNTS)])
        ahead = [difference(own, dice_after(n), own, fill_after(n)) for n in COUNTS]
        lines.append([f"{name}: propagated minus Fill", *(interval(each) for each in ahead)])
    header = ("drawn by: then", *(f"{n} drawn" for n in COUNTS))
    words = (
        "Each policy's drawn slices, given to Slicer's \"Fill between slices\" and to shape-based interpolation "
        "(signed distances) as they are, and nothing else: with one slice they are that slice alone."
    )
    return f"### The same drawn slices, filled otherwise\n\n{words}\n\n{table(header, lines)}"


def _needed_table(policies: Policies) -> str:
    lines = []
    for name, own in policies.items():
        line = [name]
        for goal in GOALS:
            line.append(interval(mean_figure(own, needed_for(goal)), 2))
            line.append(f"{100 * mean_figure(own, reached(goal)).mean:.0f} %")
        lines.append(line)
    header = ("policy", *(words for goal in GOALS for words in (f"for {goal:.2f}", f"reached {goal:.2f}")))
    words = f"A structure that does not get there within {MOST} drawn slices counts as {MOST + 1}."
    return f"### Slices needed\n\n{words}\n\n{table(header, lines)}"


def _differences(policies: Policies) -> str:
    """Ours and Slice-and-Conquer's against the plain ones, structure by structure."""
    lines = []
    for ours in (OURS_POLICY, "confidence"):
        for other in ("keep-n", "random", "keep-n told", "random told"):
            if ours in policies and other in policies:
                pair = [difference(policies[ours], needed_for(g), policies[other], needed_for(g)) for g in GOALS]
                rise = difference(policies[ours], dice_after(3), policies[other], dice_after(3))
                lines.append([f"{ours} against {other}", *(interval(p, 2) for p in pair), interval(rise)])
    if not lines:
        return ""
    header = ("", *(f"slices for {goal:.2f}" for goal in GOALS), "Dice after 3")
    words = "Differences structure by structure; fewer slices and more Dice are better."
    return f"### Policies against each other\n\n{words}\n\n{table(header, lines)}"


def _groups(policies: Policies) -> str:
    groups = (
        ("neither tuned on nor with kinds seen in training", lambda f: f not in SEEN_FAMILIES + TUNED_FAMILIES),
        (f"tuned on ({', '.join(TUNED_FAMILIES)})", lambda f: f in TUNED_FAMILIES),
        (f"kinds seen in training ({', '.join(SEEN_FAMILIES)})", lambda f: f in SEEN_FAMILIES),
    )
    lines = []
    for words, chosen in groups:
        for name, own in policies.items():
            some = [result for result in own if chosen(result.family)]
            if some:
                figures = [mean_figure(some, dice_after(n)).mean for n in COUNTS]
                needed = number(mean_figure(some, needed_for(GOALS[0])).mean)
                lines.append([f"{words}: {name}", *(number(v, 3) for v in figures), needed])
    header = ("families: policy", *(f"{n} drawn" for n in COUNTS), f"slices for {GOALS[0]:.2f}")
    return f"### Groups of families\n\n{table(header, lines)}"


def _confidence(policies: Policies) -> str:
    lines = []
    for name, own in policies.items():
        first, mean = mean_figure(own, nth("correlation", 1)), mean_figure(own, over_rounds("correlation"))
        everywhere = mean_figure(own, nth("correlation_all", 1)).mean
        areas = [mean_figure(own, over_rounds(each)).mean for each in ("rejection", "rejection_best", "error_rate")]
        lines.append([name, interval(first, 2), interval(mean, 2), number(everywhere), *(number(a, 3) for a in areas)])
    header = (
        "policy",
        "rank correlation, 1 drawn",
        "mean over 1, 2, 3, 5, 8 drawn",
        "1 drawn, unseen slices as 0",
        "error-rejection area",
        "best possible",
        "no order",
    )
    words = (
        "Spearman's rank correlation between slice confidence and true Dice per slice, over slices on which the result "
        "or the truth is not empty, drawn ones left out (with at least 5 such slices); slices that no pass looked at "
        "have no confidence and are left out, or count as 0 where said. Error-rejection: of the voxels in the result, "
        "in the truth or in doubt the least sure are rejected first; the area is the mean share of errors among the "
        "rest over all shares rejected, so less is better."
    )
    return f"### Confidence\n\n{words}\n\n{table(header, lines)}"


def _seconds(policies: Policies) -> str:
    own = policies.get(OURS_POLICY, [])
    if not own:
        return ""
    first = [result.seconds[0] for result in own]
    again = [value for result in own for value in result.seconds[1:]]
    naming = [value for result in own for value in result.recommend_seconds[1:]]
    if not again:
        return ""
    lines = [
        [name, number(float(np.median(values))), number(float(np.percentile(values, 90)))]
        for name, values in (("first Propagate", first), ("after one more slice", again), ("recommending", naming))
    ]
    return f"### Seconds\n\nOf `{OURS_POLICY}`, as run for these tables.\n\n" + table(
        ("", "median", "90th percentile"), lines
    )


def _structures(policies: Policies) -> str:
    shown = [name for name in policies if name in (OURS_POLICY, "confidence", "keep-n", "random", "keep-n told")]
    header = ["structure", *shown, f"Fill ({shown[0]}'s slices)"] if shown else []
    if not shown:
        return ""
    figures = {name: [structure_figures(policies[name], dice_after(n)) for n in COUNTS] for name in shown}
    fill = [structure_figures(policies[shown[0]], fill_after(n)) for n in COUNTS]
    lines = []
    for structure in figures[shown[0]][0]:
        cells = [_series(figures[name], structure) for name in shown]
        lines.append([" ".join(structure), *cells, _series(fill, structure)])
    words = f"Dice after {', '.join(map(str, COUNTS))} drawn slices."
    return f"### Structures\n\n{words}\n\n{table(header, lines)}"


def _series(figures: Sequence[dict[tuple[str, str], float]], structure: tuple[str, str]) -> str:
    return " ".join(number(each.get(structure, float("nan"))) for each in figures)


def draw_policies(policies: Policies, path: Path) -> None:
    """Dice against drawn slices, one line per policy, and "Fill between slices" on our policy's slices."""
    lines = {name: [mean_figure(own, dice_after(n)).mean for n in range(1, MOST + 1)] for name, own in policies.items()}
    if OURS_POLICY in policies:
        ours = policies[OURS_POLICY]
        lines["Fill between slices"] = [mean_figure(ours, fill_after(n)).mean for n in range(1, MOST + 1)]
    draw_lines(lines, path, "Mean Dice over structures")


def draw_interpolations(policies: Policies, path: Path) -> None:
    """For three policies: propagated, and the same slices filled by interpolation."""
    lines: dict[str, list[float]] = {}
    for name in (OURS_POLICY, "keep-n", "keep-n told"):
        for words, figure in (("propagated", dice_after), ("Fill between slices", fill_after), ("shape", shape_after)):
            if name in policies:
                lines[f"{name}: {words}"] = [mean_figure(policies[name], figure(n)).mean for n in range(1, MOST + 1)]
    draw_lines(lines, path, "The same drawn slices, propagated and interpolated")
