"""Whoever is told: takes every POST in this process, whatever is in it, and notes when it came. A GET only says that it is up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.sockets import Quiet, serving


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

    class Handler(Quiet):
        def do_POST(self) -> None:  # noqa: N802 -- as it is called there
            receiver.take(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self.do_GET()

        def do_GET(self) -> None:  # noqa: N802 -- as it is called there
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler) as url:
        receiver = Receiver(url=f"{url}/")
        yield receiver
