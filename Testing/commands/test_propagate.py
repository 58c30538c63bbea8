"""`sli2vol propagate`, from files to files."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from commands.files import DIRECTION, ORIGIN, SHAPE, Case, as_image, drawing, phantom, write, write_dicom

from Sli2VolSlicerLib.commands import propagate as command
from Sli2VolSlicerLib.commands.main import main
from Sli2VolSlicerLib.engine.records import Progress


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def read(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def propagate(image: Path, annotation: Path, output: Path, *options: str) -> int:
    return main(["propagate", str(image), str(annotation), str(output), "--method", "copy", "--quiet", *options])


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_the_result_lies_on_the_image_s_grid(case: Case, suffix: str) -> None:
    output = case.folder / f"result{suffix}"
    assert propagate(case.image, case.annotation, output) == 0
    image = sitk.ReadImage(str(output))
    assert image.GetSize() == SHAPE[::-1]
    assert image.GetOrigin() == pytest.approx(ORIGIN)
    assert image.GetDirection() == pytest.approx(DIRECTION)
    assert image.GetPixelID() == sitk.sitkUInt8
    assert names(case.folder) == [output.name]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_was_drawn_comes_back_unchanged_along_every_axis(tmp_path: Path, axis: int) -> None:
    labels = np.ascontiguousarray(np.moveaxis(drawing(), 0, axis))
    image = write(np.ascontiguousarray(np.moveaxis(phantom(), 0, axis)), tmp_path / "image.nrrd")
    output = tmp_path / "result.nrrd"
    assert propagate(image, write(labels, tmp_path / "labels.nrrd"), output) == 0
    result = np.moveaxis(read(output), axis, 0)
    drawn = np.moveaxis(labels, axis, 0)
    assert np.array_equal(result[8] == 1, drawn[8] == 1)
    assert np.array_equal(result[5] == 3, drawn[5] == 3)
    assert (result == 1).any(axis=(1, 2)).sum() > 1


def test_a_label_carried_across_another_s_drawn_slice_does_not_change_the_drawing(case: Case) -> None:
    labels = case.labels.copy()
    labels[8][labels[8] == 1] = 2
    labels[5][labels[5] == 3] = 1
    annotation = write(labels, case.folder / "labels.nrrd")
    assert propagate(case.image, annotation, case.folder / "result.nrrd") == 0
    assert np.array_equal(read(case.folder / "result.nrrd")[8] == 2, labels[8] == 2)


def test_a_dicom_folder_is_an_image(case: Case, tmp_path: Path) -> None:
    folder = write_dicom(phantom(), tmp_path / "series")
    annotation = sitk.GetImageFromArray(drawing())
    annotation.SetSpacing(sitk.ReadImage(str(case.image)).GetSpacing())
    sitk.WriteImage(annotation, str(tmp_path / "labels.nrrd"))
    assert propagate(folder, tmp_path / "labels.nrrd", case.folder / "result.nrrd") == 0


def test_the_direction_up_leaves_the_slices_below_empty(case: Case) -> None:
    assert propagate(case.image, case.annotation, case.folder / "result.nrrd", "--direction", "up") == 0
    result = read(case.folder / "result.nrrd")
    assert not (result[:8] == 1).any()
    assert (result[9] == 1).any()


def test_the_confidence_is_written_between_zero_and_one(case: Case) -> None:
    path = case.folder / "confidence.nii.gz"
    assert propagate(case.image, case.annotation, case.folder / "result.nrrd", "--confidence", str(path)) == 0
    confidence = read(path)
    assert confidence.shape == SHAPE
    assert confidence.dtype == np.float32
    assert 0 <= confidence.min() <= confidence.max() <= 1


def test_the_report_says_what_was_done(case: Case) -> None:
    path = case.folder / "report.json"
    assert propagate(case.image, case.annotation, case.folder / "result.nrrd", "--report", str(path)) == 0
    report = json.loads(path.read_text())
    assert (report["axis"], report["slices"], report["method"]) == (0, SHAPE[0], "copy")
    assert report["slices_propagated"] > 0
    assert report["slices_per_second"] > 0
    assert report["peak_memory_mb"] is None or report["peak_memory_mb"] > 10
    assert {"read", "propagate", "write", "total"} <= set(report["seconds"])
    assert {one["label"] for one in report["passes"]} == {1, 3}
    assert all(one["reason"] for one in report["passes"])
    assert {label: len(values) for label, values in report["confidence_per_slice"].items()} == {"1": 16, "3": 16}
    assert report["weights"] is report["weights_sha256"] is None


def test_a_segmentation_keeps_names_and_colours(case: Case) -> None:
    annotation = as_image(case.labels)
    header = {"Segment0_LabelValue": "1", "Segment0_Name": "Spleen", "Segment0_Color": "0.5 0.25 1"}
    for key, value in header.items():
        annotation.SetMetaData(key, value)
    source = case.folder / "drawn.seg.nrrd"
    sitk.WriteImage(annotation, str(source))
    output = case.folder / "result.seg.nrrd"
    assert propagate(case.image, source, output) == 0
    result = sitk.ReadImage(str(output))
    found = {result.GetMetaData(f"Segment{n}_LabelValue"): result.GetMetaData(f"Segment{n}_Name") for n in (0, 1)}
    assert found == {"1": "Spleen", "3": "Segment 3"}
    assert result.GetMetaData("Segment0_Color") == "0.5 0.25 1"
    assert names(case.folder) == ["drawn.seg.nrrd", "result.seg.nrrd"]


def test_a_summary_is_printed_unless_quiet(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["propagate", str(case.image), str(case.annotation), str(case.folder / "result.nrrd")]
    assert main([*arguments, "--method", "copy"]) == 0
    printed = capsys.readouterr()
    assert "slices along axis 0" in printed.out
    assert "label 3: from slice 5 up to" in printed.out
    assert "slice" in printed.err


def bad_annotation(labels: np.ndarray, kind: str) -> np.ndarray:
    labels = labels.copy()
    if kind == "empty":
        labels[:] = 0
    elif kind == "axes":
        labels[:, 20, 10:40] = 1
    elif kind == "negative":
        labels = -labels.astype(np.int16)
    return labels


@pytest.mark.parametrize(
    ("kind", "message"),
    [("empty", "annotation is empty"), ("axes", "as well as, or instead of, axis"), ("negative", "labels from -3")],
)
def test_a_bad_annotation_is_refused_in_one_line(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, message: str
) -> None:
    annotation = write(bad_annotation(case.labels, kind), tmp_path / "bad.nrrd")
    assert propagate(case.image, annotation, case.folder / "result.nrrd") == 2
    assert_one_line(capsys, message)
    assert names(case.folder) == []


def assert_one_line(capsys: pytest.CaptureFixture[str], message: str) -> None:
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert printed.out == ""


def nan_volume() -> np.ndarray:
    volume = phantom().astype(np.float32)
    volume[3, 4, 5] = np.nan
    return volume


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nan_volume, "1 voxels that are NaN"),
        (lambda: np.full(SHAPE, 7, np.int16), "every voxel is 7"),
        (lambda: phantom()[:1], "has 1 slice along axis 0"),
        (lambda: phantom()[:, :3, :3], "are 3x3 pixels"),
    ],
)
def test_a_bad_volume_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[], np.ndarray], message: str
) -> None:
    volume = make()
    labels = np.zeros(volume.shape, np.uint8)
    labels[0, :3, :3] = 1
    image, annotation = write(volume, tmp_path / "image.nrrd"), write(labels, tmp_path / "labels.nrrd")
    before = names(tmp_path)
    assert propagate(image, annotation, tmp_path / "result.nrrd", "--axis", "0") == 2
    assert_one_line(capsys, message)
    assert names(tmp_path) == before


def test_an_annotation_on_another_grid_is_refused_in_one_line(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotation = write(case.labels[:-1], tmp_path / "short.nrrd")
    assert propagate(case.image, annotation, case.folder / "result.nrrd") == 2
    assert_one_line(capsys, "its size is 48 x 40 x 15 voxels instead of 48 x 40 x 16")


@pytest.mark.parametrize(("shape", "message"), [((2, *SHAPE), "4 dimensions"), ((*SHAPE, 3), "several values")])
def test_a_time_series_and_a_colour_volume_are_refused_in_one_line(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str], shape: tuple[int, ...], message: str
) -> None:
    image = write(np.zeros(shape, np.uint8), tmp_path / "image.nrrd", is_vector=shape[-1] == 3)
    assert propagate(image, case.annotation, case.folder / "result.nrrd") == 2
    assert_one_line(capsys, message)
    assert names(case.folder) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "magic"], "no method 'magic'"),
        (["--weights", "{tmp}/nowhere.safetensors"], "takes no weights"),
        (["--method", "sli2vol", "--weights", "{tmp}/nowhere.safetensors"], "no weights file"),
        (["--method", "sli2vol", "--weights", "{tmp}/corrupt.safetensors"], "not a readable weights file"),
        (["--method", "sli2vol", "--weights", "{tmp}/other.safetensors"], "unknown kind"),
        (["--report", "{tmp}/nowhere/report.json"], "does not exist"),
        (["--confidence", "{tmp}/confidence.txt"], "must end in"),
    ],
)
def test_a_bad_option_is_refused_in_one_line(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    from safetensors.numpy import save_file

    (tmp_path / "corrupt.safetensors").write_bytes(b"not weights" * 20)
    save_file({"x": np.zeros(3, np.float32)}, tmp_path / "other.safetensors")
    arguments = [option.format(tmp=tmp_path) for option in options]
    assert propagate(case.image, case.annotation, case.folder / "result.nrrd", *arguments) == 2
    assert_one_line(capsys, message)
    assert names(case.folder) == []


def test_an_unwritable_output_is_refused_before_any_reading(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    assert propagate(Path("no image"), Path("no labels"), case.folder / "nowhere" / "result.nrrd") == 2
    assert_one_line(capsys, "does not exist")


def test_the_image_is_not_overwritten(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    before = case.image.read_bytes()
    assert propagate(case.image, case.annotation, case.image) == 2
    assert_one_line(capsys, "is an input")
    assert case.image.read_bytes() == before


def test_control_c_half_way_writes_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[int] = []

    @contextmanager
    def interrupting_bar(is_shown: bool) -> Iterator[Callable[[Progress], None]]:
        def show(progress: Progress) -> None:
            seen.append(progress.slice_index)
            if len(seen) == 2:
                signal.raise_signal(signal.SIGINT)

        yield show

    monkeypatch.setattr(command, "slice_bar", interrupting_bar)
    before = signal.getsignal(signal.SIGINT)
    assert propagate(case.image, case.annotation, case.folder / "result.nrrd") == 130
    assert len(seen) == 2
    assert_one_line(capsys, "ancelled")
    assert names(case.folder) == []
    assert signal.getsignal(signal.SIGINT) is before
