"""Results kept line by line while a benchmark runs, so that a crash loses at most the last of them."""

from __future__ import annotations

import json
import lzma
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
    """The entries in the file, packed (.xz) or not; a line cut short by a crash is passed over, no file has none."""
    if not path.is_file():
        return
    text = lzma.decompress(path.read_bytes()).decode() if path.suffix == ".xz" else path.read_text()
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def write_packed(path: Path, entries: Iterable[dict[str, Any]]) -> None:
    """Write entries so that little room is needed; the same entries give the same file."""
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
