"""`qt.QUiLoader` as it is in Slicer, where it knows the widgets of CTK and MRML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray
from PySide6.QtUiTools import QUiLoader
from PySide6.QtWidgets import QWidget


def make_loader(widgets: Mapping[str, type]) -> type:
    """QUiLoader with more widgets.

    Args:
        widgets: class name -> class.
    """

    class SlicerUiLoader(QUiLoader):
        STANDS_FOR_CPP = "SlicerUiLoader"

        def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> Any:
            if class_name not in widgets:
                return super().createWidget(class_name, parent, name)
            widget = widgets[class_name](parent)
            widget.setObjectName(name)
            return widget

        def load(self, file: Any, parent: Any = None) -> Any:
            """Build it; connections are made afterwards, as their slots may be Python's."""
            tree = ElementTree.fromstring(bytes(file.readAll()))
            connections = tree.find("connections")
            links = [] if connections is None else list(connections)
            if connections is not None:
                tree.remove(connections)
            buffer = QBuffer()
            buffer.setData(QByteArray(ElementTree.tostring(tree)))
            buffer.open(QBuffer.OpenModeFlag.ReadOnly)
            root = super().load(buffer, parent)
            for link in links:
                _connect(root, {part.tag: part.text or "" for part in link if part.tag != "hints"})
            return root

    return SlicerUiLoader


def _connect(root: QWidget, link: Mapping[str, str]) -> None:
    sender, receiver = (
        root if root.objectName == link[end] else root.findChild("QObject", link[end]) for end in ("sender", "receiver")
    )
    sender.connect(link["signal"], receiver, link["slot"])
