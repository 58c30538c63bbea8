"""A web server on this computer that can misbehave on purpose."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Loopback:
    """What the server serves, how, and what it was asked.

    Attributes:
        content: the file.
        understands_range: whether a request for the rest of the file is honoured.
        stop_after: bytes after which the connection breaks, or None.
        ranges: the Range header of every request, None where there was none.
        url: where the file is.
    """

    content: bytes
    understands_range: bool = True
    stop_after: int | None = None
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(content: bytes) -> Iterator[Loopback]:
    """Serve `content` at `loopback.url` until the end of the block."""
    loopback = Loopback(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            loopback.ranges.append(asked)
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
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: loopback.stop_after])

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
