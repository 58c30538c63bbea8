"""Files from the page into its session's folder, and from there back."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import quote

import aiohttp
from aiohttp import web

from ..engine.errors import VolumeError
from .folder import SharedFolder
from .gateway_pages import refusal
from .gateway_sessions import Session

MOST_FILES = 20_000
"""In one upload: DICOM folders hold one file per slice."""

_KEPT_UPLOADS = 2
_CHUNK_BYTES = 1 << 20
_LONGEST_NAME = 120
_MOST_LEVELS = 8
_OVERHEAD_PER_UPLOAD = 1 << 20
_LOG = logging.getLogger(__name__)


class _Refused(Exception):
    """An upload that is not taken."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _Part(Protocol):
    async def read_chunk(self, size: int = ...) -> bytes: ...


class _Body:
    """A request's body, read as if it were a part of a form."""

    def __init__(self, request: web.Request) -> None:
        self._content = request.content

    async def read_chunk(self, size: int = _CHUNK_BYTES) -> bytes:
        return await self._content.readany()


class Uploads:
    """Takes uploads.

    Args:
        limit_mb: of one upload, all its files together.
    """

    def __init__(self, limit_mb: float) -> None:
        self.limit_mb = limit_mb
        self._limit_bytes = int(limit_mb * 1e6)

    async def take(self, request: web.Request, session: Session) -> web.Response:
        """Store the files of a form, or a body called by `?name=`, in the session's folder.

        Returns:
            JSON {"path": name relative to the session's folder} of the file, or of the folder if there were several;
            or {"error": sentence}. An upload is kept until the second one after it.
        """
        if session.uploading.locked():
            sentence = "Another upload of this session is still running; wait for its end."
            return refusal(request, 409, "Upload running", sentence)
        async with session.uploading:
            session.uploads_made += 1
            target = session.child.folder.uploads / str(session.uploads_made)
            try:
                target.mkdir(parents=True)
                files = await self._store(request, target, session)
                path = target / files[0] if len(files) == 1 else target
                await asyncio.to_thread(_remove_older, session.child.folder.uploads, session.uploads_made)
                return web.json_response({"path": path.relative_to(session.child.folder.root).as_posix()})
            except _Refused as error:
                await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
                return refusal(request, error.status, "Upload refused", str(error))
            except OSError as error:
                await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
                return refusal(request, 507 if error.errno == errno.ENOSPC else 400, "Upload failed", _sentence(error))
            except BaseException:
                await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
                raise

    async def _store(self, request: web.Request, target: Path, session: Session) -> list[PurePosixPath]:
        length = request.content_length
        if length is not None and length > self._limit_bytes + _OVERHEAD_PER_UPLOAD:
            raise self._too_large()
        stored: list[PurePosixPath] = []
        given: Counter[PurePosixPath] = Counter()
        left = self._limit_bytes
        try:
            async for name, part in _parts(request):
                if len(stored) >= MOST_FILES:
                    raise _Refused(
                        413, f"The upload holds more than {MOST_FILES} files; choose the folder of one series."
                    )
                path = _numbered(safe_name(name), given)
                left = await self._write(part, target / path, left, session)
                stored.append(path)
        except (ValueError, aiohttp.ClientPayloadError, web.HTTPException) as error:
            raise _Refused(400, "The upload was broken off or is damaged; try again.") from error
        if not stored:
            raise _Refused(400, "The upload holds no file; choose a volume, a zip file or a DICOM folder.")
        return stored

    async def _write(self, part: _Part, path: Path, left: int, session: Session) -> int:
        """Write one file; returns how many bytes more may come."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            while piece := await part.read_chunk(_CHUNK_BYTES):
                left -= len(piece)
                if left < 0:
                    raise self._too_large()
                session.touch()
                await asyncio.to_thread(file.write, piece)
        return left

    def _too_large(self) -> _Refused:
        sentence = (
            f"The upload is larger than {self.limit_mb:g} MB, the limit of this server. "
            f"Start it with a larger --upload-limit, or open the file from the folder given with --folder."
        )
        return _Refused(413, sentence)


async def download(request: web.Request, session: Session, name: str) -> web.StreamResponse:
    """A file of the session's `out` folder, to be saved."""
    try:
        path = SharedFolder(session.child.folder.out).resolve(name)
    except VolumeError:
        return refusal(request, 404, "No such file", f"There is no file '{name}' to download in this session.")
    if not path.is_file():
        return refusal(request, 404, "No such file", f"There is no file '{name}' to download in this session.")
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", path.name)
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(path.name, safe='')}",
        # Told outright: guessed from .nii.gz, the browser would unpack it and keep the name.
        "Content-Type": "application/octet-stream",
        "Cache-Control": "no-store",
    }
    return web.FileResponse(path, headers=headers)


def safe_name(name: str) -> PurePosixPath:
    """A relative name that means the same on every system: no '..', no hidden files, no control characters."""
    parts = []
    for part in name.replace("\\", "/").split("/"):
        kept = re.sub(r"[^\w.\-+ ()]", "_", part).strip(" .")
        if len(kept) > _LONGEST_NAME:
            # The end says what kind of file it is.
            kept = kept[: _LONGEST_NAME // 2] + kept[-_LONGEST_NAME // 2 :]
        if kept:
            parts.append(kept)
    return PurePosixPath(*parts[-_MOST_LEVELS:]) if parts else PurePosixPath("upload")


async def _parts(request: web.Request) -> AsyncIterator[tuple[str, _Part]]:
    """Every file of a request with its name."""
    if not request.content_type.startswith("multipart/"):
        name = request.query.get("name", "")
        if not name:
            raise _Refused(400, "The upload has no file name; give it as ?name=, or send a form.")
        yield name, _Body(request)
        return
    async for part in await request.multipart():
        if isinstance(part, aiohttp.BodyPartReader) and part.filename:
            yield part.filename, part


def _numbered(name: PurePosixPath, given: Counter[PurePosixPath]) -> PurePosixPath:
    """The name, with a number before it if it was given before."""
    given[name] += 1
    return name if given[name] == 1 else _numbered(name.with_name(f"{given[name]}-{name.name}"), given)


def _remove_older(uploads: Path, latest: int) -> None:
    for folder in uploads.iterdir():
        if folder.name.isdecimal() and int(folder.name) <= latest - _KEPT_UPLOADS:
            shutil.rmtree(folder, ignore_errors=True)


def _sentence(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "The server's disk is full; nothing was kept of the upload."
    _LOG.warning("An upload failed: %s", error)
    return f"The upload could not be stored ({error.strerror or error}); nothing was kept of it."
