"""A real HTTP server on loopback that behaves as badly as it is told."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class BadServer(ThreadingHTTPServer):
    """Serve `content` at any path; the first word of the path says how.

    /good   as asked, with Range           /whole  ignores Range
    /cut    closes after `step` bytes      /stall  sends `step` bytes, then nothing
    /slow   a little every 10 ms           /empty  closes before the first byte
    /wrong  the right size, other bytes    /short  a file of another size
    /long   too many bytes, unannounced    /mute   never answers
    /404, /503  those answers              /416    refuses every Range
    /to/X   redirects to /X                /loop   redirects to itself
    /lie    another range than was asked   /wait   `step` bytes, the rest after `go_on`
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.step = max(1, len(content) // 4)
        self.asked: list[tuple[str, str]] = []  # path, Range
        self.closing = threading.Event()
        self.go_on = threading.Event()

    def handle_error(self, *_: Any) -> None:
        """Be quiet about clients that hang up: some tests are about just that."""

    def url(self, manner: str) -> str:
        """Return the address at which the server behaves in that manner."""
        return f"http://127.0.0.1:{self.server_port}/{manner}/file"


class _Handler(BaseHTTPRequestHandler):
    server: BadServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        """Answer as the path says."""
        manner = self.path.split("/")[1]
        asked = self.headers.get("Range", "")
        self.server.asked.append((manner, asked))
        start = int(asked[6:-1]) if asked else 0
        self.close_connection = True
        if manner.isdigit() and (manner != "416" or start):
            self.answer(int(manner), b"sorry")
        elif manner in ("to", "loop"):
            target = self.path if manner == "loop" else "/" + self.path.split("/", 2)[2]
            self.answer(302, b"", Location=target)
        elif manner == "mute":
            self.server.closing.wait(30)
        elif manner == "short":
            self.answer(200, self.server.content[:-1])
        elif manner == "long":
            self.answer(200, self.server.content + b"!", announce=False)
        else:
            self.send_file(manner, 0 if manner == "whole" else start)

    def answer(self, status: int, body: bytes, announce: bool = True, **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Connection", "close")
        for key, value in headers.items():
            self.send_header(key, value)
        if announce:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, manner: str, start: int) -> None:
        """Send the content from `start`, in the given manner."""
        content = self.server.content
        if manner == "wrong":
            content = bytes(byte ^ 1 for byte in content)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            first = start + 1 if manner == "lie" else start
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            content = content[:start] + content[first:] + content[start:first]
        self.end_headers()
        end = start + self.server.step if manner in ("cut", "stall") else len(content)
        if manner == "wait":
            self.wfile.write(content[start : start + self.server.step])
            self.wfile.flush()
            self.server.go_on.wait(30)
            start += self.server.step
        if manner == "slow":
            for i in range(start, end, 500):
                self.wfile.write(content[i : min(i + 500, end)])
                time.sleep(0.01)
        elif manner != "empty":
            self.wfile.write(content[start:end])
        if manner == "stall":
            self.wfile.flush()
            self.server.closing.wait(30)


@contextmanager
def serving(content: bytes) -> Iterator[BadServer]:
    """Run a server for `content`."""
    server = BadServer(content)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
