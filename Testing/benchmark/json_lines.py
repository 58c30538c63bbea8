"""Results kept line by line while a benchmark runs, so that a crash loses at most the last of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def append_lines(path: Path, entries: Iterable[dict[str, Any]]) -> None:
    """Add one line per entry to the file, on disk before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for entry in entries:
            file.write(json.dumps(entry) + "\n")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The entries in the file, none if there is no file; a line cut short by a crash is passed over."""
    if not path.is_file():
        return
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue
