"""Questions to the user, behind a protocol so that tests can answer them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import qt
import slicer

from ..scene.translation import tr as _


class Dialogs(Protocol):
    """What the sections of the panel ask."""

    def confirm(self, text: str) -> bool:
        """Whether the user agrees."""
        ...

    def choose_file(self, title: str, kinds: str) -> Path | None:
        """An existing file; None when the user chose none. `kinds` as in a QFileDialog's filter."""
        ...

    def choose_folder(self, title: str) -> Path | None:
        """An existing folder; None when the user chose none."""
        ...


class SlicerDialogs:
    """Slicer's own dialogs, before the main window."""

    def confirm(self, text: str) -> bool:
        """As Dialogs.confirm."""
        return bool(slicer.util.confirmOkCancelDisplay(text, _("Sli2Vol")))

    def choose_file(self, title: str, kinds: str) -> Path | None:
        """As Dialogs.choose_file."""
        return _path(qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", kinds))

    def choose_folder(self, title: str) -> Path | None:
        """As Dialogs.choose_folder."""
        return _path(qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title))


def _path(text: str) -> Path | None:
    return Path(text) if text else None
