"""Stands in for a session's process: a small web server that tells what it was asked, and can misbehave.

Run as `python stand_in.py BEHAVIOUR --directory DIR`; the behaviours are those of `main`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from aiohttp import WSMsgType, web

from Sli2VolSlicerLib.browser.session_files import SessionFolder
from Sli2VolSlicerLib.browser.tied import end_with_gateway, key_required


async def page(request: web.Request) -> web.Response:
    return web.Response(text=f"page of {os.getpid()}", content_type="text/html", headers={"Set-Cookie": "own=1"})


async def told(request: web.Request) -> web.Response:
    return web.json_response({"path": request.raw_path, "headers": {k.lower(): v for k, v in request.headers.items()}})


async def die(request: web.Request) -> web.Response:
    os._exit(3)


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """Sends back what it gets; "state" is answered by how much this process has been sent."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data == "state":
            await socket.send_str(" ".join(request.app[TOLD]))
        else:
            request.app[TOLD].append(message.data)
            await socket.send_str(f"{message.data} back")
    return socket


TOLD: web.AppKey[list[str]] = web.AppKey("told", list)


async def serve(folder: SessionFolder) -> None:
    middleware = key_required()
    application = web.Application(middlewares=[middleware] if middleware else [])
    application[TOLD] = []
    application.router.add_get("/", page)
    application.router.add_get("/die", die)
    application.router.add_get("/ws", websocket)
    application.router.add_get("/{any:.*}", told)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    (folder.out / "result.nii.gz").write_bytes(b"\x1f\x8b not unpacked on the way")
    folder.announce(runner.addresses[0][1])
    await asyncio.Event().wait()


def main(behaviour: str, directory: Path) -> None:
    if behaviour == "ends at once":
        sys.exit("I cannot start.")
    if behaviour == "never ready":
        time.sleep(600)
    if behaviour == "does not leave":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with_gateway(directory)
    asyncio.run(serve(SessionFolder(directory)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[sys.argv.index("--directory") + 1]))
