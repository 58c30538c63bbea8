"""Anchors in the scene: listed, accepted, released; each a step that can be undone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.errors import AnnotationError
from Sli2VolSlicerLib.scene.logic import SceneLogic


def listed(world: Any, logic: SceneLogic) -> list[tuple[str, int, bool, bool]]:
    """Segment, slice, empty, accepted."""
    found = logic.anchors(world.volume, world.segmentation)
    return [(a.segment_id, a.slice_index, a.is_empty, a.is_accepted) for a in found]


def test_nothing_painted_has_no_anchors(world: Any, logic: SceneLogic) -> None:
    assert logic.anchors(world.volume, world.segmentation) == ()
    world.segmentation.GetSegmentation().AddEmptySegment("A")
    assert logic.anchors(world.volume, world.segmentation) == ()
    assert logic.anchors(world.volume, world.segmentation, ["A"]) == ()
    with pytest.raises(AnnotationError, match="no segment 'Z'"):
        logic.anchors(world.volume, world.segmentation, ["Z"])


def test_every_anchor_is_listed_with_its_segment_axis_and_kind(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    other = np.zeros_like(disc)
    other[6, 1:3, 1:3] = True
    world.add("A", disc)
    world.add("B", other)
    world.segmentation.GetSegmentation().GetSegment("B").SetName("Kidney")
    logic.propagate(world.volume, world.segmentation)
    world.paint_slice("A", 7)
    logic.accept(world.volume, world.segmentation, "A", 2)
    assert listed(world, logic) == [
        ("A", 2, False, True),
        ("A", 4, False, False),
        ("A", 7, True, False),
        ("B", 6, False, False),
    ]
    last = logic.anchors(world.volume, world.segmentation)[-1]
    assert (last.name, last.axis) == ("Kidney", 0)
    assert [a.segment_id for a in logic.anchors(world.volume, world.segmentation, ["B"])] == ["B"]


def test_an_accepted_slice_stays_as_it_is(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    accepted = world.mask("A")[6]
    assert logic.accept(world.volume, world.segmentation, "A", 6)
    assert not logic.accept(world.volume, world.segmentation, "A", 6)
    assert not logic.accept(world.volume, world.segmentation, "A", 4)
    world.paint_slice("A", 4, np.roll(disc[4], 2, axis=1))
    result = logic.propagate(world.volume, world.segmentation)
    assert [a.slice_index for a in result.capture.anchors] == [4, 6]
    assert np.array_equal(world.mask("A")[6], accepted)
    assert listed(world, logic) == [("A", 4, False, False), ("A", 6, False, True)]


def test_drawing_on_an_accepted_slice_makes_it_a_drawn_one(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    logic.accept(world.volume, world.segmentation, "A", 6)
    world.paint_slice("A", 6, disc[4])
    assert ("A", 6, False, False) in listed(world, logic)
    logic.propagate(world.volume, world.segmentation)
    assert ("A", 6, False, False) in listed(world, logic)


def test_an_empty_slice_can_be_accepted_before_anything_was_propagated(
    world: Any, copying: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    assert copying.accept(world.volume, world.segmentation, "A", 7)
    assert listed(world, copying) == [("A", 4, False, False), ("A", 7, True, True)]
    copying.propagate(world.volume, world.segmentation)
    assert world.filled("A") == [0, 1, 2, 3, 4, 5, 6]


def test_empty_anchors_on_both_sides_of_the_drawn_slice_are_kept(
    world: Any, copying: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    for index in (3, 5):
        copying.accept(world.volume, world.segmentation, "A", index)
    for _ in range(2):
        copying.propagate(world.volume, world.segmentation)
        assert world.filled("A") == [4]
    assert [a[1] for a in listed(world, copying)] == [3, 4, 5]


def test_a_slice_outside_the_volume_cannot_be_accepted(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    for index in (-1, 10):
        with pytest.raises(AnnotationError, match=rf"no slice {index}: the volume has slices 0 to 9"):
            logic.accept(world.volume, world.segmentation, "A", index)


def test_accepting_and_releasing_are_undone_and_redone_one_by_one(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    filled = world.mask("A")
    logic.accept(world.volume, world.segmentation, "A", 6)
    logic.accept(world.volume, world.segmentation, "A", 2)
    assert logic.release(world.volume, world.segmentation, "A", 6)
    assert not logic.release(world.volume, world.segmentation, "A", 6)
    seen = [[a[1] for a in listed(world, logic)]]
    while logic.undo(world.segmentation):
        seen.append([a[1] for a in listed(world, logic)])
    assert seen == [[2, 4], [2, 4, 6], [4, 6], [4], [4]]
    assert np.array_equal(world.mask("A"), disc)
    while logic.redo(world.segmentation):
        pass
    assert [a[1] for a in listed(world, logic)] == [2, 4]
    assert np.array_equal(world.mask("A"), filled)


def test_a_drawn_slice_can_be_released_before_anything_was_propagated(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    disc[7, 1:3, 1:3] = True
    world.add("A", disc)
    assert logic.release(world.volume, world.segmentation, "A", 7)
    assert [a[1] for a in listed(world, logic)] == [4]
    logic.propagate(world.volume, world.segmentation)
    assert not np.array_equal(world.mask("A")[7], disc[7])


def test_the_last_drawn_slice_is_not_released_though_empty_anchors_are_left(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    logic.accept(world.volume, world.segmentation, "A", 8)
    with pytest.raises(AnnotationError, match="Slice 4 is the only drawn slice of segment 'A'"):
        logic.release(world.volume, world.segmentation, "A", 4)
    assert [a[1] for a in listed(world, logic)] == [4, 8]


def test_anchors_are_found_along_other_axes(world: Any, logic: SceneLogic) -> None:
    mask = np.zeros(world.voxels.shape, dtype=bool)
    mask[3:8, 2:9, 5] = True
    world.add("A", mask)
    logic.propagate(world.volume, world.segmentation)
    logic.accept(world.volume, world.segmentation, "A", 9)
    found = logic.anchors(world.volume, world.segmentation)
    assert [(a.axis, a.slice_index) for a in found] == [(2, 5), (2, 9)]


def test_segments_painted_along_different_axes_are_listed_together(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    across = np.zeros_like(disc)
    across[3:8, 2:9, 5] = True
    world.add("A", disc)
    world.add("B", across)
    logic.propagate(world.volume, world.segmentation, ["A"])
    logic.propagate(world.volume, world.segmentation, ["B"])
    logic.limit_range(world.volume, world.segmentation, "B", last=8)
    found = logic.anchors(world.volume, world.segmentation)
    assert [(a.segment_id, a.axis, a.slice_index) for a in found] == [("A", 0, 4), ("B", 2, 5)]
    assert set(logic.limits(world.volume, world.segmentation)) == {"B"}


def test_going_along_another_axis_does_not_drop_the_anchors_in_silence(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    before = world.mask("A")
    with pytest.raises(AnnotationError, match=r"'A' was propagated along axis 0.*forget its anchors"):
        logic.propagate(world.volume, world.segmentation, axis=1)
    assert np.array_equal(world.mask("A"), before)
    assert [a[1] for a in listed(world, logic)] == [4]
    logic.propagate(world.volume, world.segmentation, axis=0)


def test_a_memory_of_an_earlier_version_is_still_read(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    from Sli2VolSlicerLib.scene.memory import read_tag, write_tag

    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    segment = world.segmentation.GetSegmentation().GetSegment("A")
    text = read_tag(segment)
    write_tag(segment, text[: text.index(";accepted=")])
    assert [a[1] for a in listed(world, logic)] == [4]
