"""A result to vary in tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sli2vol_benchmark.records import CaseResult

_PLAIN = CaseResult(
    volume="hnCT_1",
    family="hnCT",
    structure="liver",
    row="copy",
    seed=0,
    fingerprint="f",
    seed_slice=3,
    truth_slices=8,
    dice=0.5,
    dice_without_seed=0.4,
    hd95_mm=2.0,
    over=(1, 0),
    under=(0, 2),
    seconds=2.0,
    slices=10,
    peak_mb=100.0,
)


def result(**changes: Any) -> CaseResult:
    """A plausible result with some fields changed."""
    return replace(_PLAIN, **changes)
