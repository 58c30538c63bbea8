"""How to propagate, as the widgets say it, and what the panel does with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from Sli2VolSlicerLib.engine.methods import METHOD_NAMES
from Sli2VolSlicerLib.scene.panel_state import METHODS, parameter_node, read_state


def state_of(bench: Any) -> Any:
    """What is kept in the scene."""
    return read_state(parameter_node(bench.scene))


def test_every_method_of_the_engine_can_be_chosen(bench: Any) -> None:
    assert set(METHODS) == set(METHOD_NAMES)
    assert bench.ui.methodSelector.count == len(METHODS)


@pytest.mark.parametrize(
    ("widget", "row", "name", "value"),
    [
        ("directionSelector", 2, "direction.value", "down"),
        ("segmentsSelector", 1, "only_selected_segment", True),
        ("methodSelector", 4, "method", "optical-flow"),
        ("deviceSelector", 1, "device", "cpu"),
    ],
)
def test_what_is_chosen_is_kept_in_the_scene(bench: Any, widget: str, row: int, name: str, value: object) -> None:
    getattr(bench.ui, widget).currentIndex = row
    found = state_of(bench)
    for part in name.split("."):
        found = getattr(found, part)
    assert found == value


def test_a_range_limits_one_propagation(bench: Any) -> None:
    bench.paint(16)
    bench.click(bench.ui.rangeCheckBox, 8)
    bench.ui.firstSliceSpinBox.value = 14
    bench.ui.lastSliceSpinBox.value = 18
    bench.propagate()
    assert bench.filled() == [14, 15, 16, 17, 18]
    assert state_of(bench).slice_range == (14, 18)


def test_only_the_selected_segment_is_propagated(bench: Any) -> None:
    bench.paint(16)
    bench.add_segment()
    bench.panel.editor.widget.setCurrentSegmentID(bench.segmentation.GetSegmentation().GetNthSegmentID(1))
    bench.paint(14, radius=4)
    bench.ui.segmentsSelector.currentIndex = 1
    bench.propagate()
    assert len(bench.filled(1)) > 1
    assert bench.filled(0) == [16]


def test_hidden_segments_are_left_alone(bench: Any) -> None:
    bench.paint(16)
    first = bench.segmentation.GetSegmentation().GetNthSegmentID(0)
    bench.segmentation.GetDisplayNode().SetSegmentVisibility(first, False)
    bench.settle()
    bench.key("P")
    bench.settle()
    assert bench.filled() == [16]
    assert "paint" in bench.status


def test_a_weights_file_that_cannot_be_read_is_told_and_not_used(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"not weights")
    assert not bench.panel.sections.weights.use_own_file(path)
    assert state_of(bench).weights_file is None


def test_stop_here_takes_the_slice_and_all_beyond_away_for_good(bench: Any) -> None:
    bench.paint(16)
    bench.propagate()
    assert max(bench.filled()) > 20
    bench.click_slice(20)
    bench.click(bench.ui.stopButton)
    bench.settle()
    assert max(bench.filled()) == 19
    bench.propagate()
    assert max(bench.filled()) == 19
    bench.click(bench.panel.ui.advancedSection, 20, 8)
    bench.click(bench.ui.clearLimitsButton)
    bench.settle()
    bench.propagate()
    assert max(bench.filled()) > 20


def test_stop_here_on_a_slice_of_the_users_is_refused_in_words(bench: Any) -> None:
    bench.paint(16)
    bench.click_slice(16)
    bench.click(bench.ui.stopButton)
    assert "does not lie beyond your slices" in bench.status
    assert bench.filled() == [16]


def test_the_only_drawn_slice_cannot_be_released_and_the_button_says_why(bench: Any) -> None:
    bench.paint(16)
    bench.click_slice(16)
    assert not bench.ui.releaseButton.enabled
    assert "only slice that you have drawn" in bench.ui.releaseButton.toolTip
    bench.paint(18)
    assert bench.ui.releaseButton.enabled
    assert bench.ui.releaseButton.toolTip == "Let the next propagation rewrite this slice."
    bench.click(bench.ui.releaseButton)
    assert [a.slice_index for a in bench.panel.desk.seen.timeline.anchors] == [18]
    bench.click_slice(18)
    assert not bench.ui.releaseButton.enabled


def test_of_two_segments_the_one_is_released_that_is_drawn_elsewhere_too(bench: Any) -> None:
    bench.paint(16)
    bench.paint(18)
    bench.add_segment()
    bench.panel.editor.widget.setCurrentSegmentID(bench.segmentation.GetSegmentation().GetNthSegmentID(1))
    bench.paint(16, radius=4)
    bench.click_slice(16)
    bench.click(bench.ui.releaseButton)
    bench.settle()
    assert "but for segments of which nothing else is drawn" in bench.status
    first, second = (bench.segmentation.GetSegmentation().GetNthSegmentID(n) for n in (0, 1))
    left = {(a.segment_id, a.slice_index) for a in bench.panel.desk.seen.timeline.anchors}
    assert left == {(first, 18), (second, 16)}


def test_an_accepted_slice_can_be_released_again(bench: Any) -> None:
    bench.paint(16)
    bench.propagate()
    bench.click_slice(19)
    bench.key("A")
    bench.settle()
    assert [a.slice_index for a in bench.panel.desk.seen.timeline.anchors] == [16, 19]
    bench.click(bench.ui.releaseButton)
    bench.settle()
    assert [a.slice_index for a in bench.panel.desk.seen.timeline.anchors] == [16]
    bench.key("Ctrl+Z")
    bench.settle()
    assert [a.slice_index for a in bench.panel.desk.seen.timeline.anchors] == [16, 19], "the editor's undo knows it"


def test_the_confidence_is_laid_over_the_views_and_taken_away(bench: Any) -> None:
    from Sli2VolSlicerLib.scene.overlay import is_overlay_shown

    bench.paint(16)
    bench.propagate()
    bench.click(bench.ui.confidenceCheckBox, 8)
    bench.settle()
    assert is_overlay_shown(bench.scene)
    bench.click(bench.ui.confidenceCheckBox, 8)
    assert not is_overlay_shown(bench.scene)
