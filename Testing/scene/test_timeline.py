"""What there is to draw along the slices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from Sli2VolSlicerLib.engine.records import PassReport, Propagation, SliceLimits, StopReason
from Sli2VolSlicerLib.scene.capture import capture
from Sli2VolSlicerLib.scene.logic import SceneLogic, SceneResult
from Sli2VolSlicerLib.scene.look import look
from Sli2VolSlicerLib.scene.recommend import SceneRecommendation
from Sli2VolSlicerLib.scene.timeline import Timeline, timeline_of


@pytest.fixture
def painted(world: Any, disc: np.ndarray) -> Any:
    world.add("A", disc)
    return world


def timeline(world: Any, result: SceneResult | None = None, *recommendations: SceneRecommendation) -> Timeline:
    return timeline_of(capture(world.volume, world.segmentation), result, recommendations)


def with_confidence(result: SceneResult, **changes: Any) -> SceneResult:
    """The result of an engine that was as sure as this of label 1."""
    count = result.capture.slice_count
    values = {label: np.linspace(0.5, 0.95, count, dtype=np.float32) for label in result.propagation.masks}
    propagation: Propagation = replace(result.propagation, **{"slice_confidence": values, **changes})
    return replace(result, propagation=propagation)


def test_before_propagating_only_what_was_drawn_is_known(painted: Any) -> None:
    seen = timeline(painted)
    assert (seen.slice_count, seen.axis) == (10, 0)
    assert np.flatnonzero(seen.filled).tolist() == [4]
    assert np.flatnonzero(~np.isnan(seen.confidence)).tolist() == [4]
    assert [(a.slice_index, a.is_accepted) for a in seen.anchors] == [(4, False)]
    assert seen.stops == ()
    assert seen.limits == (None, None)
    assert seen.recommended is None


def test_after_propagating_every_slice_has_the_engines_confidence(painted: Any, copying: SceneLogic) -> None:
    result = with_confidence(copying.propagate(painted.volume, painted.segmentation))
    seen = timeline(painted, result)
    assert seen.filled.all()
    expected = np.linspace(0.5, 0.95, 10)
    expected[4] = 1
    assert seen.confidence == pytest.approx(expected)
    assert seen.segment_confidence["A"] == pytest.approx(expected)


def test_what_is_drawn_or_accepted_since_is_sure(painted: Any, copying: SceneLogic) -> None:
    result = with_confidence(copying.propagate(painted.volume, painted.segmentation))
    copying.accept(painted.volume, painted.segmentation, "A", 6)
    painted.paint_slice("A", 2)
    seen = timeline(painted, result)
    assert seen.confidence[[2, 4, 6]].tolist() == [1, 1, 1]
    assert [(a.slice_index, a.is_empty, a.is_accepted) for a in seen.anchors] == [
        (2, True, False),
        (4, False, False),
        (6, False, True),
    ]


def test_what_was_undone_is_not_known_any_more(painted: Any, copying: SceneLogic) -> None:
    result = with_confidence(copying.propagate(painted.volume, painted.segmentation))
    copying.undo(painted.segmentation)
    seen = timeline(painted, result)
    assert np.flatnonzero(~np.isnan(seen.confidence)).tolist() == [4]


def test_an_anchor_that_was_released_is_not_known_any_more(painted: Any, copying: SceneLogic) -> None:
    nodes = painted.volume, painted.segmentation
    copying.propagate(*nodes)
    copying.accept(*nodes, "A", 6)
    result = with_confidence(copying.propagate(*nodes))
    copying.release(*nodes, "A", 6)
    assert np.isnan(timeline(painted, result).confidence[6])


def test_the_least_sure_segment_counts(painted: Any, copying: SceneLogic) -> None:
    other = np.zeros_like(painted.mask("A"))
    other[7, 9:11, 2:12] = True
    painted.add("B", other)
    result = copying.propagate(painted.volume, painted.segmentation)
    values = {1: np.full(10, 0.9, np.float32), 2: np.full(10, 0.6, np.float32)}
    seen = timeline(painted, with_confidence(result, slice_confidence=values))
    assert seen.confidence == pytest.approx(np.full(10, 0.6) + 0.3 * (np.arange(10) == 7))
    assert {a.segment_id for a in seen.anchors} == {"A", "B"}


def test_a_result_for_other_segments_says_nothing_of_these(painted: Any, copying: SceneLogic) -> None:
    result = with_confidence(copying.propagate(painted.volume, painted.segmentation, ["A"]))
    other = np.zeros_like(painted.mask("A"))
    other[7, 9:11, 2:12] = True
    painted.add("B", other)
    seen = timeline(painted, result)
    assert np.flatnonzero(~np.isnan(seen.segment_confidence["B"])).tolist() == [7]
    painted.segmentation.GetSegmentation().RemoveSegment("A")
    assert set(timeline(painted, result).segment_confidence) == {"B"}


def test_only_passes_that_stopped_of_themselves_are_marked(painted: Any, copying: SceneLogic) -> None:
    passes = (
        PassReport(1, 4, 1, 7, StopReason.VERIFICATION),
        PassReport(1, 4, -1, 0, StopReason.END_OF_VOLUME),
        PassReport(1, 4, 1, 5, StopReason.NEXT_ANCHOR),
    )
    result = with_confidence(copying.propagate(painted.volume, painted.segmentation), passes=passes)
    (stop,) = timeline(painted, result).stops
    assert (stop.slice_index, stop.step, stop.name, stop.segment_id) == (7, 1, "A", "A")
    assert stop.reason == "verification found nothing that looks like the structure"


def test_the_recommendation_is_the_first_that_is_still_possible(painted: Any) -> None:
    def recommend(axis: int, index: int, segment_id: str | None = "A") -> SceneRecommendation:
        return SceneRecommendation(axis, index, 1.0, f"reason {index}", segment_id)

    found = [recommend(1, 3), recommend(0, 4), recommend(0, 2, "gone"), recommend(0, 8), recommend(0, 1)]
    seen = timeline(painted, None, *found)
    assert (seen.recommended, seen.reason, seen.recommended_segment_id) == (8, "reason 8", "A")
    assert timeline(painted, None, *found[:3]).recommended is None


def test_limits_are_those_beyond_which_no_segment_may_be(painted: Any, copying: SceneLogic) -> None:
    nodes = painted.volume, painted.segmentation
    copying.limit_range(*nodes, "A", first=2, last=7)
    assert timeline(painted).limits == (2, 7)
    other = np.zeros_like(painted.mask("A"))
    other[5, 9:11, 2:12] = True
    painted.add("B", other)
    assert timeline(painted).limits == (None, None)
    copying.limit_range(*nodes, "B", last=9)
    seen = timeline(painted)
    assert seen.limits == (None, 9)
    assert seen.segment_limits == {"A": SliceLimits(2, 7), "B": SliceLimits(None, 9)}


def test_one_look_sees_timeline_slices_and_sizes(painted: Any, disc: np.ndarray) -> None:
    seen = look(painted.volume, painted.segmentation)
    assert seen is not None
    assert seen.slices.count == seen.timeline.slice_count == 10
    assert seen.names == {"A": "A"}
    size = seen.sizes["A"]
    assert size.slices == 1
    assert size.millilitres == pytest.approx(disc.sum() * 0.8 * 0.9 * 2.5 / 1000)


def test_where_nothing_is_painted_there_is_nothing_to_see(world: Any) -> None:
    assert look(world.volume, world.segmentation) is None
    assert look(world.volume, None) is None
    assert look(None, world.segmentation) is None
    world.add("A", np.zeros_like(world.voxels, dtype=bool))
    assert look(world.volume, world.segmentation) is None


def test_millilitres_are_those_of_the_world(make_world: Any) -> None:
    import vtk

    sheared = np.array([[1, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1.0]])
    world = make_world(ijk_to_ras=sheared)
    mask = np.zeros(world.voxels.shape, dtype=bool)
    mask[4, 2:7, 2:6] = True
    world.add("A", mask)
    scale = world.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 2, 3.0)
    scale.SetMatrixTransformToParent(matrix)
    for node in (world.volume, world.segmentation):
        node.SetAndObserveTransformNodeID(scale.GetID())
    seen = look(world.volume, world.segmentation)
    assert seen is not None
    assert seen.sizes["A"].millilitres == pytest.approx(20 * 2 * 3 / 1000)
