"""A file somewhere else, and what can go wrong on the way here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..engine.errors import WeightsError

FetchProgress = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes that there will be."""

IsCancelled = Callable[[], bool]


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


def cancelled_message(remote: RemoteFile) -> str:
    """What the user reads after Cancel."""
    return f"Fetching {remote.file_name} was cancelled; the next attempt goes on from here."


def stopped_message(remote: RemoteFile, here: int | None = None, total: int | None = None) -> str:
    """What the user reads when the bytes stop coming; `here` of `total` are kept."""
    amount = f" after {here} of {total} bytes" if total else ""
    return f"The server stopped half way{amount} ({remote.url}). Try again: it goes on where it stopped."
