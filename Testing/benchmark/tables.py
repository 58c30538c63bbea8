"""The sections of the report, each as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .cases import SEEN_FAMILIES, TUNED_FAMILIES
from .pairing import (
    Rows,
    families_ahead,
    in_common,
    is_given_ends,
    paired_difference,
    size,
    structures_behind,
    titles,
    with_fewer,
)
from .records import CaseResult
from .rows import OURS, VARIANTS
from .speed import Speed
from .summary import (
    Interval,
    confidence_correlation,
    family_means,
    row_mean,
    structure_means,
)

PAPER, COPY = "sli2vol-paper", "copy"

_DESCRIPTIONS = {
    "copy": "the painted mask, carried unchanged from slice to slice",
    "optical-flow": "TV-L1 optical flow (scikit-image, default settings) carries the mask",
    "voxelmorph": "VoxelMorph in 2D on our backbone: a network's displacement field moves the mask",
    "random-weights": "`sli2vol` with a network that was never trained",
    "sli2vol-paper-no-verification": "the paper's network and window, without its verification",
    "sli2vol-paper": "the paper's network and window with its verification",
    "mask-prior": "a network draws each slice's mask from that slice, the one before and the mask on it",
    "sli2vol-plus": "Sli2Vol+ (An et al. 2025) on our backbone: second derivatives, training guided by pseudo-labels",
    "sli2vol-plus-verified": "the same with the verification of Sli2Vol, which its paper does not speak of",
    "sli2vol-unrefined": "ours, the passes left as they come",
    "sli2vol": "ours, the default: the same, each pass mended as a whole, and ended where its kind is known to end",
    "auto": (
        "`sli2vol`, or for passes where that is clearly the better way the same with optical flow in place of the "
        "affinity, by how well each reproduces the painted slice after one slice out and back"
    ),
    "overfit": "the default, its outlines then moved by a small network fitted to that one structure (some seconds)",
    "grow-from-seeds": (
        "Slicer's \"Grow from seeds\": the painted mask as the structure's seed; as background a ring around it on "
        "the same slice, 3 mm away and 5 mm wide; seed locality 10; it may grow half the painted mask's mean diameter "
        "along the axis (3 slices at least). Gap, width and reach were chosen for the best Dice on a "
        "sample of the training volumes; the effect's own defaults, which stop 3 slices from the seeds, gave less"
    ),
    "fill-between-slices": (
        "Slicer's \"Fill between slices\". It interpolates, so it was also **given the structure's true first and last "
        "slice**, which no other row gets; an end too thin for the filter (no 3x3 block) was moved inwards"
    ),
    "interpolation": (
        "shape-based interpolation: signed distances of drawn slices, mixed. It too was **given the structure's true "
        "first and last slice**"
    ),
}


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others numbers."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *lines)) + "\n"


def number(value: float, digits: int = 2) -> str:
    """A number for a table; a dash for none."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"  # noqa: RUF001 (a dash in a table)


def interval(value: Interval, digits: int = 3) -> str:
    """Mean and interval."""
    return f"{number(value.mean, digits)} [{number(value.low, digits)}, {number(value.high, digits)}]"


def best_bold(rows: Rows, values: Sequence[float], digits: int = 2) -> list[str]:
    """One number per row for a table's line, the largest in bold; rows with fewer painted slices have no part in it."""
    fewer = with_fewer(rows)
    competing = [v for name, v in zip(rows, values, strict=True) if name not in fewer and math.isfinite(v)]
    largest = max(competing, default=float("nan"))
    return [
        f"**{number(v, digits)}**" if v == largest and name not in fewer else number(v, digits)
        for name, v in zip(rows, values, strict=True)
    ]


def rows_section(names: Sequence[str]) -> str:
    """What each row is and what it is given."""
    lines = [f"- **{name}**: {_DESCRIPTIONS.get(name, '')}." for name in names]
    return "## Rows\n\n" + "\n".join(lines) + "\n"


def summary_section(rows: Rows) -> str:
    """The one table to look at first; unseen families and seen ones apart."""
    parts = ["## Summary\n"]
    groups = (
        ("All structures", lambda r: True),
        (
            "Unseen families: neither tuned on nor with kinds of structure that are in the training volumes",
            lambda r: r.family not in SEEN_FAMILIES + TUNED_FAMILIES,
        ),
        (f"Families that settings were tuned on ({', '.join(TUNED_FAMILIES)})", lambda r: r.family in TUNED_FAMILIES),
        (
            f"Families whose kinds of structure are also in the training volumes ({', '.join(SEEN_FAMILIES)})",
            lambda r: r.family in SEEN_FAMILIES,
        ),
    )
    names = titles(rows)
    header = ("row", "Dice", "Dice without painted slice", "HD95 mm", "slices too many", "slices too few", "on")
    for title, chosen in groups:
        lines = []
        for name, results in rows.items():
            own = [r for r in results if chosen(r)]
            if not own:
                continue
            lines.append(
                [
                    names[name],
                    interval(row_mean(own)),
                    number(row_mean(own, lambda r: r.dice_without_seed).mean, 3),
                    number(row_mean(own, lambda r: r.hd95_mm).mean, 1),
                    number(row_mean(own, lambda r: float(sum(r.over))).mean, 1),
                    number(row_mean(own, lambda r: float(sum(r.under))).mean, 1),
                    size(own),
                ]
            )
        if lines:
            parts.append(f"### {title}\n\n{table(header, lines)}")
    failed = sum(bool(r.error) for results in rows.values() for r in results)
    if failed:
        parts.append(f"{failed} results ended in an error and count as the painted slice alone.\n")
    return "\n".join(parts)


def families_section(rows: Rows) -> str:
    """Mean Dice per family, and in how many of them ours is ahead."""
    means = {name: family_means(results) for name, results in rows.items()}
    families = sorted({family for own in means.values() for family in own})
    lines = [[f, *best_bold(rows, [means[n].get(f, float("nan")) for n in rows], 3)] for f in families]
    header = ("family", *titles(rows).values())
    text = f"## Families\n\nMean Dice over the structures of each family.\n\n{table(header, lines)}"
    return f"{text}\n{_against_ours(rows)}" if OURS in rows else text


def _against_ours(rows: Rows) -> str:
    """Ours against each other row, on what was painted for both."""
    lines = []
    families = set(family_means(rows[OURS]))
    ahead_of_all = set(families)
    for name, results in rows.items():
        if name == OURS:
            continue
        ours, theirs = in_common(rows[OURS], results)
        shared = family_means(theirs).keys()
        ahead = families_ahead(ours, theirs)
        if name not in VARIANTS:
            ahead_of_all -= shared - set(ahead)
        difference = paired_difference(ours, theirs)
        lines.append([name, interval(difference), size(ours), f"{len(ahead)} of {len(shared)}", ", ".join(ahead)])
    header = (f"`{OURS}` against", "difference in Dice", "on", "families ahead", "which")
    return (
        f"Pairs are compared on the painted slices that both rows have.\n\n{table(header, lines)}\n`{OURS}` is ahead "
        f"of every other row in {len(ahead_of_all)} of {len(families)} families "
        f"({', '.join(sorted(ahead_of_all)) or 'none'}), rows that begin with its own result "
        f"({', '.join(VARIANTS)}) left aside.\n"
    )


def structures_section(rows: Rows) -> str:
    """Every structure of every family: Dice, and HD95 of ours."""
    means = {name: structure_means(results) for name, results in rows.items()}
    distances = structure_means(rows[OURS], lambda r: r.hd95_mm) if OURS in rows else {}
    structures = sorted({structure for own in means.values() for structure in own})
    header = ["structure", *titles(rows).values()] + ([f"{OURS} HD95 mm"] if distances else [])
    lines = []
    for structure in structures:
        line = [" ".join(structure), *best_bold(rows, [means[n].get(structure, float("nan")) for n in rows])]
        lines.append(line + ([number(distances.get(structure, float("nan")), 1)] if distances else []))
    words = "Mean Dice over volumes, of each the mean over its painted slices."
    return f"## Structures\n\n{words}\n\n{table(header, lines)}{_against_copying(rows)}"


def _against_copying(rows: Rows) -> str:
    """In which structures ours is worse than copying the mask."""
    if OURS not in rows or COPY not in rows:
        return ""
    behind = structures_behind(rows[OURS], rows[COPY])
    named = [f"{family} {name} ({ours:.3f} against {copy:.3f})" for (family, name), (ours, copy) in behind.items()]
    return f"\nStructures in which `{OURS}` is worse than copying the mask: {', '.join(named) or 'none'}.\n"


def ends_section(rows: Rows) -> str:
    """Where results end: too late and too early, at both ends."""
    header = (
        "row",
        "too many, low end",
        "too many, high end",
        "too few, low end",
        "too few, high end",
        "together",
        "ends > 3 over",
    )
    lines = []
    names = titles(rows)
    for name, results in rows.items():
        over = np.array([r.over for r in results])
        under = np.array([r.under for r in results])
        figures = [*over.mean(axis=0), *under.mean(axis=0)]
        told = " (given the true ends)" if is_given_ends(results) else ""
        lines.append(
            [
                names[name] + told,
                *(number(float(v), 1) for v in (*figures, sum(figures))),
                f"{100 * float((over > 3).mean()):.0f} %",
            ]
        )
    words = "Mean slices per result at the low and the high end, and the share of ends overrun by more than 3."
    return f"## Where results end\n\n{words}\n\n{table(header, lines)}{_ends_against_the_paper(rows)}"


def _ends_against_the_paper(rows: Rows) -> str:
    """Ours as a share of the paper's slices too many and too few, on what was painted for both."""
    if OURS not in rows or PAPER not in rows:
        return ""
    ours, theirs = (float(np.mean([_off(r) for r in own])) for own in in_common(rows[OURS], rows[PAPER]))
    pair = [row_mean(own, _off).mean for own in in_common(rows[OURS], rows[PAPER])]
    return (
        f"\n`{OURS}` is off by {number(ours, 1)} slices per result (too many and too few), `{PAPER}` by "
        f"{number(theirs, 1)}: {_share(ours, theirs)}. As means over structures: {number(pair[0], 1)} and "
        f"{number(pair[1], 1)}: {_share(pair[0], pair[1])}. The target is at most 50 %.\n"
    )


def _off(result: CaseResult) -> float:
    """Slices too many and too few of one result."""
    return float(sum(result.over) + sum(result.under))


def _share(part: float, whole: float) -> str:
    return f"**{100 * part / whole:.0f} %**" if whole else "no share of none"


def confidence_section(rows: Rows) -> str:
    """Does the confidence of a slice say how good it is?"""
    lines = []
    names = titles(rows)
    for name, results in rows.items():
        value, structures, count = confidence_correlation(results)
        if count:
            lines.append([names[name], number(value), str(structures), str(count)])
    if not lines:
        return ""
    header = ("row", "mean over structures", "structures", "results")
    return (
        "## Confidence\n\nSpearman's rank correlation between a slice's confidence and its true Dice, per result.\n\n"
        + table(header, lines)
    )


def speed_section(speed: Speed | None, rows: Rows) -> str:
    """Seconds, slices per second, memory."""
    header = (
        "row",
        "seconds per result",
        "processor seconds per result",
        "slices per second",
        "peak MB (whole process)",
        "device",
    )
    lines = []
    names = titles(rows)
    for name, results in rows.items():
        seconds, slices = sum(r.seconds for r in results), sum(r.slices for r in results)
        peak = max(r.peak_mb for r in results)
        devices = ", ".join(sorted({r.device for r in results}))
        rate = slices / seconds if seconds else float("nan")
        cpu = sum(r.cpu_seconds for r in results) / len(results)
        lines.append(
            [names[name], number(seconds / len(results)), number(cpu), number(rate, 1), number(peak, 0), devices],
        )
    text = (
        "## Speed\n\nAs run for the tables above (a volume's first structure and painted slice pay for the features "
        f"that the others reuse).\n\n{table(header, lines)}"
    )
    if speed is None:
        return text
    ours, plain = speed.ours, speed.plain
    return (
        text
        + f"""
Measured alone, one after the other, on the CPU ({ours.device}), {ours.case}; ours in three processes, of which the
one with the middle ratio of the first Propagate to the correction counts:

- Paper's network and affinity the plain way (full 256x256 slices, gathered windows, float32):
  {plain.seconds_per_slice:.2f} s per slice, {plain.peak_mb:.0f} MB.
- `{OURS}`: {ours.seconds_per_slice:.3f} s per propagated slice, features included: **{speed.times_faster:.0f} times
  faster**.
- First Propagate: **{ours.first_seconds:.2f} s** for {ours.slices} slices (Dice {ours.dice:.2f}), after
  {ours.prepare_seconds:.1f} s of starting up; peak memory of the whole process **{ours.peak_mb:.0f} MB**, of which
  {ours.image_mb:.0f} MB are the volume.
- Again from the same session: **{ours.again_seconds:.2f} s**, {ours.first_seconds / ours.again_seconds:.1f} times
  faster.
- After one correction (the recommended slice {ours.corrected_slice}, drawn from the truth; {ours.corrected_slices}
  slices propagated anew, Dice {ours.corrected_dice:.2f}): **{ours.corrected_seconds:.2f} s**,
  {ours.first_seconds / ours.corrected_seconds:.1f} times faster than the first. The session had rehearsed it, which
  takes {ours.rehearsal_seconds:.1f} s while the user draws; without that: {ours.unrehearsed_seconds:.2f} s,
  {ours.first_seconds / ours.unrehearsed_seconds:.1f} times faster.
"""
    )
