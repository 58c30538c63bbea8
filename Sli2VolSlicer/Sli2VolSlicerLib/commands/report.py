"""What `sli2vol propagate` reports about its work, as JSON."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..engine.records import Propagation


@dataclass(frozen=True)
class Report:
    """The JSON report; field names are its keys.

    Attributes:
        image, annotation, output: the files, as given.
        method: name of the method.
        weights: the weights file, or None.
        weights_sha256: its SHA-256, or None.
        device: where it ran, e.g. "cpu (bfloat16)".
        axis: numpy axis of the (k, j, i) array along which slices were painted.
        slices: how many slices the volume has along it.
        seconds: stage name -> seconds; "total" is the whole command.
        slices_propagated: (slice, direction) steps.
        slices_per_second: of the propagation alone.
        peak_memory_mb: largest resident size of the process, or None where it is not known.
        passes: per label and anchor and direction: where it went and why it stopped.
        confidence_per_slice: label -> one number 0..1 per slice, None where the label is absent.
        notes: what the user should know.
    """

    image: str
    annotation: str
    output: str
    method: str
    weights: str | None
    weights_sha256: str | None
    device: str
    axis: int
    slices: int
    seconds: dict[str, float]
    slices_propagated: int
    slices_per_second: float
    peak_memory_mb: float | None
    passes: list[dict[str, Any]]
    confidence_per_slice: dict[str, list[float | None]]
    notes: list[str]

    def write(self, path: Path) -> None:
        """Write as indented JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def passes_of(propagation: Propagation) -> list[dict[str, Any]]:
    """Every pass as a JSON object."""
    return [
        {
            "label": one.label,
            "anchor_slice": one.anchor_slice,
            "direction": "up" if one.step > 0 else "down",
            "last_slice": one.last_slice,
            "reason": one.reason.value,
        }
        for one in propagation.passes
    ]


def confidence_of(propagation: Propagation) -> dict[str, list[float | None]]:
    """Label -> confidence per slice, None instead of NaN."""
    return {
        str(label): [None if math.isnan(value) else round(float(value), 4) for value in values]
        for label, values in propagation.slice_confidence.items()
    }


def peak_memory_mb() -> float | None:
    """The process's largest resident size so far in MB; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(largest / (1e6 if sys.platform == "darwin" else 1e3), 1)
