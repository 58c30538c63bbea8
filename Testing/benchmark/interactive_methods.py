"""Dice against drawn slices, methods side by side: a table and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .interactive_records import OURS_POLICY, InteractiveResult
from .interactive_summary import COUNTS, MOST, Methods, by_policy, dice_after, difference, mean_figure
from .tables import interval, table

METHODS_PICTURE = "interactive-methods.png"


def by_one_policy(methods: Methods) -> tuple[str, dict[str, Sequence[InteractiveResult]]]:
    """Ours, or else the first method's first policy; and the results under it, by method, where there are any."""
    played = {name: by_policy(results) for name, results in methods.items()}
    of_first = next(iter(played.values()))
    policy = OURS_POLICY if OURS_POLICY in of_first else next(iter(of_first))
    return policy, {name: own[policy] for name, own in played.items() if policy in own}


def methods_table(methods: Methods) -> str:
    """Dice after so many drawn slices by method, and the first method's lead; empty for a single method."""
    if len(methods) < 2:
        return ""
    policy, chosen = by_one_policy(methods)
    first, ours = next(iter(chosen.items()))
    everything = {result.case_name for own in chosen.values() for result in own}
    lines = []
    for name, own in chosen.items():
        cases = {result.case_name for result in own}
        marked = name if cases == everything else f"{name} ({len(cases)} of {len(everything)} cases)"
        lines.append([marked, *(interval(mean_figure(own, dice_after(n))) for n in COUNTS)])
    leads = [
        [f"{first} minus {name}", *(interval(difference(ours, dice_after(n), own, dice_after(n))) for n in COUNTS)]
        for name, own in chosen.items()
        if name != first
    ]
    header = ("method", *(f"{n} drawn" for n in COUNTS))
    words = (
        f"Slices chosen by `{policy}`, which sees what the method itself has made so far; {len(everything)} cases. "
        "Mean over structures, 95 % bootstrap interval; differences over the cases that both have."
    )
    return (
        f"### Methods\n\n{words}\n\n{table(header, lines + leads)}\n"
        f"![Dice against drawn slices, by method](pictures/{METHODS_PICTURE})\n"
    )


def method_lines(methods: Methods) -> dict[str, list[float]]:
    """For the picture: each method's mean Dice after 1, 2, 3, ... drawn slices."""
    _, chosen = by_one_policy(methods)
    return {name: [mean_figure(own, dice_after(n)).mean for n in range(1, MOST + 1)] for name, own in chosen.items()}


def draw_lines(lines: Mapping[str, Sequence[float]], path: Path, title: str) -> None:
    """Dice against drawn slices, one line per name; interpolations dashed or dotted, as their names say."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.5, 4.8))
    for position, (name, values) in enumerate(lines.items()):
        is_fill = "Fill" in name or name.endswith("shape")
        style = ":" if name.endswith("shape") else "--" if is_fill else "-"
        width = 2.4 if name.startswith(OURS_POLICY) and not is_fill else 1.3
        colour = "black" if name == "Fill between slices" else f"C{position % 10}"
        axis.plot(
            range(1, len(values) + 1),
            values,
            style,
            marker="o",
            markersize=3,
            linewidth=width,
            color=colour,
            label=name,
        )
    axis.set_xlabel("drawn slices")
    axis.set_ylabel("Dice")
    axis.set_title(title, fontsize=10)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
