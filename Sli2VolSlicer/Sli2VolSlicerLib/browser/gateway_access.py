"""Who may talk to the gateway: names of this computer, the token, pages of our own; and what browsers are told."""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from .gateway_pages import refusal

TOKEN_COOKIE = "sli2vol_token"
SESSION_COOKIE = "sli2vol_session"

_SAFE_HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]+")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Access:
    """Who may enter.

    Attributes:
        host: the name or address that the gateway is bound to.
        token: what the address of a new session must carry; None if nothing.
    """

    host: str
    token: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can reach the gateway."""
        return is_loopback(self.host)

    def lets_in(self, request: web.Request) -> bool:
        """Whether a request carries the token, in its address or as a cookie."""
        if self.token is None:
            return True
        given = request.query.get("token"), request.cookies.get(TOKEN_COOKIE)
        return any(each is not None and is_same(each, self.token) for each in given)

    def knows_host(self, request: web.Request) -> bool:
        """Whether the request was made to a name of ours.

        On the loopback interface another name means that some site's name was made to point here.
        """
        return not self.is_loopback or _host_name(request.host) in _LOOPBACK_NAMES | {self.host}


def is_same(given: str, secret: str) -> bool:
    """Whether a secret was given, in a time that tells nothing of how much of it was right."""
    # What comes over the network need not be text.
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())


def is_loopback(host: str) -> bool:
    """Whether a name or address is reached from this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def guard(access: Access) -> Middleware:
    """A middleware that refuses strange hosts and requests that other sites' pages make."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not access.knows_host(request):
            sentence = f"This server is reached as {access.host}, not as the address that was asked for."
            return refusal(request, 403, "Another address", sentence)
        if not _is_own_page(request):
            return refusal(request, 403, "Refused", "This was asked for by a page of another site.")
        return await handler(request)

    return check


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the browser to fetch nothing from elsewhere, and to show this page in no other."""
    host = request.host if _SAFE_HOST.fullmatch(request.host) else ""
    # Some browsers do not take 'self' for websockets. The page's templates are compiled in the browser (eval), and
    # its first script and styles are part of the page (inline).
    sockets = f" ws://{host} wss://{host}" if host else ""
    policy = (
        "default-src 'self'; "
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; "
        "font-src 'self' data:; "
        "worker-src 'self' blob:; "
        f"connect-src 'self'{sockets}; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")


def _is_own_page(request: web.Request) -> bool:
    """Browsers say where a request comes from; other programs need not."""
    origin = request.headers.get("Origin")
    if origin is not None and (request.method not in ("GET", "HEAD") or _wants_websocket(request)):
        return origin != "null" and _netloc(origin) == request.host.lower()
    site = request.headers.get("Sec-Fetch-Site", "none")
    kind = request.headers.get("Sec-Fetch-Dest", "document")
    return site in ("none", "same-origin") or (kind == "document" and request.method == "GET")


def _wants_websocket(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def _netloc(origin: str) -> str:
    return re.sub(r"^[a-z]+://", "", origin.lower())


def _host_name(host: str) -> str:
    try:
        return (URL(f"http://{host}").host or "").lower()
    except ValueError:
        return ""
