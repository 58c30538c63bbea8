"""`slicer.qMRMLSegmentEditorWidget`: selectors, segment list, effects, undo, masking, on Slicer's own logic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer
import vtk
from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QVBoxLayout,
)

from .brush import Brush
from .editor_keys import EditorKeys
from .views import MousePress
from .widgets import Observations, qMRMLNodeComboBox, qMRMLWidget

EFFECTS = ("Paint", "Erase")
MASK_MODES = (
    ("Everywhere", slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere),
    ("Inside all segments", slicer.vtkMRMLSegmentationNode.EditAllowedInsideAllSegments),
    ("Outside all segments", slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments),
)
OVERWRITE_MODES = (
    ("Overwrite all segments", slicer.vtkMRMLSegmentEditorNode.OverwriteAllSegments),
    ("Overwrite visible segments", slicer.vtkMRMLSegmentEditorNode.OverwriteVisibleSegments),
    ("Allow overlap", slicer.vtkMRMLSegmentEditorNode.OverwriteNone),
)
BRUSH_RADIUS_MM = 6.0


@dataclass(frozen=True)
class Effect:
    """One of the editor's effects, by its name."""

    name: str


class qMRMLSegmentEditorWidget(qMRMLWidget):  # noqa: N801
    """What the panel embeds. Painting with the mouse on a slice view works, and so does `paint` for tests."""

    STANDS_FOR_CPP = "qMRMLSegmentEditorWidget"
    SIGNALS = {
        "currentSegmentIDChanged(QString)": "currentSegmentIDChanged",
        "segmentationNodeChanged(vtkMRMLSegmentationNode*)": "segmentationNodeChanged",
        "sourceVolumeNodeChanged(vtkMRMLVolumeNode*)": "sourceVolumeNodeChanged",
    }
    currentSegmentIDChanged = Signal(str)
    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)
    brush_radius: float

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._brush = Brush(self._logic)
        self._node: Any = None
        self._effect = ""
        self._auto_show = True
        self._shown: tuple[Any, Any, str] = (None, None, "")
        self._keys = EditorKeys()
        self._views: list[Any] = []
        self._observed = Observations()
        self._of_segmentation = Observations()
        self._is_updating = False
        self.brush_radius = BRUSH_RADIUS_MM
        self._make_widgets()
        self._of_logic = Observations()
        self._of_logic.add(self._logic, self._logic.SegmentationHistoryChangedEvent, lambda *_: self._show_history())
        for observations in (self._observed, self._of_segmentation, self._of_logic):
            observations.clear_with(self)
        self.updateWidgetFromMRML()

    # What Slicer's widget has under the same names.

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._logic.SetMRMLScene(scene)
        self._segmentations.setMRMLScene(scene)
        self._volumes.setMRMLScene(scene)
        self.updateWidgetFromMRML()

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        if node is self._node:
            return
        self._observed.clear()
        self._node = node
        self._logic.SetSegmentEditorNode(node)
        if node is not None:
            self._observed.add(node, vtk.vtkCommand.ModifiedEvent, lambda *_: self.updateWidgetFromMRML())
        self.updateWidgetFromMRML()

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    def segmentationNode(self) -> Any:
        return self._node.GetSegmentationNode() if self._node is not None else None

    def sourceVolumeNode(self) -> Any:
        return self._node.GetSourceVolumeNode() if self._node is not None else None

    def setSegmentationNode(self, node: Any) -> None:
        if self._node is not None and node is not self.segmentationNode():
            self._logic.SetSegmentationNode(node)
            self.updateWidgetFromMRML()

    def setSourceVolumeNode(self, node: Any) -> None:
        if self._node is not None and node is not self.sourceVolumeNode():
            self._logic.SetSourceVolumeNode(node)
            self.updateWidgetFromMRML()

    def currentSegmentID(self) -> str:
        return (self._node.GetSelectedSegmentID() or "") if self._node is not None else ""

    def setCurrentSegmentID(self, segment_id: str) -> None:
        if self._node is not None:
            self._node.SetSelectedSegmentID(segment_id)

    def activeEffect(self) -> Any:
        return Effect(self._effect) if self._effect else None

    def setActiveEffect(self, effect: Any) -> None:
        self.setActiveEffectByName("" if effect is None else effect.name)

    def setActiveEffectByName(self, name: str) -> None:
        self._effect = name if name in EFFECTS and self.currentSegmentID() else ""
        if self._node is not None:
            self._node.SetActiveEffectName(self._effect)
        for effect, button in self._effect_buttons.items():
            button.setChecked(effect == self._effect)

    def setSegmentationNodeSelectorVisible(self, visible: bool) -> None:
        self._show_row(self._segmentations, visible)

    def setSourceVolumeNodeSelectorVisible(self, visible: bool) -> None:
        self._show_row(self._volumes, visible)

    def setAutoShowSourceVolumeNode(self, shown: bool) -> None:
        self._auto_show = shown

    def setMaximumNumberOfUndoStates(self, most: int) -> None:
        self._logic.SetMaximumNumberOfUndoStates(most)

    def undo(self) -> None:
        self._logic.Undo()
        self.updateWidgetFromMRML()

    def redo(self) -> None:
        self._logic.Redo()
        self.updateWidgetFromMRML()

    def saveStateForUndo(self) -> None:
        self._logic.SaveStateForUndo()

    def setupViewObservations(self) -> None:
        self.removeViewObservations()
        layout = slicer.app.layoutManager()
        self._views = [layout.sliceWidget(name).sliceView() for name in layout.sliceViewNames()]
        for view in self._views:
            view.pressed.connect(self._on_press)

    def removeViewObservations(self) -> None:
        for view in self._views:
            view.pressed.disconnect(self._on_press)
        self._views = []

    def installKeyboardShortcuts(self, parent: Any = None) -> None:
        actions = {
            "put away": lambda: self.setActiveEffectByName(""),
            "undo": self.undo,
            "redo": self.redo,
            "previous": lambda: self._select_at_offset(-1),
            "next": lambda: self._select_at_offset(1),
            **{effect: lambda effect=effect: self._toggle(effect) for effect in EFFECTS},
        }
        self._keys.install(parent or slicer.util.mainWindow(), actions, EFFECTS)

    def uninstallKeyboardShortcuts(self) -> None:
        self._keys.remove()

    def updateWidgetFromMRML(self) -> None:
        """Show what the parameter node says."""
        if self._is_updating:
            return
        self._is_updating = True
        segmentation, volume = self.segmentationNode(), self.sourceVolumeNode()
        self._segmentations.setCurrentNode(segmentation)
        self._volumes.setCurrentNode(volume)
        self._observe_segmentation(segmentation)
        self._show_segments()
        self._show_masking()
        self._is_updating = False
        self._show_history()
        self._tell_changes(segmentation, volume)

    segmentationNodeSelectorVisible = Property(
        bool, lambda self: not self._segmentations.isHidden(), setSegmentationNodeSelectorVisible
    )
    sourceVolumeNodeSelectorVisible = Property(
        bool, lambda self: not self._volumes.isHidden(), setSourceVolumeNodeSelectorVisible
    )
    switchToSegmentationsButtonVisible = Property(bool, lambda self: False, lambda self, visible: None)
    autoShowSourceVolumeNode = Property(bool, lambda self: self._auto_show, setAutoShowSourceVolumeNode)
    readOnly = Property(bool, lambda self: not self._effects.enabled, lambda self, on: self._effects.setDisabled(on))
    maximumNumberOfUndoStates = Property(
        int, lambda self: self._logic.GetMaximumNumberOfUndoStates(), setMaximumNumberOfUndoStates
    )

    # For tests.

    def paint(self, ras: tuple[float, float, float], radius: float, *, normal: Any = None, erase: bool = False) -> None:
        """Draw a disc into the selected segment, as one undo step.

        Args:
            ras: its centre, in mm.
            radius: in mm.
            normal: of the slice to draw on; that of the Red view by default.
            erase: take away instead.
        """
        if normal is None:
            matrix = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().GetSliceToRAS()
            normal = [matrix.GetElement(i, 2) for i in range(3)]
        self._logic.SaveStateForUndo()
        self._brush.draw(ras, radius, normal, erase)
        self.updateWidgetFromMRML()

    def _on_press(self, press: MousePress) -> None:
        if not self._effect or self.segmentationNode() is None:
            return
        if press.is_first:
            self._logic.SaveStateForUndo()
        ras = press.slice_node.GetXYToRAS().MultiplyPoint((*press.xy, 0, 1))[:3]
        matrix = press.slice_node.GetSliceToRAS()
        normal = [matrix.GetElement(i, 2) for i in range(3)]
        self._brush.draw(ras, self.brush_radius, normal, self._effect == "Erase")

    # Inside.

    def _make_widgets(self) -> None:
        self._segmentations = qMRMLNodeComboBox()
        self._segmentations.nodeTypes = ["vtkMRMLSegmentationNode"]
        self._volumes = qMRMLNodeComboBox()
        self._volumes.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        for selector in (self._segmentations, self._volumes):
            selector.noneEnabled = True
            selector.addEnabled = selector is self._segmentations
        self._segmentations.currentNodeChanged.connect(self._on_chosen(self.setSegmentationNode))
        self._volumes.currentNodeChanged.connect(self._on_chosen(self.setSourceVolumeNode))
        self._list = QListWidget()
        self._list.setFixedHeight(110)
        self._list.currentItemChanged.connect(self._on_segment_chosen)
        self._list.itemChanged.connect(self._on_segment_checked)
        self._add, self._remove = QPushButton("Add"), QPushButton("Remove")
        self._add.clicked.connect(lambda: self._change_list(self._logic.AddEmptySegment))
        self._remove.clicked.connect(lambda: self._change_list(self._logic.RemoveSelectedSegment))
        self._effects = QLabel()
        self._effect_buttons = {name: self._tool(name, lambda on, n=name: self._toggle(n)) for name in EFFECTS}
        for button in self._effect_buttons.values():
            button.setCheckable(True)
        self._undo_button, self._redo_button = self._tool("Undo", self.undo), self._tool("Redo", self.redo)
        self._mask = self._choice(MASK_MODES, lambda mode: self._node.SetMaskMode(mode))
        self._overwrite = self._choice(OVERWRITE_MODES, lambda mode: self._node.SetOverwriteMode(mode))
        self._arrange()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._rows = QFormLayout()
        self._rows.addRow("Segmentation:", self._segmentations)
        self._rows.addRow("Source volume:", self._volumes)
        column.addLayout(self._rows)
        buttons = QHBoxLayout()
        buttons.addWidget(self._add)
        buttons.addWidget(self._remove)
        column.addLayout(buttons)
        column.addWidget(self._list)
        tools = QHBoxLayout(self._effects)
        tools.setContentsMargins(0, 0, 0, 0)
        for button in (*self._effect_buttons.values(), self._undo_button, self._redo_button):
            tools.addWidget(button)
        tools.addStretch(1)
        self._effects.setMinimumHeight(28)
        column.addWidget(self._effects)
        masking = QFormLayout()
        masking.addRow("Editable area:", self._mask)
        masking.addRow("Modify other segments:", self._overwrite)
        column.addLayout(masking)

    def _show_row(self, selector: Any, visible: bool) -> None:
        selector.setVisible(visible)
        self._rows.labelForField(selector).setVisible(visible)

    def _tool(self, name: str, action: Any) -> QToolButton:
        button = QToolButton()
        button.setText(name)
        button.clicked.connect(action)
        return button

    def _choice(self, choices: Any, set_mode: Any) -> QComboBox:
        box = QComboBox()
        for text, mode in choices:
            box.addItem(text, mode)
        box.activated.connect(lambda row: set_mode(box.itemData(row)) if self._node is not None else None)
        return box

    def _on_chosen(self, choose: Any) -> Any:
        return lambda node: None if self._is_updating else choose(node)

    def _toggle(self, effect: str) -> None:
        self.setActiveEffectByName("" if effect == self._effect else effect)

    def _select_at_offset(self, offset: int) -> None:
        row = self._list.currentRow + offset
        if 0 <= row < self._list.count:
            self._list.setCurrentRow(row)

    def _change_list(self, change: Any) -> None:
        if self.segmentationNode() is not None:
            change()
            self.updateWidgetFromMRML()

    def _observe_segmentation(self, node: Any) -> None:
        if node is self._shown[0]:
            return
        self._of_segmentation.clear()
        if node is not None:
            for event in (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved,
                          slicer.vtkSegmentation.SegmentModified):  # fmt: skip
                self._of_segmentation.add(node.GetSegmentation(), event, lambda *_: self.updateWidgetFromMRML())

    def _show_segments(self) -> None:
        node = self.segmentationNode()
        ids = list(node.GetSegmentation().GetSegmentIDs()) if node is not None else []
        if node is not None and self.currentSegmentID() not in ids:
            self._node.SetSelectedSegmentID(ids[0] if ids else "")
        display = node.GetDisplayNode() if node is not None else None
        visible = ids if display is None else display.GetVisibleSegmentIDs()
        self._list.clear()
        for segment_id in ids:
            segment = node.GetSegmentation().GetSegment(segment_id)
            colour = QPixmap(14, 14)
            colour.fill(QColor.fromRgbF(*segment.GetColor()))
            item = QListWidgetItem(QIcon(colour), segment.GetName())
            item.setData(Qt.ItemDataRole.UserRole, segment_id)
            item.setCheckState(Qt.CheckState.Checked if segment_id in visible else Qt.CheckState.Unchecked)
            self._list.addItem(item)
            if segment_id == self.currentSegmentID():
                self._list.setCurrentItem(item)
        self._add.setEnabled(node is not None)
        self._remove.setEnabled(bool(ids))
        self._effects.setEnabled(bool(ids))

    def _show_masking(self) -> None:
        if self._node is not None:
            self._mask.setCurrentIndex(self._mask.findData(self._node.GetMaskMode()))
            self._overwrite.setCurrentIndex(self._overwrite.findData(self._node.GetOverwriteMode()))

    def _show_history(self) -> None:
        self._undo_button.setEnabled(bool(self._logic.CanUndo()))
        self._redo_button.setEnabled(bool(self._logic.CanRedo()))

    def _on_segment_chosen(self, item: Any, before: Any) -> None:
        if not self._is_updating and item is not None:
            self.setCurrentSegmentID(item.data(Qt.ItemDataRole.UserRole))

    def _on_segment_checked(self, item: Any) -> None:
        node = self.segmentationNode()
        if not self._is_updating and node is not None and node.GetDisplayNode() is not None:
            visible = item.checkState() == Qt.CheckState.Checked
            node.GetDisplayNode().SetSegmentVisibility(item.data(Qt.ItemDataRole.UserRole), visible)

    def _tell_changes(self, segmentation: Any, volume: Any) -> None:
        before, self._shown = self._shown, (segmentation, volume, self.currentSegmentID())
        if before[0] is not segmentation:
            self.segmentationNodeChanged.emit(segmentation)
        if before[1] is not volume:
            if self._auto_show and volume is not None:
                slicer.app.layoutManager().show_volume(volume)
            self.sourceVolumeNodeChanged.emit(volume)
        if before[2] != self._shown[2]:
            self.currentSegmentIDChanged.emit(self._shown[2])
