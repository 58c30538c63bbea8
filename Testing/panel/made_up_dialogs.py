"""A user who answers the panel's questions, and settings that are kept in a dictionary."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class MadeUpDialogs:
    """Answers, and what was asked."""

    agrees: bool = True
    file: Path | None = None
    folder: Path | None = None
    asked: list[str] = field(default_factory=list)

    def confirm(self, text: str) -> bool:
        self.asked.append(text)
        return self.agrees

    def choose_file(self, title: str, kinds: str) -> Path | None:
        return self.file

    def choose_folder(self, title: str) -> Path | None:
        return self.folder


class MadeUpStore(dict[str, Any]):
    """As QSettings, as far as the panel needs it."""

    def value(self, key: str, default: Any = None) -> Any:
        return self.get(key, default)

    def setValue(self, key: str, value: Any) -> None:  # noqa: N802
        self[key] = value
