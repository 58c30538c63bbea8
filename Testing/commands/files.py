"""Small files to run commands on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

SHAPE = (16, 40, 48)
SPACING = (0.8, 0.9, 2.5)
ORIGIN = (-12.0, 30.5, 7.25)
DIRECTION = (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Case:
    """A made-up volume with one drawn slice.

    Attributes:
        image: path of the volume.
        annotation: path of the label map.
        labels: what the label map holds, (k, j, i).
        folder: an empty folder for outputs.
    """

    image: Path
    annotation: Path
    labels: np.ndarray
    folder: Path


def phantom() -> np.ndarray:
    """A bright cone in noise, int16 (k, j, i)."""
    return (np.random.default_rng(0).normal(0, 20, SHAPE) + 400.0 * cone()).astype(np.int16)


def drawing() -> np.ndarray:
    """One disk on slice 8 (label 1) and one on slice 5 (label 3), uint8 (k, j, i)."""
    labels = np.zeros(SHAPE, dtype=np.uint8)
    j, i = np.mgrid[: SHAPE[1], : SHAPE[2]]
    labels[8][(j - 20) ** 2 + (i - 24) ** 2 <= 80] = 1
    labels[5][(j - 20) ** 2 + (i - 22) ** 2 <= 16] = 3
    return labels


def cone() -> np.ndarray:
    """Labels of the phantom's cone, uint8 (k, j, i)."""
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return ((j - 20) ** 2 + (i - 24) ** 2 <= (6 + 0.4 * k) ** 2).astype(np.uint8)


def write_labelled_volumes(folder: Path) -> None:
    """A labelled volume of each of two patients, in a new folder."""
    folder.mkdir()
    for number in (1, 2):
        write(phantom() + number, folder / f"coneCT_{number}_img.nii.gz")
        write(cone(), folder / f"coneCT_{number}_label.nii.gz")


def as_image(array: np.ndarray, is_vector: bool = False) -> sitk.Image:
    """An image with the geometry of all cases."""
    image = sitk.GetImageFromArray(array, isVector=is_vector)
    if image.GetDimension() == 3:
        image.SetSpacing(SPACING)
        image.SetOrigin(ORIGIN)
        image.SetDirection(DIRECTION)
    return image


def write(array: np.ndarray, path: Path, is_vector: bool = False) -> Path:
    sitk.WriteImage(as_image(array, is_vector), str(path), useCompression=True)
    return path


def write_dicom(array: np.ndarray, folder: Path, skipped: tuple[int, ...] = (), series: str = "1.2.3.4") -> Path:
    """One file per slice, as an axial series."""
    folder.mkdir(exist_ok=True)
    for k, pixels in enumerate(array):
        if k in skipped:
            continue
        image = sitk.GetImageFromArray(pixels)
        image.SetSpacing(SPACING[:2])
        tags = {
            "0008|0060": "CT",
            "0020|000e": series,
            "0020|000d": "1.2.3",
            "0020|0032": f"0\\0\\{k * SPACING[2]}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0020|0013": str(k + 1),
            "0018|0050": str(SPACING[2]),
        }
        for key, value in tags.items():
            image.SetMetaData(key, value)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetFileName(str(folder / f"{series}-{k:03d}.dcm"))
        writer.Execute(image)
    return folder
