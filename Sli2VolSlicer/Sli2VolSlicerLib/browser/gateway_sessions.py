"""The sessions that are open: made from a spare process, found by their id, ended when they are left."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from .gateway_access import is_same
from .gateway_child import Child, ChildError

_WATCH_S = 0.25
_REMEMBERED = 1000
_LOG = logging.getLogger(__name__)

GOING_AWAY = 1001
"""The websocket's close code when a session ends."""

StartChild = Callable[[], Awaitable[Child]]


class TooManySessions(Exception):
    """As many sessions are open as may be."""


@dataclass(frozen=True)
class SessionLimits:
    """How many sessions there may be, and how long.

    Attributes:
        sessions: open at once.
        idle_s: without any request or message from the page before a session ends.
        away_s: without a connected page before it ends; long enough for a reload.
        first_s: the same for a page that has not connected yet.
        spare_delay_s: after a session began before the next spare process is started, so as not to slow it down.
    """

    sessions: int = 4
    idle_s: float = 30 * 60.0
    away_s: float = 10.0
    first_s: float = 60.0
    spare_delay_s: float = 4.0


class Session:
    """One tab's session.

    Attributes:
        id: in its address.
        cookie: what the one browser that may use it keeps.
        child: its process.
        websocket: of the page that is connected, or None.
        is_claimed: whether a page is connected or connecting.
        uploading: held while something is uploaded.
    """

    def __init__(self, child: Child, now: float) -> None:
        self.id = secrets.token_urlsafe(16)
        self.cookie = secrets.token_urlsafe(24)
        self.child = child
        self.websocket: web.WebSocketResponse | None = None
        self.is_claimed = False
        self.was_connected = False
        self.uploading = asyncio.Lock()
        self.last_asked = now
        self.away_since = now
        self.uploads_made = 0

    def belongs_to(self, cookie: str | None) -> bool:
        """Whether a browser with this cookie is the one that the session was made for."""
        return cookie is not None and is_same(cookie, self.cookie)

    def touch(self) -> None:
        """Note that something was asked for."""
        self.last_asked = asyncio.get_running_loop().time()

    def claim(self) -> bool:
        """Take the session's one place for a page; False if it is taken."""
        if self.is_claimed:
            return False
        self.is_claimed = True
        self.touch()
        return True

    def release(self) -> None:
        """The page has gone."""
        self.is_claimed = False
        self.websocket = None
        self.away_since = asyncio.get_running_loop().time()


class Sessions:
    """All sessions of a gateway.

    Args:
        start_child: starts a process and waits until it is ready.
        limits: how many sessions, and how long.
    """

    def __init__(self, start_child: StartChild, limits: SessionLimits) -> None:
        self._start_child = start_child
        self.limits = limits
        self._open: dict[str, Session] = {}
        self._reserved = 0
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._spare: asyncio.Task[Child] | None = None
        self._watching: set[asyncio.Task[None]] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._is_closing = False

    def start(self) -> None:
        """Begin to watch, and start the first spare process."""
        self._start_spare()
        _keep(self._watching, self._watch())

    def __len__(self) -> int:
        return len(self._open)

    def find(self, session_id: str) -> Session | None:
        """The open session of an id."""
        return self._open.get(session_id)

    def why_ended(self, session_id: str) -> str | None:
        """Why a session is over, as a sentence; None if there was none of this id."""
        return self._ended.get(session_id)

    async def open(self) -> Session:
        """A new session.

        Raises:
            TooManySessions: as many are open as may be.
            ChildError: its process did not start.
        """
        if len(self._open) + self._reserved >= self.limits.sessions or self._is_closing:
            raise TooManySessions
        self._reserved += 1
        try:
            child = await self._take_child()
        finally:
            self._reserved -= 1
        session = Session(child, asyncio.get_running_loop().time())
        self._open[session.id] = session
        if self._is_closing:
            await self.end(session, "The server was stopped.")
            raise TooManySessions
        _keep(self._watching, self._start_spare_later())
        return session

    async def end(self, session: Session, why: str) -> None:
        """End a session: its page is told, its process ends, its files are deleted."""
        if self._open.pop(session.id, None) is None:
            return
        self._ended[session.id] = why
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        _LOG.info("A session ended: %s", why)
        if session.websocket is not None:
            with suppress(TimeoutError, ConnectionError, RuntimeError):
                # A close frame holds at most 123 bytes.
                message = why.encode()[:120]
                await asyncio.wait_for(session.websocket.close(code=GOING_AWAY, message=message), 2.0)
        await session.child.end()
        self._start_spare()

    async def close(self) -> None:
        """End all sessions and the spare process."""
        self._is_closing = True
        watching = list(self._watching)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        endings = [self.end(session, "The server was stopped.") for session in list(self._open.values())]
        await asyncio.gather(*self._endings, *endings, return_exceptions=True)
        spare, self._spare = self._spare, None
        if spare is not None:
            if not spare.done():
                spare.cancel()
            # A start that is cancelled ends its process itself.
            with suppress(asyncio.CancelledError, ChildError):
                await (await spare).end()

    async def _take_child(self) -> Child:
        spare, self._spare = self._spare, None
        if spare is not None:
            try:
                child = await spare
            except ChildError as error:
                _LOG.warning("The spare process failed: %s", error)
            else:
                if child.is_alive:
                    return child
                await child.end()
        return await self._start_child()

    def _start_spare(self) -> None:
        if self._is_closing or self._spare is not None:
            return
        if len(self._open) + self._reserved >= self.limits.sessions:
            return
        self._spare = asyncio.create_task(self._new_child())
        # Whoever takes it is told of its failure; if nobody does, it is no error.
        self._spare.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _new_child(self) -> Child:
        return await self._start_child()

    async def _start_spare_later(self) -> None:
        await asyncio.sleep(self.limits.spare_delay_s)
        self._start_spare()

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_WATCH_S)
            for session in list(self._open.values()):
                why = self._reason_to_end(session, clock())
                if why:
                    _keep(self._endings, self.end(session, why))

    def _reason_to_end(self, session: Session, now: float) -> str:
        limits = self.limits
        if not session.child.is_alive:
            return "Its process stopped unexpectedly; what was not downloaded is lost."
        if now - session.last_asked > limits.idle_s:
            return f"Nothing was done in it for {limits.idle_s / 60:g} minutes."
        away_s = limits.away_s if session.was_connected else limits.first_s
        if not session.is_claimed and not session.uploading.locked() and now - session.away_since > away_s:
            return "Its page was closed."
        return ""


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
    """Run something in the background; asyncio itself does not keep tasks alive."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
