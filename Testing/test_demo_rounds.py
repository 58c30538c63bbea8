"""The demo plays rounds of correction in a real scene, and shows each."""

from __future__ import annotations

from pathlib import Path

import demo
import demo_timelines
import numpy as np
import pictures
import pytest
from demo_rounds import Advice, Score, Stage, Stop, check_drawn, look, play
from demo_timelines import draw_timelines, shown_span, text_timeline
from demo_volumes import DemoVolume

from Sli2VolSlicerLib.engine.errors import OutputError
from Sli2VolSlicerLib.files.volume_files import Grid, VolumeFile

SHAPE = (16, 20, 24)
DRAWN_ON = 7


def cone() -> DemoVolume:
    """A bright structure that narrows from slice 7 and is not on the outermost slices; slice 7 is drawn."""
    k, j, i = np.indices(SHAPE)
    inside = (j - 9) ** 2 + (i - 11) ** 2 < np.clip(7 - 1.1 * np.abs(k - DRAWN_ON), 0, None) ** 2
    voxels = (200 * inside + np.random.default_rng(0).normal(0, 12, SHAPE)).astype(np.int16)
    grid = Grid(SHAPE[::-1], (1.0, 1.2, 3.0), (5.0, -3.0, 2.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    painted = np.zeros(SHAPE, dtype=bool)
    painted[DRAWN_ON] = inside[DRAWN_ON]
    return DemoVolume("a cone", VolumeFile(Path("cone"), voxels, grid, {}), painted, 0, inside)


def stage(number: int = 1, advice: Advice | None = None) -> Stage:
    """Slices 1 to 4 of 6, drawn on 2, stopped at 4."""
    confidence = np.array([np.nan, 0.25, 1.0, 0.91, 0.5, np.nan], dtype=np.float32)
    score = Score(0.75, 0.5, np.array([np.nan, 0.5, 1.0, 0.8, 0.3, np.nan]))
    return Stage(number, (2,), confidence, (Stop(4, "why"),), advice or Advice(1, "unsure", 0.0), 3, 0.1, score)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> DemoVolume:
    """What the demo finds instead of a real volume."""
    volume = cone()
    monkeypatch.setattr(demo, "find_volume", lambda *arguments: volume)
    return volume


def run_demo(folder: Path, *arguments: str) -> set[str]:
    """Run it; the names of what it leaves."""
    pytest.importorskip("slicer")
    assert demo.main(["--method", "copy", "--device", "cpu", "--output", str(folder), *arguments]) == 0
    return {path.name for path in folder.iterdir()}


def test_each_round_draws_the_recommended_slice_and_no_drawn_slice_ever_changes() -> None:
    pytest.importorskip("slicer")
    from demo_scene import SEGMENT, DemoScene

    volume = cone()
    assert volume.truth is not None
    scene = DemoScene.of(volume, "copy", "cpu")
    first = look(scene, scene.propagate(), (DRAWN_ON,), volume.painted, volume.truth)
    stages = [first]
    for each in play(scene, volume.truth, first, 3):
        assert each.drawn == (*stages[-1].drawn, stages[-1].advice.slice_index)
        mask = scene.mask()
        for index in each.drawn:
            assert np.array_equal(mask[index], volume.truth[index])
        assert each.score is not None
        assert each.score.dice == 2 * (mask & volume.truth).sum() / (mask.sum() + volume.truth.sum())
        anchors = scene.logic.anchors(scene.volume, scene.segmentation, [SEGMENT])
        assert [anchor.slice_index for anchor in anchors] == sorted(each.drawn)
        stages.append(each)
    assert [each.number for each in stages] == [0, 1, 2, 3]
    # The session is reused: a correction computes its neighbourhood only.
    assert stages[2].slices_propagated < first.slices_propagated


def test_a_slice_that_is_right_already_becomes_an_anchor_all_the_same() -> None:
    pytest.importorskip("slicer")
    from demo_scene import SEGMENT, DemoScene

    scene = DemoScene.of(cone(), "copy", "cpu")
    scene.propagate()
    as_it_is = scene.mask()[9]
    assert scene.draw(9, as_it_is) == 0
    assert scene.draw(10, np.zeros_like(as_it_is)) > 0
    anchors = scene.logic.anchors(scene.volume, scene.segmentation, [SEGMENT])
    assert [(anchor.slice_index, anchor.is_accepted, anchor.is_empty) for anchor in anchors] == [
        (DRAWN_ON, False, False),
        (9, True, False),
        (10, False, True),
    ]
    scene.propagate()
    assert np.array_equal(scene.mask()[9], as_it_is)
    assert not scene.mask()[10].any()


def test_one_changed_voxel_of_a_drawn_slice_is_an_error() -> None:
    drawn = np.zeros((4, 3, 3), dtype=bool)
    mask = drawn.copy()
    mask[1, 2, 2] = True
    check_drawn(mask, drawn, (0, 2, 3))
    with pytest.raises(OutputError, match="Slice 1 was drawn, and Propagate changed it: 1 voxels differ"):
        check_drawn(mask, drawn, (0, 1))


def test_rounds_end_when_no_slice_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    first = stage(0, Advice(None, "every slice is drawn", 0.0))
    assert demo.correct(None, np.zeros((6, 3, 3), dtype=bool), first, 3) == []  # type: ignore[arg-type]
    assert capsys.readouterr().out == "No round 1: every slice is drawn\n"


def test_dice_and_the_timeline_are_shown_after_every_propagate(
    small: DemoVolume, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = run_demo(tmp_path, "--rounds", "2")
    assert left == {
        "result.seg.nrrd", "surface.png", "montage.png", "confidence.png", "montage-final.png", "rounds.png"
    }  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert sum(" propagated anew in " in line for line in lines) == 2
    assert sum("Dice " in line and " without the " in line for line in lines) == 3
    assert sum(line.startswith("        0 [") and line.endswith("] 15") for line in lines) == 3
    advised = [line.split(":")[1] for line in lines if line.startswith("        next:")]
    drawn = [line.split(":")[1].split(" drawn")[0] for line in lines if line.startswith("Round ")]
    assert drawn == advised[:2]
    assert any("2 rounds of correction" in line for line in lines)


def test_without_a_truth_no_round_is_played_and_the_demo_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = cone()
    unknown = DemoVolume(known.words, known.image, known.painted, known.axis, None)
    monkeypatch.setattr(demo, "find_volume", lambda *arguments: unknown)
    (tmp_path / "rounds.png").write_bytes(b"of an earlier run")
    assert run_demo(tmp_path) == {"result.seg.nrrd", "surface.png", "montage.png", "confidence.png"}
    printed = capsys.readouterr().out
    assert "No rounds of correction: the structure is not known here" in printed
    assert "Round 1" not in printed
    assert "Dice against" not in printed


@pytest.mark.parametrize("value", ["-1", "1.5", "three", "", "²"])
def test_a_number_of_rounds_that_is_none_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        demo.parse([f"--rounds={value}"])
    assert ended.value.code == 2
    assert f"--rounds: a whole number, 0 or more, is needed, not '{value}'" in capsys.readouterr().err


def test_there_are_three_rounds_by_default() -> None:
    assert demo.parse([]).rounds == 3
    assert demo.parse(["--rounds", "0"]).rounds == 0


def test_a_timeline_shows_every_slice_by_a_character() -> None:
    assert text_timeline(stage()) == "0 [.ND9|.] 5"
    assert text_timeline(stage(advice=Advice(None, "none left", 0.0))) == "0 [.2D9|.] 5"


def test_a_long_timeline_shows_what_matters_of_several_slices() -> None:
    confidence = np.full(400, np.nan, dtype=np.float32)
    confidence[100:296] = 0.95
    confidence[101], confidence[200] = 0.3, 1.0
    long = Stage(0, (200,), confidence, (), Advice(None, "", 0.0), 0, 0.0, None)
    assert shown_span([long]) == (98, 297)
    first, marks, last = text_timeline(long).split(" ")
    assert (first, last) == ("98", "297")
    assert marks == f"[.3{'9' * 49}D{'9' * 47}.]"


def test_the_picture_of_rounds_has_a_row_for_each_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    monkeypatch.setattr(demo_timelines, "MOST_ROWS", 4)
    for count in (2, 4, 300):
        path = draw_timelines([stage(number) for number in range(count)], tmp_path / f"{count}.png", "Rounds")
        header = path.read_bytes()[:24]
        sizes.append(int.from_bytes(header[20:24], "big"))
    assert sizes[1] > 1.5 * sizes[0]
    assert sizes[2] == sizes[1]


@pytest.mark.parametrize("drawn", [(5, 0, 11), tuple(range(20))])
def test_a_montage_shows_the_drawn_slices_unless_they_are_many(drawn: tuple[int, ...]) -> None:
    result = np.zeros((40, 4, 4), dtype=bool)
    result[3:38, 1:3, 1:3] = True
    upright = pictures.Upright(0, False, (False, False), 1.0)
    chosen = pictures._chosen_slices(pictures.Volumes(result, result, None, drawn, upright))
    assert len(chosen) == pictures.LARGEST_PANELS
    assert set(drawn) <= set(chosen) or len(drawn) > pictures.LARGEST_PANELS // 2


def test_a_montage_of_a_structure_of_which_all_is_drawn_has_a_panel_for_each_slice() -> None:
    result = np.zeros((9, 4, 4), dtype=bool)
    result[4, 1:3, 1:3] = True
    upright = pictures.Upright(0, False, (False, False), 1.0)
    volumes = pictures.Volumes(result, result, None, (4, 3, 5, 0, 8), upright)
    assert pictures._chosen_slices(volumes) == [0, 3, 4, 5, 8]
