"""The module's own test: by a script and through the panel, in desktop Slicer as in its stand-in; needs no weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import slicer

from .scene.capture import capture
from .scene.headless import add_segment, add_segmentation, add_volume
from .scene.panel_state import METHODS

PAINTED = 8
"""The slice that is painted first."""

METHOD = "copy"
"""Quick, the same everywhere, and wrong enough to be corrected."""

_SHAPE = (16, 40, 48)
_IJK_TO_RAS = np.array([[0, -1.2, 0, 5], [-0.8, 0, 0, -7], [0, 0, 3.0, 11], [0, 0, 0, 1]])
_PATIENCE_S = 60.0


Check = Callable[[bool, str], object]
"""Called with whether something is as it should be, and with what that is."""


class LogicScenario:
    """What a script does: propagate one painted slice, again, and undo.

    Args:
        check: see `Check`.
        logic: the module's logic.
    """

    def __init__(self, check: Check, logic: Any) -> None:
        self._check = check
        self._logic = logic

    def run(self) -> None:
        """Do it; the scene should be empty.

        Raises:
            whatever `check` raises.
        """
        volume = _add_ball(slicer.mrmlScene)
        segmentation = add_segmentation(slicer.mrmlScene, volume, "Sli2VolTest")
        painted = ball() & _on(PAINTED)
        add_segment(segmentation, "Ball", painted, _IJK_TO_RAS)

        result = self._logic.propagate(volume, segmentation, ["Ball"], method=METHOD)
        self._check(result.capture.axis == 0, "the painted axis is found")
        now = capture(volume, segmentation).segments[0]
        self._check(np.array_equal(now.mask[PAINTED], painted[PAINTED]), "the painted slice stays as it is")
        self._check(int(now.mask.any(axis=(1, 2)).sum()) > 3, "the volume follows")
        self._check(now.anchors == (PAINTED,), "one slice is the user's")
        again = self._logic.propagate(volume, segmentation, ["Ball"], method=METHOD)
        self._check(not again.report.changed, "a second time changes nothing")
        self._check(self._logic.undo(segmentation), "there is something to undo")
        self._check(np.array_equal(capture(volume, segmentation).segments[0].mask, painted), "undo takes it back")


class PanelScenario:
    """Paint, propagate, go to the next slice, correct, propagate, undo, redo.

    Buttons are clicked and the main loop runs, as when a user does it; what is painted is written into the segment.

    Args:
        check: see `Check`.
    """

    def __init__(self, check: Check) -> None:
        self._check = check
        self._panel: Any = None
        self._volume: Any = None

    def run(self) -> None:
        """Do it; the scene should be empty.

        Raises:
            whatever `check` raises.
        """
        self._open()
        truth = ball()
        self._paint(truth & _on(PAINTED), "Ball")
        self._check(self._filled() == [PAINTED], "the timeline shows the painted slice")

        self._propagate()
        first = self._mask()
        self._check(np.array_equal(first[PAINTED], truth[PAINTED]), "the painted slice stays as it is")
        self._check(len(self._filled()) > 1, "the volume follows")

        corrected = self._go_to_next()
        drawn = np.where(_on(corrected), truth, first)
        self._check(not np.array_equal(drawn, first), "there is something to correct")
        self._correct(drawn)
        self._propagate()
        second = self._mask()
        for index in (PAINTED, corrected):
            self._check(np.array_equal(second[index], truth[index]), f"slice {index} stays as it was drawn")
        self._check(not np.array_equal(second, drawn), "the correction spreads")
        self._check(_dice(second, truth) > _dice(first, truth), "and makes the whole better")

        self._panel.editor.widget.undo()
        self._check(np.array_equal(self._mask(), drawn), "undo takes the propagation back, and not the drawing")
        self._panel.editor.widget.redo()
        self._check(np.array_equal(self._mask(), second), "redo does it again")

    def _open(self) -> None:
        """A volume in the views, and the module on it."""
        self._volume = _add_ball(slicer.mrmlScene)
        slicer.util.setSliceViewerLayers(background=self._volume, fit=True)
        slicer.util.selectModule("Sli2VolSlicer")
        self._panel = slicer.util.getModuleWidget("Sli2VolSlicer").panel
        ui = self._panel.ui
        ui.volumeSelector.setCurrentNode(self._volume)
        ui.methodSelector.currentIndex = METHODS.index(METHOD)
        self._check(self._segmentation() is not None, "a segmentation is made for the volume")

    def _paint(self, mask: np.ndarray, name: str) -> None:
        add_segment(self._segmentation(), name, mask, _IJK_TO_RAS)
        self._panel.refresh()

    def _correct(self, mask: np.ndarray) -> None:
        """As one stroke of the editor: one step of its undo."""
        segment_id = self._segmentation().GetSegmentation().GetNthSegmentID(0)
        self._panel.editor.save_state_for_undo()
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            mask.astype(np.uint8), self._segmentation(), segment_id, self._volume
        )
        self._panel.refresh()

    def _propagate(self) -> None:
        self._panel.ui.propagateButton.click()
        self._check(self._panel.propagating.is_running, "Propagate begins")
        self._wait(lambda: not self._panel.propagating.is_running, "Propagate ends")

    def _go_to_next(self) -> int:
        """Click "Next slice" and say which one the slice views show then."""
        desk = self._panel.desk
        self._panel.ui.nextButton.click()
        self._wait(
            lambda: (
                desk.seen.timeline.recommended is not None
                and desk.shown_slice == desk.seen.timeline.recommended
                and self._panel.background.is_idle
            ),
            "the slice views show the recommended slice",
        )
        return int(desk.shown_slice)

    def _segmentation(self) -> Any:
        return self._panel.desk.segmentation

    def _filled(self) -> list[int]:
        filled: list[int] = np.flatnonzero(self._panel.desk.seen.timeline.filled).tolist()
        return filled

    def _mask(self) -> np.ndarray:
        return np.asarray(capture(self._volume, self._segmentation()).segments[0].mask)

    def _wait(self, condition: Callable[[], bool], words: str) -> None:
        limit = time.monotonic() + _PATIENCE_S
        while not condition() and time.monotonic() < limit:
            slicer.app.processEvents()
        self._check(condition(), words)


def ball() -> np.ndarray:
    """What is there to be painted: an ellipsoid that ends well within the volume, bool, (k, j, i)."""
    k, j, i = np.indices(_SHAPE)
    return np.asarray(((k - PAINTED) / 6.0) ** 2 + ((j - 20) / 12.0) ** 2 + ((i - 22) / 14.0) ** 2 < 1)


def _add_ball(scene: Any) -> Any:
    """A bright ball in a turned volume."""
    noise = np.random.default_rng(0).normal(0, 10, _SHAPE)
    volume = add_volume(scene, (ball() * 200 + noise).astype(np.int16), _IJK_TO_RAS, "Sli2VolTest")
    volume.CreateDefaultDisplayNodes()
    return volume


def _on(index: int) -> np.ndarray:
    """One slice, bool, (k, 1, 1)."""
    return np.asarray(np.arange(_SHAPE[0]) == index)[:, None, None]


def _dice(mask: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))
