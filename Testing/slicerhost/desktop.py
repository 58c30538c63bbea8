"""`slicer.ScriptedLoadableModule`, `slicer.mrmlScene`, `slicer.app` and a speck of Qt, for the time of a test."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import slicer


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__


class Layout:
    def __init__(self) -> None:
        self.widgets: list[Any] = []

    def addWidget(self, widget: Any) -> None:
        self.widgets.append(widget)

    def addStretch(self, stretch: int = 0) -> None:
        pass


class ScriptedLoadableModuleWidget:
    def __init__(self, parent: Any = None) -> None:
        self.parent = parent
        self.layout = Layout()

    def setup(self) -> None:
        pass


class ScriptedLoadableModuleLogic:
    def __init__(self, parent: Any = None) -> None:
        self.parent = parent


class ScriptedLoadableModuleTest(unittest.TestCase):
    def delayDisplay(self, message: str, msec: int = 0) -> None:
        pass


class Widget:
    """A QWidget, QLabel, QPushButton or QFormLayout, as far as the panel needs one."""

    def __init__(self, text: Any = "") -> None:
        self.text = text
        self.enabled = True
        self.rows: list[tuple[Any, ...]] = []
        self._clicked: list[Callable[[], None]] = []

    def setText(self, text: str) -> None:
        self.text = text

    def setEnabled(self, enabled: bool) -> None:
        self.enabled = enabled

    def setToolTip(self, text: str) -> None:
        self.tool_tip = text

    def setWordWrap(self, wrap: bool) -> None:
        self.wrap = wrap

    def addRow(self, *row: Any) -> None:
        self.rows.append(row)

    def connect(self, signal: str, slot: Callable[[], None]) -> None:
        assert signal == "clicked()", signal
        self._clicked.append(slot)

    def click(self) -> None:
        """As the user does: a disabled button does nothing."""
        if self.enabled:
            for slot in self._clicked:
                slot()


class NodeComboBox(Widget):
    """A qMRMLNodeComboBox that shows the first node of its kind."""

    def __init__(self) -> None:
        super().__init__()
        self.nodeTypes: list[str] = []
        self._scene: Any = None

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def currentNode(self) -> Any:
        return self._scene.GetFirstNodeByClass(self.nodeTypes[0]) if self._scene is not None else None


@contextmanager
def desktop(scene: Any) -> Iterator[SimpleNamespace]:
    """Slicer as a scripted module finds it, around a scene; yields what stands for the application."""
    application = SimpleNamespace(events_processed=0)

    def process_events() -> None:
        application.events_processed += 1

    application.processEvents = process_events
    scripted = ModuleType("slicer.ScriptedLoadableModule")
    for kind in (
        ScriptedLoadableModule,
        ScriptedLoadableModuleWidget,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
    ):
        setattr(scripted, kind.__name__, kind)
    qt = ModuleType("qt")
    for name in ("QWidget", "QLabel", "QPushButton", "QFormLayout"):
        setattr(qt, name, Widget)
    added = {
        "ScriptedLoadableModule": scripted,
        "mrmlScene": scene,
        "app": application,
        "qMRMLNodeComboBox": NodeComboBox,
    }
    before = {name: getattr(slicer, name) for name in added if hasattr(slicer, name)}
    for name, value in added.items():
        setattr(slicer, name, value)
    modules = {"slicer.ScriptedLoadableModule": scripted, "qt": qt}
    sys.modules.update(modules)
    try:
        yield application
    finally:
        for name in added:
            delattr(slicer, name)
        for name, value in before.items():
            setattr(slicer, name, value)
        for name in [*modules, "Sli2VolSlicer", "Sli2VolSlicerLib.panel.propagate_panel"]:
            sys.modules.pop(name, None)
