"""Volumes with labels to learn from: where the labels lie, whose volumes they are, and who is held out."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import VolumeError
from ..files.volume_files import Grid, read_label_map, write_image
from .outputs import IMAGE_SUFFIXES, Outputs
from .train import read_training_volume

if TYPE_CHECKING:
    from ..training.refinement import LabelledVolume

_MODALITY = re.compile(r"(?:CT|PET|(?:T[12])?MR[A-Z0-9]*)$")
_COPY = "_deformed"
"""What, with a number, `sli2vol deform` adds to a volume's name."""


def read_labelled_volume(path: Path, labels: Path | None = None) -> LabelledVolume:
    """A volume with its labels, if there are any.

    Args:
        path: of the volume.
        labels: a folder to look in where no labels lie beside it.

    Raises:
        VolumeError: either cannot be read, the engine refuses what they hold, or there is no such folder.
    """
    from ..training.refinement import LabelledVolume

    if labels is not None and not labels.is_dir():
        msg = f"There is no folder {labels} to look for labels in; give the one that holds them, or leave --labels out."
        raise VolumeError(msg)
    volume = read_training_volume(path)
    label_file = label_file_of(path, labels)
    group, patient = patient_of(path)
    array = None if label_file is None else read_label_map(label_file, volume.grid).array
    return LabelledVolume(path.name, patient, group, volume.array, volume.spacing_mm, array)


def write_labelled_volume(
    outputs: Outputs, volume: LabelledVolume, folder: Path, name: str, inputs: tuple[Path, ...] = ()
) -> None:
    """Write a volume, and its labels if it has any, where `read_labelled_volume` finds both.

    Args:
        outputs: still to be committed.
        volume: where it lies in space is not kept.
        folder: is there.
        name: what its files' names begin with.
        inputs: files that may not be written over.

    Raises:
        OutputError: they cannot be written.
    """
    for kind, array in (("img", volume.voxels), ("label", volume.labels)):
        if array is None:
            continue
        file = folder / f"{name}_{kind}.nii.gz"
        outputs.claim(file, (".nii.gz",), inputs)
        grid = Grid.at_origin(volume.voxels.shape, volume.spacing_mm)
        outputs.write(file, partial(write_image, array=array, grid=grid))


def label_file_of(path: Path, labels: Path | None = None) -> Path | None:
    """The label map beside a volume or, if there is none, in the folder `labels`; None if it is not there either."""
    stem = name_of(path)
    folders = [path.parent] if labels is None else [path.parent, labels]
    candidates = (folder / f"{stem}_label{suffix}" for folder in folders for suffix in IMAGE_SUFFIXES)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def patient_of(path: Path) -> tuple[str, str]:
    """Group and patient, by a volume's file name.

    The patient is the name up to its last number between underscores, or all of it where there is none; the group is
    what precedes that number. A modality at the end of a part (CT, PET, MR, MRT1, T2MR, ...) is left out of both.
    Deformed copies are their volume's patient's, whether or not its name has a number.
    """
    parts = re.sub(rf"{_COPY}\d+$", "", name_of(path)).split("_")
    numbers = [place for place, part in enumerate(parts) if part.isdecimal()]
    kept = [_MODALITY.sub("", part) or part for part in (parts[: numbers[-1] + 1] if numbers else parts)]
    group = kept[: numbers[-1]] if numbers else kept[:1]
    return "_".join(group) or "volumes", "_".join(kept)


def groups_of(paths: Sequence[Path]) -> dict[str, str]:
    """The group of each patient, by the volumes' file names."""
    return {patient: group for group, patient in map(patient_of, paths)}


def held_out_of(group_of: Mapping[str, str], arguments: argparse.Namespace) -> frozenset[str]:
    """The patients that --hold-out names or, where it does not, a share of each group's.

    Args:
        group_of: patient -> group.
        arguments: with `hold_out`, `held_out` and `seed`.

    Raises:
        VolumeError: one was named that is not there, or there is no such share.
    """
    from ..training.refinement import held_out_patients

    if not arguments.hold_out:
        return held_out_patients(group_of, arguments.held_out, arguments.seed)
    unknown = sorted(set(arguments.hold_out) - set(group_of))
    if unknown:
        there = ", ".join(sorted(group_of))
        msg = f"There is no patient {', '.join(unknown)} to hold out; the volumes' patients are {there}."
        raise VolumeError(msg)
    return frozenset(arguments.hold_out)


def name_of(path: Path) -> str:
    """A volume's file name without what tells its format, and that it is the image of a pair."""
    name = path.name
    suffixes = [suffix for suffix in IMAGE_SUFFIXES if name.lower().endswith(suffix) and not path.is_dir()]
    return (name[: -max(map(len, suffixes))] if suffixes else name).removesuffix("_img")


def name_of_copy(name: str, number: int) -> str:
    """What a volume's deformed copy is called."""
    return f"{name}{_COPY}{number}"
