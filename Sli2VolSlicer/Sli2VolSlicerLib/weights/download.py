"""The way of the bytes from a web server into a partial file."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator

from .partial_file import PartialFile
from .refusals import refused_message, unreachable_message
from .remote import FetchError, FetchProgress, IsCancelled, stopped_message

_CHUNK_BYTES = 1 << 18


def download(partial: PartialFile, progress: FetchProgress, is_cancelled: IsCancelled, timeout_s: float) -> None:
    """Fetch what is missing of a partial file; what comes is kept, even when not all of it comes.

    Raises:
        FetchError: no network, the server or a proxy refused, it stopped half way, disk full, or another file.
        FetchCancelled: `is_cancelled` said so.
    """
    remote, here = partial.remote, partial.bytes_here
    request = urllib.request.Request(remote.url, headers={"User-Agent": "sli2vol"})
    if here:
        request.add_header("Range", f"bytes={here}-")
    try:
        # A fresh opener sees the proxy settings of today, not those of the application's start.
        with urllib.request.build_opener().open(request, timeout=timeout_s) as response:
            _receive(response, partial, here, progress, is_cancelled)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and here:
            partial.discard()
            download(partial, progress, is_cancelled, timeout_s)
            return
        raise FetchError(refused_message(remote.url, error.code, error.reason, partial.target)) from error
    except urllib.error.URLError as error:
        raise FetchError(unreachable_message(remote.url, error.reason, partial.target)) from error
    except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
        raise FetchError(stopped_message(remote)) from error


def _receive(
    response: http.client.HTTPResponse,
    partial: PartialFile,
    here: int,
    progress: FetchProgress,
    is_cancelled: IsCancelled,
) -> None:
    continued = response.status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(response, here)
    start = here if continued else 0
    promised, expected = _length(response), partial.remote.bytes
    if promised is not None and expected is not None and start + promised != expected:
        # Seen before a byte is written: such a page must not be continued next time.
        msg = (
            f"{partial.remote.url} is not the file: it has {start + promised} bytes and should have {expected}. "
            "A network that wants a log-in first, or a wrong mirror, answers like that."
        )
        raise FetchError(msg)
    total = expected or (start + promised if promised is not None else 0)
    got = partial.write(_pieces(response, partial), start, total, progress, is_cancelled)
    if got < total:
        raise FetchError(stopped_message(partial.remote, got, total))


def _pieces(response: http.client.HTTPResponse, partial: PartialFile) -> Iterator[bytes]:
    """What comes, as it comes, so that Cancel is looked at often on a slow line too."""
    while True:
        try:
            piece = response.read1(_CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise FetchError(stopped_message(partial.remote)) from error
        if not piece:
            return
        yield piece


def _length(response: http.client.HTTPResponse) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _starts_at(response: http.client.HTTPResponse, here: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {here}-")
