"""Whatever the user does in whatever order: no exception, what is the user's stays, nothing is left behind."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from panel.conftest import SHAPE, Bench
from slicerhost.host import slicer_desktop

from Sli2VolSlicerLib.scene.headless import make_scene

SLICES = st.integers(4, SHAPE[0] - 5)
KEYS = ("P", "N", "A", "Esc", "Ctrl+Z", "Ctrl+Y", "Q", "W", "1", "Left")
BUTTONS = ("propagateButton", "nextButton", "acceptButton", "stopButton", "releaseButton", "clearLimitsButton")


class User(RuleBasedStateMachine):
    """Somebody who presses everything."""

    @initialize()
    def open(self) -> None:
        self.stack = contextlib.ExitStack()
        self.headless = make_scene()
        desktop = self.stack.enter_context(slicer_desktop(self.headless.scene))
        desktop.load_module()
        desktop.show()
        self.bench = Bench(desktop, self.headless.scene)
        self.begin()

    def begin(self) -> None:
        self.bench.load()
        self.bench.open()
        self.bench.use("copy")

    @rule(key=st.sampled_from(KEYS))
    def press(self, key: str) -> None:
        self.bench.key(key)

    @rule(name=st.sampled_from(BUTTONS))
    def click(self, name: str) -> None:
        button = getattr(self.bench.ui, name)
        if button.enabled and button.visible:
            self.bench.click(button)

    @precondition(lambda self: self.bench.segmentation is not None)
    @rule(index=SLICES, radius=st.floats(3, 18), erase=st.booleans())
    def paint(self, index: int, radius: float, erase: bool) -> None:
        self.bench.paint(index, radius, erase=erase)

    @rule(index=SLICES)
    def click_timeline(self, index: int) -> None:
        self.bench.click_slice(index)

    @rule()
    def add_segment(self) -> None:
        if self.bench.segmentation is None or self.bench.segmentation.GetSegmentation().GetNumberOfSegments() < 3:
            self.bench.add_segment()

    @rule(box=st.sampled_from(("rangeCheckBox", "confidenceCheckBox")))
    def tick(self, box: str) -> None:
        widget = getattr(self.bench.ui, box)
        widget.checked = not widget.checked

    @rule(selector=st.sampled_from(("directionSelector", "segmentsSelector")), row=st.integers(0, 1))
    def choose(self, selector: str, row: int) -> None:
        getattr(self.bench.ui, selector).currentIndex = row

    @rule()
    def wait(self) -> None:
        self.bench.settle()

    @rule()
    def hide_or_show_a_segment(self) -> None:
        node = self.bench.segmentation
        if node is not None and node.GetSegmentation().GetNumberOfSegments():
            first = node.GetSegmentation().GetNthSegmentID(0)
            node.GetDisplayNode().SetSegmentVisibility(first, not node.GetDisplayNode().GetSegmentVisibility(first))

    @rule()
    def leave_and_come_back(self) -> None:
        self.bench.desktop.select_module("Data")
        self.bench.events()
        self.bench.desktop.select_module("Sli2VolSlicer")

    @precondition(lambda self: self.bench.segmentation is not None)
    @rule()
    def remove_the_segmentation(self) -> None:
        self.bench.scene.RemoveNode(self.bench.segmentation)

    @rule()
    def close_the_scene(self) -> None:
        self.bench.scene.Clear(0)
        self.bench.settle()
        self.begin()

    @rule()
    def propagate_keeps_what_is_the_users(self) -> None:
        self.bench.settle()
        seen = self.bench.panel.desk.seen
        if seen is None:
            return
        before = {each: self.planes(each) for each in seen.names}
        self.bench.key("P")
        self.bench.settle()
        for each, planes in before.items():
            now = self.planes(each)
            for index, plane in planes.items():
                assert np.array_equal(now[index], plane), (each, index)

    def planes(self, segment_id: str) -> dict[int, np.ndarray]:
        """The user's slices of a segment."""
        from Sli2VolSlicerLib.scene.capture import capture

        captured = capture(self.bench.volume, self.bench.segmentation, [segment_id]).segments[0]
        return {index: captured.mask[index].copy() for index in captured.anchors}

    @invariant()
    def nothing_was_raised(self) -> None:
        if hasattr(self, "bench"):
            assert self.bench.desktop.errors == []

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        panel = self.bench.panel
        self.bench.desktop.select_module("Data")
        assert not panel.shortcuts.is_installed
        self.stack.close()
        assert len(panel.observers) == 0
        assert panel.background.is_idle
        self.headless.scene.Clear(1)


@pytest.mark.slow
def test_two_hundred_random_actions_leave_the_users_slices_and_nothing_else() -> None:
    run_state_machine_as_test(
        User,
        settings=settings(
            max_examples=4,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
