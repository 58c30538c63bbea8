"""`sli2vol serve`: the same tool in the browser."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import webbrowser
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path

from ..engine.errors import Sli2VolError

_NEEDED = ("aiohttp", "trame", "trame_slicer")
_DRAWING = ("EGL", "OSMesa")
"""Without one of these VTK ends the process at the first picture."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("serve", help="the tool in the browser, where no Slicer is installed")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, for this computer only)"
    )
    parser.add_argument("--port", type=_port, default=8080, help="port to listen on (default: 8080; 0: any free one)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="folder whose volumes may be opened")
    parser.add_argument(
        "--upload-limit", type=_positive, default=1024.0, metavar="MB", help="of one upload (default: 1024)"
    )
    parser.add_argument(
        "--idle-minutes",
        type=_positive,
        default=30.0,
        metavar="N",
        help="after which a session in which nothing is done ends (default: 30)",
    )
    parser.add_argument("--sessions", type=_count, default=4, metavar="N", help="open at once (default: 4)")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute (default: auto)"
    )
    parser.add_argument("--token", action="store_true", help="ask for a token on 127.0.0.1 too")
    parser.add_argument("--open", action="store_true", help="open the page in this computer's browser")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl+C.

    Raises:
        Sli2VolError: a package or library is missing, there is no such folder, or the address cannot be listened on.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        msg = f"The browser needs packages that are not installed ({', '.join(missing)}): pip install .[browser]"
        raise Sli2VolError(msg)
    if sys.platform == "linux" and not os.environ.get("DISPLAY") and not any(map(find_library, _DRAWING)):
        msg = (
            "Views cannot be drawn without a screen: install libEGL with Mesa's drivers, or libOSMesa "
            "(on Debian and Ubuntu: apt-get install libegl1 libgl1-mesa-dri, or libosmesa6)."
        )
        raise Sli2VolError(msg)
    from ..browser.serving import ServeOptions, serve

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    options = ServeOptions(
        host=arguments.host,
        port=arguments.port,
        folder=arguments.folder,
        upload_limit_mb=arguments.upload_limit,
        idle_minutes=arguments.idle_minutes,
        sessions=arguments.sessions,
        device=arguments.device,
        asks_token=arguments.token,
    )

    def tell(address: str) -> None:
        print(f"Open {address} in a browser; every tab is a session of its own. Ctrl+C ends all.", flush=True)
        if arguments.open:
            webbrowser.open(address)

    asyncio.run(serve(options, tell))
    return 0


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65536:
        msg = f"a port lies between 0 and 65535, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        msg = f"at least 1 is needed, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        msg = f"a number above 0 is needed, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return number
