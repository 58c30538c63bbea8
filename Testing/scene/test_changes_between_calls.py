"""What happens to segments, volume and scene between two calls: the right result or a clear word, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from Sli2VolSlicerLib.engine.errors import AnnotationError, OutputError, VolumeError
from Sli2VolSlicerLib.engine.methods import create_method
from Sli2VolSlicerLib.engine.records import SliceLimits
from Sli2VolSlicerLib.scene.confidence import confidence_node
from Sli2VolSlicerLib.scene.geometry import image_to_array
from Sli2VolSlicerLib.scene.headless import HeadlessScene, add_volume, make_scene
from Sli2VolSlicerLib.scene.logic import SceneLogic


@pytest.fixture
def overlapping(world: Any, disc: np.ndarray) -> Any:
    """Segments A and B, both drawn on slice 4, on 12 voxels together."""
    other = np.zeros_like(disc)
    other[4, 5:10, 6:10] = True
    world.add("A", disc)
    world.add("B", other)
    return world


@pytest.mark.parametrize("mode", ["OverwriteNone", "OverwriteAllSegments", "OverwriteVisibleSegments"])
@pytest.mark.parametrize("order", [["A", "B"], ["B", "A"], ["A"], ["B"]])
def test_two_segments_drawn_on_the_same_voxels_both_keep_their_slices(
    overlapping: Any, logic: SceneLogic, mode: str, order: list[str]
) -> None:
    drawn = {s: overlapping.mask(s)[4] for s in "AB"}
    editor = overlapping.editor_node()
    editor.SetOverwriteMode(getattr(slicer.vtkMRMLSegmentEditorNode, mode))
    for _ in range(2):
        result = logic.propagate(overlapping.volume, overlapping.segmentation, order, segment_editor_node=editor)
        for segment_id in "AB":
            assert np.array_equal(overlapping.mask(segment_id)[4], drawn[segment_id])
    beside = np.delete(overlapping.mask("A") & overlapping.mask("B"), 4, axis=0)
    assert beside.any() == (mode == "OverwriteNone" and len(order) == 2)
    says_so = [
        f"Segments '{order[0]}' and '{order[-1]}' are both drawn on 12 voxels of slice 4: "
        "both were kept as drawn, erase one of them there if they must not overlap."
    ]
    assert list(result.notes) == (says_so if mode != "OverwriteNone" and len(order) == 2 else [])


def test_an_empty_anchor_of_one_segment_does_not_keep_the_other_away(overlapping: Any, copying: SceneLogic) -> None:
    copying.accept(overlapping.volume, overlapping.segmentation, "B", 6)
    copying.propagate(overlapping.volume, overlapping.segmentation)
    assert overlapping.filled("A") == list(range(10))
    assert overlapping.filled("B") == list(range(6))


def test_a_segment_deleted_between_calls(overlapping: Any, copying: SceneLogic) -> None:
    nodes = overlapping.volume, overlapping.segmentation
    copying.propagate(*nodes)
    copying.accept(*nodes, "B", 6)
    kept = overlapping.mask("A")
    overlapping.segmentation.GetSegmentation().RemoveSegment("B")
    calls: list[Callable[[], object]] = [
        lambda: copying.propagate(*nodes, ["A", "B"]),
        lambda: copying.accept(*nodes, "B", 7),
        lambda: copying.release(*nodes, "B", 6),
        lambda: copying.limit_range(*nodes, "B", last=7),
        lambda: copying.anchors(*nodes, ["B"]),
        lambda: copying.recommend(*nodes, ["B"]),
    ]
    for call in calls:
        with pytest.raises(AnnotationError, match=r"no segment 'B' in the segmentation \(its segments: A\)"):
            call()
    assert not copying.propagate(*nodes).report.changed
    assert {a.segment_id for a in copying.anchors(*nodes)} == {"A"}
    assert np.array_equal(overlapping.mask("A"), kept)


def test_a_segment_renamed_between_calls_keeps_everything(overlapping: Any, copying: SceneLogic) -> None:
    nodes = overlapping.volume, overlapping.segmentation
    copying.propagate(*nodes)
    copying.accept(*nodes, "A", 6)
    copying.limit_range(*nodes, "A", last=8)
    overlapping.segmentation.GetSegmentation().GetSegment("A").SetName("Liver")
    assert [(a.name, a.slice_index) for a in copying.anchors(*nodes, ["A"])] == [("Liver", 4), ("Liver", 6)]
    assert not copying.propagate(*nodes).report.changed
    copying.undo(overlapping.segmentation)
    assert overlapping.filled("A") == list(range(10))
    assert overlapping.segmentation.GetSegmentation().GetSegment("A").GetName() == "Liver"


def test_a_volume_edited_between_calls_is_looked_at_anew_and_anchors_stay(overlapping: Any, logic: SceneLogic) -> None:
    nodes = overlapping.volume, overlapping.segmentation
    logic.propagate(*nodes)
    plane = np.zeros_like(overlapping.mask("A")[7])
    plane[2:9, 2:12] = True
    overlapping.paint_slice("A", 7, plane)
    logic.accept(*nodes, "B", 1)
    before = overlapping.mask("A"), overlapping.mask("B")
    image_to_array(overlapping.volume.GetImageData())[...] = overlapping.voxels[::-1]
    overlapping.volume.GetImageData().GetPointData().GetScalars().Modified()
    assert logic.propagate(*nodes).report.changed
    for index in (4, 7):
        assert np.array_equal(overlapping.mask("A")[index], before[0][index])
    for index in (1, 4):
        assert np.array_equal(overlapping.mask("B")[index], before[1][index])
    assert not np.array_equal(overlapping.mask("A"), before[0])
    logic.undo(overlapping.segmentation)
    assert np.array_equal(overlapping.mask("A"), before[0])
    assert np.array_equal(overlapping.mask("B"), before[1])


def test_a_volume_replaced_by_one_of_the_same_place_keeps_anchors_and_limits(
    overlapping: Any, logic: SceneLogic
) -> None:
    logic.propagate(overlapping.volume, overlapping.segmentation)
    logic.accept(overlapping.volume, overlapping.segmentation, "A", 6)
    logic.limit_range(overlapping.volume, overlapping.segmentation, "A", last=7)
    accepted = overlapping.mask("A")[6]
    other = add_volume(overlapping.scene, overlapping.voxels[:, ::-1].copy(), overlapping.ijk_to_ras, "Other")
    overlapping.scene.RemoveNode(overlapping.volume)
    result = logic.propagate(other, overlapping.segmentation, ["A"])
    assert [a.slice_index for a in result.capture.anchors] == [4, 6]
    assert np.array_equal(overlapping.mask("A")[6], accepted)
    assert overlapping.filled("A") == list(range(8))


def test_a_volume_whose_image_is_taken_away_is_named_and_nothing_changes(overlapping: Any, logic: SceneLogic) -> None:
    nodes = overlapping.volume, overlapping.segmentation
    logic.propagate(*nodes)
    before = overlapping.mask("A")
    overlapping.volume.SetAndObserveImageData(None)
    calls: list[Callable[[], object]] = [
        lambda: logic.propagate(*nodes),
        lambda: logic.accept(*nodes, "A", 6),
        lambda: logic.release(*nodes, "A", 4),
        lambda: logic.limit_range(*nodes, "A", last=7),
        lambda: logic.anchors(*nodes),
        lambda: logic.recommend(*nodes),
        lambda: logic.write_confidence(*nodes),
    ]
    for call in calls:
        with pytest.raises(VolumeError, match="holds no image"):
            call()
    assert np.array_equal(overlapping.mask("A"), before)
    assert logic.undo(overlapping.segmentation), "undo needs no volume"


def test_a_transform_put_over_both_nodes_changes_nothing(overlapping: Any, logic: SceneLogic) -> None:
    nodes = overlapping.volume, overlapping.segmentation
    logic.propagate(*nodes)
    logic.accept(*nodes, "A", 6)
    logic.propagate(*nodes)
    before = [(a.segment_id, a.slice_index) for a in logic.anchors(*nodes)]
    turn = overlapping.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(1, 3, 40.0)
    turn.SetMatrixTransformToParent(matrix)
    for node in nodes:
        node.SetAndObserveTransformNodeID(turn.GetID())
    assert [(a.segment_id, a.slice_index) for a in logic.anchors(*nodes)] == before
    assert not logic.propagate(*nodes).report.changed


def test_a_transform_hardened_on_both_nodes_changes_nothing(overlapping: Any, logic: SceneLogic) -> None:
    nodes = overlapping.volume, overlapping.segmentation
    logic.propagate(*nodes)
    logic.accept(*nodes, "A", 6)
    logic.limit_range(*nodes, "B", last=8)
    logic.propagate(*nodes)
    before = [(a.segment_id, a.slice_index, a.is_accepted) for a in logic.anchors(*nodes)]
    masks = overlapping.mask("A"), overlapping.mask("B")
    turn = overlapping.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    for (row, column), value in {(0, 0): 0.8, (0, 1): -0.6, (1, 0): 0.6, (1, 1): 0.8, (2, 3): 40.0}.items():
        matrix.SetElement(row, column, value)
    turn.SetMatrixTransformToParent(matrix)
    for node in nodes:
        node.SetAndObserveTransformNodeID(turn.GetID())
        node.HardenTransform()
    assert [(a.segment_id, a.slice_index, a.is_accepted) for a in logic.anchors(*nodes)] == before
    assert dict(logic.limits(*nodes)) == {"B": SliceLimits(last=8)}
    result = logic.propagate(*nodes)
    assert result.capture.grid.is_native
    assert not result.report.changed
    assert np.array_equal(overlapping.mask("A"), masks[0])
    assert np.array_equal(overlapping.mask("B"), masks[1])
    with pytest.raises(OutputError, match="hardened"):
        logic.undo(overlapping.segmentation)


# Saving and restoring.


def save(scene: Any, path: Path) -> None:
    """As Slicer's "save scene" does, into one .mrb file."""
    for number in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(number)
        if node.IsA("vtkMRMLStorableNode") and node.GetSaveWithScene():
            node.AddDefaultStorageNode()
    assert scene.WriteToMRB(str(path))


def restore(path: Path) -> HeadlessScene:
    headless = make_scene()
    unpacked = path.parent / "unpacked"
    unpacked.mkdir()
    headless.scene.SetURL(headless.scene.UnpackSlicerDataBundle(str(path), str(unpacked)))
    assert headless.scene.Connect()
    return headless


def fresh_logic() -> SceneLogic:
    return SceneLogic(make_method=lambda name, device: create_method("optical-flow", None, "cpu"))


def segment_mask(logic: SceneLogic, volume: Any, segmentation: Any, segment_id: str) -> np.ndarray:
    from Sli2VolSlicerLib.scene.capture import capture

    return capture(volume, segmentation, [segment_id]).segments[0].mask


@pytest.mark.parametrize("handedness", [1.0, -1.0])
def test_a_scene_saved_half_way_goes_on_where_it_was(
    make_world: Any, disc: np.ndarray, tmp_path: Path, handedness: float
) -> None:
    world = make_world(ijk_to_ras=np.diag([0.8 * handedness, 0.9, 2.5, 1.0]))
    other = np.zeros_like(disc)
    other[5, 1:6, 2:8] = True
    world.add("A", disc)
    world.add("B", other)
    logic, nodes = fresh_logic(), (world.volume, world.segmentation)
    logic.propagate(*nodes, slice_range=(1, 8))
    world.paint_slice("A", 7, np.roll(disc[4], 2, axis=0))
    world.paint_slice("A", 2)
    logic.accept(*nodes, "A", 3)
    logic.limit_range(*nodes, "B", last=7)
    logic.write_confidence(*nodes)
    before = logic.anchors(*nodes)
    save(world.scene, tmp_path / "scene.mrb")

    headless = restore(tmp_path / "scene.mrb")
    volume = headless.scene.GetFirstNodeByName("Volume")
    segmentation = headless.scene.GetFirstNodeByName("Segmentation")
    again = fresh_logic()
    # Slicer makes volumes right-handed when it loads them: it flips the slices' order.
    turned = (lambda i: 9 - i) if handedness < 0 else (lambda i: i)
    found = again.anchors(volume, segmentation)
    assert sorted((a.segment_id, turned(a.slice_index), a.is_empty, a.is_accepted) for a in found) == [
        (a.segment_id, a.slice_index, a.is_empty, a.is_accepted) for a in before
    ]
    expected = SliceLimits(last=7) if handedness > 0 else SliceLimits(first=2)
    assert dict(again.limits(volume, segmentation)) == {"B": expected}
    assert confidence_node(segmentation).GetName() == "Segmentation confidence"

    logic.propagate(*nodes)
    again.propagate(volume, segmentation)
    for segment_id in "AB":
        restored = segment_mask(again, volume, segmentation, segment_id)
        straight = world.mask(segment_id)
        for anchor in (a for a in before if a.segment_id == segment_id):
            assert np.array_equal(restored[turned(anchor.slice_index)], straight[anchor.slice_index])
        if handedness > 0:
            assert np.array_equal(restored, straight)
    headless.scene.Clear(1)
