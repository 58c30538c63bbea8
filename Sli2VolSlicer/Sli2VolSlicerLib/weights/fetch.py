"""Fetching a file whose SHA-256 is known: resumable, cancellable, and all or nothing."""

from __future__ import annotations

import errno
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from ..engine.errors import WeightsError
from .entry import check_file, is_plain_file_name
from .file_lock import file_lock

FetchProgress = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes that there will be."""

IsCancelled = Callable[[], bool]

_CHUNK_BYTES = 1 << 18


class FetchError(WeightsError):
    """A file could not be fetched; the message says why and what to do."""


class FetchCancelled(FetchError):
    """The user cancelled; what is here so far is kept for the next attempt."""


@dataclass(frozen=True)
class RemoteFile:
    """A file somewhere else.

    Attributes:
        url: http or https address.
        file_name: plain name under which it is kept.
        bytes: its size, or None when only its checksum is known.
        sha256: its hexadecimal SHA-256.
    """

    url: str
    file_name: str
    bytes: int | None
    sha256: str


def fetch_file(
    remote: RemoteFile,
    folder: Path,
    *,
    progress: FetchProgress | None = None,
    is_cancelled: IsCancelled | None = None,
    timeout_s: float = 30.0,
) -> Path:
    """Fetch `remote` into `folder`, unless it is there already.

    The bytes go to a `.partial` file that a later attempt continues; only a file of the right size
    and SHA-256 gets its name, in one atomic step. Of several processes one fetches and the others wait.

    Returns:
        The path of the verified file.

    Raises:
        FetchError: no network, the server refused or stopped half way, wrong size or checksum,
            disk full, folder not writable, or another file of that name is in the way.
        FetchCancelled: `is_cancelled` said so.
    """
    if urlsplit(remote.url).scheme not in ("http", "https") or not is_plain_file_name(remote.file_name):
        msg = f"Cannot fetch '{remote.url}' as '{remote.file_name}': an http(s) address and a plain name are needed."
        raise FetchError(msg)
    cancelled = is_cancelled or _never
    target = folder / remote.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _is_there(target, remote):
            return target
        with file_lock(folder / f"{remote.file_name}.lock", cancelled) as held:
            if not held:
                raise FetchCancelled(_cancelled_message(remote))
            if not _is_there(target, remote):
                _Fetch(remote, folder, progress or _ignore, cancelled, timeout_s).run()
    except OSError as error:
        msg = f"Cannot write to {folder} ({error.strerror or error}). Choose another folder, or make it writable."
        raise FetchError(msg) from error
    return target


def remove_file(file_name: str, folder: Path) -> bool:
    """Remove a fetched file and what an unfinished fetch of it left.

    Returns:
        Whether there was anything to remove.

    Raises:
        FetchError: it cannot be removed.
    """
    if not is_plain_file_name(file_name):
        msg = f"Cannot remove '{file_name}': not a plain file name."
        raise FetchError(msg)
    found = [path for path in [folder / file_name, *_partials(file_name, folder)] if path.is_file()]
    for path in found:
        try:
            path.unlink()
        except OSError as error:
            msg = f"Cannot remove {path} ({error.strerror})."
            raise FetchError(msg) from error
    return bool(found)


class _Fetch:
    """One attempt, with the lock held."""

    def __init__(
        self, remote: RemoteFile, folder: Path, progress: FetchProgress, is_cancelled: IsCancelled, timeout_s: float
    ) -> None:
        self.remote = remote
        self.folder = folder
        self.target = folder / remote.file_name
        # The checksum in the name keeps an older version's beginning from being continued.
        self.partial = folder / f"{remote.file_name}.{remote.sha256[:12]}.partial"
        self.progress = progress
        self.is_cancelled = is_cancelled
        self.timeout_s = timeout_s

    def run(self) -> None:
        here = self.partial.stat().st_size if self.partial.is_file() else 0
        size = self.remote.bytes
        if size is not None and here > size:
            self.partial.unlink()
            here = 0
        if size is None or here < size:
            self._check_room(here)
            self._download(here)
        self._verify()
        os.replace(self.partial, self.target)

    def _check_room(self, here: int) -> None:
        if self.remote.bytes is None:
            return
        missing, free = self.remote.bytes - here, shutil.disk_usage(self.folder).free
        if free < missing:
            raise FetchError(self._disk_full_message(missing))

    def _disk_full_message(self, missing: int) -> str:
        return (
            f"The disk of {self.folder} is full: {self.remote.file_name} needs {missing / 1e6:.1f} MB more. "
            "Make room, or choose another folder."
        )

    def _download(self, here: int) -> None:
        request = urllib.request.Request(self.remote.url, headers={"User-Agent": "sli2vol"})
        if here:
            request.add_header("Range", f"bytes={here}-")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as response:
                continued = response.status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(response, here)
                with self.partial.open("ab" if continued else "wb") as file:
                    self._copy(response, file, here if continued else 0)
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and here:
                self.partial.unlink()
                self._download(0)
                return
            msg = f"The server answered '{error.code} {error.reason}' for {self.remote.url}. Try again later."
            raise FetchError(msg) from error
        except urllib.error.URLError as error:
            raise FetchError(self._unreachable_message(str(error.reason))) from error
        except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
            raise FetchError(self._interrupted_message()) from error

    def _copy(self, response: http.client.HTTPResponse, file: BinaryIO, here: int) -> None:
        length = response.headers.get("Content-Length")
        total = self.remote.bytes or (here + int(length) if length and length.isdigit() else 0)
        self.progress(here, total)
        while piece := self._read(response):
            if self.is_cancelled():
                raise FetchCancelled(_cancelled_message(self.remote))
            here += len(piece)
            if self.remote.bytes is not None and here > self.remote.bytes:
                break
            try:
                file.write(piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                raise FetchError(self._disk_full_message(max(total - here, len(piece)))) from error
            self.progress(here, total)
        if total and here < total:
            raise FetchError(self._interrupted_message(here, total))
        if self.remote.bytes is not None and here > self.remote.bytes:
            file.truncate(0)
            msg = f"{self.remote.url} is larger than the {self.remote.bytes} bytes it should have: it is not the file."
            raise FetchError(msg)

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read(_CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise FetchError(self._interrupted_message()) from error

    def _verify(self) -> None:
        size = self.remote.bytes if self.remote.bytes is not None else self.partial.stat().st_size
        try:
            check_file(self.partial, size, self.remote.sha256)
        except WeightsError as error:
            self.partial.unlink()
            msg = f"What came from {self.remote.url} is not the file that was asked for, and was thrown away. {error}"
            raise FetchError(msg) from error

    def _interrupted_message(self, here: int | None = None, total: int | None = None) -> str:
        amount = f" after {here} of {total} bytes" if total else ""
        return f"The server stopped half way{amount} ({self.remote.url}). Try again: it goes on where it stopped."

    def _unreachable_message(self, reason: str) -> str:
        return (
            f"Cannot reach {urlsplit(self.remote.url).netloc} ({reason}). Check the network, or fetch "
            f"{self.remote.url} on another computer and put it at {self.target}."
        )


def _is_there(target: Path, remote: RemoteFile) -> bool:
    if not target.exists():
        return False
    try:
        check_file(target, target.stat().st_size if remote.bytes is None else remote.bytes, remote.sha256)
    except WeightsError as error:
        msg = f"Another file is in the way of {remote.file_name}; remove it, then fetch again. {error}"
        raise FetchError(msg) from error
    return True


def _starts_at(response: http.client.HTTPResponse, here: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {here}-")


def _partials(file_name: str, folder: Path) -> list[Path]:
    prefix = f"{file_name}."
    with suppress(FileNotFoundError):
        return [p for p in folder.iterdir() if p.name.startswith(prefix) and p.name.endswith((".partial", ".lock"))]
    return []


def _cancelled_message(remote: RemoteFile) -> str:
    return f"Fetching {remote.file_name} was cancelled; the next attempt goes on from here."


def _never() -> bool:
    return False


def _ignore(done: int, total: int) -> None:
    pass
