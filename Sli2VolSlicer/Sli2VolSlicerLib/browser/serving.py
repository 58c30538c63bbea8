"""`sli2vol serve` without its command line: a gateway that listens until it is told to end."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from ..engine.errors import OutputError
from .folder import SharedFolder
from .gateway import Gateway, GatewaySettings
from .gateway_access import Access, is_loopback
from .gateway_child import ChildCommand
from .gateway_sessions import SessionLimits

_TOKEN_BYTES = 24


@dataclass(frozen=True)
class ServeOptions:
    """What is served, where, and how much of it.

    Attributes:
        host: to listen on; on any other than the loopback interface a token is asked for.
        port: to listen on; 0 for any that is free.
        folder: whose volumes may be opened; None for none.
        upload_limit_mb: of one upload.
        idle_minutes: after which a session in which nothing is done ends.
        away_s: after which a session whose page was left ends; long enough for a reload.
        sessions: open at once.
        device: to compute on.
        asks_token: whether a token is asked for on the loopback interface too.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    folder: Path | None = None
    upload_limit_mb: float = 1024.0
    idle_minutes: float = 30.0
    away_s: float = 10.0
    sessions: int = 4
    device: str = "auto"
    asks_token: bool = False


def session_command(folder: SharedFolder | None, device: str) -> ChildCommand:
    """The command line of session processes.

    Args:
        folder: given at start, for sessions to open volumes from.
        device: to compute on.
    """

    def command(directory: Path) -> Sequence[str]:
        module = "Sli2VolSlicerLib.browser.session_process"
        line = [sys.executable, "-m", module, "--directory", str(directory), "--device", device]
        return [*line, "--folder", str(folder.root)] if folder is not None else line

    return command


async def serve(options: ServeOptions, on_ready: Callable[[str], None], command: ChildCommand | None = None) -> None:
    """Serve until this process is asked to end (Ctrl+C, or SIGTERM).

    Args:
        options: what and how.
        on_ready: called with the address of a new session as soon as it can be opened.
        command: of session processes, instead of the usual one.

    Raises:
        VolumeError: there is no such folder.
        OutputError: the address cannot be listened on.
    """
    folder = SharedFolder(options.folder) if options.folder is not None else None
    needs_token = options.asks_token or not is_loopback(options.host)
    access = Access(options.host, secrets.token_urlsafe(_TOKEN_BYTES) if needs_token else None)
    limits = SessionLimits(sessions=options.sessions, idle_s=60.0 * options.idle_minutes, away_s=options.away_s)
    settings = GatewaySettings(access, limits, options.upload_limit_mb)
    gateway = Gateway(settings, command or session_command(folder, options.device))
    runner = web.AppRunner(gateway.application(), access_log=None, shutdown_timeout=2.0)
    stop = _stop_event()
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port)
        try:
            await site.start()
        except OSError as error:
            where = f"{options.host}, port {options.port}"
            msg = f"The server cannot listen on {where} ({error.strerror or error}); name another --host or --port."
            raise OutputError(msg) from error
        on_ready(_address(access, runner.addresses[0][1]))
        await stop.wait()
    finally:
        await runner.cleanup()


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers; there Ctrl+C cancels the coroutine.
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _address(access: Access, port: int) -> str:
    host = f"[{access.host}]" if ":" in access.host else access.host
    return f"http://{host}:{port}/" + (f"?token={access.token}" if access.token else "")
