"""The base of the stand-in's widgets, `qMRMLWidget`, and the combo box of nodes."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from .pythonqt import make_qt

make_qt()


class Observations:
    """Observers that a widget of the stand-in has put on VTK objects, to be taken off together."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, int]] = []

    def add(self, target: Any, event: Any, callback: Any) -> None:
        """Observe a VTK object."""
        self._made.append((target, target.AddObserver(event, callback)))

    def clear(self) -> None:
        """Take all observers off."""
        for target, tag in self._made:
            target.RemoveObserver(tag)
        self._made = []

    def clear_with(self, widget: Any) -> None:
        """Take all observers off when a widget is destroyed, even if nothing else holds on to this any more."""
        widget.destroyed.connect(lambda: self.clear())


def scene_callback(slot: Any) -> Any:
    """A VTK observer that hands on the node that a scene's event is about."""

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def called(caller: Any, event: Any, node: Any) -> None:
        slot(node)

    return called


class qMRMLWidget(QWidget):  # noqa: N801
    STANDS_FOR_CPP = "qMRMLWidget"
    SIGNALS = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}
    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


def _flag(name: str, initially: bool) -> Any:
    """A bool property kept in `_<name>`, after which the box is filled again."""

    def get(self: Any) -> bool:
        return bool(getattr(self, f"_{name}", initially))

    def set_(self: Any, value: bool) -> None:
        setattr(self, f"_{name}", bool(value))
        self._fill()

    return Property(bool, get, set_)


class qMRMLNodeComboBox(QWidget):  # noqa: N801
    """A real combo box that follows the scene: nodes added, removed, renamed, the scene closed."""

    STANDS_FOR_CPP = "qMRMLNodeComboBox"
    SIGNALS = {
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentNodeChanged(bool)": "currentNodeValid",
        "currentNodeIDChanged(QString)": "currentNodeIDChanged",
        "nodeActivated(vtkMRMLNode*)": "nodeActivated",
        "nodeAdded(vtkMRMLNode*)": "nodeAdded",
        "nodeAddedByUser(vtkMRMLNode*)": "nodeAddedByUser",
        "nodeAboutToBeRemoved(vtkMRMLNode*)": "nodeAboutToBeRemoved",
    }
    currentNodeChanged = Signal(object)
    currentNodeValid = Signal(bool)
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAboutToBeRemoved = Signal(object)

    noneEnabled = _flag("noneEnabled", False)
    addEnabled = _flag("addEnabled", True)
    removeEnabled = _flag("removeEnabled", True)
    editEnabled = _flag("editEnabled", False)
    renameEnabled = _flag("renameEnabled", False)
    showHidden = _flag("showHidden", False)
    showChildNodeTypes = _flag("showChildNodeTypes", True)
    selectNodeUponCreation = _flag("selectNodeUponCreation", True)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._types: list[str] = []
        self._none_display = "None"
        self._base_name = ""
        self._current: Any = None
        self._attributes: list[tuple[str, str, str | None]] = []
        self._observed = Observations()
        self._nodes: list[Any] = []
        self._box = QComboBox()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self.setFocusProxy(self._box)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._box.activated.connect(self._on_activated)
        self._observed.clear_with(self)
        self._fill()

    def _get_types(self) -> list[str]:
        return self._types

    def _set_types(self, types: list[str]) -> None:
        self._types = list(types)
        self._fill()

    nodeTypes = Property("QStringList", _get_types, _set_types)

    def _get_none_display(self) -> str:
        return self._none_display

    def _set_none_display(self, text: str) -> None:
        self._none_display = text
        self._fill()

    noneDisplay = Property(str, _get_none_display, _set_none_display)

    def _get_base_name(self) -> str:
        return self._base_name

    def _set_base_name(self, name: str) -> None:
        self._base_name = name

    baseName = Property(str, _get_base_name, _set_base_name)

    def _get_current_id(self) -> str:
        return self._current.GetID() if self._current is not None else ""

    def setCurrentNodeID(self, node_id: str) -> None:
        self.setCurrentNode(self._scene.GetNodeByID(node_id) if self._scene is not None and node_id else None)

    currentNodeID = Property(str, _get_current_id, setCurrentNodeID)

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._observed.clear()
        self._scene = scene
        if scene is not None:
            self._observed.add(scene, slicer.vtkMRMLScene.NodeAddedEvent, scene_callback(self._on_added))
            about = slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent
            self._observed.add(scene, about, scene_callback(self._on_about_to_be_removed))
            self._observed.add(scene, slicer.vtkMRMLScene.NodeRemovedEvent, lambda *_: self._fill())
            for event in (slicer.vtkMRMLScene.EndBatchProcessEvent, slicer.vtkMRMLScene.EndCloseEvent):
                self._observed.add(scene, event, lambda *_: self._fill())
        self._fill()

    def addAttribute(self, node_type: str, name: str, value: str | None = None) -> None:
        self._attributes.append((node_type, name, value))
        self._fill()

    def nodeCount(self) -> int:
        return len(self._nodes)

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def currentNode(self) -> Any:
        return self._current

    def setCurrentNode(self, node: Any) -> None:
        if isinstance(node, str):
            self.setCurrentNodeID(node)
            return
        self._choose(node if node is None or self._fits(node) else None)

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self.nodeFromIndex(index))

    def addNode(self, node_type: str = "") -> Any:
        kind = node_type or self._types[0]
        node = self._scene.AddNewNodeByClass(kind, self._scene.GenerateUniqueName(self._base_name or "Node"))
        for of_type, name, value in self._attributes:
            if of_type == kind and value is not None:
                node.SetAttribute(name, value)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        return node

    def removeCurrentNode(self) -> None:
        if self._current is not None:
            self._scene.RemoveNode(self._current)

    def _fits(self, node: Any) -> bool:
        if node is None or (node.GetHideFromEditors() and not self.showHidden):
            return False
        kind = next((t for t in self._types if node.IsA(t)), None)
        if kind is None or (not self.showChildNodeTypes and node.GetClassName() not in self._types):
            return False
        for of_type, name, value in self._attributes:
            has = node.GetAttribute(name)
            if node.IsA(of_type) and (has is None or (value is not None and has != value)):
                return False
        return True

    def _on_added(self, node: Any) -> None:
        if self._fits(node):
            self._fill()
            self.nodeAdded.emit(node)

    def _on_about_to_be_removed(self, node: Any) -> None:
        if node in self._nodes:
            self.nodeAboutToBeRemoved.emit(node)

    def _on_activated(self, row: int) -> None:
        offset = 1 if self.noneEnabled else 0
        if row < offset + len(self._nodes):
            node = self._nodes[row - offset] if row >= offset else None
            self._choose(node)
            self.nodeActivated.emit(node)
            return
        self._show_current()
        if self._box.itemData(row) == "create":
            self.nodeAddedByUser.emit(self.addNode())
        else:
            self.removeCurrentNode()

    def _fill(self) -> None:
        if not hasattr(self, "_box") or (self._scene is not None and self._scene.IsBatchProcessing()):
            return
        scene = self._scene
        every = [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())] if scene is not None else []
        self._nodes = [node for node in every if self._fits(node)]
        self._box.clear()
        if self.noneEnabled:
            self._box.addItem(self._none_display)
        for node in self._nodes:
            self._box.addItem(node.GetName())
        if scene is not None and self.addEnabled and self._types:
            self._box.addItem(f"Create new {self._base_name or self._types[0].removeprefix('vtkMRML')}", "create")
        if self._current is not None and self.removeEnabled:
            self._box.addItem("Delete current", "delete")
        self._box.setEnabled(scene is not None)
        if self._current not in self._nodes:
            self._choose(None if self.noneEnabled or not self._nodes else self._nodes[0])
        self._show_current()

    def _choose(self, node: Any) -> None:
        if node is self._current:
            return
        self._current = node
        self._show_current()
        self.currentNodeChanged.emit(node)
        self.currentNodeValid.emit(node is not None)
        self.currentNodeIDChanged.emit(self._get_current_id())

    def _show_current(self) -> None:
        offset = 1 if self.noneEnabled else 0
        row = self._nodes.index(self._current) + offset if self._current in self._nodes else offset - 1
        self._box.setCurrentIndex(row)
        if self._current in self._nodes:
            self._box.setItemText(row, self._current.GetName())
