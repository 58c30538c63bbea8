"""Passes are run once for everything that decides them, each round's by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from training.refinement.toy import ball, volume

from Sli2VolSlicerLib.commands.kept_passes import KeptPasses
from Sli2VolSlicerLib.engine.methods.copy_mask import CopyMask
from Sli2VolSlicerLib.engine.passes import Pass, SliceResult


class RefinedCopy(CopyMask):
    """Copies masks; its refinement sees nothing."""

    beyond = 3

    @property
    def refinement(self) -> RefinedCopy:
        return self

    def refined(self, run: Pass, length: int) -> list[SliceResult]:
        return []


def rounds(folder: Path, earlier: str | None, labelled_volumes: int = 20) -> list[list[str]]:
    """Names of each round's examples."""
    passes = KeptPasses(RefinedCopy(), "c", earlier, 1, folder / "passes")
    seen = volume(ball().astype(np.uint8))
    return [[example.name for example in found] for found in passes.of(seen, labelled_volumes, False)]


def test_without_earlier_weights_there_is_a_first_round_only(tmp_path: Path) -> None:
    (first,) = rounds(tmp_path, None)
    assert first and not any("sent on" in name for name in first)
    assert [file.name for file in (tmp_path / "passes").iterdir()] == ["ball_1.passes"]


def test_a_second_round_takes_the_passes_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = rounds(tmp_path, None)
    monkeypatch.delattr("Sli2VolSlicerLib.training.refinement.examples.example_of")
    again, second = rounds(tmp_path, "r")
    assert again == first
    assert second and all(name.endswith(" sent on") for name in second)


def test_passes_sent_on_by_other_weights_are_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = rounds(tmp_path, "r")
    assert rounds(tmp_path, "r") == made
    assert "made anew" not in capsys.readouterr().err
    rounds(tmp_path, "others")
    said = capsys.readouterr().err
    assert said.count("made anew") == 1 and "ball_1.sent-on.passes: the passes kept here" in said


def test_passes_are_made_anew_where_the_group_is_small_enough_to_want_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds(tmp_path, None, labelled_volumes=50)
    rounds(tmp_path, None, labelled_volumes=20)
    assert "made anew" not in capsys.readouterr().err
    rounds(tmp_path, None, labelled_volumes=5)
    assert "made anew" in capsys.readouterr().err
