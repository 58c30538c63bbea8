"""A gateway with stand-ins for its sessions' processes, and browsers that visit it."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ParamSpec

import aiohttp
from aiohttp.test_utils import TestServer

from Sli2VolSlicerLib.browser.gateway import Gateway, GatewaySettings
from Sli2VolSlicerLib.browser.gateway_access import Access
from Sli2VolSlicerLib.browser.gateway_child import ChildTimes
from Sli2VolSlicerLib.browser.gateway_sessions import Session, SessionLimits

STAND_IN = Path(__file__).with_name("stand_in.py")
QUICK = SessionLimits(sessions=4, idle_s=60, away_s=0.5, first_s=30, spare_delay_s=0.05)
TIMES = ChildTimes(ready_s=20, leave_s=1)

_Parameters = ParamSpec("_Parameters")


def asynchronous(test: Callable[_Parameters, Coroutine[Any, Any, None]]) -> Callable[_Parameters, None]:
    """Run a test that is a coroutine."""

    @functools.wraps(test)
    def run(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 60))

    return run


@dataclass
class Visited:
    """A gateway that runs.

    Attributes:
        gateway: the gateway.
        server: that serves it.
        behaviours: of the processes to come, the last one for all after it.
        started: folders of all processes that were started.
    """

    gateway: Gateway
    server: TestServer
    behaviours: list[str]
    started: list[Path]

    def browser(self) -> aiohttp.ClientSession:
        """A browser with its own cookies; to be used by `async with`."""
        return aiohttp.ClientSession(self.server.make_url("/"), cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def session(self, browser: aiohttp.ClientSession) -> tuple[Session, str]:
        """Open a session in a browser: the gateway's record of it, and its address."""
        async with browser.get("/") as response:
            assert response.status == 200, await response.text()
            address = response.url.path
        session = self.gateway.sessions.find(address.split("/")[2])
        assert session is not None
        return session, address


@asynccontextmanager
async def visiting(
    *behaviours: str,
    limits: SessionLimits = QUICK,
    times: ChildTimes = TIMES,
    access: Access | None = None,
    upload_limit_mb: float = 1.0,
) -> AsyncIterator[Visited]:
    """A gateway whose sessions' processes are stand-ins, and afterwards none of its processes or files is left."""
    started: list[Path] = []
    waiting = list(behaviours) or ["serves"]

    def command(directory: Path) -> list[str]:
        started.append(directory)
        behaviour = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [sys.executable, str(STAND_IN), behaviour, "--directory", str(directory)]

    settings = GatewaySettings(access or Access("127.0.0.1"), replace(limits), upload_limit_mb, times)
    gateway = Gateway(settings, command)
    server = TestServer(gateway.application())
    await server.start_server()
    try:
        yield Visited(gateway, server, waiting, started)
    finally:
        await server.close()
    assert [folder for folder in started if folder.exists()] == []


async def eventually(is_so: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait until something is so."""
    until = asyncio.get_running_loop().time() + within_s
    while not is_so():
        assert asyncio.get_running_loop().time() < until, "it did not happen in time"
        await asyncio.sleep(0.02)


def is_running(process_id: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
