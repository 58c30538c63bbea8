"""Slice views on real vtkMRMLSliceNodes and vtkMRMLSliceLogics, and the layout manager that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from PySide6.QtCore import Property, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPalette
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QVBoxLayout, QWidget

from .segment_picture import overlay_segments
from .widgets import Observations, qMRMLWidget, scene_callback

SLICE_VIEWS = ("Red", "Yellow", "Green")
COLOURS = {"Red": (0.95, 0.29, 0.24), "Yellow": (0.93, 0.84, 0.30), "Green": (0.43, 0.69, 0.29)}
CONVENTIONAL_LAYOUT = 2
RENDERING_MS = 16
"""So long after a change a view is rendered: 60 pictures a second at most."""


@dataclass(frozen=True)
class MousePress:
    """A mouse button held down on a slice view.

    Attributes:
        view: the view's name, like "Red".
        slice_node: its vtkMRMLSliceNode.
        xy: where, in the view's own coordinates (y upwards).
        is_first: whether the button went down here; False while it is dragged.
    """

    view: str
    slice_node: Any
    xy: tuple[float, float]
    is_first: bool


class qMRMLSliceView(QWidget):  # noqa: N801
    """Shows what the slice logic has blended, with the segments over it.

    As in Slicer (ctkVTKAbstractView), a view that has changed is rendered by a timer of its own, a moment later.
    """

    STANDS_FOR_CPP = "qMRMLSliceView"
    pressed = Signal(object)

    def __init__(self, name: str, logic: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self._name = name
        self._logic = logic
        self._rendered: QImage | None = None
        self._request = QTimer(self)
        self._request.setSingleShot(True)
        self._request.setInterval(RENDERING_MS)
        self._request.timeout.connect(self.forceRender)
        self.setMinimumSize(64, 64)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def scheduleRender(self) -> None:
        if not self._request.active:
            self._request.start()

    def forceRender(self) -> None:
        self._request.stop()
        if self.visible:
            self._render()
            self.update()

    def resizeEvent(self, event: Any) -> None:
        self._logic.ResizeSliceNode(self.width, self.height)
        self._rendered = None

    def bring_up_to_date(self) -> None:
        """Render now what was to be rendered in a moment: for pictures."""
        self._request.stop()
        self._render()

    def paintEvent(self, event: Any) -> None:
        if self._rendered is None:
            self._render()
        painter = QPainter(self)
        painter.fillRect(self.rect, Qt.GlobalColor.black)
        if self._rendered is not None:
            painter.drawImage(QPoint(0, self.height - self._rendered.height()), self._rendered)
        painter.end()

    def _render(self) -> None:
        self._rendered = self._picture()

    def mousePressEvent(self, event: Any) -> None:
        self._press(event, True)

    def mouseMoveEvent(self, event: Any) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._press(event, False)

    def _press(self, event: Any, is_first: bool) -> None:
        where = event.position()
        xy = (where.x(), self.height - 1 - where.y())
        self.pressed.emit(MousePress(self._name, self.mrmlSliceNode(), xy, is_first))

    def _picture(self) -> QImage | None:
        """What is in the view now."""
        connection = self._logic.GetImageDataConnection()
        if connection is None:
            return None
        connection.GetProducer().Update()
        data = connection.GetProducer().GetOutputDataObject(connection.GetIndex())
        scalars = data.GetPointData().GetScalars()
        if scalars is None:
            return None
        columns, rows, _ = data.GetDimensions()
        pixels = vtk.util.numpy_support.vtk_to_numpy(scalars).reshape(rows, columns, -1)[..., :3].astype(np.float32)
        overlay_segments(pixels, self._logic.GetSliceNode())
        flipped = np.ascontiguousarray(pixels[::-1].clip(0, 255).astype(np.uint8))
        return QImage(flipped.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()


class qMRMLSliceControllerWidget(qMRMLWidget):  # noqa: N801
    """The coloured bar above a slice view: its name, a slider, the offset."""

    STANDS_FOR_CPP = "qMRMLSliceControllerWidget"

    def __init__(self, name: str, logic: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self._logic = logic
        self._title = QLabel(name[0])
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._offset = QLabel()
        layout = QGridLayout(self)
        layout.setContentsMargins(4, 1, 4, 1)
        for column, widget in enumerate((self._title, self._slider, self._offset)):
            layout.addWidget(widget, 0, column)
        red, green, blue = (round(255 * c) for c in COLOURS.get(name, (0.5, 0.5, 0.5)))
        self.setAutoFillBackground(True)
        self.setStyleSheet(f"background: rgb({red}, {green}, {blue}); color: black")
        self._slider.sliderMoved.connect(lambda value: self._logic.SetSliceOffset(value / 10))

    def sliceLogic(self) -> Any:
        return self._logic

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def follow(self) -> None:
        """Show the offset that the slice node has now."""
        low, high = self._bounds()
        self._slider.setRange(round(10 * low), round(10 * high))
        self._slider.setValue(round(10 * self._logic.GetSliceOffset()))
        self._offset.setText(
            f"{self._logic.GetSliceNode().GetOrientationString()[:1]}: {self._logic.GetSliceOffset():.3f} mm"
        )

    def _bounds(self) -> tuple[float, float]:
        bounds = [0.0] * 6
        self._logic.GetLowestVolumeSliceBounds(bounds)
        return bounds[4], bounds[5]


class qMRMLSliceWidget(qMRMLWidget):  # noqa: N801
    STANDS_FOR_CPP = "qMRMLSliceWidget"

    def __init__(self, name: str, logic: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self._logic = logic
        self._observed = Observations()
        self._controller = qMRMLSliceControllerWidget(name, logic)
        self._view = qMRMLSliceView(name, logic)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._controller)
        layout.addWidget(self._view, 1)
        for target in (logic, logic.GetSliceNode(), logic.GetSliceCompositeNode()):
            self._observed.add(target, vtk.vtkCommand.ModifiedEvent, lambda *_: self._follow())

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def sliceLogic(self) -> Any:
        return self._logic

    def sliceController(self) -> Any:
        return self._controller

    def sliceView(self) -> Any:
        return self._view

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def close_down(self) -> None:
        """Let go of the scene."""
        self._observed.clear()
        self._logic.SetMRMLScene(None)

    def _follow(self) -> None:
        self._controller.follow()
        self._view.scheduleRender()


class qMRMLThreeDView(QWidget):  # noqa: N801
    """A grey field: there is no 3D rendering here."""

    STANDS_FOR_CPP = "qMRMLThreeDView"

    def __init__(self, node: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self._node = node
        self.setAutoFillBackground(True)
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Window, QColor(146, 147, 196))
        self.setPalette(palette)

    def mrmlViewNode(self) -> Any:
        return self._node

    def resetFocalPoint(self) -> None:
        pass

    def forceRender(self) -> None:
        self.repaint()


class qMRMLThreeDWidget(qMRMLWidget):  # noqa: N801
    STANDS_FOR_CPP = "qMRMLThreeDWidget"

    def __init__(self, node: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self._view = qMRMLThreeDView(node)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)

    def threeDView(self) -> Any:
        return self._view

    def mrmlViewNode(self) -> Any:
        return self._view.mrmlViewNode()


class qSlicerLayoutManager(QObject):  # noqa: N801
    """The conventional layout: three slice views and a place for the 3D one."""

    STANDS_FOR_CPP = "qSlicerLayoutManager"
    layoutChanged = Signal(int)

    def __init__(self, scene: Any, application_logic: Any, viewport: QWidget) -> None:
        super().__init__(viewport)
        self._scene = scene
        self._layout_logic = slicer.vtkMRMLLayoutLogic()
        self._layout_logic.SetMRMLScene(scene)
        self._layout_logic.GetLayoutNode().SetViewArrangement(CONVENTIONAL_LAYOUT)
        self._logics = vtk.vtkCollection()
        application_logic.SetSliceLogics(self._logics)
        self._observed = Observations()
        self._observed.add(scene, scene.NodeAddedEvent, scene_callback(self._follow_segmentation))
        self._slices = {name: self._slice_widget(name, application_logic) for name in SLICE_VIEWS}
        self._three_d = qMRMLThreeDWidget(scene.GetFirstNodeByClass("vtkMRMLViewNode"))
        grid = QGridLayout(viewport)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(1)
        grid.addWidget(self._slices["Red"], 0, 0)
        grid.addWidget(self._three_d, 0, 1)
        grid.addWidget(self._slices["Green"], 1, 0)
        grid.addWidget(self._slices["Yellow"], 1, 1)
        for place in (0, 1):
            grid.setRowStretch(place, 1)
            grid.setColumnStretch(place, 1)

    threeDViewCount = Property(int, lambda self: 1)
    tableViewCount = Property(int, lambda self: 0)
    plotViewCount = Property(int, lambda self: 0)

    def _get_layout(self) -> int:
        return int(self._layout_logic.GetLayoutNode().GetViewArrangement())

    def setLayout(self, layout: int) -> None:
        self._layout_logic.GetLayoutNode().SetViewArrangement(layout)
        self.layoutChanged.emit(layout)

    layout = Property(int, _get_layout, setLayout)

    def mrmlScene(self) -> Any:
        return self._scene

    def layoutLogic(self) -> Any:
        return self._layout_logic

    def sliceViewNames(self) -> tuple[str, ...]:
        return tuple(self._slices)

    def sliceWidget(self, name: str) -> Any:
        return self._slices.get(name)

    def mrmlSliceLogics(self) -> Any:
        return self._logics

    def threeDWidget(self, index: int) -> Any:
        return self._three_d if index == 0 else None

    def resetSliceViews(self) -> None:
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        pass

    def show_volume(self, volume: Any) -> None:
        """Make a volume the background of every view in which it is neither background nor foreground."""
        for widget in self._slices.values():
            composite = widget.mrmlSliceCompositeNode()
            if volume.GetID() not in (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID()):
                composite.SetBackgroundVolumeID(volume.GetID())
                composite.SetForegroundVolumeID(None)
                composite.SetLabelVolumeID(None)

    def close_down(self) -> None:
        """Let go of the scene."""
        self._observed.clear()
        for widget in self._slices.values():
            widget.close_down()
        self._layout_logic.SetMRMLScene(None)

    def _follow_segmentation(self, node: Any) -> None:
        """As Slicer's displayable managers do: draw segments anew whenever something has happened to them."""
        if node is not None and node.IsA("vtkMRMLSegmentationNode"):
            self._observed.add(node, vtk.vtkCommand.AnyEvent, lambda *_: self._schedule())

    def _schedule(self) -> None:
        for widget in self._slices.values():
            widget.sliceView().scheduleRender()

    def _slice_widget(self, name: str, application_logic: Any) -> qMRMLSliceWidget:
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(application_logic)
        logic.SetMRMLScene(self._scene)
        logic.SetSliceNode(self._scene.GetSingletonNode(name, "vtkMRMLSliceNode"))
        logic.GetSliceNode().SetMappedInLayout(1)
        self._logics.AddItem(logic)
        widget = qMRMLSliceWidget(name, logic)
        widget.setMRMLScene(self._scene)
        return widget
