"""Scenes that close and load, nodes that go, modules that are switched: the panel stays usable and leaves nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Sli2VolSlicerLib.scene.headless import add_volume


def test_a_saved_scene_is_gone_on_with_after_it_was_closed_and_loaded(bench: Any, tmp_path: Path) -> None:
    bench.paint(16)
    bench.ui.directionSelector.currentIndex = 1
    bench.propagate()
    before = bench.mask()
    bench.save(tmp_path / "scene.mrb")
    bench.scene.Clear(0)
    bench.settle()
    assert bench.panel.desk.volume is None
    assert bench.panel.desk.seen is None
    bench.load_scene(tmp_path / "scene.mrb")
    assert bench.panel.options.direction.value == "up"
    assert np.array_equal(bench.mask(), before)
    anchors = [a.slice_index for a in bench.panel.desk.seen.timeline.anchors]
    assert anchors == [16]
    bench.click_slice(20)
    bench.key("A")
    bench.settle()
    bench.propagate()
    assert [a.slice_index for a in bench.panel.desk.seen.timeline.anchors] == [16, 20]


@pytest.mark.parametrize("what", ["volume", "segmentation", "scene"])
def test_what_goes_while_it_runs_ends_the_run_with_a_word(bench: Any, what: str) -> None:
    bench.use("random-weights")
    bench.paint(16)
    bench.key("P")
    if what == "scene":
        bench.scene.Clear(0)
    else:
        bench.scene.RemoveNode(bench.volume if what == "volume" else bench.segmentation)
    bench.settle()
    assert not bench.panel.propagating.is_running
    assert bench.status
    assert bench.ui.propagateButton.text == "Propagate"


def test_drawing_while_it_runs_drops_the_result_and_says_so(bench: Any) -> None:
    bench.use("random-weights")
    bench.paint(16)
    bench.key("P")
    bench.paint(17)
    bench.settle()
    assert "nothing was" in bench.status, bench.status
    assert bench.filled() == [16, 17]


def test_another_module_is_free_of_keys_and_observers(bench: Any) -> None:
    from PySide6.QtGui import QShortcut

    def keys() -> list[str]:
        found = [c for c in bench.desktop.window.children() if isinstance(c, QShortcut) and c.enabled]
        return [shortcut.key.toString() for shortcut in found]

    assert {"P", "N", "A"} <= set(keys())
    bench.paint(16)
    bench.desktop.select_module("Data")
    assert keys() == []
    bench.key("P")
    assert not bench.panel.propagating.is_running
    bench.open()
    bench.propagate()
    assert len(bench.filled()) > 1


def test_switching_modules_while_it_runs_does_not_lose_the_result(bench: Any) -> None:
    bench.paint(16)
    bench.key("P")
    bench.desktop.select_module("Data")
    bench.settle()
    assert len(bench.filled()) > 1
    bench.open()
    assert len(bench.panel.strip.timeline.stops) + 1


def test_keys_do_nothing_while_somebody_types(bench: Any) -> None:
    bench.paint(16)
    bench.ui.rangeCheckBox.checked = True
    bench.ui.firstSliceSpinBox.setFocus()
    bench.key("P")
    assert not bench.panel.propagating.is_running


def test_reloading_the_module_leaves_no_observer_of_the_old_panel(bench: Any) -> None:
    bench.paint(16)
    old = bench.panel
    assert len(old.observers) > 0
    bench.desktop.app.moduleManager().module("Sli2VolSlicer").widgetRepresentation().self().cleanup()
    assert len(old.observers) == 0
    assert not old.shortcuts.is_installed
    assert old.background.is_idle


def test_another_volume_is_another_start(bench: Any) -> None:
    bench.paint(16)
    bench.propagate()
    other = add_volume(bench.scene, np.random.default_rng(1).normal(0, 9, (8, 40, 40)), np.eye(4), "Other")
    bench.ui.volumeSelector.setCurrentNode(other)
    bench.settle()
    assert bench.panel.desk.result is None


def test_while_it_runs_the_main_loop_answers_every_50_ms(bench: Any) -> None:
    bench.use("random-weights")
    bench.paint(16)
    bench.key("P")
    bench.gaps.clear()
    bench.until(lambda: bench.ui.progressBar.value > 0)
    bench.until(lambda: not bench.panel.propagating.is_running)
    while_running = sorted(bench.gaps[:-1])
    assert while_running[int(0.95 * len(while_running))] < 0.05, while_running[-5:]


def test_escape_cancels_also_after_leaving_and_coming_back_while_it_runs(bench: Any) -> None:
    bench.use("random-weights")
    bench.paint(16)
    bench.key("P")
    bench.desktop.select_module("Data")
    bench.desktop.select_module("Sli2VolSlicer")
    assert bench.panel.propagating.is_running
    bench.key("Esc")
    bench.settle()
    assert bench.status == "Cancelled: nothing was changed."


def test_escape_is_the_editors_while_nothing_runs(bench: Any) -> None:
    editor = bench.panel.editor.widget
    bench.key("1")
    assert editor.mrmlSegmentEditorNode().GetActiveEffectName() == "Paint"
    bench.key("Esc")
    assert not editor.mrmlSegmentEditorNode().GetActiveEffectName()


def test_the_engine_is_loaded_when_the_module_is_opened(bench: Any) -> None:
    assert "Sli2VolSlicerLib.engine.session" in sys.modules
    assert bench.status == ""
