"""`slicer.app`, its module manager, its main window, and the modules that are loaded in it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import shiboken6
import slicer
from PySide6.QtCore import QEvent, QObject, QSettings, Qt, Signal
from PySide6.QtWidgets import QApplication, QMainWindow, QScrollArea, QSplitter, QVBoxLayout, QWidget

from .pythonqt import connections
from .views import qSlicerLayoutManager
from .widgets import qMRMLWidget

PANEL_WIDTH = 480


class ModuleSelector(QObject):
    """The main window's choice of the module that is shown."""

    STANDS_FOR_CPP = "ModuleSelector"
    moduleSelected = Signal(str)

    def __init__(self, manager: ModuleManager) -> None:
        super().__init__()
        self._manager = manager
        self._selected = ""

    def selectedModule(self) -> str:
        return self._selected

    def selectModule(self, name: str) -> None:
        """Leave the module that is shown, and enter another; any name will do for one that is not here."""
        if name == self._selected:
            return
        before = self._manager.module(self._selected)
        self._selected = name
        if before is not None:
            before.widgetRepresentation().exit()
        module = self._manager.module(name)
        if module is not None:
            module.widgetRepresentation().enter()
        self.moduleSelected.emit(name)


class qSlicerMainWindow(QMainWindow):  # noqa: N801
    """Module panel on the left, views on the right."""

    STANDS_FOR_CPP = "qSlicerMainWindow"
    panel: QScrollArea
    viewport: QWidget

    def __init__(self, selector: ModuleSelector) -> None:
        super().__init__()
        self._selector = selector
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("3D Slicer")
        self.panel = QScrollArea()
        self.panel.setObjectName("ModulePanel")
        self.panel.setWidgetResizable(True)
        self.panel.setMinimumWidth(PANEL_WIDTH)
        self.panel.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport = QWidget()
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.panel)
        splitter.addWidget(self.viewport)
        splitter.setStretchFactor(1, 1)
        self.setCentralWidget(splitter)

    def moduleSelector(self) -> Any:
        return self._selector

    def show_panel(self, widget: QWidget | None) -> None:
        """Put a module's widget into the panel; the one before is kept, hidden."""
        if self.panel.widget() is not None:
            self.panel.takeWidget().hide()
        if widget is not None:
            self.panel.setWidget(widget)
            widget.show()


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):  # noqa: N801
    """What holds a scripted module's widget, and calls it."""

    STANDS_FOR_CPP = "qSlicerScriptedLoadableModuleWidget"

    def __init__(self, module: ScriptedModule) -> None:
        super().__init__()
        self._module = module
        self._python: Any = None
        self._is_entered = False
        self.setLayout(QVBoxLayout())

    def self(self) -> Any:
        return self._python

    def make(self) -> None:
        """Make the Python widget and set it up."""
        self.setMRMLScene(slicer.mrmlScene)
        kind = getattr(sys.modules[self._module.name], f"{self._module.name}Widget")
        self._python = kind(self)
        setattr(slicer.modules, f"{self._module.name}Widget", self._python)
        self._python.setup()

    def reload(self) -> None:
        """After the source was read again."""
        self.make()
        if self._is_entered and hasattr(self._python, "enter"):
            self._python.enter()

    def enter(self) -> None:
        self._is_entered = True
        slicer.util.mainWindow().show_panel(self)
        if hasattr(self._python, "enter"):
            self._python.enter()

    def exit(self) -> None:
        self._is_entered = False
        slicer.util.mainWindow().show_panel(None)
        if hasattr(self._python, "exit"):
            self._python.exit()


class ScriptedModule:
    """A scripted module as `slicer.modules.<name>` (qSlicerScriptedLoadableModule)."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = str(path)
        self.title = name
        self._widget: qSlicerScriptedLoadableModuleWidget | None = None

    def widgetRepresentation(self) -> Any:
        if self._widget is None:
            self._widget = qSlicerScriptedLoadableModuleWidget(self)
            self._widget.make()
        return self._widget

    @property
    def has_widget(self) -> bool:
        return self._widget is not None


class LoadedModule:
    """A module of Slicer's own: its logic, made when it is asked for.

    Args:
        name: the module's.
        make_logic: its logic's class.
        scene: the scene that the logic is for; None where one that is there already has registered the module's nodes.
    """

    def __init__(self, name: str, make_logic: Any, scene: Any | None = None) -> None:
        self.name = name
        self._make_logic = make_logic
        self._scene = scene
        self._logic: Any = None

    def logic(self) -> Any:
        if self._logic is None:
            self._logic = self._make_logic()
            if self._scene is not None:
                self._logic.SetMRMLScene(self._scene)
        return self._logic


class ModuleManager(QObject):
    """qSlicerModuleManager: loads a scripted module from its file, and unloads it."""

    STANDS_FOR_CPP = "ModuleManager"
    SIGNALS = {"moduleAboutToBeUnloaded(QString)": "moduleAboutToBeUnloaded"}
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, ScriptedModule] = {}

    def module(self, name: str) -> Any:
        return self._modules.get(name)

    def modulesNames(self) -> tuple[str, ...]:
        return tuple(self._modules)

    def load(self, path: Path) -> Any:
        """Load a scripted module; its `slicer.modules` entry."""
        name = path.stem
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        source = importlib.util.module_from_spec(spec)
        sys.modules[name] = source
        spec.loader.exec_module(source)
        module = ScriptedModule(name, path)
        instance = getattr(source, name)(module)
        self._modules[name] = module
        setattr(slicer.modules, name.lower(), module)
        setattr(slicer.modules, f"{name}Instance", instance)
        return module

    def unload(self, name: str) -> None:
        """As when Slicer closes: cleanup() is called, then the widget goes."""
        module = self._modules.pop(name)
        self.moduleAboutToBeUnloaded.emit(name)
        if module.has_widget:
            shiboken6.delete(module.widgetRepresentation())
        connections.forget_the_dead()
        for entry in (name.lower(), f"{name}Instance", f"{name}Widget"):
            if hasattr(slicer.modules, entry):
                delattr(slicer.modules, entry)
        sys.modules.pop(name, None)


class ApplicationSignals(QObject):
    """What `slicer.app` tells."""

    STANDS_FOR_CPP = "ApplicationSignals"
    startupCompleted = Signal()


class Application:
    """`slicer.app` (qSlicerApplication), around the process's QApplication.

    Args:
        qt_application: the QApplication.
        scene: the MRML scene.
        folder: for settings and temporary files.
    """

    applicationName = "Slicer"
    majorVersion, minorVersion, revision = 5, 12, "0"
    applicationVersion = "5.12.0"
    os = "linux"

    def __init__(self, qt_application: QApplication, scene: Any, folder: Path) -> None:
        self._qt = qt_application
        self._scene = scene
        self._folder = folder
        self._is_testing = True
        self._settings = QSettings()
        self._logic = slicer.vtkSlicerApplicationLogic()
        self._logic.SetMRMLScene(scene)
        self._colours = slicer.vtkMRMLColorLogic()
        self._colours.SetMRMLScene(scene)
        self._manager = ModuleManager()
        self._signals = ApplicationSignals()
        self.window = qSlicerMainWindow(ModuleSelector(self._manager))
        self._layout = qSlicerLayoutManager(scene, self._logic, self.window.viewport)

    def __getattr__(self, name: str) -> Any:
        """What QApplication has: topLevelWidgets, palette, focusWidget, setOverrideCursor, style ..."""
        return getattr(self._qt, name)

    def connect(self, signature: str, slot: Any) -> bool:
        return connections.connect(self._signals, signature, slot)

    def complete_startup(self) -> None:
        """For tests: all modules are loaded and the main window is shown."""
        self._signals.startupCompleted.emit()

    def processEvents(self, *arguments: Any) -> None:
        """As a turn of the main loop, which also destroys what was left for later."""
        self._qt.processEvents(*arguments)
        self._qt.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    @property
    def temporaryPath(self) -> str:
        return str(self._folder)

    def mrmlScene(self) -> Any:
        return self._scene

    def applicationLogic(self) -> Any:
        return self._logic

    def layoutManager(self) -> Any:
        return self._layout

    def moduleManager(self) -> Any:
        return self._manager

    def mainWindow(self) -> Any:
        return self.window

    def settings(self) -> QSettings:
        return self._settings

    def userSettings(self) -> QSettings:
        return self._settings

    def revisionUserSettings(self) -> QSettings:
        return self._settings

    def testingEnabled(self) -> bool:
        return self._is_testing

    def setTestingEnabled(self, testing: bool) -> None:
        """For tests that want message boxes to appear."""
        self._is_testing = testing

    def pauseRender(self) -> None:
        pass

    def resumeRender(self) -> None:
        pass

    def close_down(self) -> None:
        """Unload the modules and let go of the scene."""
        self.window.moduleSelector().selectModule("")
        for name in self._manager.modulesNames():
            self._manager.unload(name)
        self._layout.close_down()
        self.window.close()
        shiboken6.delete(self.window)
        shiboken6.delete(self._signals)
        connections.forget_the_dead()
        for widget in self._qt.topLevelWidgets():
            widget.close()
            widget.deleteLater()
        self.processEvents()
        self._logic.SetSliceLogics(None)
        for logic in (self._logic, self._colours):
            logic.SetMRMLScene(None)
