"""Starts the stand-in for desktop Slicer around a MRML scene, and cleans everything up."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
import slicer.util

from .pythonqt import make_qt

QT = make_qt()

from PySide6.QtCore import QSettings  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from . import scripted_module  # noqa: E402
from .application import (  # noqa: E402
    Application,
    LoadedModule,
    ScriptedModule,
    qSlicerScriptedLoadableModuleWidget,
)
from .ctk_widgets import WIDGETS, make_ctk  # noqa: E402
from .segment_editor import qMRMLSegmentEditorWidget  # noqa: E402
from .ui_loader import make_loader  # noqa: E402
from .widgets import qMRMLNodeComboBox, qMRMLWidget  # noqa: E402

MODULE_FILE = Path(__file__).resolve().parents[2] / "Sli2VolSlicer" / "Sli2VolSlicer.py"
MRML_WIDGETS = (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentEditorWidget)
OURS = ("Sli2VolSlicer", "Sli2VolSlicerLib.panel")


class Desktop:
    """The running stand-in.

    Attributes:
        app: what `slicer.app` is.
        qt: what `import qt` gives.
        errors: tracebacks of what was raised in slots, event handlers and observers.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self.qt = QT
        self.errors: list[str] = []

    @property
    def window(self) -> Any:
        """The main window."""
        return self.app.window

    def load_module(self, path: Path = MODULE_FILE) -> Any:
        """Load a scripted module as Slicer does at its start."""
        return self.app.moduleManager().load(path)

    def show(self, width: int = 1366, height: int = 768) -> None:
        """Show the main window and make it the active one, so that keys reach it."""
        self.window.resize(width, height)
        self.window.show()
        self.window.activateWindow()
        self.app.processEvents()

    def select_module(self, name: str) -> None:
        """Switch to a module, as the user does; any other name than a loaded module's leaves it."""
        slicer.util.selectModule(name)
        self.app.processEvents()

    def show_volume(self, volume_node: Any) -> None:
        """Make a volume the background of all slice views, which then fit it."""
        if volume_node.GetDisplayNode() is None:
            volume_node.CreateDefaultDisplayNodes()
        selection = self.app.applicationLogic().GetSelectionNode()
        selection.SetActiveVolumeID(volume_node.GetID())
        self.app.applicationLogic().PropagateVolumeSelection()
        self.app.processEvents()


@contextmanager
def slicer_desktop(scene: Any) -> Iterator[Desktop]:
    """Slicer as a scripted module finds it, around a scene.

    Raises:
        AssertionError: something was raised in a slot, an event handler or an observer, where nobody catches it.
    """
    qt_application = QApplication.instance() or QApplication(["Slicer"])
    with tempfile.TemporaryDirectory() as folder, _collected_errors() as errors:
        _keep_settings_in(folder)
        with _installed(_slicer_names(scene), _python_modules()):
            app = Application(qt_application, scene, Path(folder))
            slicer.app = app
            slicer.modules.volumes = LoadedModule("Volumes", slicer.vtkSlicerVolumesLogic, scene)
            slicer.modules.segmentations = LoadedModule("Segmentations", slicer.vtkSlicerSegmentationsModuleLogic)
            desktop = Desktop(app)
            desktop.errors = errors
            try:
                yield desktop
            finally:
                app.close_down()
    assert not errors, "\n".join(["Raised where nobody catches it:", *errors])


def _keep_settings_in(folder: str) -> None:
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
    QApplication.setOrganizationName("NA-MIC")
    QApplication.setApplicationName("Slicer")


def _slicer_names(scene: Any) -> dict[str, Any]:
    names: dict[str, Any] = {kind.__name__: kind for kind in MRML_WIDGETS}
    return {
        **names,
        "ScriptedLoadableModule": _scripted(),
        "mrmlScene": scene,
        "app": None,
        "modules": ModuleType("slicer.modules"),
        "moduleNames": ModuleType("slicer.moduleNames"),
        "selfTests": {},
        "qSlicerScriptedLoadableModule": ScriptedModule,
        "qSlicerScriptedLoadableModuleWidget": qSlicerScriptedLoadableModuleWidget,
    }


def _scripted() -> ModuleType:
    module = ModuleType("slicer.ScriptedLoadableModule")
    for kind in scripted_module.CLASSES:
        setattr(module, kind.__name__, kind)
    module.__all__ = [kind.__name__ for kind in scripted_module.CLASSES]  # type: ignore[attr-defined]
    return module


def _python_modules() -> dict[str, ModuleType]:
    i18n = ModuleType("slicer.i18n")
    i18n.tr = lambda text: text  # type: ignore[attr-defined]
    i18n.translate = lambda context, text: text  # type: ignore[attr-defined]
    QT.QUiLoader = make_loader({kind.__name__: kind for kind in (*MRML_WIDGETS, *WIDGETS)})  # type: ignore[attr-defined]
    return {"qt": QT, "ctk": make_ctk(), "slicer.ScriptedLoadableModule": _scripted(), "slicer.i18n": i18n}


@contextmanager
def _installed(names: dict[str, Any], modules: dict[str, ModuleType]) -> Iterator[None]:
    """Names of `slicer` and modules that can be imported, for as long as it lasts."""
    before = {name: getattr(slicer, name) for name in names if hasattr(slicer, name)}
    for name, value in names.items():
        setattr(slicer, name, value)
    names["ScriptedLoadableModule"] = modules["slicer.ScriptedLoadableModule"]
    slicer.ScriptedLoadableModule = modules["slicer.ScriptedLoadableModule"]
    kept = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in names:
            delattr(slicer, name)
        for name, value in before.items():
            setattr(slicer, name, value)
        for name, module in kept.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        for name in [n for n in sys.modules if n == OURS[0] or n.startswith(OURS[1])]:
            del sys.modules[name]


@contextmanager
def _collected_errors() -> Iterator[list[str]]:
    """Tracebacks of what Qt and VTK print when their callbacks raise."""
    errors: list[str] = []
    before = sys.excepthook, sys.unraisablehook
    sys.excepthook = lambda kind, value, trace: errors.append("".join(traceback.format_exception(kind, value, trace)))
    sys.unraisablehook = lambda it: errors.append(f"{it.err_msg}: {it.exc_type}: {it.exc_value} in {it.object!r}")
    try:
        yield errors
    finally:
        sys.excepthook, sys.unraisablehook = before
