"""What the user changed since the last write becomes an anchor; what was filled in is free."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from hypothesis import given
from hypothesis import strategies as st

from Sli2VolSlicerLib.engine.errors import AnnotationError
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.records import SliceLimits
from Sli2VolSlicerLib.scene.capture import Capture, capture
from Sli2VolSlicerLib.scene.geometry import image_to_array
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation, add_volume
from Sli2VolSlicerLib.scene.logic import SceneLogic
from Sli2VolSlicerLib.scene.memory import SegmentMemory, anchor_slices
from Sli2VolSlicerLib.scene.patch import Patch


def anchors_of(captured: Capture) -> list[int]:
    return [a.slice_index for a in captured.anchors]


def test_the_first_time_every_painted_slice_is_an_anchor(world: Any, disc: np.ndarray) -> None:
    disc[7] = disc[4]
    world.add("A", disc)
    assert anchors_of(capture(world.volume, world.segmentation)) == [4, 7]


def test_a_second_propagate_changes_nothing(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    written = world.mask("A")
    again = logic.propagate(world.volume, world.segmentation)
    assert anchors_of(again.capture) == [4]
    assert not again.report.changed
    assert np.array_equal(world.mask("A"), written)


def test_a_corrected_slice_becomes_an_anchor_and_is_kept(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    corrected = world.mask("A")
    corrected[7] = False
    corrected[7, 1:4, 1:6] = True
    world.paint("A", corrected)
    result = logic.propagate(world.volume, world.segmentation)
    assert anchors_of(result.capture) == [4, 7]
    assert np.array_equal(world.mask("A")[7], corrected[7])
    assert np.array_equal(world.mask("A")[4], disc[4])
    assert not np.array_equal(world.mask("A")[8], corrected[8])
    assert anchors_of(capture(world.volume, world.segmentation)) == [4, 7]


def test_a_slice_that_the_user_empties_is_an_empty_anchor(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    corrected = world.mask("A")
    corrected[8] = False
    world.paint("A", corrected)
    result = logic.propagate(world.volume, world.segmentation)
    assert anchors_of(result.capture) == [4, 8]
    assert not result.capture.anchors[1].mask.any()
    assert not world.mask("A")[8].any()


def test_erasing_the_only_drawn_slice_asks_for_another(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    erased = world.mask("A")
    erased[4] = False
    world.paint("A", erased)
    with pytest.raises(AnnotationError, match="draw it on one slice again"):
        logic.propagate(world.volume, world.segmentation)
    assert np.array_equal(world.mask("A"), erased)


def test_going_up_leaves_what_lies_between_an_emptied_slice_and_the_lowest_drawn_one(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    corrected = world.mask("A")
    corrected[1] = False
    world.paint("A", corrected)
    logic.propagate(world.volume, world.segmentation, direction="up")
    assert np.array_equal(world.mask("A")[:4], corrected[:4])


def test_beginning_anew_forgets(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    anew = np.zeros_like(disc)
    anew[:, 6, 3:8] = True
    world.paint("A", anew)
    captured = capture(world.volume, world.segmentation)
    assert captured.axis == 1
    assert anchors_of(captured) == [6]


def test_leaving_only_the_drawn_slice_is_beginning_anew(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    world.paint("A", disc)
    assert anchors_of(capture(world.volume, world.segmentation)) == [4]


def test_a_new_segment_follows_the_axis_of_one_already_propagated(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    other = np.zeros_like(disc)
    other[6, 1:3, 1:3] = True
    world.add("B", other)
    captured = capture(world.volume, world.segmentation)
    assert captured.axis == 0
    assert [(a.label, a.slice_index) for a in captured.anchors] == [(1, 4), (2, 6)]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_the_memory_follows_to_a_volume_that_is_turned_flipped_and_cropped(
    world: Any, axis: int, order: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    mask = np.zeros(world.voxels.shape, dtype=bool)
    np.moveaxis(mask, axis, 0)[4, 2:9, 3:9] = True
    np.moveaxis(mask, axis, 0)[6, 2:9, 4:9] = True
    world.add("A", mask)
    logic = SceneLogic(make_method=lambda name, device: create_method("copy", None, "cpu"))
    logic.propagate(world.volume, world.segmentation, slice_range=(2, 8))
    logic.accept(world.volume, world.segmentation, "A", 7)
    logic.limit_range(world.volume, world.segmentation, "A", first=3)
    world.paint_slice("A", 5, axis=axis)

    # The same volume without its first two slices along every axis, then flipped and turned.
    start, step = np.full(3, 2), np.ones(3, dtype=int)
    voxels = world.voxels[2:, 2:, 2:]
    for flipped in flips:
        start[flipped], step[flipped] = world.voxels.shape[flipped] - 1, -1
        voxels = np.flip(voxels, flipped)
    into_kji = np.eye(4)
    into_kji[:3, :3] = np.diag(step)[:, order]
    into_kji[:3, 3] = start
    swap = np.eye(4)[[2, 1, 0, 3]]
    other = add_volume(world.scene, voxels.transpose(order), world.ijk_to_ras @ swap @ into_kji @ swap, "Other")

    moved = {i: (i - start[axis]) * step[axis] for i in (4, 5, 6, 7)}
    expected = sorted((int(moved[i]), i == 5, i == 7) for i in moved)
    found = logic.anchors(other, world.segmentation)
    assert {a.axis for a in found} == {order.index(axis)}
    assert [(a.slice_index, a.is_empty, a.is_accepted) for a in found] == expected
    limits = logic.limits(other, world.segmentation)["A"]
    end = int((3 - start[axis]) * step[axis])
    assert limits == (SliceLimits(first=end) if step[axis] > 0 else SliceLimits(last=end))
    assert logic.propagate(other, world.segmentation).capture.grid.is_native
    before = world.mask("A")
    assert [a.slice_index for a in logic.anchors(world.volume, world.segmentation)] == [4, 5, 6, 7]
    logic.propagate(world.volume, world.segmentation, slice_range=(2, 8))
    assert np.array_equal(world.mask("A"), before)


def test_the_memory_is_kept_with_a_volume_on_another_lattice(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation, slice_range=(3, 5))
    shifted = world.ijk_to_ras @ np.array([[1, 0, 0, 0.4], [0, 0.7, 0, 0], [0, 0, 0.5, 0.3], [0, 0, 0, 1]])
    other = add_volume(world.scene, np.random.default_rng(0).random((24, 20, 14)), shifted, "Other")
    captured = capture(other, world.segmentation)
    assert not captured.grid.is_native
    assert len(captured.anchors) == 1
    assert np.array_equal(captured.anchors[0].mask.sum(), disc.sum())


def test_the_memory_is_dropped_when_the_segment_is_put_on_another_lattice(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation, slice_range=(3, 5))
    segment = world.segmentation.GetSegmentation().GetSegment("A")
    finer = add_segmentation(world.scene)
    add_segment(finer, "F", np.repeat(world.mask("A"), 2, axis=1), world.ijk_to_ras @ np.diag([1, 0.5, 1, 1]))
    copy = slicer.vtkOrientedImageData()
    copy.DeepCopy(finer.GetSegmentation().GetSegment("F").GetRepresentation("Binary labelmap"))
    segment.AddRepresentation("Binary labelmap", copy)
    assert anchors_of(capture(world.volume, world.segmentation, axis=0)) == [3, 4, 5]


def test_a_released_anchor_may_be_rewritten(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    disc[7, 1:3, 1:3] = True
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    assert logic.release(world.volume, world.segmentation, "A", 7)
    result = logic.propagate(world.volume, world.segmentation)
    assert anchors_of(result.capture) == [4]
    assert not np.array_equal(world.mask("A")[7], disc[7])
    with pytest.raises(AnnotationError, match="Slice 4 is the only drawn slice of segment 'A'"):
        logic.release(world.volume, world.segmentation, "A", 4)


def test_forgetting_makes_every_painted_slice_the_users(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation, slice_range=(3, 5))
    logic.forget_anchors(world.segmentation, "A")
    assert anchors_of(capture(world.volume, world.segmentation)) == [3, 4, 5]


def test_the_memory_survives_saving_and_loading(world: Any, logic: SceneLogic, disc: np.ndarray, tmp_path: Any) -> None:
    from Sli2VolSlicerLib.scene.files import load_segmentation, save_segmentation

    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    path = tmp_path / "a.seg.nrrd"
    save_segmentation(world.segmentation, path)
    loaded = load_segmentation(world.scene, path)
    assert anchors_of(capture(world.volume, loaded)) == [4]


masks = st.lists(st.integers(0, 15), min_size=6, max_size=6)


def from_numbers(numbers: list[int]) -> np.ndarray:
    """One 2x2 slice per number."""
    return np.array([[(n >> b) & 1 for b in range(4)] for n in numbers], dtype=bool).reshape(6, 2, 2)


@given(before=masks, after=masks, earlier=st.sets(st.integers(0, 5)))
def test_anchors_are_the_earlier_ones_and_every_slice_that_differs(
    before: list[int], after: list[int], earlier: set[int]
) -> None:
    written = Patch.of(from_numbers(before)).fingerprints(0)
    memory = SegmentMemory(0, (6, 2, 2), (0.0,) * 16, tuple(sorted(earlier)), written)
    differing = {i for i in range(6) if before[i] != after[i]}
    assert anchor_slices(Patch.of(from_numbers(after)), memory) == tuple(sorted(differing | earlier))


@given(numbers=masks, anchors=st.sets(st.integers(0, 5)), axis=st.integers(0, 2))
def test_the_memory_is_read_as_it_was_written(numbers: list[int], anchors: set[int], axis: int) -> None:
    fingerprints = Patch.of(from_numbers(numbers)).fingerprints(0)
    memory = SegmentMemory(axis, (6, 2, 2), tuple(float(v) for v in range(16)), tuple(sorted(anchors)), fingerprints)
    assert SegmentMemory.from_text(memory.to_text()) == memory


def test_a_damaged_memory_is_no_memory() -> None:
    for text in ("", "2;axis=0", "1;axis=0", "1;axis=9;shape=1,1,1;matrix=0;anchors=;written=", "1;x"):
        assert SegmentMemory.from_text(text) is None


def test_the_tag_has_no_character_that_a_file_format_would_break_on(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    import vtk

    from Sli2VolSlicerLib.scene.memory import TAG

    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    text = vtk.reference("")
    assert world.segmentation.GetSegmentation().GetSegment("A").GetTag(TAG, text)
    assert not set(str(text)) & set(":|\n \\")
    assert image_to_array(world.volume.GetImageData()).shape == world.voxels.shape
