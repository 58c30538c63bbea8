"""The keys of Slicer's Segment Editor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtGui import QKeySequence, QShortcut


class EditorKeys:
    """Puts the editor's keys on a window and takes them off."""

    def __init__(self) -> None:
        self._installed: list[QShortcut] = []

    def install(self, window: Any, actions: Mapping[str, Callable[[], object]], effects: Sequence[str]) -> None:
        """Put them on.

        Args:
            window: the main window.
            actions: "put away", "undo", "redo", "previous" and "next", and one for each effect.
            effects: those that the keys 1, 2 ... switch on.
        """
        self.remove()
        keys = {
            "Esc": "put away",
            "Z": "undo",
            QKeySequence.StandardKey.Undo: "undo",
            "Y": "redo",
            QKeySequence.StandardKey.Redo: "redo",
            "Q": "previous",
            "W": "next",
            **{str(number): effect for number, effect in enumerate(effects, start=1)},
        }
        for key, name in keys.items():
            shortcut = QShortcut(QKeySequence(key), window)
            shortcut.activated.connect(actions[name])
            self._installed.append(shortcut)

    def remove(self) -> None:
        """Take them off."""
        for shortcut in self._installed:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._installed = []
