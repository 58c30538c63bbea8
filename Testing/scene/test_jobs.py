"""Begun on the main thread, computed on another, finished on the main one: the same result, or a clear word."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import slicer
from slicerhost.fake_session import FakeSession

from Sli2VolSlicerLib.engine.errors import PropagationCancelled, StaleResultError
from Sli2VolSlicerLib.scene.geometry import image_to_array
from Sli2VolSlicerLib.scene.headless import add_segment, add_segmentation
from Sli2VolSlicerLib.scene.logic import SceneLogic


class Untouchable:
    """Stands for a node that nothing may be asked."""

    def __getattr__(self, name: str) -> Any:
        pytest.fail(f"the node was asked for {name}")


def on_another_thread(work: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.fixture
def painted(world: Any, disc: np.ndarray) -> Any:
    world.add("A", disc)
    return world


def test_a_job_gives_what_propagate_gives(painted: Any, copying: SceneLogic) -> None:
    job = copying.begin(painted.volume, painted.segmentation, direction="up")
    before = painted.mask("A")
    seen: list[int] = []
    propagation = on_another_thread(lambda: job.compute(lambda p: seen.append(p.slice_index)))
    assert np.array_equal(painted.mask("A"), before), "computing writes nothing"
    assert seen == [5, 6, 7, 8, 9]
    result = copying.finish(job, propagation)
    assert result.report.changed
    assert painted.filled("A") == list(range(4, 10))
    assert set(result.seconds) == {"capture", "engine", "write", "total"}
    assert result.seconds["engine"] > 0
    assert copying.undo(painted.segmentation)
    assert np.array_equal(painted.mask("A"), before)


def test_no_session_is_made_before_computing(painted: Any) -> None:
    made: list[str] = []

    def method(name: str, device: str) -> None:
        made.append(threading.current_thread().name)

    logic = SceneLogic(make_method=method, make_session=FakeSession)
    jobs = [
        logic.begin(painted.volume, painted.segmentation),
        logic.begin_recommendation(painted.volume, painted.segmentation),
        logic.begin_rehearsal(painted.volume, painted.segmentation, 6),
        logic.begin_quality(painted.volume, painted.segmentation),
    ]
    assert not made
    on_another_thread(jobs[0].compute)
    assert made != [threading.current_thread().name]
    assert len(made) == 1


@pytest.mark.parametrize("begin", ["begin", "begin_recommendation", "begin_rehearsal", "begin_quality"])
def test_computing_asks_no_node_of_the_scene(painted: Any, copying: SceneLogic, begin: str) -> None:
    nodes = painted.volume, painted.segmentation
    job: Any = getattr(copying, begin)(*nodes, *([6] if begin == "begin_rehearsal" else []))
    captured = job.captured if begin == "begin" else job._given.captured
    for name in ("volume_node", "segmentation_node"):
        object.__setattr__(captured, name, Untouchable())
    on_another_thread(job.compute)


def test_a_cancelled_job_says_so_and_leaves_no_trace(painted: Any, copying: SceneLogic) -> None:
    before = painted.mask("A")
    job = copying.begin(painted.volume, painted.segmentation)
    steps: list[int] = []
    with pytest.raises(PropagationCancelled):
        job.compute(lambda p: steps.append(p.done), lambda: len(steps) >= 2)
    assert len(steps) == 2
    assert np.array_equal(painted.mask("A"), before)


def test_a_recommendation_is_the_same_by_a_job(painted: Any, copying: SceneLogic) -> None:
    nodes = painted.volume, painted.segmentation
    copying.propagate(*nodes)
    job = copying.begin_recommendation(*nodes, policy="confidence", count=2)
    assert on_another_thread(job.compute) == copying.recommend(*nodes, policy="confidence", count=2)
    blank = copying.begin_recommendation(painted.volume, None, policy="keep-n", axis=1)
    assert on_another_thread(blank.compute)[0].axis == 1


def test_masking_is_that_of_the_moment_of_beginning(painted: Any, copying: SceneLogic) -> None:
    editor = painted.editor_node()
    editor.SetSourceVolumeIntensityMask(True)
    editor.SetSourceVolumeIntensityMaskRange(5000, 6000)
    job = copying.begin(painted.volume, painted.segmentation, segment_editor_node=editor)
    painted.scene.RemoveNode(editor)
    assert not copying.finish(job, job.compute()).report.changed


def change_voxel(world: Any) -> None:
    image_to_array(world.volume.GetImageData())[0, 0, 0] += 1
    world.volume.GetImageData().GetPointData().GetScalars().Modified()


def replace_image(world: Any) -> None:
    import vtk

    copy = vtk.vtkImageData()
    copy.DeepCopy(world.volume.GetImageData())
    world.volume.SetAndObserveImageData(copy)


def move_volume(world: Any) -> None:
    world.volume.SetOrigin(3, 0, 0)


def rename(world: Any) -> None:
    world.segmentation.GetSegmentation().GetSegment("A").SetName("Liver")


def draw(world: Any) -> None:
    world.paint_slice("A", 7, np.eye(12, 14, dtype=bool))


def erase(world: Any) -> None:
    world.paint("A", np.zeros_like(world.mask("A")))


def clear(world: Any) -> None:
    world.segmentation.GetSegmentation().GetSegment("A").RemoveAllRepresentations()


def replace_segmentation(world: Any) -> None:
    other = slicer.vtkSegmentation()
    other.DeepCopy(world.segmentation.GetSegmentation())
    world.segmentation.SetAndObserveSegmentation(other)


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "voxel": (change_voxel, "Volume 'Volume' was edited or replaced"),
    "image": (replace_image, "Volume 'Volume' was edited or replaced"),
    "image gone": (lambda w: w.volume.SetAndObserveImageData(None), "Volume 'Volume' was edited or replaced"),
    "moved": (move_volume, "was moved"),
    "volume": (lambda w: w.scene.RemoveNode(w.volume), "Volume 'Volume' was deleted"),
    "segmentation": (lambda w: w.scene.RemoveNode(w.segmentation), "Segmentation 'Segmentation' was deleted"),
    "another segmentation": (replace_segmentation, "Segmentation 'Segmentation' was replaced"),
    "segment": (lambda w: w.segmentation.GetSegmentation().RemoveSegment("A"), "Segment 'A' was deleted"),
    "name": (rename, "Segment 'A' was renamed to 'Liver'"),
    "drawing": (draw, "Segment 'A' was edited"),
    "erasing": (erase, "Segment 'A' was edited"),
    "no labelmap": (clear, "Segment 'A'|grid of segment 'A'"),
    "closing": (lambda w: w.scene.Clear(0), "The scene was closed"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_result_of_something_else_is_dropped_with_a_word(painted: Any, copying: SceneLogic, change: str) -> None:
    job = copying.begin(painted.volume, painted.segmentation)
    propagation = job.compute()
    make_change, words = CHANGES[change]
    make_change(painted)
    segment = painted.segmentation.GetSegmentation().GetSegment("A")
    has_voxels = segment is not None and segment.GetRepresentation("Binary labelmap") is not None
    before = painted.mask("A") if has_voxels else None
    with pytest.raises(StaleResultError, match=words):
        copying.finish(job, propagation)
    if before is not None:
        assert np.array_equal(painted.mask("A"), before)


def test_an_anchor_accepted_meanwhile_is_not_lost(painted: Any, copying: SceneLogic) -> None:
    nodes = painted.volume, painted.segmentation
    copying.propagate(*nodes)
    job = copying.begin(*nodes)
    propagation = job.compute()
    copying.accept(*nodes, "A", 6)
    with pytest.raises(StaleResultError, match="anchors or limits of segment 'A' were changed"):
        copying.finish(job, propagation)
    assert [a.slice_index for a in copying.anchors(*nodes)] == [4, 6]


def test_looking_at_the_scene_meanwhile_does_no_harm(painted: Any, copying: SceneLogic) -> None:
    """What a user does while waiting: scroll, change colours, hide a segment, add another one, window and level."""
    job = copying.begin(painted.volume, painted.segmentation)
    propagation = job.compute()
    painted.segmentation.GetSegmentation().GetSegment("A").SetColor(0.2, 0.4, 0.6)
    painted.segmentation.GetDisplayNode().SetSegmentVisibility("A", False)
    painted.volume.CreateDefaultDisplayNodes()
    painted.volume.GetDisplayNode().SetAutoWindowLevel(False)
    painted.volume.GetDisplayNode().SetWindowLevel(100, 50)
    painted.volume.GetImageData().GetScalarRange()
    painted.volume.SetName("Abdomen")
    other = np.zeros_like(painted.mask("A"))
    other[2, 1:3, 1:3] = True
    painted.add("B", other)
    painted.share_layers()
    assert copying.finish(job, propagation).report.changed
    assert np.array_equal(painted.mask("B"), other)


def test_moving_volume_and_segmentation_together_does_no_harm(painted: Any, copying: SceneLogic) -> None:
    job = copying.begin(painted.volume, painted.segmentation)
    propagation = job.compute()
    shift = painted.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    for node in (painted.volume, painted.segmentation):
        node.SetAndObserveTransformNodeID(shift.GetID())
    assert copying.finish(job, propagation).report.changed


def test_another_weights_file_or_bound_makes_another_session(painted: Any, tmp_path: Any) -> None:
    made: list[Any] = []

    def session(stack: Any, method: Any) -> FakeSession:
        made.append(FakeSession(stack))
        return made[-1]

    logic = SceneLogic(make_method=lambda name, device: None, make_session=session)
    nodes = painted.volume, painted.segmentation
    for expected, options in ((1, {}), (1, {}), (2, {"memory_bound_mb": 100.0}), (3, {"weights_file": tmp_path})):
        logic.set_engine_options(**options)  # type: ignore[arg-type]
        logic.propagate(*nodes)
        assert len(made) == expected


def test_a_weights_file_that_is_missing_is_named_when_computing(painted: Any, tmp_path: Any) -> None:
    from Sli2VolSlicerLib.engine.errors import WeightsError

    logic = SceneLogic()
    logic.set_engine_options(weights_file=tmp_path / "mine.safetensors")
    job = logic.begin(painted.volume, painted.segmentation)
    with pytest.raises(WeightsError, match=r"mine\.safetensors"):
        job.compute()


def test_a_volume_on_another_grid_is_interpolated_when_computing(world: Any, copying: SceneLogic) -> None:
    segmentation = add_segmentation(world.scene)
    mask = np.zeros((20, 12, 14), dtype=bool)
    mask[9, 3:8, 4:10] = True
    add_segment(segmentation, "A", mask, np.diag([0.8, 0.9, 1.25, 1.0]))
    job = copying.begin(world.volume, segmentation)
    assert "voxels" not in job.captured.grid.__dict__
    propagation = on_another_thread(job.compute)
    assert "voxels" in job.captured.grid.__dict__
    assert copying.finish(job, propagation).report.changed


def test_a_volume_moved_on_another_grid_is_looked_at_anew(world: Any) -> None:
    made: list[Any] = []

    def session(stack: Any, method: Any) -> FakeSession:
        made.append(stack.intensity(5))
        return FakeSession(stack)

    logic = SceneLogic(make_method=lambda name, device: None, make_session=session)
    segmentation = add_segmentation(world.scene)
    mask = np.zeros((20, 12, 14), dtype=bool)
    mask[9, 3:8, 4:10] = True
    add_segment(segmentation, "A", mask, np.diag([0.8, 0.9, 1.25, 1.0]))
    logic.begin(world.volume, segmentation).compute()
    world.volume.SetOrigin(0.2, 0.0, 0.0)
    logic.begin(world.volume, segmentation).compute()
    assert len(made) == 2
    assert not np.array_equal(made[0], made[1])
