"""The gateway: one address for all, a process of its own for every tab behind it.

trame shares one state between all pages of a server, so that two tabs would see each other's volumes. Here every tab
gets a process; leaving the tab ends it, which gives all its memory back.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from .gateway_access import SESSION_COOKIE, TOKEN_COOKIE, Access, add_security_headers, guard
from .gateway_child import Child, ChildCommand, ChildError, ChildTimes
from .gateway_pages import forwarding, refusal
from .gateway_proxy import IN_ANOTHER_TAB, WEBSOCKET_PATH, Proxy, is_free
from .gateway_sessions import Session, SessionLimits, Sessions, TooManySessions
from .gateway_uploads import Uploads, download

_LOG = logging.getLogger(__name__)
_CLEAR_ENDED = "This session has ended"


@dataclass(frozen=True)
class GatewaySettings:
    """How the gateway runs.

    Attributes:
        access: where it is bound, and the token.
        limits: of sessions.
        upload_limit_mb: of one upload.
        times: of processes.
    """

    access: Access
    limits: SessionLimits = field(default_factory=SessionLimits)
    upload_limit_mb: float = 1024.0
    times: ChildTimes = field(default_factory=ChildTimes)


class Gateway:
    """The gateway's requests.

    Args:
        settings: how it runs.
        command: of session processes.
    """

    def __init__(self, settings: GatewaySettings, command: ChildCommand) -> None:
        self._settings = settings
        self._command = command
        self._uploads = Uploads(settings.upload_limit_mb)
        self._folder: Path | None = None
        self._proxy: Proxy | None = None
        self.sessions = Sessions(self._start_child, settings.limits)

    def application(self) -> web.Application:
        """The aiohttp application; sessions begin and end with it."""
        application = web.Application(middlewares=[guard(self._settings.access)])
        application.on_response_prepare.append(add_security_headers)
        application.cleanup_ctx.append(self._running)
        # Pages are told before their connections are cut.
        application.on_shutdown.append(self._end_sessions)
        application.router.add_get("/", self.new_session, allow_head=False)
        application.router.add_get("/favicon.ico", _nothing)
        application.router.add_get("/s/{id}", _with_slash)
        application.router.add_route("*", "/s/{id}/{path:.*}", self.of_session)
        return application

    async def new_session(self, request: web.Request) -> web.StreamResponse:
        """GET /: a new session, and on to its page."""
        access = self._settings.access
        if not access.lets_in(request):
            sentence = "The address must carry the token that was shown when the server was started (?token=...)."
            return refusal(request, 403, "Wrong token" if "token" in request.query else "A token is needed", sentence)
        if request.headers.get("Sec-Purpose", "").startswith("prefetch"):
            return refusal(request, 503, "Not yet", "Pages are not prepared in advance.")
        try:
            session = await self.sessions.open()
        except TooManySessions:
            most = self._settings.limits.sessions
            sentence = (
                f"{most} sessions are open, as many as this server allows. Close one, or wait until one ends; "
                "the server can be started with more by --sessions."
            )
            return refusal(request, 503, "All sessions are in use", sentence, "Try again")
        except ChildError as error:
            sentence = f"The session could not be started: {error}. The server's own messages say more."
            return refusal(request, 503, "No session", sentence, "Try again")
        return self._admitted(request, session)

    async def of_session(self, request: web.Request) -> web.StreamResponse:
        """/s/<id>/...: uploads and downloads here, all else by the session's process."""
        session = self.sessions.find(request.match_info["id"])
        if session is None:
            why = self.sessions.why_ended(request.match_info["id"])
            sentence = f"{why} Its files were deleted." if why else "There is no such session here (any more)."
            return refusal(request, 410 if why else 404, _CLEAR_ENDED, sentence, "Open a new session")
        if not session.belongs_to(request.cookies.get(SESSION_COOKIE)):
            return refusal(
                request,
                403,
                IN_ANOTHER_TAB[0],
                "It was opened in another browser, and only that browser may use it.",
                IN_ANOTHER_TAB[2],
            )
        session.touch()
        path = request.rel_url.raw_path.split("/", 3)[3]
        return await self._answer(request, session, path)

    async def _answer(self, request: web.Request, session: Session, path: str) -> web.StreamResponse:
        assert self._proxy is not None
        if path == WEBSOCKET_PATH:
            return await self._proxy.websocket(request, session)
        if path == "upload":
            if request.method == "POST":
                return await self._uploads.take(request, session)
            return web.json_response({"limit_mb": self._uploads.limit_mb})
        if path.startswith("download/") and request.method in ("GET", "HEAD"):
            return await download(request, session, request.match_info["path"].removeprefix("download/"))
        if path in ("", "index.html") and not await is_free(session):
            return refusal(request, 409, *IN_ANOTHER_TAB)
        return await self._proxy.http(request, session, path)

    def _admitted(self, request: web.Request, session: Session) -> web.StreamResponse:
        address = f"/s/{session.id}/"
        response: web.StreamResponse
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            response = forwarding(address)
        else:
            response = web.Response(status=303, headers={"Location": address})
        is_secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(
            SESSION_COOKIE, session.cookie, path=address, httponly=True, samesite="Strict", secure=is_secure
        )
        token = self._settings.access.token
        if token is not None:
            response.set_cookie(TOKEN_COOKIE, token, path="/", httponly=True, samesite="Strict", secure=is_secure)
        return response

    async def _start_child(self) -> Child:
        assert self._folder is not None
        return await Child.start(self._command, self._folder, self._settings.times)

    async def _end_sessions(self, application: web.Application) -> None:
        await self.sessions.close()

    async def _running(self, application: web.Application) -> AsyncIterator[None]:
        self._folder = Path(tempfile.mkdtemp(prefix="sli2vol-sessions-"))
        # A process is asked for many small files at once, and its answers are passed on as they are.
        connector = aiohttp.TCPConnector(limit=0)
        client = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10.0),
        )
        try:
            async with client:
                self._proxy = Proxy(client)
                self.sessions.start()
                yield
                await self.sessions.close()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


async def _nothing(request: web.Request) -> web.Response:
    return web.Response(status=204)


async def _with_slash(request: web.Request) -> web.Response:
    return web.Response(status=308, headers={"Location": f"/s/{request.match_info['id']}/"})
