"""Reading volumes and label maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from commands.files import DIRECTION, ORIGIN, SHAPE, SPACING, Case, as_image, drawing, phantom, write, write_dicom

from Sli2VolSlicerLib.engine.errors import AnnotationError, VolumeError
from Sli2VolSlicerLib.files.volume_files import read_label_map, read_volume, write_image


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_volume_is_read_in_kji_order_with_its_geometry(tmp_path: Path, suffix: str) -> None:
    volume = read_volume(write(phantom(), tmp_path / f"image{suffix}"))
    assert np.array_equal(volume.array, phantom())
    assert volume.spacing_mm == pytest.approx(SPACING[::-1], rel=1e-6)
    assert volume.grid.size == SHAPE[::-1]
    assert volume.grid.origin == pytest.approx(ORIGIN)
    assert volume.grid.direction == pytest.approx(DIRECTION)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_written_volume_has_the_geometry_it_was_given(tmp_path: Path, suffix: str) -> None:
    first = read_volume(write(phantom(), tmp_path / "image.nrrd"))
    path = tmp_path / f"again{suffix}"
    write_image(path, first.array, first.grid)
    again = read_volume(path)
    assert np.array_equal(again.array, first.array)
    assert first.grid.difference(again.grid) == ""


def test_a_folder_with_one_dicom_series_is_a_volume(tmp_path: Path) -> None:
    volume = read_volume(write_dicom(phantom(), tmp_path / "series"))
    assert np.array_equal(volume.array, phantom())
    assert volume.spacing_mm == pytest.approx(SPACING[::-1])


def test_a_dicom_series_with_a_slice_missing_is_refused(tmp_path: Path) -> None:
    folder = write_dicom(phantom(), tmp_path / "series", skipped=(6,))
    with pytest.raises(VolumeError, match=r"5 mm between slices 5 and 6, 2\.5 mm elsewhere"):
        read_volume(folder)


def test_a_folder_with_two_dicom_series_is_refused(tmp_path: Path) -> None:
    write_dicom(phantom(), tmp_path / "series")
    write_dicom(phantom(), tmp_path / "series", series="1.2.3.5")
    with pytest.raises(VolumeError, match="2 DICOM series"):
        read_volume(tmp_path / "series")


def test_a_folder_without_dicom_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="no DICOM series"):
        read_volume(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match=r"There is no file .*nowhere\.nrrd"):
        read_volume(tmp_path / "nowhere.nrrd")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("kept", [0.6, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = write(phantom(), tmp_path / f"image{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(VolumeError, match=r"truncated|damaged"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".jpg", ""])
@pytest.mark.parametrize("content", [b"", b"not a volume at all" * 50])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"image{suffix}"
    path.write_bytes(content)
    with pytest.raises(VolumeError, match=r"image"):
        read_volume(path)


def test_a_time_series_is_refused(tmp_path: Path) -> None:
    path = write(np.zeros((3, *SHAPE), dtype=np.int16), tmp_path / "four.nii.gz")
    with pytest.raises(VolumeError, match=r"4 dimensions \(48 x 40 x 16 x 3: a time series"):
        read_volume(path)


def test_a_colour_volume_is_refused(tmp_path: Path) -> None:
    path = write(np.zeros((*SHAPE, 3), dtype=np.uint8), tmp_path / "colour.nrrd", is_vector=True)
    with pytest.raises(VolumeError, match=r"several values per voxel \(3"):
        read_volume(path)


def test_a_single_picture_is_refused(tmp_path: Path) -> None:
    path = write(np.zeros((40, 48), dtype=np.uint8), tmp_path / "picture.png")
    with pytest.raises(VolumeError, match="2 dimensions"):
        read_volume(path)


def moved(image: sitk.Image, how: str) -> sitk.Image:
    if how == "origin":
        image.SetOrigin((ORIGIN[0] + 2, *ORIGIN[1:]))
    elif how == "spacing":
        image.SetSpacing((*SPACING[:2], 3.0))
    elif how == "axes":
        image.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, 1))
    else:
        image = image[:-1, :, :]
    return image


@pytest.mark.parametrize("how", ["origin", "spacing", "axes", "size"])
def test_an_annotation_on_another_grid_is_refused_with_the_difference(case: Case, tmp_path: Path, how: str) -> None:
    path = tmp_path / "elsewhere.nrrd"
    sitk.WriteImage(moved(as_image(drawing()), how), str(path))
    with pytest.raises(AnnotationError, match=f"not on the image's grid: its {how}"):
        read_label_map(path, read_volume(case.image).grid)


def test_the_rounding_of_a_nifti_header_is_no_other_grid(case: Case, tmp_path: Path) -> None:
    grid = read_volume(write(phantom(), tmp_path / "image.nrrd")).grid
    assert np.array_equal(read_label_map(case.annotation, grid).array, case.labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (drawing() * 0.5, "not whole numbers"),
        (drawing().astype(np.int16) * -1, "labels from -3 to 0"),
        (drawing().astype(np.int32) * 40_000, "labels from 0 to 120000"),
    ],
)
def test_an_annotation_that_is_no_label_map_is_refused(
    case: Case, tmp_path: Path, labels: np.ndarray, message: str
) -> None:
    path = write(labels, tmp_path / "labels.nrrd")
    with pytest.raises(AnnotationError, match=message):
        read_label_map(path, read_volume(case.image).grid)


def test_whole_numbers_stored_as_floats_are_labels(case: Case, tmp_path: Path) -> None:
    path = write(drawing().astype(np.float64), tmp_path / "labels.nrrd")
    found = read_label_map(path, read_volume(case.image).grid)
    assert found.array.dtype == np.uint8
    assert np.array_equal(found.array, drawing())


def test_a_segmentation_that_covers_a_part_is_put_in_its_place(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "part.seg.nrrd"
    sitk.WriteImage(as_image(drawing())[10:40, 5:36, 4:10], str(path))
    assert np.array_equal(read_label_map(path, read_volume(case.image).grid).array, drawing())


def test_a_segmentation_beyond_the_image_is_refused(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "part.seg.nrrd"
    part = as_image(drawing())[10:40, 5:36, 4:10]
    part.SetOrigin((ORIGIN[0] - 100, *ORIGIN[1:]))
    sitk.WriteImage(part, str(path))
    with pytest.raises(AnnotationError, match="not on the image's grid"):
        read_label_map(path, read_volume(case.image).grid)
