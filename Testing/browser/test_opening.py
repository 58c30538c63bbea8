"""A file becomes a volume node, or is refused with a sentence."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from commands.files import SHAPE, SPACING, phantom, write, write_dicom
from scene_fixture import scene

from Sli2VolSlicerLib.browser.opening import OpeningLimits, open_volume
from Sli2VolSlicerLib.browser.unpacking import UnpackingLimits
from Sli2VolSlicerLib.engine.errors import VolumeError
from Sli2VolSlicerLib.scene.geometry import image_to_array, matrix_to_array

__all__ = ["scene"]


def voxels_of(node: Any) -> np.ndarray:
    return image_to_array(node.GetImageData())


def zip_of(path: Path, source: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        files = [source] if source.is_file() else sorted(each for each in source.rglob("*") if each.is_file())
        for file in files:
            archive.write(file, file.relative_to(source.parent).as_posix())
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".NII.GZ"])
def test_a_file_is_opened_on_its_own_grid(tmp_path: Path, scene: Any, suffix: str) -> None:
    path = write(phantom(), tmp_path / f"image{suffix.lower()}").rename(tmp_path / f"image{suffix}")
    node = open_volume(path, scene)
    assert np.array_equal(voxels_of(node), phantom())
    assert node.GetName() == "image"
    assert node.GetDisplayNode() is not None
    matrix = _matrix(node)
    image = sitk.ReadImage(str(path))
    for index in [(0, 0, 0), (3, 2, 1)]:
        left, posterior, superior = image.TransformIndexToPhysicalPoint(index)
        assert matrix @ [*index, 1] == pytest.approx([-left, -posterior, superior, 1], abs=1e-4)


def _matrix(node: Any) -> np.ndarray:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix_to_array(matrix)


def test_a_dicom_folder_is_opened(tmp_path: Path, scene: Any) -> None:
    node = open_volume(write_dicom(phantom(), tmp_path / "series"), scene)
    assert np.array_equal(voxels_of(node), phantom())
    assert node.GetSpacing() == pytest.approx(SPACING)


def test_a_dicom_folder_within_folders_is_found(tmp_path: Path, scene: Any) -> None:
    (tmp_path / "disc" / "study").mkdir(parents=True)
    write_dicom(phantom(), tmp_path / "disc" / "study" / "series")
    (tmp_path / "disc" / "readme.txt").write_text("Hello")
    assert open_volume(tmp_path / "disc", scene).GetName() == "disc"


def test_a_zipped_dicom_folder_is_opened_and_nothing_of_it_stays(
    tmp_path: Path, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    archive = zip_of(tmp_path / "scan.zip", write_dicom(phantom(), tmp_path / "series"))
    node = open_volume(archive, scene)
    assert np.array_equal(voxels_of(node), phantom())
    assert node.GetName() == "scan"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_zipped_file_is_opened(tmp_path: Path, scene: Any) -> None:
    archive = zip_of(tmp_path / "scan.zip", write(phantom(), tmp_path / "image.nii.gz"))
    assert np.array_equal(voxels_of(open_volume(archive, scene)), phantom())


def refusal_of(path: Path, scene: Any, limits: OpeningLimits | None = None) -> str:
    """The sentence with which a file is refused; it names the file and no folder of this computer."""
    before = scene.GetNumberOfNodes()
    with pytest.raises(VolumeError) as caught:
        open_volume(path, scene, limits)
    assert scene.GetNumberOfNodes() == before
    assert str(path.parent) not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("text.nii.gz", "The file text.nii.gz is damaged or truncated"),
        ("text.nii", "The file text.nii is not a NIfTI file, though its name says so"),
        ("text.nrrd", "The file text.nrrd cannot be read"),
        ("text.mha", "The file text.mha cannot be read"),
        ("text.zip", "text.zip is damaged, or not a zip file"),
    ],
)
def test_a_text_file_with_a_volumes_name_is_refused(tmp_path: Path, scene: Any, name: str, sentence: str) -> None:
    path = tmp_path / name
    path.write_text("Dear colleague,\n\nplease find the scan attached.\n" * 20)
    assert refusal_of(path, scene).startswith(sentence)


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
def test_a_truncated_nifti_is_refused(tmp_path: Path, scene: Any, suffix: str, kept: float) -> None:
    path = write(phantom(), tmp_path / f"image{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    assert f"image{suffix} is" in refusal_of(path, scene)


def test_a_time_series_is_refused(tmp_path: Path, scene: Any) -> None:
    path = write(np.zeros((3, *SHAPE), dtype=np.int16), tmp_path / "four.nii.gz")
    assert "four.nii.gz has 4 dimensions" in refusal_of(path, scene)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_colour_volume_is_refused(tmp_path: Path, scene: Any, suffix: str) -> None:
    path = write(np.zeros((*SHAPE, 3), dtype=np.uint8), tmp_path / f"rgb{suffix}", is_vector=True)
    assert "several values per voxel (3" in refusal_of(path, scene)


@pytest.mark.parametrize("name", ["photo.png", "report.pdf", "image", "image.nhdr", "image.mhd", "image.hdr"])
def test_another_kind_of_file_is_refused_with_the_kinds_that_are_taken(tmp_path: Path, scene: Any, name: str) -> None:
    (tmp_path / name).write_bytes(b"something")
    assert "choose NIfTI, NRRD or MHA" in refusal_of(tmp_path / name, scene)


def test_a_missing_file_is_told(tmp_path: Path, scene: Any) -> None:
    assert refusal_of(tmp_path / "none.nrrd", scene) == "There is no file none.nrrd."


def test_a_header_that_names_another_file_is_refused(tmp_path: Path, scene: Any) -> None:
    secret = tmp_path / "secret.raw"
    secret.write_bytes(bytes(8))
    nrrd = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n"
    for number, field in enumerate(["data file: ../secret.raw", f"datafile: {secret}", "Data File: LIST\nsecret.raw"]):
        path = tmp_path / "given" / f"{number}.nrrd"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{nrrd}{field}\n\n")
        assert "keeps its voxels in another file" in refusal_of(path, scene)
    header = "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementSpacing = 1 1 1\n"
    path = tmp_path / "given" / "a.mha"
    path.write_text(f"{header}ElementDataFile = ../secret.raw\n")
    assert "keeps its voxels in another file ('../secret.raw')" in refusal_of(path, scene)


def test_a_header_that_promises_too_much_is_refused_before_it_is_read(tmp_path: Path, scene: Any) -> None:
    path = tmp_path / "huge.nrrd"
    path.write_text("NRRD0004\ntype: short\ndimension: 3\nsizes: 60000 60000 6000\nendian: little\nencoding: raw\n\n")
    assert "is too large" in refusal_of(path, scene)


def test_a_volume_over_the_limit_is_refused(tmp_path: Path, scene: Any) -> None:
    limits = OpeningLimits(most_bytes=phantom().nbytes - 1)
    assert "is too large" in refusal_of(write(phantom(), tmp_path / "image.nrrd"), scene, limits)
    assert "is too large" in refusal_of(write_dicom(phantom(), tmp_path / "series"), scene, limits)


def test_a_zip_file_over_the_limit_is_refused(tmp_path: Path, scene: Any) -> None:
    archive = zip_of(tmp_path / "scan.zip", write(phantom(), tmp_path / "image.nrrd"))
    limits = OpeningLimits(unpacking=UnpackingLimits(most_bytes=1000))
    assert "scan.zip holds more than" in refusal_of(archive, scene, limits)


def test_several_volumes_are_refused_by_name(tmp_path: Path, scene: Any) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    write(phantom(), folder / "a.nrrd")
    shutil.copy(folder / "a.nrrd", folder / "b.nrrd")
    assert refusal_of(folder, scene) == "both holds 2 volumes ('a.nrrd', 'b.nrrd'); give one."
    assert "scan.zip holds 2 volumes ('both/a.nrrd'" in refusal_of(zip_of(tmp_path / "scan.zip", folder), scene)


def test_an_empty_folder_is_refused(tmp_path: Path, scene: Any) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty holds no volume" in refusal_of(tmp_path / "empty", scene)
