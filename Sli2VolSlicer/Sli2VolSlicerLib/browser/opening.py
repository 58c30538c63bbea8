"""A volume in a file, folder or zip file becomes a node of the scene, or is refused with the reason."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import VolumeError
from ..files.kinds import VOLUME_SUFFIXES, check_self_contained, holds_dicom, is_volume_name
from ..files.volume_files import Grid, VolumeFile, read_volume
from .unpacking import UnpackingLimits, unpack

MOST_ENTRIES = 50_000
_NAMES_SHOWN = 3


@dataclass(frozen=True)
class OpeningLimits:
    """How large a volume may be.

    Attributes:
        most_bytes: of its voxels.
        unpacking: of zip files.
    """

    most_bytes: int = 4 << 30
    unpacking: UnpackingLimits = field(default_factory=UnpackingLimits)


def open_volume(path: Path, scene: Any, limits: OpeningLimits | None = None) -> Any:
    """Read a volume and add it to the scene, on the very grid of its file.

    Args:
        path: a NIfTI, NRRD or MHA file, a folder with one DICOM series or one such file, or a zip file of either.
            Zip files are unpacked into a temporary folder, which is deleted again.
        scene: the vtkMRMLScene to add it to.
        limits: how large it may be.

    Returns:
        A vtkMRMLScalarVolumeNode with a display node, called as the file.

    Raises:
        VolumeError: missing, damaged, truncated, of another kind, 2D, 4D, in colour, too large, or not one volume.
    """
    read = read_for_scene(path, limits)
    return add_to_scene(read, node_name(path), scene)


def read_for_scene(path: Path, limits: OpeningLimits | None = None) -> VolumeFile:
    """The part of `open_volume` that takes long and needs no scene; it may run in a thread.

    Raises:
        VolumeError: as `open_volume`.
    """
    limits = limits or OpeningLimits()
    with _told_by_name(path):
        if path.is_file() and path.name.lower().endswith(".zip"):
            with tempfile.TemporaryDirectory(prefix="sli2vol-zip-") as temporary:
                unpacked = Path(temporary) / path.name
                unpack(path, unpacked, limits.unpacking)
                with _told_by_name(unpacked):
                    return _read(unpacked, limits)
        return _read(path, limits)


def add_to_scene(read: VolumeFile, name: str, scene: Any) -> Any:
    """A vtkMRMLScalarVolumeNode of a volume that was read; call it on the thread of the scene."""
    from ..scene.headless import add_volume

    array = read.array
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    node = add_volume(scene, array, ijk_to_ras(read.grid), name)
    node.CreateDefaultDisplayNodes()
    return node


def node_name(path: Path) -> str:
    """What a volume is called: as its file, without the ending."""
    name = path.name
    for suffix in (*VOLUME_SUFFIXES, ".zip"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] or "Volume"
    return name or "Volume"


def ijk_to_ras(grid: Grid) -> np.ndarray:
    """A grid in LPS millimetres as Slicer's matrix, float64 (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(grid.direction).reshape(3, 3) * np.array(grid.spacing)
    matrix[:3, 3] = grid.origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def _read(path: Path, limits: OpeningLimits) -> VolumeFile:
    if path.is_dir():
        path = _the_volume_in(path)
    elif path.exists():
        if not path.name.lower().endswith(VOLUME_SUFFIXES):
            msg = (
                f"{path} is not a file that can be opened: "
                "choose NIfTI, NRRD or MHA (.nii, .nii.gz, .nrrd, .mha), a DICOM folder, or a zip file."
            )
            raise VolumeError(msg)
        check_self_contained(path)
    try:
        return read_volume(path, most_bytes=limits.most_bytes)
    except MemoryError as error:
        msg = f"{path} does not fit into this computer's memory; crop it first."
        raise VolumeError(msg) from error


def _the_volume_in(folder: Path) -> Path:
    """The one volume file or DICOM folder at or below a folder."""
    found: list[Path] = []
    seen = 0
    for here, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        seen += 1 + len(files)
        if seen > MOST_ENTRIES:
            msg = f"The folder {folder} holds more than {MOST_ENTRIES} files; choose the folder of one series."
            raise VolumeError(msg)
        found += [Path(here) / file for file in sorted(files) if is_volume_name(file) and not file.startswith(".")]
        if holds_dicom(Path(here)):
            found.append(Path(here))
    if not found:
        msg = f"{folder} holds no volume: no NIfTI, NRRD or MHA file, and no DICOM series."
        raise VolumeError(msg)
    if len(found) > 1:
        names = ", ".join(f"'{each.relative_to(folder).as_posix()}'" for each in found[:_NAMES_SHOWN])
        more = ", ..." if len(found) > _NAMES_SHOWN else ""
        msg = f"{folder} holds {len(found)} volumes ({names}{more}); give one."
        raise VolumeError(msg)
    (only,) = found
    if only.is_file():
        check_self_contained(only)
    return only


@contextmanager
def _told_by_name(path: Path) -> Iterator[None]:
    """Errors name the file as the user knows it, not where this computer keeps it."""
    try:
        yield
    except VolumeError as error:
        text = str(error).replace(str(path), path.name)
        raise VolumeError(text) from error
