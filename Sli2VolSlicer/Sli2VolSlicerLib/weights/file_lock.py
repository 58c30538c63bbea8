"""One process at a time: a lock file that the operating system releases when its holder dies."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HELD_BY_ANOTHER = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}
"""What the systems say of a lock that somebody else holds (Windows: the last two)."""


@contextmanager
def file_lock(path: Path, give_up: Callable[[], bool], poll_s: float = 0.1) -> Iterator[bool]:
    """Hold the lock `path` for the length of a `with` block.

    Args:
        path: the lock file; made when missing, removed at the end where the system allows it.
        give_up: asked between attempts; True ends the waiting.
        poll_s: seconds between attempts.

    Yields:
        True when the lock is held, False when `give_up` said so first.

    Raises:
        OSError: the lock file cannot be made, or the file system knows no locks.
    """
    handle = _acquire(path, give_up, poll_s)
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        if sys.platform != "win32":
            with suppress(OSError):
                path.unlink()
        os.close(handle)


def _acquire(path: Path, give_up: Callable[[], bool], poll_s: float) -> int | None:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        locked = False
        try:
            # The holder before us may have removed the file that we opened: then the lock is on nothing.
            locked = _try_lock(handle) and _is_still(path, handle)
        finally:
            if not locked:
                os.close(handle)
        if locked:
            return handle
        if give_up():
            return None
        time.sleep(poll_s)


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD_BY_ANOTHER:
            return False
        # A file system that knows no locks would otherwise look like one who never lets go.
        raise
    return True
