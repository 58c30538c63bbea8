"""The beginning of a file, kept beside its place until it is whole."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..engine.errors import WeightsError
from .entry import check_file
from .remote import FetchCancelled, FetchError, FetchProgress, IsCancelled, RemoteFile, cancelled_message

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
"""No room, or none left for this user."""


class PartialFile:
    """What is here of `remote`; only `put_in_place` gives it its name.

    Args:
        remote: the file that is wanted.
        folder: where it will lie.
    """

    def __init__(self, remote: RemoteFile, folder: Path) -> None:
        self.remote = remote
        self.folder = folder
        self.target = folder / remote.file_name
        # The checksum in the name keeps an older version's beginning from being continued.
        self.path = folder / f"{remote.file_name}.{remote.sha256[:12]}.partial"

    @property
    def bytes_here(self) -> int:
        """How much there is of it."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def discard(self) -> None:
        """Throw the beginning away."""
        self.path.unlink(missing_ok=True)

    def check_room(self) -> None:
        """See before fetching whether the disk has room for what is missing.

        Raises:
            FetchError: it has not.
        """
        if self.remote.bytes is None:
            return
        missing = self.remote.bytes - self.bytes_here
        if shutil.disk_usage(self.folder).free < missing:
            raise FetchError(self._full_message(missing))

    def write(
        self, pieces: Iterable[bytes], start: int, total: int, progress: FetchProgress, is_cancelled: IsCancelled
    ) -> int:
        """Write `pieces` from byte `start` on, and drop what was beyond it.

        Returns:
            The bytes that are here now.

        Raises:
            FetchCancelled: `is_cancelled` said so.
            FetchError: disk full, or more bytes than the file should have.
        """
        here = start
        with self._disk_may_be_full(total - start), self.path.open("ab" if start else "wb") as file:
            progress(here, total)
            for piece in pieces:
                if is_cancelled():
                    raise FetchCancelled(cancelled_message(self.remote))
                here += len(piece)
                if self.remote.bytes is not None and here > self.remote.bytes:
                    file.truncate(0)
                    expected = f"larger than the {self.remote.bytes} bytes it should have"
                    msg = f"{self.remote.url} is {expected}: it is not the file."
                    raise FetchError(msg)
                file.write(piece)
                progress(here, total)
        return here

    def put_in_place(self) -> Path:
        """Check size and SHA-256, then give the file its name in one step.

        Raises:
            FetchError: it is another file; it was thrown away.
        """
        size = self.remote.bytes if self.remote.bytes is not None else self.bytes_here
        try:
            check_file(self.path, size, self.remote.sha256)
        except WeightsError as error:
            self.discard()
            what = f"What came from {self.remote.url} is not the file that was asked for, and was thrown away."
            raise FetchError(f"{what} {error}") from error
        with self.path.open("rb+") as file:
            # Otherwise a power cut could leave the name without the contents.
            os.fsync(file.fileno())
        os.replace(self.path, self.target)
        return self.target

    @contextmanager
    def _disk_may_be_full(self, missing: int) -> Iterator[None]:
        """Closing the file writes too, so the whole block is looked after."""
        try:
            yield
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            raise FetchError(self._full_message(max(missing, 1))) from error

    def _full_message(self, missing: int) -> str:
        return (
            f"The disk of {self.folder} is full: {self.remote.file_name} needs {missing / 1e6:.1f} MB more. "
            "Make room, or choose another folder."
        )
