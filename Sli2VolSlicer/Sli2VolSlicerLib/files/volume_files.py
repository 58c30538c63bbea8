"""Volumes and label maps as files: NIfTI, NRRD, MHA, and folders of one DICOM series."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..engine.errors import AnnotationError, VolumeError
from .nifti_check import check_nifti_is_whole

GRID_TOLERANCE = 1e-3
"""Largest difference between two grids taken as equal: in voxels for origins, relative for spacings."""

LARGEST_LABEL = 65535

_UNIFORM_TOLERANCE = 0.05


@dataclass(frozen=True)
class Grid:
    """Where a volume's voxels lie: (i, j, k) order and LPS millimetres, as SimpleITK has them."""

    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]

    @classmethod
    def of(cls, image: sitk.Image) -> Grid:
        return cls(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())

    @classmethod
    def at_origin(cls, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Grid:
        """That of an array that lies nowhere in particular.

        Args:
            shape: (k, j, i).
            spacing_mm: per numpy axis.
        """
        return cls(shape[::-1], spacing_mm[::-1], (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))

    def difference(self, other: Grid) -> str:
        """In words, how `other` differs from this grid; empty if it does not."""
        if self.size != other.size:
            return f"its size is {_by(other.size)} voxels instead of {_by(self.size)}"
        spacing = np.array(self.spacing)
        if not np.allclose(other.spacing, spacing, rtol=GRID_TOLERANCE, atol=0):
            return f"its spacing is {_by(other.spacing)} mm instead of {_by(self.spacing)} mm"
        if np.abs(np.subtract(other.direction, self.direction)).max() > GRID_TOLERANCE:
            return "its axes point in other directions"
        if (np.abs(np.subtract(other.origin, self.origin)) > GRID_TOLERANCE * max(1.0, spacing.max())).any():
            return f"its origin is {_by(other.origin)} mm instead of {_by(self.origin)} mm"
        return ""


@dataclass(frozen=True, eq=False)
class VolumeFile:
    """A volume read from a file.

    Attributes:
        path: where it came from.
        array: (k, j, i), as stored.
        grid: its geometry.
        metadata: the text fields of the file's header.
    """

    path: Path
    array: np.ndarray
    grid: Grid
    metadata: dict[str, str]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel spacing per axis of `array`."""
        i, j, k = self.grid.spacing
        return k, j, i


def read_volume(path: Path, most_bytes: int | None = None) -> VolumeFile:
    """Read one scalar 3D volume.

    Args:
        path: a NIfTI, NRRD or MHA file, or a folder with one DICOM series.
        most_bytes: that its voxels may take; None for any number.

    Raises:
        VolumeError: missing, damaged, in no known format, 2D, 4D, in colour, several series, or too large.
    """
    if not path.exists():
        msg = f"There is no file {path}."
        raise VolumeError(msg)
    image = _read_series(path, most_bytes) if path.is_dir() else _read_file(path, most_bytes)
    metadata = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    return VolumeFile(path, sitk.GetArrayFromImage(image), Grid.of(image), metadata)


def read_label_map(path: Path, grid: Grid) -> VolumeFile:
    """Read a label map that lies on `grid`; a `.seg.nrrd` may cover only a part of it.

    Returns:
        The label map on the whole of `grid`, uint8 or uint16.

    Raises:
        AnnotationError: another grid, negative labels, labels that are not whole numbers or too large,
            or overlapping segments.
        VolumeError: the file cannot be read.
    """
    is_segmentation = path.name.lower().endswith(".seg.nrrd")
    try:
        read = read_volume(path)
    except VolumeError as error:
        if is_segmentation and "several values" in str(error):
            msg = f"{path} has overlapping segments; export them as a label map, or remove the overlaps."
            raise AnnotationError(msg) from error
        raise
    array = _as_labels(read.array, path)
    if is_segmentation and read.grid.size != grid.size:
        array = _placed_on(grid, read.grid, array, path)
    elif difference := grid.difference(read.grid):
        msg = f"The annotation {path} is not on the image's grid: {difference}. Resample it onto the image first."
        raise AnnotationError(msg)
    return VolumeFile(path, array, grid, read.metadata)


def as_image(array: np.ndarray, grid: Grid) -> sitk.Image:
    """A SimpleITK image of an array (k, j, i) with the geometry of `grid`."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(grid.spacing)
    image.SetOrigin(grid.origin)
    image.SetDirection(grid.direction)
    return image


def write_image(path: Path, array: np.ndarray, grid: Grid) -> None:
    """Write an array (k, j, i) with the geometry of `grid`, compressed.

    Raises:
        RuntimeError: SimpleITK could not write it.
    """
    sitk.WriteImage(as_image(array, grid), str(path), useCompression=True)


def _read_file(path: Path, most_bytes: int | None) -> sitk.Image:
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        check_nifti_is_whole(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        dimensions, components = reader.GetDimension(), reader.GetNumberOfComponents()
        sizes = _by(reader.GetSize())
        if components > 1:
            msg = f"{path} holds several values per voxel ({components}: colour or vectors); give one scalar 3D volume."
            raise VolumeError(msg)
        if dimensions != 3:
            kind = "a time series or several volumes" if dimensions > 3 else "a single picture"
            msg = f"{path} has {dimensions} dimensions ({sizes}: {kind}); give one scalar 3D volume."
            raise VolumeError(msg)
        _check_size(path, reader, 1, most_bytes)
        return reader.Execute()
    except RuntimeError as error:
        msg = f"The file {path} cannot be read: it is damaged, or not NIfTI, NRRD or MHA."
        raise VolumeError(msg) from error


def _read_series(folder: Path, most_bytes: int | None) -> sitk.Image:
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if len(series) != 1:
        found = f"{len(series)} DICOM series" if series else "no DICOM series"
        msg = f"The folder {folder} holds {found}; give a folder with exactly one."
        raise VolumeError(msg)
    reader = sitk.ImageSeriesReader()
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0])
    reader.SetFileNames(names)
    reader.MetaDataDictionaryArrayUpdateOn()
    try:
        first = sitk.ImageFileReader()
        first.SetFileName(names[0])
        first.ReadImageInformation()
        _check_size(folder, first, len(names), most_bytes)
        image = reader.Execute()
    except RuntimeError as error:
        msg = f"The DICOM series in {folder} cannot be read: a file is damaged, or the slices differ in size."
        raise VolumeError(msg) from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() > 1:
        msg = f"The DICOM series in {folder} is not one scalar 3D volume (colour, or several frames)."
        raise VolumeError(msg)
    _check_uniform(reader, image, folder)
    return image


def _check_size(path: Path, header: sitk.ImageFileReader, files: int, most_bytes: int | None) -> None:
    """Refuse before anything is allocated: a small file may promise a huge volume."""
    # The bytes of a voxel, by SimpleITK's names of their kinds: "16-bit signed integer".
    bits = re.match(r"\d+", sitk.GetPixelIDValueAsString(header.GetPixelID()))
    size = math.prod(header.GetSize()) * files * (int(bits.group()) if bits else 64) // 8
    if most_bytes is not None and size > most_bytes:
        msg = (
            f"{path} is too large: {size / 1e6:.0f} MB of voxels, of at most {most_bytes / 1e6:.0f} MB; crop it first."
        )
        raise VolumeError(msg)


def _check_uniform(reader: sitk.ImageSeriesReader, image: sitk.Image, folder: Path) -> None:
    """Refuse a series with missing slices: its geometry would be wrong."""
    key = "0020|0032"
    count = image.GetSize()[2]
    if count < 3 or not all(reader.HasMetaDataKey(k, key) for k in range(count)):
        return
    positions = np.array([[float(v) for v in reader.GetMetaData(k, key).split("\\")] for k in range(count)])
    gaps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    if gaps.max() - gaps.min() > _UNIFORM_TOLERANCE * np.median(gaps):
        where = int(np.abs(gaps - np.median(gaps)).argmax())
        msg = (
            f"The DICOM series in {folder} has slices missing or unevenly spaced: {gaps[where]:.3g} mm between slices "
            f"{where} and {where + 1}, {float(np.median(gaps)):.3g} mm elsewhere."
        )
        raise VolumeError(msg)


def _as_labels(array: np.ndarray, path: Path) -> np.ndarray:
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.round(array)).all()):
        msg = f"The annotation {path} holds values that are not whole numbers; give a label map, not an image."
        raise AnnotationError(msg)
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > LARGEST_LABEL:
        msg = f"The annotation {path} holds labels from {low} to {high}; they must lie between 0 and {LARGEST_LABEL}."
        raise AnnotationError(msg)
    return array.astype(np.uint8 if high <= 255 else np.uint16)


def _placed_on(grid: Grid, part: Grid, labels: np.ndarray, path: Path) -> np.ndarray:
    """A label map that covers a part of `grid`, put where it belongs on the whole."""
    axes = np.array(grid.direction).reshape(3, 3)
    offset = np.linalg.solve(axes, np.subtract(part.origin, grid.origin)) / np.array(grid.spacing)
    start = np.round(offset).astype(int)
    stop = start + np.array(part.size)
    same_axes = Grid(part.size, grid.spacing, part.origin, grid.direction).difference(part)
    if same_axes or np.abs(offset - start).max() > 0.01 or (start < 0).any() or (stop > np.array(grid.size)).any():
        msg = f"The segmentation {path} is not on the image's grid. Resample it onto the image first."
        raise AnnotationError(msg)
    result = np.zeros(grid.size[::-1], dtype=labels.dtype)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    result[k, j, i] = labels
    return result


def _by(values: tuple[float, ...]) -> str:
    return " x ".join(f"{v:.6g}" for v in values)
