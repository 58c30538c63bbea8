"""The panel's keys: there while its module is, and never while somebody is typing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt

_CANCEL_KEY = "Esc"


class Shortcuts:
    """Puts keys on a window and takes them off again.

    The cancel key works only while it is told that something can be cancelled: at other times it belongs to the
    Segment Editor, which puts its effect away with it. Two shortcuts on one key would block each other.

    Args:
        actions: key -> what to do; the key "Esc" is the cancel key.
        find_window: the window that the keys are put on; None where there is none.
    """

    def __init__(self, actions: Mapping[str, Callable[[], object]], find_window: Callable[[], Any | None]) -> None:
        self._actions = dict(actions)
        self._find_window = find_window
        self._installed: dict[str, Any] = {}
        self._can_cancel = False

    @property
    def is_installed(self) -> bool:
        """Whether the keys are on a window."""
        return bool(self._installed)

    def install(self) -> None:
        """Put the keys on the window; a second time does nothing."""
        window = self._find_window()
        if self._installed or window is None:
            return
        for key in self._actions:
            shortcut = qt.QShortcut(qt.QKeySequence(key), window)
            shortcut.autoRepeat = False
            shortcut.connect("activated()", self._on_key(key))
            self._installed[key] = shortcut
        self.allow_cancel(self._can_cancel)

    def remove(self) -> None:
        """Take the keys off."""
        for shortcut in self._installed.values():
            shortcut.enabled = False
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._installed = {}

    def allow_cancel(self, allowed: bool) -> None:
        """Let the cancel key work, or leave it to others."""
        self._can_cancel = allowed
        if _CANCEL_KEY in self._installed:
            self._installed[_CANCEL_KEY].enabled = allowed

    def _on_key(self, key: str) -> Callable[[], None]:
        def act() -> None:
            if key == _CANCEL_KEY or not _somebody_is_typing():
                self._actions[key]()

        return act


def _somebody_is_typing() -> bool:
    """Whether the keyboard goes to a field that takes text."""
    focused = qt.QApplication.focusWidget()
    fields = (qt.QLineEdit, qt.QTextEdit, qt.QPlainTextEdit, qt.QAbstractSpinBox)
    return isinstance(focused, fields) and not getattr(focused, "readOnly", False)
