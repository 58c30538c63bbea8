"""A result that is written in turns: what happens between two of them is neither lost nor mixed up with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.errors import StaleResultError
from Sli2VolSlicerLib.scene import write_back
from Sli2VolSlicerLib.scene.logic import SceneLogic
from Sli2VolSlicerLib.scene.turns import Pace, Turns, in_one_go


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every turn is over as soon as it can be, and one slice is written at a time."""
    monkeypatch.setattr(Pace, "is_over", True)
    monkeypatch.setattr(write_back, "_PIECE", 1)


@pytest.fixture
def written(world: Any, copying: SceneLogic, disc: np.ndarray, slowly: None) -> Iterator[Turns[Any]]:
    """A result of which half has been written."""
    world.add("A", disc)
    job = copying.begin(world.volume, world.segmentation)
    turns = copying.finishing(job, job.compute())
    while len(world.filled("A")) < 5:
        next(turns)
    yield turns
    turns.close()


def test_turns_give_what_one_go_gives(world: Any, copying: SceneLogic, written: Turns[Any]) -> None:
    assert len(world.filled("A")) < len(world.voxels)
    result = in_one_go(written)
    assert result.report.changed
    assert world.filled("A") == list(range(len(world.voxels)))
    assert [a.slice_index for a in copying.anchors(world.volume, world.segmentation)] == [4]
    assert copying.undo(world.segmentation)
    assert world.filled("A") == [4]


def test_what_is_drawn_between_two_turns_is_kept_and_the_result_is_not(
    world: Any, written: Turns[Any], disc: np.ndarray
) -> None:
    drawn = world.mask("A")
    drawn[0, 0, 0] = drawn[9, 11, 13] = True
    drawn[4, 6, 6] = not disc[4, 6, 6]
    expected = disc | (drawn & ~world.mask("A"))
    expected[4, 6, 6] = drawn[4, 6, 6]
    world.paint("A", drawn)
    with pytest.raises(StaleResultError, match="'A' was edited"):
        in_one_go(written)
    assert np.array_equal(world.mask("A"), expected)


def test_another_segment_that_is_drawn_between_two_turns_is_in_nobodys_way(
    world: Any, written: Turns[Any], disc: np.ndarray
) -> None:
    other = np.zeros_like(disc)
    other[2, 1:3, 1:3] = True
    world.add("B", other)
    world.share_layers()
    assert in_one_go(written).report.changed
    assert world.filled("A") == list(range(len(world.voxels)))
    assert np.array_equal(world.mask("B"), other)


@pytest.mark.parametrize("what", ["segment", "segmentation"])
def test_what_is_deleted_between_two_turns_stays_deleted(world: Any, written: Turns[Any], what: str) -> None:
    if what == "segment":
        world.segmentation.GetSegmentation().RemoveSegment("A")
    else:
        world.scene.RemoveNode(world.segmentation)
    with pytest.raises(StaleResultError):
        in_one_go(written)
    assert what == "segmentation" or world.segmentation.GetSegmentation().GetSegment("A") is None


def test_a_result_that_is_dropped_half_way_is_taken_back(world: Any, written: Turns[Any], disc: np.ndarray) -> None:
    written.close()
    assert np.array_equal(world.mask("A"), disc)
