"""The way of a user through the panel, by real clicks and keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from slicerhost.user import while_written

from Sli2VolSlicerLib.scene import propagating
from Sli2VolSlicerLib.scene.surface import has_surface


def test_paint_propagate_look_correct_propagate_undo_redo(bench: Any) -> None:
    bench.use("random-weights")
    bench.paint(16)
    drawn = bench.mask()
    bench.propagate()
    assert len(bench.filled()) > 8, bench.status
    assert "slices from 1 of yours" in bench.status
    assert " s on cpu" in bench.ui.numbersLabel.text
    assert "mL" in bench.ui.numbersLabel.text
    first = bench.mask()
    assert np.array_equal(first[16], drawn[16])

    recommended = bench.panel.desk.seen.timeline.recommended
    assert recommended is not None, "worked out in the background"
    bench.key("N")
    assert bench.panel.desk.shown_slice == recommended
    assert f"slice {recommended}" in bench.ui.reasonLabel.text
    bench.settle()
    bench.paint(recommended, radius=19.0)
    corrected = bench.mask()[recommended]
    bench.propagate()
    second = bench.mask()
    assert np.array_equal(second[recommended], corrected)
    assert not np.array_equal(second, first)

    bench.key("Ctrl+Z")
    bench.settle()
    undone = bench.mask()
    assert np.array_equal(undone[recommended], corrected)
    assert not np.array_equal(undone, second)
    bench.key("Ctrl+Y")
    bench.settle()
    assert np.array_equal(bench.mask(), second)


@pytest.mark.parametrize("before_it_is_drawn", [True, False])
def test_undo_while_a_result_is_being_written_gives_what_it_always_gives(
    bench: Any, monkeypatch: pytest.MonkeyPatch, before_it_is_drawn: bool
) -> None:
    bench.paint(16)
    before = bench.mask()
    bench.paint(18)
    both = bench.mask()
    while_written(monkeypatch, bench.panel.editor.widget.undo, before_it_is_drawn)
    bench.key("P")
    bench.settle()
    assert "'Segment_1' was edited while it was being propagated" in bench.status
    assert bench.ui.propagateButton.text == "Propagate"
    assert np.array_equal(bench.mask(), before)
    bench.panel.editor.widget.redo()
    assert np.array_equal(bench.mask(), both)


def test_the_surface_is_made_after_the_slices_are_shown(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.paint(16)
    bench.segmentation.CreateClosedSurfaceRepresentation()
    shown: list[int] = []
    really_make = propagating.make_surface
    monkeypatch.setattr(
        propagating, "make_surface", lambda node: (shown.append(len(bench.filled())), really_make(node))
    )
    bench.key("P")
    bench.until(lambda: "Making the 3D surface" in bench.status)
    assert len(bench.filled()) > 1
    assert not has_surface(bench.segmentation)
    bench.settle()
    assert shown == [len(bench.filled())]
    assert has_surface(bench.segmentation)
    assert "Making" not in bench.status


def test_the_surface_is_made_though_the_module_is_closed_before(bench: Any) -> None:
    bench.paint(16)
    segmentation = bench.segmentation
    segmentation.CreateClosedSurfaceRepresentation()
    bench.key("P")
    bench.until(lambda: "Making the 3D surface" in bench.status)
    assert not has_surface(segmentation)
    bench.desktop.app.moduleManager().module("Sli2VolSlicer").widgetRepresentation().self().cleanup()
    assert has_surface(segmentation)


def test_cancel_with_escape_changes_nothing(bench: Any) -> None:
    bench.use("random-weights")
    bench.paint(16)
    before = bench.mask()
    bench.key("P")
    assert bench.ui.propagateButton.text == "Cancel"
    bench.key("Esc")
    bench.settle()
    assert bench.status == "Cancelled: nothing was changed."
    assert bench.ui.propagateButton.text == "Propagate"
    assert np.array_equal(bench.mask(), before)


def test_a_click_on_the_timeline_moves_the_slice_views(bench: Any) -> None:
    bench.paint(16)
    bench.click_slice(20)
    assert bench.panel.desk.shown_slice == 20
    assert bench.panel.strip.shown_slice == 20
    bench.key("Left")
    assert bench.panel.desk.shown_slice == 19
