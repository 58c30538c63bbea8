"""The few widgets of CTK that the panel uses."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from PySide6.QtCore import Property, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QSizePolicy,
    QStyle,
    QStyleOption,
    QToolButton,
    QWidget,
)

HIDDEN_BY_COLLAPSE = "hiddenByCollapse"


class ctkCollapsibleButton(QAbstractButton):  # noqa: N801
    """A header that shows and hides what lies below it."""

    STANDS_FOR_CPP = "ctkCollapsibleButton"
    contentsCollapsed = Signal(bool)

    def __init__(self, *arguments: Any) -> None:
        parent = arguments[-1] if arguments and not isinstance(arguments[-1], str) else None
        super().__init__(parent)
        if arguments and isinstance(arguments[0], str):
            self.setText(arguments[0])
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self._header_height(), 0, 0)
        self.toggled.connect(self._on_toggled)

    def _get_collapsed(self) -> bool:
        return not self.isChecked()

    def setCollapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, _get_collapsed, setCollapsed)

    def sizeHint(self) -> QSize:
        header = QSize(self.fontMetrics().horizontalAdvance(self.text) + 30, self._header_height())
        inside = self.layout().totalSizeHint() if self.layout() is not None and self.isChecked() else QSize(0, 0)
        return header.expandedTo(inside)

    def minimumSizeHint(self) -> QSize:
        if not self.isChecked() or self.layout() is None:
            return QSize(0, self._header_height())
        return self.layout().totalMinimumSize().expandedTo(QSize(0, self._header_height()))

    def hitButton(self, position: Any) -> bool:
        return bool(position.y() < self._header_height())

    def event(self, event: Any) -> bool:
        if event.type() in (QEvent.Type.ChildPolished, QEvent.Type.LayoutRequest) and not self.isChecked():
            self._show_contents(False)
        return bool(super().event(event))

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        header = self.rect
        header.setHeight(self._header_height())
        painter.fillRect(header, self.palette.color(QPalette.ColorRole.Button))
        arrow = QStyleOption()
        arrow.initFrom(self)
        arrow.rect = header.adjusted(4, 0, 0, 0)
        arrow.rect.setWidth(header.height())
        element = QStyle.PrimitiveElement
        shape = element.PE_IndicatorArrowDown if self.isChecked() else element.PE_IndicatorArrowRight
        arrow.rect = header.adjusted(6, 6, 6 + 12 - header.width(), -6)
        self.style().drawPrimitive(shape, arrow, painter, self)
        painter.setPen(self.palette.color(QPalette.ColorRole.ButtonText))
        painter.drawText(header.adjusted(26, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), self.text)
        painter.end()

    def _header_height(self) -> int:
        return int(self.fontMetrics().height()) + 10

    def _on_toggled(self, expanded: bool) -> None:
        self._show_contents(expanded)
        self.setMaximumHeight(16777215 if expanded else self._header_height())
        self.updateGeometry()
        self.contentsCollapsed.emit(not expanded)

    def _show_contents(self, shown: bool) -> None:
        for child in self.children():
            if not isinstance(child, QWidget):
                continue
            if not shown and not child.isHidden():
                child.setProperty(HIDDEN_BY_COLLAPSE, True)
                child.hide()
            elif shown and child.property(HIDDEN_BY_COLLAPSE):
                child.setProperty(HIDDEN_BY_COLLAPSE, None)
                child.show()


class ctkRangeWidget(QWidget):  # noqa: N801
    """Two spin boxes for the ends of a range."""

    STANDS_FOR_CPP = "ctkRangeWidget"
    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._low, self._high = QDoubleSpinBox(), QDoubleSpinBox()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for box in (self._low, self._high):
            layout.addWidget(box)
            box.setMaximum(99)
        self._high.setValue(99)
        self._low.valueChanged.connect(self._on_low)
        self._high.valueChanged.connect(self._on_high)

    def setRange(self, minimum: float, maximum: float) -> None:
        for box in (self._low, self._high):
            box.setRange(minimum, maximum)
        self.rangeChanged.emit(minimum, maximum)

    def setValues(self, low: float, high: float) -> None:
        self._high.setValue(max(high, low))
        self._low.setValue(low)
        self._high.setValue(high)

    def _get(self, index: int, name: str) -> Any:
        return getattr((self._low, self._high)[index], name)

    def _set(self, name: str, value: Any) -> None:
        for box in (self._low, self._high):
            setattr(box, name, value)

    minimum = Property(float, lambda self: self._get(0, "minimum"), lambda self, v: self.setRange(v, self.maximum))
    maximum = Property(float, lambda self: self._get(0, "maximum"), lambda self, v: self.setRange(self.minimum, v))
    minimumValue = Property(float, lambda self: self._get(0, "value"), lambda self, v: self._low.setValue(v))
    maximumValue = Property(float, lambda self: self._get(1, "value"), lambda self, v: self._high.setValue(v))
    decimals = Property(int, lambda self: self._get(0, "decimals"), lambda self, v: self._set("decimals", v))
    singleStep = Property(float, lambda self: self._get(0, "singleStep"), lambda self, v: self._set("singleStep", v))

    def _on_low(self, value: float) -> None:
        if value > self._high.value:
            self._high.setValue(value)
        self.minimumValueChanged.emit(value)
        self.valuesChanged.emit(self._low.value, self._high.value)

    def _on_high(self, value: float) -> None:
        if value < self._low.value:
            self._low.setValue(value)
        self.maximumValueChanged.emit(value)
        self.valuesChanged.emit(self._low.value, self._high.value)


class ctkPathLineEdit(QWidget):  # noqa: N801
    """A line for a path, with a button that stands for the file dialog."""

    STANDS_FOR_CPP = "ctkPathLineEdit"
    currentPathChanged = Signal(str)
    Dirs, Files, Readable, Writable = 1, 2, 0x10, 0x20

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._line = QLineEdit()
        self._browse = QToolButton()
        self._browse.setText("...")
        self._kept: dict[str, Any] = {"filters": self.Files, "nameFilters": [], "settingKey": "", "label": ""}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line)
        layout.addWidget(self._browse)
        self._line.textChanged.connect(self.currentPathChanged.emit)
        self.setFocusProxy(self._line)

    def setCurrentPath(self, path: str) -> None:
        self._line.setText(path)

    def addCurrentPathToHistory(self) -> None:
        pass

    def _keep(self, name: str, value: Any) -> None:
        self._kept[name] = value

    currentPath = Property(str, lambda self: self._line.text, setCurrentPath)
    filters = Property(int, lambda self: self._kept["filters"], lambda self, v: self._keep("filters", v))
    label = Property(str, lambda self: self._kept["label"], lambda self, v: self._keep("label", v))
    settingKey = Property(str, lambda self: self._kept["settingKey"], lambda self, v: self._keep("settingKey", v))
    nameFilters = Property(
        "QStringList", lambda self: self._kept["nameFilters"], lambda self, v: self._keep("nameFilters", v)
    )
    showHistoryButton = Property(bool, lambda self: False, lambda self, v: None)


class ctkMessageBox(QMessageBox):  # noqa: N801
    STANDS_FOR_CPP = "ctkMessageBox"
    dontShowAgainSettingsKey = Property(str, lambda self: "", lambda self, key: None)


WIDGETS = (ctkCollapsibleButton, ctkRangeWidget, ctkPathLineEdit, ctkMessageBox)


def make_ctk() -> ModuleType:
    """The module `ctk`."""
    ctk = ModuleType("ctk")
    for kind in WIDGETS:
        setattr(ctk, kind.__name__, kind)
    return ctk
