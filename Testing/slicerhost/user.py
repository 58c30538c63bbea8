"""A user who works with the module on a volume of which the truth is known, listening to the main loop meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from Sli2VolSlicerLib.scene import write_back
from Sli2VolSlicerLib.scene.capture import capture
from Sli2VolSlicerLib.scene.confidence import confidence_node
from Sli2VolSlicerLib.scene.draft import Draft
from Sli2VolSlicerLib.scene.editor import SegmentWriter, modifier_image
from Sli2VolSlicerLib.scene.geometry import Box, extent_is_empty
from Sli2VolSlicerLib.scene.grid import make_grid
from Sli2VolSlicerLib.scene.headless import add_volume
from Sli2VolSlicerLib.scene.turns import Pace, Turns

from .pulse import Gaps, pulse

if TYPE_CHECKING:
    import pytest

LIMIT_S = 600.0


def while_written(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], before_it_is_drawn: bool = False) -> None:
    """Let the user do something once, in a pause of the main thread while a result is being written."""
    place, name = (write_back, "_steps") if before_it_is_drawn else (Draft, "drawing")
    really = getattr(place, name)
    is_due = True

    def interrupted(*arguments: Any) -> Turns[Any]:
        nonlocal is_due
        turns = really(*arguments)
        if is_due:
            is_due = False
            next(turns)
            yield
            act()
        return (yield from turns)

    # However fast the machine is, there is a pause.
    monkeypatch.setattr(Pace, "is_over", True)
    monkeypatch.setattr(place, name, interrupted)


@dataclass(frozen=True)
class Cancelling:
    """How soon a Cancel took effect.

    Attributes:
        seconds: from the click until the panel was free again.
        slices: how many were still filled after the click.
        seconds_per_slice: how long one took before it.
    """

    seconds: float
    slices: int
    seconds_per_slice: float


class User:
    """A user in front of the module.

    Args:
        desktop: the running stand-in.
        scene: its scene.
        voxels: of the volume, (k, j, i).
        truth: of the structure, bool, likewise.
        spacing_mm: per axis of `voxels`.
    """

    def __init__(
        self, desktop: Any, scene: Any, voxels: np.ndarray, truth: np.ndarray, spacing_mm: tuple[float, float, float]
    ) -> None:
        import slicer

        self._truth = truth
        k, j, i = spacing_mm
        self._volume = add_volume(scene, voxels, np.diag([i, j, k, 1.0]), "Volume")
        desktop.load_module()
        desktop.show()
        desktop.show_volume(self._volume)
        desktop.select_module("Sli2VolSlicer")
        self._panel = slicer.modules.Sli2VolSlicerWidget.panel
        self._ui = self._panel.ui
        self._panel.editor.widget._add.click()
        self.settle()

    @property
    def status(self) -> str:
        """What the panel says."""
        return str(self._ui.statusLabel.text)

    def show_confidence(self) -> None:
        """Lay the confidence over the views."""
        self._ui.confidenceCheckBox.click()
        self.settle()

    def last_slice(self) -> int:
        """The last slice that the structure truly is on."""
        return int(np.flatnonzero(self._truth.any(axis=(1, 2)))[-1])

    def filled(self) -> list[int]:
        """The slices that the segment is on."""
        captured = capture(self._volume, self._panel.desk.segmentation)
        return [int(n) for n in np.flatnonzero(captured.segments[0].patch.filled(0))]

    def draw(self, index: int) -> None:
        """Draw a slice as it truly is, and wait until the panel has seen it."""
        self.stroke(index)
        self.settle()

    def stroke(self, index: int) -> None:
        """Draw a slice as it truly is, through the editor's logic."""
        import slicer
        import vtk

        node = self._panel.desk.segmentation
        segment_id = node.GetSegmentation().GetNthSegmentID(0)
        reference = node.GetSegmentation().GetSegment(segment_id).GetRepresentation("Binary labelmap")
        if reference is None or extent_is_empty(reference.GetExtent()):
            reference, matrix = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
            self._volume.GetIJKToRASMatrix(matrix)
            reference.SetImageToWorldMatrix(matrix)
        to_labelmap = make_grid(self._volume, node, reference).to_labelmap
        plane = self._truth[index : index + 1]
        values, extent = to_labelmap.to_labelmap(plane, Box((index, 0, 0), (1, *self._truth.shape[1:])))
        SegmentWriter(node).add(segment_id, modifier_image(reference, values, extent))

    @property
    def is_writing(self) -> bool:
        """Whether a result is being written just now."""
        return bool(self._panel.propagating.is_running and not self._panel.background.is_computing)

    def settle(self) -> dict[str, Gaps]:
        """Wait until nothing is being done."""
        return pulse(self._waiting(lambda: self._is_quiet))

    def propagate(self) -> dict[str, Gaps]:
        """Press Propagate and wait until all is done that follows; the gaps by place: begin, running and finish."""
        panel = self._panel

        def place() -> str:
            return "running" if panel.propagating.is_running and not self.is_writing else "finish"

        clicked = time.perf_counter()
        self._ui.propagateButton.click()
        assert panel.propagating.is_running, self.status
        taken = 1000 * (time.perf_counter() - clicked)
        found = pulse(self._waiting(lambda: self._is_quiet), place)
        return {"begin": Gaps("begin", taken, taken, 1), **found}

    def draw_views_anew(self) -> Gaps:
        """Let the slice views draw the confidence that is shown once more."""
        import slicer

        image = confidence_node(self._panel.desk.segmentation).GetImageData()
        image.Modified()
        views = slicer.app.layoutManager()
        for name in views.sliceViewNames():
            views.sliceWidget(name).sliceView().scheduleRender()
        end = time.monotonic() + 0.5
        return pulse(lambda: time.monotonic() > end)[""]

    def cancel_after(self, slices: int) -> Cancelling:
        """Press Propagate, and Cancel after so many slices."""
        done = self._tap()
        clicked = 0.0

        def click() -> None:
            nonlocal clicked
            if not clicked and len(done) >= slices:
                clicked = time.perf_counter()
                self._ui.propagateButton.click()

        began = time.perf_counter()
        self._ui.propagateButton.click()
        pulse(self._waiting(lambda: not self._panel.propagating.is_running), on_tick=click)
        ended = time.perf_counter()
        assert clicked, "it was done before anybody could cancel it"
        self.settle()
        before = [moment for moment in done if moment < clicked]
        after = len(done) - len(before)
        return Cancelling(ended - clicked, after, (before[-1] - began) / len(before))

    def forget(self) -> None:
        """Let the engine forget what it has computed."""
        self._panel.desk.logic.drop_session()

    def _tap(self) -> list[float]:
        """The moments at which the next propagation is done with a slice."""
        logic, done = self._panel.desk.logic, list[float]()
        really_begin = logic.begin

        def begin(*arguments: Any, **options: Any) -> Any:
            logic.begin = really_begin
            job = really_begin(*arguments, **options)
            compute = job.compute

            def tapped(progress: Any = None, is_cancelled: Any = None) -> Any:
                return compute(lambda each: (done.append(time.perf_counter()), progress(each)), is_cancelled)

            job.compute = tapped
            return job

        logic.begin = begin
        return done

    @property
    def _is_quiet(self) -> bool:
        panel = self._panel
        return not panel.propagating.is_running and not panel._settling.active and panel.background.is_idle

    def _waiting(self, condition: Callable[[], bool]) -> Callable[[], bool]:
        limit = time.monotonic() + LIMIT_S

        def ends() -> bool:
            assert time.monotonic() < limit, self.status
            return condition()

        return ends
