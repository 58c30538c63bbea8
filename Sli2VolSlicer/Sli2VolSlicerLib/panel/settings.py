"""What is kept between sessions of Slicer and for all scenes: places to install and fetch from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

WHEEL_FOLDER_KEY = "Sli2VolSlicer/WheelFolder"
WEIGHTS_SOURCE_KEY = "Sli2VolSlicer/WeightsSource"


class SettingsStore(Protocol):
    """As QSettings; `slicer.app.userSettings()` in Slicer."""

    def value(self, key: str, default: Any = ...) -> Any: ...

    def setValue(self, key: str, value: Any) -> None: ...  # noqa: N802


class PanelSettings:
    """Typed access to the settings.

    Args:
        store: where they are kept.
    """

    def __init__(self, store: SettingsStore) -> None:
        self._store = store

    @property
    def wheel_folder(self) -> Path | None:
        """Folder of Python wheels to install from; None for the package index."""
        text = self._text(WHEEL_FOLDER_KEY)
        return Path(text).expanduser() if text else None

    @wheel_folder.setter
    def wheel_folder(self, folder: Path | None) -> None:
        self._store.setValue(WHEEL_FOLDER_KEY, "" if folder is None else str(folder))

    @property
    def weights_source(self) -> str:
        """Mirror, folder or file to fetch weights from; empty for the catalogue's addresses."""
        return self._text(WEIGHTS_SOURCE_KEY)

    @weights_source.setter
    def weights_source(self, source: str) -> None:
        self._store.setValue(WEIGHTS_SOURCE_KEY, source.strip())

    def _text(self, key: str) -> str:
        value = self._store.value(key, "")
        return value.strip() if isinstance(value, str) else ""
