"""A result that is worked out in turns and written at once: what happens in between is kept, and nobody meets half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import slicer

from Sli2VolSlicerLib.engine.errors import StaleResultError
from Sli2VolSlicerLib.scene import draft
from Sli2VolSlicerLib.scene.draft import Draft
from Sli2VolSlicerLib.scene.logic import SceneLogic
from Sli2VolSlicerLib.scene.turns import Pace, Turns, in_one_go


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every turn is over as soon as it can be, and one slice is copied or drawn at a time."""
    monkeypatch.setattr(Pace, "is_over", True)
    monkeypatch.setattr(draft, "_PIECE", 1)


@pytest.fixture
def history(world: Any) -> Any:
    """What the Segment Editor's undo and redo go by."""
    states = slicer.vtkSegmentationHistory()
    states.SetSegmentation(world.segmentation.GetSegmentation())
    states.SetMaximumNumberOfStates(9)
    return states


@pytest.fixture
def begun(
    world: Any, copying: SceneLogic, disc: np.ndarray, slowly: None, history: Any
) -> Iterator[Callable[[int], Any]]:
    """A result to be written of which so many turns have been done."""
    world.add("A", disc)
    made: list[Turns[Any]] = []

    def begin(turns_done: int) -> Turns[Any]:
        job = copying.begin(world.volume, world.segmentation, ["A"])
        turns = copying.finishing(job, job.compute(), history.SaveState)
        made.append(turns)
        for _ in range(turns_done):
            next(turns)
        return turns

    yield begin
    for turns in made:
        turns.close()


@pytest.fixture
def written(begun: Callable[[int], Turns[Any]]) -> Turns[Any]:
    """One in the middle."""
    return begun(15)


def test_turns_give_what_one_go_gives(world: Any, copying: SceneLogic, written: Turns[Any]) -> None:
    result = in_one_go(written)
    assert result.report.changed
    assert world.filled("A") == list(range(len(world.voxels)))
    assert [a.slice_index for a in copying.anchors(world.volume, world.segmentation)] == [4]
    assert copying.undo(world.segmentation)
    assert world.filled("A") == [4]


def test_nothing_is_seen_of_it_before_the_last_turn(
    world: Any, begun: Callable[[int], Turns[Any]], disc: np.ndarray, history: Any
) -> None:
    turns, seen = begun(0), 0
    while True:
        try:
            next(turns)
        except StopIteration:
            break
        seen += 1
        assert np.array_equal(world.mask("A"), disc)
        assert not history.IsRestorePreviousStateAvailable()
    assert seen > 20
    assert world.filled("A") == list(range(len(world.voxels)))


def test_it_is_one_step_of_the_users_undo(world: Any, written: Turns[Any], disc: np.ndarray, history: Any) -> None:
    in_one_go(written)
    assert history.GetNumberOfStates() == 1
    history.RestorePreviousState()
    assert np.array_equal(world.mask("A"), disc)
    history.RestoreNextState()
    assert world.filled("A") == list(range(len(world.voxels)))


@pytest.mark.parametrize("turns_done, piece", [*((n, 1) for n in range(0, 21, 3)), *((n, 99) for n in range(5))])
def test_an_undo_between_two_turns_is_done_and_ends_the_rest(
    world: Any,
    begun: Callable[[int], Turns[Any]],
    disc: np.ndarray,
    history: Any,
    monkeypatch: pytest.MonkeyPatch,
    turns_done: int,
    piece: int,
) -> None:
    monkeypatch.setattr(draft, "_PIECE", piece)
    stroke = disc.copy()
    stroke[6, 1:4, 1:4] = True
    history.SaveState()
    world.paint("A", stroke)
    turns = begun(turns_done)
    history.RestorePreviousState()
    assert np.array_equal(world.mask("A"), disc)
    with pytest.raises(StaleResultError, match="'A' was edited"):
        in_one_go(turns)
    assert np.array_equal(world.mask("A"), disc)
    history.RestoreNextState()
    assert np.array_equal(world.mask("A"), stroke), "redo gives the stroke, and nothing of the result"


def test_a_stroke_between_two_turns_can_be_undone(
    world: Any, written: Turns[Any], disc: np.ndarray, history: Any
) -> None:
    stroke = disc.copy()
    stroke[0, 0, 0] = stroke[9, 11, 13] = True
    stroke[4, 6, 6] = False
    history.SaveState()
    world.paint("A", stroke)
    with pytest.raises(StaleResultError, match="'A' was edited"):
        in_one_go(written)
    assert np.array_equal(world.mask("A"), stroke)
    assert history.GetNumberOfStates() == 1
    history.RestorePreviousState()
    assert np.array_equal(world.mask("A"), disc)


@pytest.mark.parametrize("turns_done", range(0, 24, 3))
def test_another_segment_that_is_drawn_between_two_turns_is_in_nobodys_way(
    world: Any, begun: Callable[[int], Turns[Any]], disc: np.ndarray, turns_done: int
) -> None:
    other = np.zeros_like(disc)
    other[2, 1:3, 1:3] = True
    world.add("B", other)
    assert world.share_layers() == 1
    turns = begun(turns_done)
    drawn = other.copy()
    drawn[6, 1:3, 1:3] = True
    world.paint("B", drawn)
    assert in_one_go(turns).report.changed
    assert world.filled("A") == list(range(len(world.voxels)))
    assert np.array_equal(world.mask("B"), drawn)


def test_a_draft_that_is_always_overtaken_is_made_without_a_pause_at_last(
    world: Any, written: Turns[Any], disc: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False] * 4)
    monkeypatch.setattr(Draft, "is_current", lambda self: next(answers, True))
    assert in_one_go(written).report.changed
    assert world.filled("A") == list(range(len(world.voxels)))


@pytest.mark.parametrize("what", ["segment", "segmentation"])
def test_what_is_deleted_between_two_turns_stays_deleted(world: Any, written: Turns[Any], what: str) -> None:
    if what == "segment":
        world.segmentation.GetSegmentation().RemoveSegment("A")
    else:
        world.scene.RemoveNode(world.segmentation)
    with pytest.raises(StaleResultError):
        in_one_go(written)
    assert what == "segmentation" or world.segmentation.GetSegmentation().GetSegment("A") is None


def test_a_result_that_is_dropped_half_way_is_not_written(world: Any, written: Turns[Any], disc: np.ndarray) -> None:
    written.close()
    assert np.array_equal(world.mask("A"), disc)
