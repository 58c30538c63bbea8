"""`sli2vol simulate`: the user played from the truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from commands.files import SHAPE, phantom, write

from Sli2VolSlicerLib.commands.main import main


@dataclass(frozen=True)
class Known:
    """A volume and its truth as files."""

    image: Path
    truth: Path
    report: Path


@pytest.fixture
def known(tmp_path: Path) -> Known:
    k, j, i = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    truth = ((j - 20) ** 2 + (i - 24) ** 2 <= (6 + 0.4 * k) ** 2) & (k > 2) & (k < 13)
    image = write(phantom(), tmp_path / "image.nrrd")
    return Known(image, write(truth.astype(np.uint8), tmp_path / "truth.nrrd"), tmp_path / "report.json")


def simulate(known: Known, *words: str) -> int:
    return main(["simulate", str(known.image), str(known.truth), "--method", "copy", *words])


@pytest.mark.parametrize("policy", ["expected-gain", "confidence", "keep-n", "random", "k-means", "ssim"])
def test_dice_is_told_after_every_slice(known: Known, capsys: pytest.CaptureFixture[str], policy: str) -> None:
    assert simulate(known, "--policy", policy, "--slices", "4", "--report", str(known.report)) == 0
    rounds = json.loads(known.report.read_text())["rounds"]
    assert [each["drawn"] for each in rounds] == [1, 2, 3, 4]
    assert len({each["slice"] for each in rounds}) == 4
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[3].startswith(f"4 drawn: slice {rounds[3]['slice']}")
    assert f"Dice {rounds[3]['dice']:.3f}" in lines[3]


def test_the_slice_of_largest_area_comes_first_unless_another_is_named(known: Known) -> None:
    for words, first in (((), 12), (("--first", "5"), 5)):
        assert simulate(known, "--slices", "1", "--report", str(known.report), *words) == 0
        assert json.loads(known.report.read_text())["rounds"][0]["slice"] == first


def test_an_empty_slice_ends_an_overrun(known: Known) -> None:
    """Copying runs on to the ends of the volume."""
    assert simulate(known, "--slices", "6", "--report", str(known.report)) == 0
    rounds = json.loads(known.report.read_text())["rounds"]
    assert any(each["empty"] for each in rounds)
    assert rounds[-1]["dice"] > rounds[0]["dice"] + 0.1


def test_when_everything_is_drawn_it_ends(known: Known, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--policy", "keep-n", "--told", "--slices", "30", "--report", str(known.report)]
    assert simulate(known, *words) == 0
    rounds = json.loads(known.report.read_text())["rounds"]
    assert len(rounds) == 10
    assert "no slice is left to recommend after 10" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--policy", "magic"], "no policy 'magic'"),
        (["--label", "4"], "no label 4; it has 1."),
        (["--first", "0"], "not on slice 0; it is on slices 3 to 12"),
        (["--first", "99"], "no slice 99"),
        (["--slices", "0"], "got 0"),
        (["--told"], "cannot be told"),
        (["--policy", "perceptual"], "needs a method with a network"),
        (["--report", "report.txt"], "must end in .json"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    known: Known, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert simulate(known, *words) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert printed.out == ""


def test_of_several_labels_one_is_named(known: Known, capsys: pytest.CaptureFixture[str]) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:9, 15:25, 15:25], labels[9:12, 15:25, 15:25] = 1, 5
    write(labels, known.truth)
    assert simulate(known) == 2
    assert "several labels (1, 5): choose one with --label" in capsys.readouterr().err
    assert simulate(known, "--label", "5", "--slices", "1") == 0
    write(labels * 0, known.truth)
    assert simulate(known) == 2
    assert "truth is empty" in capsys.readouterr().err
