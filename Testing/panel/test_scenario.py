"""The way of a user through the panel, by real clicks and keys."""

from __future__ import annotations

from typing import Any

import numpy as np


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
