"""What ties a session's process to its gateway: it answers nobody else, and does not outlive it."""

from __future__ import annotations

import hmac
import os
import shutil
import sys
import threading
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

KEY_VARIABLE = "SLI2VOL_SESSION_KEY"
"""The environment variable by which a session's process learns what the gateway's requests carry."""

KEY_HEADER = "X-Sli2Vol-Session-Key"


def key_required() -> Middleware | None:
    """A middleware for the process' own server: other users of this computer reach its port, but lack the key.

    Returns:
        None for a process that was started without a gateway.
    """
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        return None

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get(KEY_HEADER, "").encode(), key.encode()):
            return web.Response(status=403, text="This port belongs to a session of sli2vol serve.")
        return await handler(request)

    return check


def end_with_gateway(folder: Path) -> None:
    """End this process, and delete its folder, when the gateway has gone, even if it was killed.

    The gateway holds the other end of standard input, which closes with it. Does nothing without a gateway.
    """
    if not os.environ.get(KEY_VARIABLE):
        return

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=wait, name="end-with-gateway", daemon=True).start()
