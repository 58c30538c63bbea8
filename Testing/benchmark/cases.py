"""Which structures are measured, and on which slice each is painted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

INDEX_NAME = "index.json"
SPLITS = ("eval", "train")
TUNING = "tuning"
"""Asks for the cases of `tuning.py`, which are of both splits."""


TUNING_SPLIT = "train"
"""Anything that is chosen by measurement is chosen on the labelled part of this split."""

TUNING_FAMILIES = ("sarcomaCT", "sarcomaMRT1", "headneckCT")
"""The training split's labelled families: all of them may be tuned on."""

TUNED_FAMILIES = ("chaosT2MR", "laMR")
"""Evaluation families that the default's settings were also tuned on: reported apart, never as unseen."""

SEEN_FAMILIES = ("stsGTV", "hnCT", "sabsCT", "spleenCT")
"""Evaluation families whose kinds of structure are also labelled in the training volumes: reported apart.

Those of chaosT2MR are as well; it is among the families that settings were tuned on, which weighs more.
"""

PICTURE_FAMILIES = ("stsGTV", "hnCT", "hippoMR", "spleenCT")
"""Families whose licence allows pictures of their slices to be published."""

MINIMUM_SLICES = 6
SEED_REACH = 3
"""The painted slice is at most this many slices away from the one of largest area."""

FEASIBILITY_STRUCTURES: tuple[tuple[str, str], ...] = (
    ("sabsCT", "spleen"),
    ("sabsCT", "right kidney"),
    ("sabsCT", "liver"),
    ("sabsCT", "stomach"),
    ("sabsCT", "aorta"),
    ("sabsCT", "inferior vena cava"),
    ("sabsCT", "pancreas"),
    ("chaosT2MR", "liver"),
    ("chaosT2MR", "right kidney"),
    ("chaosT2MR", "left kidney"),
    ("chaosT2MR", "spleen"),
    ("laMR", "left atrium"),
    ("bratsMR", "whole tumour"),
    ("spleenCT", "spleen"),
)
"""The structures of the first feasibility run: the mean over them has a target."""

LEAST_FEASIBLE = 0.70
"""That target, in Dice."""

LEAST_ACCURATE, AIMED_AT = 0.80, 0.90
"""The least mean Dice over the structures that `counts_for_accuracy` names, and the one to aim at."""

_SMALL_ORGANS = ("left adrenal", "right adrenal", "gallbladder")

_UNIONS = {"bratsMR": "whole tumour"}
"""Families that get one more structure: the union of all their labels."""


def counts_for_accuracy(family: str, structure: str) -> bool:
    """Whether a structure is one of those whose mean Dice has the higher target."""
    if family == "sabsCT":
        return structure not in _SMALL_ORGANS
    return family in ("chaosT2MR", "laMR", "spleenCT") or (family, structure) == ("bratsMR", "whole tumour")


class BenchmarkError(Exception):
    """The benchmark cannot run as asked; the message says what to change."""


@dataclass(frozen=True)
class Case:
    """One structure of one volume.

    Attributes:
        volume: the volume's name in the index.
        family: the name up to the first underscore.
        structure: the structure's name.
        labels: the label values that make it up (several for a union).
        image, truth: files on one grid.
        licence: as the index states it.
    """

    volume: str
    family: str
    structure: str
    labels: tuple[int, ...]
    image: Path
    truth: Path
    licence: str

    @property
    def name(self) -> str:
        return f"{self.volume}/{self.structure}"


@dataclass(frozen=True, eq=False)
class Volume:
    """One volume in memory: image and labels, both (slices, rows, columns).

    Attributes:
        spacing_mm: per array axis.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray
    spacing_mm: tuple[float, float, float]

    def truth(self, case: Case) -> np.ndarray:
        """The structure's mask, bool, (slices, rows, columns)."""
        return np.isin(self.labels, case.labels)


def find_index(data: Path) -> tuple[Path, str | None]:
    """The data's root folder and the split that `data` names (None when it is the root itself).

    Raises:
        BenchmarkError: there is no index in the folder or in the one above.
    """
    data = Path(data).resolve()
    if (data / INDEX_NAME).is_file():
        return data, None
    if data.name in SPLITS and (data.parent / INDEX_NAME).is_file():
        return data.parent, data.name
    msg = f"No {INDEX_NAME} in {data} (or above it, for its eval or train folder); give the folder that holds it."
    raise BenchmarkError(msg)


def read_index(data: Path) -> tuple[Path, dict[str, dict]]:
    """The data's root folder, and what its index says of each volume.

    Raises:
        BenchmarkError: there is no index in the folder or in the one above.
    """
    root, _ = find_index(data)
    return root, json.loads((root / INDEX_NAME).read_text())


def list_cases(data: Path, split: str = "eval", families: Sequence[str] | None = None) -> list[Case]:
    """Every labelled structure of the split with at least `MINIMUM_SLICES` slices, in a fixed order.

    Raises:
        BenchmarkError: no index, an unknown split or family, or nothing to measure.
    """
    _, named_split = find_index(data)
    split = named_split or split
    if split not in SPLITS:
        msg = f"Unknown split {split!r}; choose one of {', '.join(SPLITS)}."
        raise BenchmarkError(msg)
    root, index = read_index(data)
    cases: list[Case] = []
    for volume in sorted(index):
        entry = index[volume]
        if entry["split"] == split and "label" in entry and (root / entry["label"]).is_file():
            cases.extend(_cases_of(volume, entry, root))
    known = sorted({case.family for case in cases})
    if families is not None:
        unknown = sorted(set(families) - set(known))
        if unknown:
            msg = f"Unknown families {', '.join(unknown)}; the {split} split has {', '.join(known)}."
            raise BenchmarkError(msg)
        cases = [case for case in cases if case.family in families]
    if not cases:
        msg = f"The {split} split of {root} has no labelled structure with {MINIMUM_SLICES} slices."
        raise BenchmarkError(msg)
    return cases


def _cases_of(volume: str, entry: dict, root: Path) -> Iterable[Case]:
    family = volume.split("_")[0]
    structures = {int(label): s for label, s in entry["structures"].items()}

    def case(name: str, labels: tuple[int, ...]) -> Case:
        return Case(volume, family, name, labels, root / entry["file"], root / entry["label"], entry["licence"])

    for label in sorted(structures):
        if structures[label]["slices"] >= MINIMUM_SLICES:
            yield case(structures[label]["name"], (label,))
    if family in _UNIONS and max(s["slices"] for s in structures.values()) >= MINIMUM_SLICES:
        yield case(_UNIONS[family], tuple(sorted(structures)))


def load_volume(case: Case) -> Volume:
    """Read the image and the labels of the volume that `case` belongs to.

    Raises:
        BenchmarkError: the two are not on one grid.
    """
    import SimpleITK

    image = SimpleITK.ReadImage(str(case.image))
    labels = SimpleITK.ReadImage(str(case.truth))
    if image.GetSize() != labels.GetSize():
        msg = f"{case.volume}: the image is {image.GetSize()} voxels but its labels are {labels.GetSize()}."
        raise BenchmarkError(msg)
    x, y, z = image.GetSpacing()
    return Volume(
        case.volume,
        SimpleITK.GetArrayFromImage(image),
        SimpleITK.GetArrayFromImage(labels),
        (float(z), float(y), float(x)),
    )


def seed_slice(truth: np.ndarray, case_name: str, seed: int = 0) -> int:
    """The slice to paint: random within `SEED_REACH` of the one of largest area, never an empty one.

    The draw depends on the seed and on the case's name alone, not on what else is measured. Seeds 0, 1, 2, ... draw
    different slices, until there is none left and all may be drawn again.

    Args:
        truth: bool, (slices, rows, columns), not empty.
    """
    areas = truth.sum(axis=(1, 2))
    if not areas.any():
        msg = f"{case_name}: the structure is empty; it cannot be painted."
        raise BenchmarkError(msg)
    largest = int(areas.argmax())
    low, high = max(0, largest - SEED_REACH), min(areas.size, largest + SEED_REACH + 1)
    candidates = [index for index in range(low, high) if areas[index] > 0]
    left: list[int] = []
    for each in range(seed + 1):
        left = left or list(candidates)
        digest = hashlib.sha256(f"{each}|{case_name}".encode()).digest()
        draw = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        painted = left.pop(int(draw.integers(len(left))))
    return painted
