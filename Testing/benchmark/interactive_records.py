"""Simulated users on disk: one JSON line per case and policy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .json_lines import append_lines, read_lines
from .rows import OURS


@dataclass(frozen=True)
class PolicyRow:
    """One way of choosing slices.

    Attributes:
        name: in the tables.
        policy: the engine's name of it.
        told: whether the user is told on which slices the structure is.
        seed: of random choices; results of one name and several seeds are averaged.
    """

    name: str
    policy: str
    told: bool = False
    seed: int = 0


OURS_POLICY = "expected-gain"

POLICY_ROWS: tuple[PolicyRow, ...] = (
    PolicyRow(OURS_POLICY, OURS_POLICY),
    PolicyRow("confidence", "confidence"),
    PolicyRow("keep-n", "keep-n"),
    *(PolicyRow("random", "random", seed=seed) for seed in range(3)),
    PolicyRow("keep-n told", "keep-n", told=True),
    *(PolicyRow("random told", "random", told=True, seed=seed) for seed in range(3)),
    PolicyRow("k-means", "k-means"),
    PolicyRow("histogram", "histogram"),
    PolicyRow("ssim", "ssim"),
    PolicyRow("perceptual", "perceptual"),
)

POLICY_NAMES: tuple[str, ...] = tuple(dict.fromkeys(row.name for row in POLICY_ROWS))


InteractiveKey = tuple[str, str, str, int]
"""Method, case, policy and seed."""


@dataclass(frozen=True)
class InteractiveResult:
    """One simulated user on one case; tuples have one entry per drawn slice.

    Attributes:
        volume, family, structure: the case.
        method: what propagated.
        policy, seed: how slices were chosen.
        fingerprint: of the code and the weights that made it.
        drawn: the slices, in the order of drawing; fewer when no slice was left to recommend.
        empty: whether the structure was not there.
        dice: of the whole volume, after each.
        fill_dice, shape_dice: Slicer's "Fill between slices" and shape-based interpolation, same slices.
        expected_dice: what the engine believed.
        seconds, recommend_seconds: wall time of propagating and of recommending.
        correlation, correlation_all: of slice confidence with true Dice (see `slice_correlation`); NaN for none.
        rejection, rejection_best, error_rate: see `Rejection`; NaN for none.
        device: where it ran.
    """

    volume: str
    family: str
    structure: str
    policy: str
    seed: int
    fingerprint: str
    drawn: tuple[int, ...]
    empty: tuple[bool, ...]
    dice: tuple[float, ...]
    fill_dice: tuple[float, ...]
    shape_dice: tuple[float, ...]
    expected_dice: tuple[float, ...]
    seconds: tuple[float, ...]
    recommend_seconds: tuple[float, ...]
    correlation: tuple[float, ...]
    correlation_all: tuple[float, ...]
    rejection: tuple[float, ...]
    rejection_best: tuple[float, ...]
    error_rate: tuple[float, ...]
    device: str = "cpu"
    method: str = OURS

    @property
    def case_name(self) -> str:
        return f"{self.volume}/{self.structure}"

    @property
    def key(self) -> InteractiveKey:
        return self.method, self.case_name, self.policy, self.seed

    def after(self, count: int, values: tuple[float, ...] | None = None) -> float:
        """Dice (or another series) after `count` drawn slices; the last there is, if fewer were drawn."""
        series = self.dice if values is None else values
        return series[min(count, len(series)) - 1]

    def slices_for(self, dice: float, most: int) -> int:
        """How many slices were drawn when `dice` was first reached; `most + 1` if it was not within `most`."""
        return next((n for n, value in enumerate(self.dice[:most], start=1) if value >= dice), most + 1)


def to_json(result: InteractiveResult) -> dict[str, Any]:
    """A plain dictionary; NaN is null."""
    return {key: _without_nan(value) for key, value in asdict(result).items()}


def _without_nan(value: Any) -> Any:
    return [None if isinstance(v, float) and math.isnan(v) else v for v in value] if isinstance(value, tuple) else value


def from_json(entry: dict[str, Any]) -> InteractiveResult:
    """The inverse of `to_json`."""
    values: dict[str, Any] = {
        key: tuple(float("nan") if v is None else v for v in value) if isinstance(value, list) else value
        for key, value in entry.items()
    }
    return InteractiveResult(**values)


def append_interactive(path: Path, results: Iterable[InteractiveResult]) -> None:
    """Add lines to the file."""
    append_lines(path, map(to_json, results))


def read_interactive(path: Path) -> dict[InteractiveKey, InteractiveResult]:
    """The latest result of every method, case, policy and seed; a line cut short by a crash is passed over."""
    return {result.key: result for result in map(from_json, read_lines(path))}
