"""Writing: one undo step, nothing but the segment, the user's slices as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from slicerhost.fake_session import FakeSession

from Sli2VolSlicerLib.engine.errors import OutputError, PropagationCancelled, StaleResultError
from Sli2VolSlicerLib.scene.capture import capture
from Sli2VolSlicerLib.scene.editor import SegmentWriter
from Sli2VolSlicerLib.scene.logic import SceneLogic
from Sli2VolSlicerLib.scene.write_back import write_back


def plain_result(world: Any, mask: np.ndarray, axis: int = 0) -> np.ndarray:
    """The fake engine on plain arrays."""
    from Sli2VolSlicerLib.engine.annotation import anchors_from_masks
    from Sli2VolSlicerLib.engine.slice_stack import SliceStack

    stack = SliceStack(world.voxels, (1, 1, 1), axis)
    return stack.volume_order(FakeSession(stack).propagate(anchors_from_masks({1: mask}, axis)).masks[1])


def test_the_segment_holds_the_engines_masks_afterwards(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    result = logic.propagate(world.volume, world.segmentation)
    assert np.array_equal(world.mask("A"), plain_result(world, disc))
    assert result.report.added_voxels["A"] == world.mask("A").sum() - disc.sum()
    assert result.report.removed_voxels["A"] == 0


def test_the_painted_slice_is_bit_identical(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation)
    assert np.array_equal(world.mask("A")[4], disc[4])


def test_one_undo_step_restores_everything_and_redo_brings_it_back(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    other = np.zeros_like(disc)
    other[4, 9:11, 4:10] = True
    world.add("A", disc)
    world.add("B", other)
    assert world.share_layers() == 1
    before = [world.segmentation.GetSegmentation().GetSegment(s).GetLabelValue() for s in "AB"]
    logic.propagate(world.volume, world.segmentation, ["A", "B"])
    written = world.mask("A"), world.mask("B")
    assert logic.undo(world.segmentation)
    assert np.array_equal(world.mask("A"), disc)
    assert np.array_equal(world.mask("B"), other)
    assert [world.segmentation.GetSegmentation().GetSegment(s).GetLabelValue() for s in "AB"] == before
    assert world.segmentation.GetSegmentation().GetNumberOfLayers() == 1
    assert not logic.undo(world.segmentation)
    assert logic.redo(world.segmentation)
    assert np.array_equal(world.mask("A"), written[0])
    assert np.array_equal(world.mask("B"), written[1])


def test_undo_takes_the_memory_back_too(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    first = logic.propagate(world.volume, world.segmentation)
    logic.undo(world.segmentation)
    again = logic.propagate(world.volume, world.segmentation)
    assert [a.slice_index for a in again.capture.anchors] == [a.slice_index for a in first.capture.anchors] == [4]


@pytest.mark.parametrize("shared", [True, False])
def test_other_segments_stay_bit_identical(world: Any, logic: SceneLogic, disc: np.ndarray, shared: bool) -> None:
    neighbour = np.zeros_like(disc)
    neighbour[5:8, 2:9, 2:12] = True  # the result of A will reach into it
    world.add("A", disc)
    world.add("N", neighbour)
    if shared:
        assert world.share_layers() == 1
    logic.propagate(world.volume, world.segmentation, ["A"])
    assert np.array_equal(world.mask("N"), neighbour)
    assert np.array_equal(world.mask("A"), plain_result(world, disc))


def test_a_segment_that_overlaps_the_painted_one_stays_bit_identical(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    neighbour = disc.copy()
    neighbour[4:7, 5:12, 5:12] = True
    world.add("A", disc)
    world.add("N", neighbour)
    logic.propagate(world.volume, world.segmentation, ["A"])
    assert np.array_equal(world.mask("N"), neighbour)
    assert np.array_equal(world.mask("A"), plain_result(world, disc))


def test_shrinking_in_a_shared_layer_leaves_the_others(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    neighbour = np.zeros_like(disc)
    neighbour[2:7, 9:12, 2:12] = True
    world.add("A", disc)
    world.add("N", neighbour)
    world.share_layers()
    logic.propagate(world.volume, world.segmentation, ["A"])
    world.voxels[...] = 999  # now bright everywhere but in a corner: other masks than before
    world.voxels[:, :5] = 0
    slicer_voxels(world)[...] = world.voxels
    world.volume.GetImageData().GetPointData().GetScalars().Modified()
    result = logic.propagate(world.volume, world.segmentation, ["A"])
    assert result.report.removed_voxels["A"] > 0
    assert np.array_equal(world.mask("A"), plain_result(world, disc))
    assert np.array_equal(world.mask("N"), neighbour)


def slicer_voxels(world: Any) -> np.ndarray:
    from Sli2VolSlicerLib.scene.geometry import image_to_array

    return image_to_array(world.volume.GetImageData())


def test_where_overlap_is_forbidden_the_neighbour_keeps_its_voxels(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    neighbour = np.zeros_like(disc)
    neighbour[5:8, 2:9, 2:12] = True
    world.add("A", disc)
    world.add("N", neighbour)
    editor = world.editor_node()
    editor.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteAllSegments)
    logic.propagate(world.volume, world.segmentation, ["A"], segment_editor_node=editor)
    assert np.array_equal(world.mask("N"), neighbour)
    assert np.array_equal(world.mask("A"), plain_result(world, disc) & ~neighbour)


def test_a_hidden_neighbour_does_not_count_where_only_visible_ones_are_kept(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    neighbour = np.zeros_like(disc)
    neighbour[5:8, 2:9, 2:12] = True
    world.add("A", disc)
    world.add("N", neighbour)
    world.segmentation.GetDisplayNode().SetSegmentVisibility("N", False)
    editor = world.editor_node()
    editor.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteVisibleSegments)
    logic.propagate(world.volume, world.segmentation, ["A"], segment_editor_node=editor)
    assert np.array_equal(world.mask("N"), neighbour)
    assert np.array_equal(world.mask("A"), plain_result(world, disc))


def test_two_propagated_segments_do_not_overlap_where_that_is_forbidden(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    other = np.zeros_like(disc)
    other[7, 5:11, 6:12] = True
    world.add("A", disc)
    world.add("B", other)
    editor = world.editor_node()
    logic.propagate(world.volume, world.segmentation, segment_editor_node=editor)
    assert not (world.mask("A") & world.mask("B")).any()
    assert np.array_equal(world.mask("A")[4], disc[4])
    assert np.array_equal(world.mask("B")[7], other[7])


def test_masking_to_the_inside_of_a_segment_is_respected(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    area = np.zeros_like(disc)
    area[3:6, :, 6:] = True
    world.add("A", disc)
    world.add("Area", area)
    editor = world.editor_node()
    editor.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
    editor.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment)
    editor.SetMaskSegmentID("Area")
    logic.propagate(world.volume, world.segmentation, ["A"], segment_editor_node=editor)
    assert np.array_equal(world.mask("A"), (plain_result(world, disc) & area) | disc)
    assert np.array_equal(world.mask("Area"), area)


def test_masking_to_the_outside_of_all_segments_is_respected(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    taken = np.zeros_like(disc)
    taken[5:8, :, 6:] = True
    world.add("A", disc)
    world.add("Taken", taken)
    editor = world.editor_node()
    editor.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
    editor.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments)
    logic.propagate(world.volume, world.segmentation, ["A"], segment_editor_node=editor)
    assert np.array_equal(world.mask("A"), plain_result(world, disc) & ~taken)


def test_the_editable_intensity_range_is_respected(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    editor = world.editor_node()
    editor.SetSourceVolumeIntensityMask(True)
    editor.SetSourceVolumeIntensityMaskRange(600, 800)
    logic.propagate(world.volume, world.segmentation, ["A"], segment_editor_node=editor)
    allowed = (world.voxels >= 600) & (world.voxels <= 800)
    assert np.array_equal(world.mask("A"), (plain_result(world, disc) & allowed) | disc)


def test_the_intensity_range_of_another_source_volume_is_respected(
    world: Any, logic: SceneLogic, disc: np.ndarray
) -> None:
    from Sli2VolSlicerLib.scene.headless import add_volume

    other = np.zeros((6, 12, 14), dtype=np.int16)
    other[:, :, 7:] = 100
    matrix = world.ijk_to_ras.copy()
    matrix[:3, 3] = world.ijk_to_ras[:3, :3] @ [0, 0, 3]  # its slice 0 is slice 3 of the volume
    world.add("A", disc)
    editor = world.editor_node()
    editor.SetAndObserveSourceVolumeNode(add_volume(world.scene, other, matrix, "Other"))
    editor.SetSourceVolumeIntensityMask(True)
    editor.SetSourceVolumeIntensityMaskRange(50, 150)
    logic.propagate(world.volume, world.segmentation, ["A"], segment_editor_node=editor)
    allowed = np.zeros_like(disc)
    allowed[3:9, :, 7:] = True
    assert np.array_equal(world.mask("A"), (plain_result(world, disc) & allowed) | disc)


def test_the_users_editor_settings_are_left_as_they_are(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    editor = world.editor_node()
    time = editor.GetMTime()
    logic.propagate(world.volume, world.segmentation, ["A"], segment_editor_node=editor)
    assert editor.GetMTime() == time


def test_cancelling_changes_nothing(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    answers = iter([False, False, True])
    with pytest.raises(PropagationCancelled):
        logic.propagate(world.volume, world.segmentation, is_cancelled=lambda: next(answers))
    assert np.array_equal(world.mask("A"), disc)
    assert not logic.undo(world.segmentation)


def test_an_edit_made_meanwhile_is_not_overwritten(world: Any, disc: np.ndarray) -> None:
    world.add("A", disc)
    captured = capture(world.volume, world.segmentation)
    propagation = FakeSession(captured.stack).propagate(captured.anchors)
    image = world.segmentation.GetSegmentation().GetSegment("A").GetRepresentation("Binary labelmap")
    image.SetScalarComponentFromDouble(0, 0, 0, 0, 1)
    edited = world.mask("A")
    with pytest.raises(StaleResultError, match="'A' was edited"):
        write_back(captured, propagation)
    assert np.array_equal(world.mask("A"), edited)


def test_a_failure_half_way_is_taken_back(
    world: Any, logic: SceneLogic, disc: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = np.zeros_like(disc)
    other[4, 9:11, 4:10] = True
    world.add("A", disc)
    world.add("B", other)
    really_add = SegmentWriter.add

    def add(writer: SegmentWriter, segment_id: str, image: Any) -> None:
        if segment_id == "B":
            raise MemoryError
        really_add(writer, segment_id, image)

    monkeypatch.setattr(SegmentWriter, "add", add)
    with pytest.raises(MemoryError):
        logic.propagate(world.volume, world.segmentation)
    assert np.array_equal(world.mask("A"), disc)
    assert np.array_equal(world.mask("B"), other)


def test_a_write_that_slicer_refuses_without_a_word_is_noticed(
    world: Any, logic: SceneLogic, disc: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("A", disc)
    monkeypatch.setattr(SegmentWriter, "add", lambda writer, segment_id, image: None)
    with pytest.raises(OutputError, match="did not take the change of segment 'A'"):
        logic.propagate(world.volume, world.segmentation)
    assert np.array_equal(world.mask("A"), disc)


def test_only_the_asked_range_changes(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation, slice_range=(2, 6))
    filled = np.flatnonzero(world.mask("A").any(axis=(1, 2)))
    assert filled.min() == 2
    assert filled.max() == 6


def test_going_up_leaves_what_lies_below(world: Any, logic: SceneLogic, disc: np.ndarray) -> None:
    world.add("A", disc)
    logic.propagate(world.volume, world.segmentation, direction="down")
    below = world.mask("A")
    assert not below[5:].any()
    logic.propagate(world.volume, world.segmentation, direction="up")
    assert np.array_equal(world.mask("A")[:5], below[:5])
    assert world.mask("A")[5:].any()
