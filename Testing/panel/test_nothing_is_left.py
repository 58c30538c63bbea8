"""What is left of the module in Slicer after it has gone: nothing."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from slicerhost.observers import observers_of


def test_a_panel_that_was_unloaded_is_held_by_nothing(bench: Any) -> None:
    bench.paint(16)
    bench.propagate()
    panel = weakref.ref(bench.panel)
    logic = weakref.ref(bench.panel.desk.logic)
    bench.desktop.select_module("")
    bench.desktop.app.moduleManager().unload("Sli2VolSlicer")
    bench.desktop.app.processEvents()
    gc.collect()
    # An observer on any node, a timer, a key or a thread would hold it.

    assert panel() is None
    assert logic() is None


def test_a_scene_has_as_many_observers_after_the_module_as_before(desktop: Any, scene: Any) -> None:
    before = observers_of(scene)
    assert before
    desktop.load_module()
    desktop.show()
    desktop.select_module("Sli2VolSlicer")
    desktop.app.processEvents()
    assert observers_of(scene) > before
    desktop.select_module("")
    desktop.app.moduleManager().unload("Sli2VolSlicer")
    desktop.app.processEvents()
    gc.collect()
    assert observers_of(scene) == before
