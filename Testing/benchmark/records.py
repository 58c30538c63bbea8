"""Results on disk: one JSON line per case and row, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .json_lines import append_lines, read_lines


@dataclass(frozen=True)
class CaseResult:
    """One row on one case.

    Attributes:
        volume, family, structure: the case.
        row: the method's name in the tables.
        seed: which draw of the painted slice.
        fingerprint: of the code and the weights that made it.
        seed_slice: the painted slice.
        truth_slices: on how many slices the structure is.
        dice, dice_without_seed: over the whole volume, and with the painted slice left out.
        hd95_mm: 95 % Hausdorff distance; infinite for an empty result.
        over, under: slices too many and too few, at the low and the high end.
        seconds, slices: wall time and slices computed; the first structure of a volume also pays
            for what the method keeps.
        peak_mb: the process' peak while at it.
        cpu_seconds: processor time of all threads, which other work on the machine does not change much.
        slice_indices, slice_dice, slice_confidence: one entry per slice that either mask is on and
            the method was sure of to some degree (the painted slice left out); empty without confidence.
        stops, notes, device: as the method says.
        error: the method's message if it failed (the result is then the painted slice alone).
    """

    volume: str
    family: str
    structure: str
    row: str
    seed: int
    fingerprint: str
    seed_slice: int
    truth_slices: int
    dice: float
    dice_without_seed: float
    hd95_mm: float
    over: tuple[int, int]
    under: tuple[int, int]
    seconds: float
    slices: int
    peak_mb: float
    cpu_seconds: float = 0.0
    slice_indices: tuple[int, ...] = ()
    slice_dice: tuple[float, ...] = ()
    slice_confidence: tuple[float, ...] = ()
    stops: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    device: str = "cpu"
    error: str = ""

    @property
    def case_name(self) -> str:
        return f"{self.volume}/{self.structure}"

    @property
    def key(self) -> tuple[str, str, int]:
        return self.row, self.case_name, self.seed


def to_json(result: CaseResult) -> dict:
    """A plain dictionary; an infinite distance is null, as JSON has no infinity."""
    entry = asdict(result)
    if not math.isfinite(entry["hd95_mm"]):
        entry["hd95_mm"] = None
    return entry


def from_json(entry: dict) -> CaseResult:
    """The inverse of `to_json`."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    if values["hd95_mm"] is None:
        values["hd95_mm"] = float("inf")
    return CaseResult(**values)


def append_results(path: Path, results: Iterable[CaseResult]) -> None:
    """Add lines to the file, on disk before this returns."""
    append_lines(path, map(to_json, results))


def read_results(path: Path) -> dict[tuple[str, str, int], CaseResult]:
    """The latest result of every row, case and seed; a line cut short by a crash is passed over."""
    return {result.key: result for result in map(from_json, read_lines(path))}


def write_mask(folder: Path, result: CaseResult, mask: np.ndarray) -> None:
    """Keep a result's mask for the pictures, packed to its bounding box."""
    path = mask_path(folder, result.row, result.case_name, result.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    extents = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    box = [(int(e[0]), int(e[-1]) + 1) if e.size else (0, 0) for e in extents]
    inner = mask[tuple(slice(*side) for side in box)]
    np.savez_compressed(path, shape=mask.shape, box=box, inner=np.packbits(inner), seed_slice=result.seed_slice)


def read_mask(folder: Path, row: str, case_name: str, seed: int) -> np.ndarray | None:
    """What `write_mask` kept, bool (slices, rows, columns); None if it was not kept."""
    path = mask_path(folder, row, case_name, seed)
    if not path.is_file():
        return None
    with np.load(path) as kept:
        mask = np.zeros(tuple(kept["shape"]), bool)
        sides = tuple(slice(int(a), int(b)) for a, b in kept["box"])
        shape = tuple(s.stop - s.start for s in sides)
        mask[sides] = np.unpackbits(kept["inner"], count=int(np.prod(shape))).reshape(shape).astype(bool)
    return mask


def mask_path(folder: Path, row: str, case_name: str, seed: int) -> Path:
    """Where a row's mask of a case is kept."""
    return folder / row / f"{case_name.replace('/', '__').replace(' ', '_')}__{seed}.npz"
