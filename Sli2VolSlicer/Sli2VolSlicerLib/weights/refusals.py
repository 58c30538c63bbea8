"""Why a server could not be asked or would not answer, in words that say what to do."""

from __future__ import annotations

import http
import re
import socket
import ssl
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3}.*)")
_TRY_LATER = {
    http.HTTPStatus.REQUEST_TIMEOUT,
    http.HTTPStatus.TOO_MANY_REQUESTS,
    http.HTTPStatus.INTERNAL_SERVER_ERROR,
    http.HTTPStatus.BAD_GATEWAY,
    http.HTTPStatus.SERVICE_UNAVAILABLE,
    http.HTTPStatus.GATEWAY_TIMEOUT,
}


def refused_message(url: str, code: int, reason: str, target: Path) -> str:
    """What the user reads when the answer was an HTTP error."""
    if code == http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return _proxy_message(url, f"{code} {reason}", target)
    if code in _TRY_LATER:
        advice = "Try again later."
    elif code in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE):
        advice = "It is not there: check the mirror's address if you set one, or install a newer version."
    else:
        advice = f"It may not be fetched from there: {_by_hand(url, target)}."
    proxy = proxy_of(url)
    by = f"The server (through the proxy {proxy})" if proxy else "The server"
    return f"{by} answered '{code} {reason}' for {url}. {advice}"


def unreachable_message(url: str, reason: object, target: Path) -> str:
    """What the user reads when there was no answer; `reason` is what the system said."""
    tunnel = _TUNNEL.search(str(reason))
    if tunnel:
        return _proxy_message(url, tunnel.group(1), target)
    server, proxy = urlsplit(url).netloc, proxy_of(url)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {server} cannot be verified ({reason.verify_message}). If your network checks "
            f"encrypted traffic, name its certificates in SSL_CERT_FILE, or {_by_hand(url, target)}."
        )
    why = f"there is no server of this name, or no network: {reason}" if _is_no_name(reason) else str(reason)
    through = f" through the proxy {proxy}" if proxy else ""
    return f"Cannot reach {server}{through} ({why}). Check the network, or {_by_hand(url, target)}."


def proxy_of(url: str) -> str:
    """The proxy (host and port) that the system's settings put before `url`; empty if none."""
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return ""
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    # A log-in may be part of the address: it is nobody's business in a message.
    return proxy.split("://", 1)[-1].rpartition("@")[2].rstrip("/")


def _proxy_message(url: str, reason: str, target: Path) -> str:
    return (
        f"The proxy {proxy_of(url)} of this network refused to fetch {url} ('{reason}'). Ask for its log-in and "
        f"set it in the environment (HTTPS_PROXY), or {_by_hand(url, target)}."
    )


def _by_hand(url: str, target: Path) -> str:
    return f"fetch {url} on another computer and put it at {target}"


def _is_no_name(reason: object) -> bool:
    return isinstance(reason, socket.gaierror)
