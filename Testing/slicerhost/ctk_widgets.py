"""The few widgets of CTK that the panel and slicer.util use."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from PySide6.QtCore import Property, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QMessageBox,
    QSizePolicy,
    QStyle,
    QStyleOption,
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


class ctkMessageBox(QMessageBox):  # noqa: N801
    STANDS_FOR_CPP = "ctkMessageBox"
    dontShowAgainSettingsKey = Property(str, lambda self: "", lambda self, key: None)


WIDGETS = (ctkCollapsibleButton, ctkMessageBox)


def make_ctk() -> ModuleType:
    """The module `ctk`."""
    ctk = ModuleType("ctk")
    for kind in WIDGETS:
        setattr(ctk, kind.__name__, kind)
    return ctk
