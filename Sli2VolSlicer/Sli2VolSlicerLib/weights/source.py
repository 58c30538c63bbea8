"""Where a file of the catalogue is got from: its own address, a mirror, a folder or a file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .entry import WeightsEntry
from .remote import FetchError


def address_of(entry: WeightsEntry, source: str = "") -> str | Path:
    """The http(s) address or the local path at which the file of `entry` is expected.

    Args:
        entry: which weights.
        source: empty for the catalogue's address; else an http(s) address of a folder that holds the
            files by their names (a mirror) or of the file itself; else a local folder or file.

    Raises:
        FetchError: there is no address, or one of a kind that cannot be fetched from.
    """
    source = source.strip()
    if not source:
        if not entry.url:
            msg = f"The weights '{entry.name}' cannot be fetched: the catalogue names no address. Install them again."
            raise FetchError(msg)
        return entry.url
    parts = urlsplit(source)
    if parts.scheme in ("http", "https"):
        if "@" in parts.netloc:
            msg = "The mirror's address must not hold a log-in: leave out what stands before the '@'."
            raise FetchError(msg)
        return source if parts.path.endswith(f"/{entry.file}") else f"{source.rstrip('/')}/{entry.file}"
    if parts.scheme == "file":
        return _in_folder(Path(url2pathname(parts.path)), entry)
    if "://" in source:
        msg = f"Cannot fetch from '{source}': name an http(s) address, a folder or a file."
        raise FetchError(msg)
    return _in_folder(Path(source).expanduser(), entry)


def _in_folder(path: Path, entry: WeightsEntry) -> Path:
    return path / entry.file if path.is_dir() else path
