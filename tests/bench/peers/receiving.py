"""Whoever is told: takes every POST in this process, whatever is in it, and notes when it came. A GET only says that it is up."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(kw_only=True)
class Receiver:
    """`url` is where it listens, at any path."""

    url: str
    _came: list[tuple[float, bytes]] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        """It came now."""
        self._came.append((time.time(), body))

    def since(self, number: int) -> list[tuple[float, bytes]]:
        """Those that came after the first so many: when, in seconds since 1970, and the body."""
        return self._came[number:]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Up until the end of the context."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            receiver.take(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as it is called there
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver = Receiver(url=f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="receiver")
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
