"""A web server on this computer that can misbehave on purpose."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE_BYTES = 50_000


@dataclass
class Loopback:
    """What the server serves, how, and what it was asked.

    Attributes:
        content: the file.
        understands_range: whether a request for the rest of the file is honoured.
        stop_after: bytes after which the connection breaks, or None.
        tells_length: whether the size is told before the file comes.
        status: an HTTP error to answer with, or None.
        pause_s: seconds between one piece and the next.
        ranges: the Range header of every request, None where there was none.
        headers: all headers of every request.
        url: where the file is.
    """

    content: bytes
    understands_range: bool = True
    stop_after: int | None = None
    tells_length: bool = True
    status: int | None = None
    pause_s: float = 0.0
    ranges: list[str | None] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(content: bytes) -> Iterator[Loopback]:
    """Serve `content` at `loopback.url` until the end of the block."""
    loopback = Loopback(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            loopback.ranges.append(asked)
            loopback.headers.append(dict(self.headers.items()))
            if loopback.status is not None:
                self.send_error(loopback.status)
                return
            if self.path != "/weights":
                self.send_error(404)
                return
            start = 0
            if asked and loopback.understands_range:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(loopback.content):
                    self.send_error(416)
                    return
                self.send_response(206)
                last = len(loopback.content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(loopback.content)}")
            else:
                self.send_response(200)
            body = loopback.content[start:]
            if loopback.tells_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.send_pieces(body[: loopback.stop_after])

        def do_CONNECT(self) -> None:
            """As a proxy: refuse the tunnel."""
            self.send_error(loopback.status or 405)

        def send_pieces(self, body: bytes) -> None:
            # A client that cancels closes its end.
            with suppress(ConnectionError):
                for start in range(0, len(body), PIECE_BYTES):
                    self.wfile.write(body[start : start + PIECE_BYTES])
                    time.sleep(loopback.pause_s)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    loopback.url = f"http://127.0.0.1:{server.server_port}/weights"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield loopback
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
