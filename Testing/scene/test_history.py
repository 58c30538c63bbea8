"""Undo and redo: exact where nobody has drawn in between, and never at the cost of what was drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.errors import OutputError
from Sli2VolSlicerLib.scene.logic import SceneLogic
from Sli2VolSlicerLib.scene.memory import read_tag


def tag(world: Any, segment_id: str) -> str:
    return read_tag(world.segmentation.GetSegmentation().GetSegment(segment_id))


def anchors(world: Any, logic: SceneLogic) -> list[int]:
    return [a.slice_index for a in logic.anchors(world.volume, world.segmentation)]


@pytest.fixture
def drawn_after(world: Any, logic: SceneLogic, disc: np.ndarray) -> np.ndarray:
    """A propagated; then the user draws slice 7 anew."""
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    plane = np.zeros_like(disc[7])
    plane[1:4, 1:6] = True
    world.paint_slice("A", 7, plane)
    return plane


def test_undo_keeps_the_slice_drawn_since(
    world: Any, logic: SceneLogic, disc: np.ndarray, drawn_after: np.ndarray
) -> None:
    assert logic.undo(world.segmentation)
    assert world.filled("A") == [4, 7]
    assert np.array_equal(world.mask("A")[7], drawn_after)
    assert np.array_equal(world.mask("A")[4], disc[4])
    assert anchors(world, logic) == [4, 7]


def test_redo_restores_what_was_there_before_undo_also_what_was_drawn(
    world: Any, logic: SceneLogic, drawn_after: np.ndarray
) -> None:
    world.paint_slice("A", 8)
    before, memory = world.mask("A"), tag(world, "A")
    logic.undo(world.segmentation)
    assert logic.redo(world.segmentation)
    assert np.array_equal(world.mask("A"), before)
    assert tag(world, "A") == memory
    assert anchors(world, logic) == [4, 7, 8]


def test_redo_keeps_the_slice_drawn_after_undo(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    logic.undo(world.segmentation)
    plane = np.roll(disc[4], 3, axis=1)
    world.paint_slice("A", 6, plane)
    assert logic.redo(world.segmentation)
    assert np.array_equal(world.mask("A")[6], plane)
    assert anchors(world, logic) == [4, 6]
    assert len(world.filled("A")) == 10


def test_undo_leaves_alone_what_happened_to_other_segments(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    other = np.roll(disc, 2, axis=0)
    world.add("A", disc)
    world.add("Gone", other)
    world.add("B", other)
    logic.propagate(world.volume, world.segmentation, ["A"])
    world.add("New", other)
    world.paint_slice("B", 2, disc[4])
    world.segmentation.GetSegmentation().RemoveSegment("Gone")
    world.segmentation.GetSegmentation().GetSegment("A").SetName("Liver")
    logic.undo(world.segmentation)
    names = world.segmentation.GetSegmentation()
    assert [names.GetNthSegment(n).GetName() for n in range(3)] == ["Liver", "B", "New"]
    assert np.array_equal(world.mask("A"), disc)
    assert world.filled("B") == [2, 6]
    assert np.array_equal(world.mask("New"), other)


def test_undo_of_a_segment_removed_since_says_so_and_goes_on_to_the_step_before(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    world.add("B", np.roll(disc, 2, axis=0))
    logic.propagate(world.volume, world.segmentation, ["A"])
    logic.propagate(world.volume, world.segmentation, ["B"])
    world.segmentation.GetSegmentation().RemoveSegment("B")
    with pytest.raises(OutputError, match="'B' was removed since"):
        logic.undo(world.segmentation)
    assert logic.undo(world.segmentation)
    assert np.array_equal(world.mask("A"), disc)
    assert not logic.undo(world.segmentation)


def test_undo_of_two_segments_takes_back_the_one_that_is_left(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    world.add("B", np.roll(disc, 2, axis=0))
    logic.propagate(world.volume, world.segmentation)
    world.segmentation.GetSegmentation().RemoveSegment("B")
    assert logic.undo(world.segmentation)
    assert np.array_equal(world.mask("A"), disc)


def test_a_segment_on_another_voxel_grid_is_left_as_it_is(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    from Sli2VolSlicerLib.scene.headless import add_segment

    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    world.segmentation.GetSegmentation().RemoveSegment("A")
    finer = np.repeat(disc, 2, axis=1)
    add_segment(world.segmentation, "A", finer, world.ijk_to_ras @ np.diag([1, 0.5, 1, 1]))
    with pytest.raises(OutputError, match="voxel grid of segment 'A' was changed since"):
        logic.undo(world.segmentation)


def test_undo_keeps_an_anchor_that_looks_like_what_was_filled_in(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    filled = world.mask("A")[6]
    world.paint_slice("A", 6, disc[4])
    assert not logic.propagate(world.volume, world.segmentation, slice_range=(6, 6)).report.changed
    world.paint_slice("A", 6, filled)
    logic.undo(world.segmentation)
    assert world.filled("A") == [4, 6]
    assert np.array_equal(world.mask("A")[6], filled)


def test_a_new_step_ends_what_could_be_redone(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    logic.undo(world.segmentation)
    logic.accept(world.volume, world.segmentation, "A", 8)
    assert not logic.redo(world.segmentation)


def test_only_so_many_steps_are_kept(
    world: Any, logic: SceneLogic, disc: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("Sli2VolSlicerLib.scene.history.MOST_STEPS", 3)
    world.add("A", disc)
    for index in (0, 1, 2, 7, 8):
        logic.accept(world.volume, world.segmentation, "A", index)
    undone = 0
    while logic.undo(world.segmentation):
        undone += 1
    assert undone == 3
    assert anchors(world, logic) == [0, 1, 4]


def test_a_propagation_that_changes_nothing_is_no_step(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    assert not logic.propagate(world.volume, world.segmentation).report.changed
    logic.undo(world.segmentation)
    assert np.array_equal(world.mask("A"), disc)


def test_a_failure_while_undoing_leaves_everything_as_it_was(
    world: Any, logic: SceneLogic, disc: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("A", disc)
    world.add("B", np.roll(disc, 2, axis=0))
    logic.propagate(world.volume, world.segmentation)
    before = world.mask("A"), world.mask("B"), tag(world, "A")
    writer = logic.writer(world.segmentation)
    really_remove = writer.remove

    def remove(segment_id: str, image: Any) -> None:
        if segment_id == "B":
            raise MemoryError
        really_remove(segment_id, image)

    monkeypatch.setattr(writer, "remove", remove)
    with pytest.raises(MemoryError):
        logic.undo(world.segmentation)
    monkeypatch.undo()
    assert np.array_equal(world.mask("A"), before[0])
    assert np.array_equal(world.mask("B"), before[1])
    assert tag(world, "A") == before[2]
    assert logic.undo(world.segmentation)
    assert np.array_equal(world.mask("A"), disc)


def test_a_new_segmentation_under_an_old_id_has_no_steps(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    world.scene.RemoveNode(world.segmentation)
    from Sli2VolSlicerLib.scene.headless import add_segmentation

    world.segmentation = add_segmentation(world.scene, world.volume)
    world.add("A", disc)
    assert not logic.undo(world.segmentation)
