"""The process of one session: `python -m Sli2VolSlicerLib.browser.session_process --directory DIR`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trame.app import get_server
from trame.app.asynchronous import create_task

from ..scene.panel_state import DEVICES
from .folder import SharedFolder
from .page import build_page
from .session import Session
from .session_files import SessionFolder
from .tied import end_with_gateway, key_required

_HOST = "127.0.0.1"


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What the gateway asks for."""
    parser = argparse.ArgumentParser(description="One session of `sli2vol serve`, which starts it.")
    parser.add_argument("--directory", type=Path, required=True, help="the session's own folder")
    parser.add_argument("--folder", type=Path, help="a folder whose volumes may be opened")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute")
    parser.add_argument("--port", type=int, default=0, help="on the loopback interface; a free one by default")
    return parser.parse_args(arguments)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve the page until the process is asked to end."""
    own = SessionFolder(arguments.directory)
    own.make()
    shared = SharedFolder(arguments.folder) if arguments.folder is not None else None
    server = get_server(f"sli2vol-{id(own)}", client_type="vue3")
    session = Session(server, own, shared, device=arguments.device)
    build_page(server, session)

    @server.controller.add("on_server_bind")
    def guard(web_server: Any) -> None:
        check = key_required()
        if check is not None:
            web_server.app.middlewares.append(check)

    @server.controller.add("on_server_ready")
    def announce(**_: Any) -> None:
        own.announce(server.port)
        session.warm_up()
        create_task(session.open_only())

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: asyncio.ensure_future(server.stop()))
    try:
        await server.start(
            exec_mode="coroutine",
            host=_HOST,
            port=arguments.port,
            open_browser=False,
            show_connection_info=False,
            disable_logging=True,
            timeout=0,
            handle_signals=False,
        )
    finally:
        session.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the process."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    parsed = parse(arguments)
    end_with_gateway(parsed.directory)
    asyncio.run(serve(parsed))


if __name__ == "__main__":
    main()
