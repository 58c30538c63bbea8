"""The self test's way through the panel, in desktop Slicer as in its stand-in; needs no weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import slicer

from ..scene.capture import capture
from ..scene.headless import add_segment, add_volume
from ..scene.panel_state import METHODS

SLICE = 8
"""The painted one."""

_PATIENCE_S = 60.0
_TURNED = np.array([[0, -1.2, 0, 5], [-0.8, 0, 0, -7], [0, 0, 3.0, 11], [0, 0, 0, 1]])


class PanelScenario:
    """Paint, propagate, look at the next slice, accept it, undo and redo.

    Args:
        check: called with whether something is as it should be, and with what that is.
    """

    def __init__(self, check: Callable[[bool, str], object]) -> None:
        self._check = check

    def run(self) -> None:
        """Do it, with buttons and the main loop; the scene should be empty."""
        volume, painted = _ball(slicer.mrmlScene)
        slicer.util.setSliceViewerLayers(background=volume, fit=True)
        slicer.util.selectModule("Sli2VolSlicer")
        panel = slicer.util.getModuleWidget("Sli2VolSlicer").panel
        ui, desk = panel.ui, panel.desk
        ui.volumeSelector.setCurrentNode(volume)
        ui.methodSelector.currentIndex = METHODS.index("copy")
        self._check(desk.segmentation is not None, "a segmentation is made for the volume")
        add_segment(desk.segmentation, "Ball", painted, _TURNED)
        panel.refresh()
        self._check(self._slices(panel) == [SLICE], "the painted slice is on the timeline")

        ui.propagateButton.click()
        self._check(panel.propagating.is_running, "Propagate begins")
        self._wait(lambda: not panel.propagating.is_running)
        after = _mask(volume, desk.segmentation)
        self._check(len(self._slices(panel)) > 1, "the volume follows")
        self._check(np.array_equal(after[SLICE], painted[SLICE]), "the painted slice stays as it is")

        ui.nextButton.click()
        self._wait(lambda: desk.seen.timeline.recommended is not None and panel.background.is_idle)
        recommended = desk.seen.timeline.recommended
        panel.slices.go_to(recommended)
        panel.refresh()
        self._check(desk.shown_slice == recommended, "the slice views show the recommended slice")
        ui.acceptButton.click()
        anchors = {anchor.slice_index for anchor in desk.seen.timeline.anchors}
        self._check(anchors == {SLICE, recommended}, "the accepted slice is the user's")

        panel.editor.widget.undo()
        panel.editor.widget.undo()
        self._check(np.array_equal(_mask(volume, desk.segmentation), painted), "undo takes the propagation back")
        panel.editor.widget.redo()
        self._check(np.array_equal(_mask(volume, desk.segmentation), after), "redo does it again")

    def _slices(self, panel: Any) -> Sequence[int]:
        filled: list[int] = np.flatnonzero(panel.desk.seen.timeline.filled).tolist()
        return filled

    def _wait(self, condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + _PATIENCE_S
        while not condition() and time.monotonic() < limit:
            slicer.app.processEvents()
        self._check(condition(), "it is done in time")


def _ball(scene: Any) -> tuple[Any, np.ndarray]:
    """A bright ball in a turned volume, and its slice SLICE: bool, (k, j, i)."""
    k, j, i = np.indices((16, 40, 48))
    inside = ((k - SLICE) / 6.0) ** 2 + ((j - 20) / 12.0) ** 2 + ((i - 22) / 14.0) ** 2 < 1
    noise = np.random.default_rng(0).normal(0, 10, inside.shape)
    volume = add_volume(scene, (inside * 200 + noise).astype(np.int16), _TURNED, "Sli2VolTest")
    volume.CreateDefaultDisplayNodes()
    return volume, inside & (k == SLICE)


def _mask(volume: Any, segmentation: Any) -> np.ndarray:
    return np.asarray(capture(volume, segmentation).segments[0].mask)
