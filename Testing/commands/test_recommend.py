"""`sli2vol recommend`, from files to lines and a report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands.files import SHAPE, Case, drawing, phantom, write

from Sli2VolSlicerLib.commands.main import main


def recommend(*words: str | Path) -> int:
    return main(["recommend", *map(str, words), "--method", "copy", "--quiet"])


def test_a_slice_is_named_with_a_reason_and_written_to_the_report(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    path = case.folder / "report.json"
    assert recommend(case.image, case.annotation, "--report", path) == 0
    report = json.loads(path.read_text())
    (only,) = report["recommendations"]
    assert set(only) == {"axis", "slice", "score", "reason", "label"}
    assert only["axis"] == 0
    assert only["slice"] not in (5, 8)
    assert report["policy"] == "expected-gain"
    assert set(report["quality"]) == {"1", "3"}
    printed = capsys.readouterr().out
    assert f"axis 0 slice {only['slice']}" in printed
    assert only["reason"] in printed


def test_one_label_may_be_asked_for_and_several_slices(case: Case) -> None:
    path = case.folder / "report.json"
    assert recommend(case.image, case.annotation, "--label", "3", "--count", "3", "--report", path) == 0
    found = json.loads(path.read_text())["recommendations"]
    assert len(found) == 3
    assert {each["label"] for each in found} == {3}


@pytest.mark.parametrize("policy", ["keep-n", "random", "k-means", "histogram", "ssim"])
def test_before_anything_is_drawn_no_annotation_is_needed(case: Case, policy: str) -> None:
    path = case.folder / "report.json"
    words = [case.image, "--policy", policy, "--count", "3", "--range", "4", "11", "--axis", "0", "--report", path]
    assert recommend(*words) == 0
    found = json.loads(path.read_text())["recommendations"]
    assert len({each["slice"] for each in found}) == 3
    assert all(4 <= each["slice"] <= 11 for each in found)


def test_an_empty_annotation_is_as_none(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = write(np.zeros(SHAPE, np.uint8), tmp_path / "empty.nrrd")
    assert recommend(case.image, empty, "--policy", "keep-n") == 0
    assert "slice 8" in capsys.readouterr().out
    assert recommend(case.image, empty) == 2
    assert "nothing is drawn yet" in capsys.readouterr().err


def test_along_another_axis_the_slice_is_counted_there(tmp_path: Path) -> None:
    image = write(np.ascontiguousarray(np.moveaxis(phantom(), 0, 2)), tmp_path / "image.nrrd")
    labels = write(np.ascontiguousarray(np.moveaxis(drawing(), 0, 2)), tmp_path / "labels.nrrd")
    path = tmp_path / "report.json"
    assert recommend(image, labels, "--report", path) == 0
    (only,) = json.loads(path.read_text())["recommendations"]
    assert only["axis"] == 2
    assert 0 <= only["slice"] < SHAPE[0]


def test_an_empty_slice_says_where_the_structure_is_not(case: Case) -> None:
    path = case.folder / "report.json"
    words = [case.image, case.annotation, "--label", "1", "--empty", "4", "12", "--count", "9", "--report", path]
    assert recommend(*words) == 0
    assert all(5 <= each["slice"] <= 11 for each in json.loads(path.read_text())["recommendations"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{image}", "{annotation}", "--policy", "magic"], "no policy 'magic'; choose one of confidence"),
        (["{image}"], "give an ANNOTATION with at least one drawn slice"),
        (["{image}", "--policy", "perceptual"], "needs a method with a network"),
        (["{image}", "{annotation}", "--policy", "keep-n", "--all-axes"], "painted axis only"),
        (["{image}", "{annotation}", "--count", "0"], "got --count 0"),
        (["{image}", "{annotation}", "--label", "2"], "Label 2 is not drawn anywhere; there is 1, 3."),
        (["{image}", "{annotation}", "--range", "30", "40"], "range 30 to 40 holds no slice"),
        (["{image}", "{annotation}", "--empty", "8"], "two anchors on slice 8"),
        (["{image}", "--policy", "keep-n", "--empty", "8"], "nothing is drawn yet; use --range"),
        (["{image}", "{annotation}", "--report", "{image}.txt"], "must end in .json"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    case: Case, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert recommend(*[word.format(image=case.image, annotation=case.annotation) for word in words]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert printed.out == ""
