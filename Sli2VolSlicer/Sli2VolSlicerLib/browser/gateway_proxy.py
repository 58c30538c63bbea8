"""What the page asks for is passed on to its session's process, and the answers back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from .gateway_pages import refusal
from .gateway_sessions import Session
from .tied import KEY_HEADER

WEBSOCKET_PATH = "ws"
LEAVING_S = 2.0
"""How long a new page waits for the one before it to disconnect, as when it is loaded again."""

_LARGEST_FROM_PAGE = 16 << 20
_LARGEST_FROM_CHILD = 256 << 20
_PING_S = 20.0
_CHUNK_BYTES = 1 << 16
_NOT_PASSED_ON = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade"),
        *("transfer-encoding", "content-length", "accept-encoding", "host", "origin", "forwarded"),
        *("cookie", "set-cookie"),
    }
)
"""Headers of one connection only, and what is between the browser and the gateway."""

_LOG = logging.getLogger(__name__)


class Proxy:
    """Passes requests on; one for all sessions.

    Args:
        client: makes the requests; closed by whoever made it.
    """

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def http(self, request: web.Request, session: Session, path: str) -> web.StreamResponse:
        """Pass a GET or HEAD request on.

        Args:
            request: what was asked.
            session: whose process answers.
            path: what follows the session's address, encoded as it came.
        """
        if request.method not in ("GET", "HEAD"):
            # Plain text, as from trame itself: before it connects the page asks for a launcher by POST, and takes JSON
            # with an "error" for one that failed.
            return web.Response(status=405, text=f"The method {request.method} is not used here.")
        headers = _passed_on(request.headers)
        headers[KEY_HEADER] = session.child.key
        url = _address("http", session, path, request)
        response: web.StreamResponse | None = None
        try:
            async with self._client.request(request.method, url, headers=headers, allow_redirects=False) as answer:
                response = web.StreamResponse(status=answer.status, headers=_passed_on(answer.headers))
                if answer.content_length is not None:
                    response.content_length = answer.content_length
                await response.prepare(request)
                if request.method == "GET":
                    async for piece in answer.content.iter_chunked(_CHUNK_BYTES):
                        await response.write(piece)
                await response.write_eof()
                return response
        except aiohttp.ClientError:
            if response is not None:
                raise
            return refusal(request, 502, "No answer", "The session's process does not answer.", "Open a new session")

    async def websocket(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Connect a page to its session's process for as long as both stay."""
        if not await claimed(session):
            return refusal(request, 409, *IN_ANOTHER_TAB)
        try:
            return await self._connect(request, session)
        finally:
            session.release()

    async def _connect(self, request: web.Request, session: Session) -> web.StreamResponse:
        protocols = [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if each]
        try:
            child = await self._client.ws_connect(
                _address("ws", session, WEBSOCKET_PATH, request),
                protocols=protocols,
                headers={KEY_HEADER: session.child.key},
                max_msg_size=_LARGEST_FROM_CHILD,
            )
        except aiohttp.ClientError:
            _LOG.warning("A session's process refused the page's connection.")
            return refusal(request, 502, "No answer", "The session's process does not answer.", "Open a new session")
        async with child:
            page = web.WebSocketResponse(
                protocols=[child.protocol] if child.protocol else [],
                max_msg_size=_LARGEST_FROM_PAGE,
                heartbeat=_PING_S,
                compress=False,
            )
            await page.prepare(request)
            session.websocket = page
            session.was_connected = True
            relays = [asyncio.create_task(_from_page(page, child, session)), asyncio.create_task(_to_page(child, page))]
            try:
                await asyncio.wait(relays, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for relay in relays:
                    relay.cancel()
                await asyncio.gather(*relays, return_exceptions=True)
                with suppress(ConnectionError, RuntimeError):
                    await page.close()
        return page


IN_ANOTHER_TAB = (
    "This session belongs to another tab",
    "A session is used in one tab at a time, and this one is open in another. Go back to that tab, or close it.",
    "Open a new session",
)


async def is_free(session: Session) -> bool:
    """Whether no page is connected; one that is just leaving is given a moment."""
    clock = asyncio.get_running_loop().time
    until = clock() + LEAVING_S
    while session.is_claimed and clock() < until:
        await asyncio.sleep(0.05)
    return not session.is_claimed


async def claimed(session: Session) -> bool:
    """Take a session's one place for a page, after a moment for one that is just leaving."""
    await is_free(session)
    return session.claim()


async def _from_page(page: web.WebSocketResponse, child: aiohttp.ClientWebSocketResponse, session: Session) -> None:
    async for message in page:
        session.touch()
        if message.type == aiohttp.WSMsgType.TEXT:
            await child.send_str(message.data)
        elif message.type == aiohttp.WSMsgType.BINARY:
            await child.send_bytes(message.data)


async def _to_page(child: aiohttp.ClientWebSocketResponse, page: web.WebSocketResponse) -> None:
    async for message in child:
        if message.type == aiohttp.WSMsgType.TEXT:
            await page.send_str(message.data)
        elif message.type == aiohttp.WSMsgType.BINARY:
            await page.send_bytes(message.data)


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    pairs = headers.items()
    kept = CIMultiDict((name, value) for name, value in pairs if name.lower() not in _NOT_PASSED_ON)
    for name in [each for each in kept if each.lower().startswith(("x-forwarded-", "x-sli2vol-"))]:
        kept.popall(name, None)
    return kept


def _address(scheme: str, session: Session, path: str, request: web.Request) -> URL:
    query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
    return URL(f"{scheme}://127.0.0.1:{session.child.port}/{path}{query}", encoded=True)
