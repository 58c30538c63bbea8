"""Limits in the scene: a slice rejected with everything beyond it, in one call that can be undone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.errors import AnnotationError
from Sli2VolSlicerLib.engine.records import SliceLimits
from Sli2VolSlicerLib.scene.logic import SceneLogic


def limits_of(world: Any, logic: SceneLogic) -> dict[str, SliceLimits]:
    return dict(logic.limits(world.volume, world.segmentation))


@pytest.fixture
def filled(world: Any, copying: SceneLogic, disc: np.ndarray) -> Any:
    """Segment A drawn on slice 4 and copied to all of 0 to 9."""
    world.add("A", disc)
    copying.propagate(world.volume, world.segmentation)
    assert world.filled("A") == list(range(10))
    return world


def test_what_lies_beyond_is_taken_away_at_once_and_stays_away(filled: Any, copying: SceneLogic) -> None:
    report = copying.limit_range(filled.volume, filled.segmentation, "A", last=6)
    assert filled.filled("A") == list(range(7))
    assert report.limits == SliceLimits(last=6)
    assert report.removed_voxels == 3 * 30
    assert not copying.propagate(filled.volume, filled.segmentation).report.changed
    assert filled.filled("A") == list(range(7))
    assert limits_of(filled, copying) == {"A": SliceLimits(last=6)}


def test_each_side_is_set_on_its_own(filled: Any, copying: SceneLogic) -> None:
    copying.limit_range(filled.volume, filled.segmentation, "A", last=6)
    copying.limit_range(filled.volume, filled.segmentation, "A", first=3)
    assert filled.filled("A") == [3, 4, 5, 6]
    copying.limit_range(filled.volume, filled.segmentation, "A", last=8)
    copying.propagate(filled.volume, filled.segmentation)
    assert filled.filled("A") == [3, 4, 5, 6, 7, 8]


def test_limits_hold_although_nothing_filled_in_is_left(filled: Any, copying: SceneLogic) -> None:
    copying.limit_range(filled.volume, filled.segmentation, "A", 4, 4)
    assert filled.filled("A") == [4]
    copying.propagate(filled.volume, filled.segmentation)
    assert filled.filled("A") == [4]
    assert limits_of(filled, copying) == {"A": SliceLimits(4, 4)}


def test_limits_can_be_set_before_the_first_propagation(world: Any, copying: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    copying.limit_range(world.volume, world.segmentation, "A", first=2, last=7)
    copying.propagate(world.volume, world.segmentation)
    assert world.filled("A") == [2, 3, 4, 5, 6, 7]


def test_limits_are_undone_and_redone_with_the_voxels(filled: Any, copying: SceneLogic) -> None:
    before = filled.mask("A")
    copying.limit_range(filled.volume, filled.segmentation, "A", last=6)
    after = filled.mask("A")
    assert copying.undo(filled.segmentation)
    assert np.array_equal(filled.mask("A"), before)
    assert limits_of(filled, copying) == {}
    assert copying.redo(filled.segmentation)
    assert np.array_equal(filled.mask("A"), after)
    assert limits_of(filled, copying) == {"A": SliceLimits(last=6)}


def test_clearing_limits_lets_the_next_propagation_go_on_and_can_be_undone(filled: Any, copying: SceneLogic) -> None:
    copying.limit_range(filled.volume, filled.segmentation, "A", last=6)
    copying.clear_limits(filled.segmentation, "A")
    assert limits_of(filled, copying) == {}
    copying.propagate(filled.volume, filled.segmentation)
    assert filled.filled("A") == list(range(10))
    copying.undo(filled.segmentation)
    copying.undo(filled.segmentation)
    assert limits_of(filled, copying) == {"A": SliceLimits(last=6)}
    with pytest.raises(AnnotationError, match="no segment 'Z'"):
        copying.clear_limits(filled.segmentation, "Z")


def test_limits_are_of_one_segment_only(world: Any, copying: SceneLogic, disc: np.ndarray) -> None:
    other = np.zeros_like(disc)
    other[5, 0:2, 0:4] = True
    world.add("A", disc)
    world.add("B", other)
    world.share_layers()
    copying.propagate(world.volume, world.segmentation)
    copying.limit_range(world.volume, world.segmentation, "A", last=6)
    copying.propagate(world.volume, world.segmentation)
    assert world.filled("A") == list(range(7))
    assert world.filled("B") == list(range(10))


@pytest.mark.parametrize(("first", "last", "expected"), [(5.0, 7.5, (2, 7)), (4.9, 0, (3, 4)), (100, None, (0, 9))])
def test_limits_in_mm_are_measured_from_the_outermost_drawn_slice(
    filled: Any, copying: SceneLogic, first: float, last: float | None, expected: tuple[int, int]
) -> None:
    # The slices are 2.5 mm apart.
    copying.limit_range(filled.volume, filled.segmentation, "A", first, last, unit="mm")
    assert filled.filled("A") == list(range(expected[0], expected[1] + 1))


def test_mm_reach_from_each_side_of_several_drawn_slices_and_empty_ones_do_not_count(
    world: Any, copying: SceneLogic, disc: np.ndarray
) -> None:
    disc[6] = disc[4]
    world.add("A", disc)
    copying.accept(world.volume, world.segmentation, "A", 9)
    report = copying.limit_range(world.volume, world.segmentation, "A", 2.5, 2.5, unit="mm")
    assert report.limits == SliceLimits(3, 7)


def test_drawn_slices_beyond_a_limit_are_named_and_nothing_changes(filled: Any, copying: SceneLogic) -> None:
    filled.paint_slice("A", 8, np.roll(filled.mask("A")[8], 2, axis=0))
    copying.accept(filled.volume, filled.segmentation, "A", 7)
    before = filled.mask("A")
    with pytest.raises(AnnotationError, match=r"'A' is drawn on slices 7, 8, beyond the limits \(slices up to 5\)"):
        copying.limit_range(filled.volume, filled.segmentation, "A", last=5)
    assert np.array_equal(filled.mask("A"), before)
    assert limits_of(filled, copying) == {}


def test_an_empty_anchor_may_lie_beyond_a_limit(filled: Any, copying: SceneLogic) -> None:
    filled.paint_slice("A", 8)
    copying.limit_range(filled.volume, filled.segmentation, "A", last=5)
    copying.propagate(filled.volume, filled.segmentation)
    assert filled.filled("A") == list(range(6))
    copying.clear_limits(filled.segmentation, "A")
    copying.propagate(filled.volume, filled.segmentation)
    assert filled.filled("A") == list(range(8))


def test_drawing_beyond_a_limit_is_refused_with_the_ways_out(filled: Any, copying: SceneLogic) -> None:
    copying.limit_range(filled.volume, filled.segmentation, "A", last=6)
    filled.paint_slice("A", 9, filled.mask("A")[4])
    before = filled.mask("A")
    with pytest.raises(AnnotationError, match=r"drawn on slice 9, beyond the limits .* move the limits"):
        copying.propagate(filled.volume, filled.segmentation)
    assert np.array_equal(filled.mask("A"), before)
    with pytest.raises(AnnotationError, match="Slice 8 lies beyond the limits of segment 'A'"):
        copying.accept(filled.volume, filled.segmentation, "A", 8)
    copying.clear_limits(filled.segmentation, "A")
    copying.propagate(filled.volume, filled.segmentation)
    assert np.array_equal(filled.mask("A")[9], before[9])


@pytest.mark.parametrize(
    ("first", "last", "unit", "words"),
    [
        (None, None, "slices", "Give the first slice, the last slice or both"),
        (6, 2, "slices", "6 to 2 leave no slice"),
        (12, None, "slices", "leave no slice of this volume"),
        (2.5, None, "slices", "whole numbers, got 2.5"),
        (-1.0, None, "mm", "0 or more; got -1"),
        (1, None, "inches", "slices or mm, got 'inches'"),
    ],
)
def test_limits_that_make_no_sense_change_nothing(
    filled: Any, copying: SceneLogic, first: float | None, last: float | None, unit: str, words: str
) -> None:
    before = filled.mask("A")
    with pytest.raises(AnnotationError, match=words):
        copying.limit_range(filled.volume, filled.segmentation, "A", first, last, unit=unit)
    assert np.array_equal(filled.mask("A"), before)
    assert limits_of(filled, copying) == {}


def test_beginning_anew_on_the_same_axis_keeps_the_limits(filled: Any, copying: SceneLogic, disc: np.ndarray) -> None:
    copying.limit_range(filled.volume, filled.segmentation, "A", last=6)
    anew = np.zeros_like(disc)
    anew[2] = np.roll(disc[4], 1, axis=0)
    filled.paint("A", anew)
    copying.propagate(filled.volume, filled.segmentation)
    assert filled.filled("A") == list(range(7))


def test_limits_of_another_axis_are_not_dropped_in_silence(filled: Any, copying: SceneLogic, disc: np.ndarray) -> None:
    copying.limit_range(filled.volume, filled.segmentation, "A", last=6)
    anew = np.zeros_like(disc)
    anew[2:6, 6, 3:8] = True
    filled.paint("A", anew)
    with pytest.raises(AnnotationError, match="set along another axis"):
        copying.propagate(filled.volume, filled.segmentation)
    copying.clear_limits(filled.segmentation, "A")
    assert copying.propagate(filled.volume, filled.segmentation).capture.axis == 1


def test_forgetting_the_anchors_keeps_the_limits(filled: Any, copying: SceneLogic) -> None:
    copying.limit_range(filled.volume, filled.segmentation, "A", first=3, last=5)
    copying.forget_anchors(filled.segmentation, "A")
    assert [a.slice_index for a in copying.anchors(filled.volume, filled.segmentation)] == [3, 4, 5]
    assert limits_of(filled, copying) == {"A": SliceLimits(3, 5)}
    copying.undo(filled.segmentation)
    assert [a.slice_index for a in copying.anchors(filled.volume, filled.segmentation)] == [4]
