"""Getting a file whose SHA-256 is known: resumable, cancellable, and all or nothing."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from ..engine.errors import WeightsError
from .download import download
from .entry import check_file, is_plain_file_name
from .file_lock import file_lock
from .partial_file import PartialFile
from .remote import FetchCancelled, FetchError, FetchProgress, IsCancelled, RemoteFile, cancelled_message

_CHUNK_BYTES = 1 << 18
_SILENCE_S = 15.0


def fetch_file(
    remote: RemoteFile,
    folder: Path,
    *,
    progress: FetchProgress | None = None,
    is_cancelled: IsCancelled | None = None,
    timeout_s: float = _SILENCE_S,
) -> Path:
    """Fetch `remote` into `folder`, unless it is there already.

    The bytes go to a `.partial` file that a later attempt continues; only a file of the right size
    and SHA-256 gets its name, in one atomic step. Of several processes one fetches and the others wait.

    Args:
        remote: what to fetch, and how to know it.
        folder: where to; made when missing.
        progress: told the bytes that are here and the bytes that there will be.
        is_cancelled: asked for every piece that comes.
        timeout_s: seconds of silence after which a server is given up.

    Returns:
        The path of the verified file.

    Raises:
        FetchError: no network, the server or a proxy refused or stopped half way, wrong size or checksum,
            disk full, folder not writable, or another file of that name is in the way.
        FetchCancelled: `is_cancelled` said so.
    """
    if urlsplit(remote.url).scheme not in ("http", "https"):
        msg = f"Cannot fetch '{remote.url}' as '{remote.file_name}': an http(s) address is needed."
        raise FetchError(msg)
    report, cancelled = progress or _ignore, is_cancelled or _never

    def fill(partial: PartialFile) -> None:
        download(partial, report, cancelled, timeout_s)

    return _get(remote, folder, fill, cancelled)


def take_file(
    remote: RemoteFile,
    source: Path,
    folder: Path,
    *,
    progress: FetchProgress | None = None,
    is_cancelled: IsCancelled | None = None,
) -> Path:
    """Copy `remote`, fetched by other means to `source`, into `folder`; otherwise as `fetch_file`.

    Raises:
        FetchError: no such file, another file, disk full, or folder not writable.
        FetchCancelled: `is_cancelled` said so.
    """
    report, cancelled = progress or _ignore, is_cancelled or _never

    def fill(partial: PartialFile) -> None:
        # A local copy is quick: starting over is simpler than trusting what is there.
        size = source.stat().st_size
        with source.open("rb") as file:
            partial.write(_pieces(file), 0, size, report, cancelled)

    try:
        check_file(source, source.stat().st_size if remote.bytes is None else remote.bytes, remote.sha256)
    except OSError as error:
        msg = f"The file {source} cannot be read ({error.strerror}). Choose another."
        raise FetchError(msg) from error
    except WeightsError as error:
        msg = f"{source} is not {remote.file_name}: choose the file that belongs to this entry. {error}"
        raise FetchError(msg) from error
    return _get(remote, folder, fill, cancelled)


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
    if not folder.is_dir():
        return False
    path: Path = folder
    try:
        with file_lock(folder / f"{file_name}.lock", _at_once) as held:
            if not held:
                msg = f"{file_name} is being fetched just now, perhaps by another Slicer: cancel that first."
                raise FetchError(msg)
            found = [path for path in (folder / file_name, *_partials(file_name, folder)) if path.is_file()]
            for path in found:
                path.unlink()
    except OSError as error:
        msg = f"Cannot remove {path} ({error.strerror})."
        raise FetchError(msg) from error
    return bool(found)


def _get(remote: RemoteFile, folder: Path, fill: Callable[[PartialFile], None], is_cancelled: IsCancelled) -> Path:
    if not is_plain_file_name(remote.file_name):
        msg = f"Cannot keep '{remote.url}' as '{remote.file_name}': a plain name is needed."
        raise FetchError(msg)
    partial = PartialFile(remote, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _is_there(partial.target, remote):
            return partial.target
        with file_lock(folder / f"{remote.file_name}.lock", is_cancelled) as held:
            if not held:
                raise FetchCancelled(cancelled_message(remote))
            if not _is_there(partial.target, remote):
                _complete(partial, fill)
    except OSError as error:
        msg = f"Cannot write to {folder} ({error.strerror or error}). Choose another folder, or make it writable."
        raise FetchError(msg) from error
    return partial.target


def _complete(partial: PartialFile, fill: Callable[[PartialFile], None]) -> None:
    size = partial.remote.bytes
    if size is not None and partial.bytes_here > size:
        partial.discard()
    if size is None or partial.bytes_here < size:
        partial.check_room()
        fill(partial)
    partial.put_in_place()


def _is_there(target: Path, remote: RemoteFile) -> bool:
    if not target.exists():
        return False
    try:
        check_file(target, target.stat().st_size if remote.bytes is None else remote.bytes, remote.sha256)
    except WeightsError as error:
        msg = f"Another file is in the way of {remote.file_name}; remove it, then fetch again. {error}"
        raise FetchError(msg) from error
    return True


def _partials(file_name: str, folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.match(f"{glob.escape(file_name)}.*.partial")]


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_CHUNK_BYTES):
        yield piece


def _never() -> bool:
    return False


def _at_once() -> bool:
    return True


def _ignore(done: int, total: int) -> None:
    pass
