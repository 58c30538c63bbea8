"""One process per session: started, waited for, and ended with all that it left behind."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .session_files import SessionFolder
from .tied import KEY_VARIABLE

_POLL_S = 0.05
_LOG_TAIL_BYTES = 2000
_LOG = logging.getLogger(__name__)

_SHARING_CORES = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads of PyTorch that wait for each other let go of their core. By default they keep it, and where sessions, the
drawing of views and other programs want it too, the one that is waited for gets none: ten times slower was seen."""

ChildCommand = Callable[[Path], Sequence[str]]
"""A session's folder -> the command line of its process."""


class ChildError(Exception):
    """A session's process did not become ready."""


@dataclass(frozen=True)
class ChildTimes:
    """How long is waited, in seconds.

    Attributes:
        ready_s: for a new process to become ready.
        leave_s: for a process that was asked to end, before it is killed.
    """

    ready_s: float = 90.0
    leave_s: float = 5.0


class Child:
    """A session's process that is ready, and its folder.

    Attributes:
        folder: deleted with the process.
        port: where it listens on the loopback interface.
        key: what it asks of every request, so that other users of this computer cannot talk to it.
    """

    def __init__(self, process: asyncio.subprocess.Process, folder: SessionFolder, key: str, times: ChildTimes) -> None:
        self.folder = folder
        self.key = key
        self.port = 0
        self._process = process
        self._times = times
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, command: ChildCommand, parent_folder: Path, times: ChildTimes) -> Child:
        """Start a process in a new folder and wait until it is ready.

        Raises:
            ChildError: it ended, or was not ready in time.
        """
        root = Path(tempfile.mkdtemp(prefix="session-", dir=parent_folder))
        folder = SessionFolder(root)
        folder.make()
        key = secrets.token_urlsafe(24)
        temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder.temporary))
        environment = {**_SHARING_CORES, **os.environ, **temporary, KEY_VARIABLE: key}
        try:
            with folder.log.open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *command(root),
                    # It ends when this pipe closes, even if the gateway is killed.
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    # Ctrl+C is the gateway's business.
                    start_new_session=True,
                )
        except OSError as error:
            shutil.rmtree(root, ignore_errors=True)
            msg = f"it could not be started ({error})"
            raise ChildError(msg) from error
        child = cls(process, folder, key, times)
        try:
            await child._become_ready()
        except BaseException:
            await child.end()
            raise
        return child

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.returncode is None

    @property
    def process_id(self) -> int:
        """Of the operating system."""
        return self._process.pid

    async def end(self) -> None:
        """Ask the process to end, kill it if it does not, and delete its folder."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _become_ready(self) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + self._times.ready_s
        while clock() < until:
            if not self.is_alive:
                _LOG.warning("A session's process ended before it was ready:\n%s", self._log_tail())
                msg = f"its process ended with code {self._process.returncode}"
                raise ChildError(msg)
            port = self.folder.announced_port()
            if port is not None and await _answers(port):
                self.port = port
                return
            await asyncio.sleep(_POLL_S)
        _LOG.warning("A session's process did not become ready:\n%s", self._log_tail())
        msg = f"its process was not ready after {self._times.ready_s:g} s"
        raise ChildError(msg)

    async def _end(self) -> None:
        if self.is_alive:
            with suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), self._times.leave_s)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.to_thread(shutil.rmtree, self.folder.root, ignore_errors=True)

    def _log_tail(self) -> str:
        try:
            return self.folder.log.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()
        except OSError:
            return ""


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
