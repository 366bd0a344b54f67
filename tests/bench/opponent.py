"""The other side of the benchmarks, as lean as it can be: answers every GET of a batch, and every POST, from one process of its
own, and notes when each webhook arrived. Paths that begin with /hang are never answered, with /fail with 500, and those that end
in /after/MS with 200 so many milliseconds later.

Not the simulator: what is measured is our side, and a believable CallFire would take the greater part of the time.
"""

import asyncio
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import cast

import uvloop

MOST_NOTED = 10_000
BACKLOG = 1024
"""Connections that may wait to be taken up. Of two hundred at once the usual hundred lets many wait for the next try of TCP's, a
second later."""
FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Answers(asyncio.Protocol):
    """One connection: an answer for each request, without looking further into it than is needed."""

    def __init__(self, arrivals: dict[str, float], asked: list[float]) -> None:
        self.arrivals = arrivals
        self.asked = asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is none by name
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            head, length = self.rest[:end], 0
            for line in head.split(b"\r\n")[1:]:
                if line[:15].lower() == b"content-length:":
                    length = int(line[15:])
                elif line[:11].lower() == b"webhook-id:":
                    self.arrivals.setdefault(line[11:].strip().decode(), time.monotonic())
            if len(self.rest) < end + 4 + length:
                return
            if head[:4] == b"GET " and len(self.asked) < MOST_NOTED:
                self.asked.append(time.monotonic())
            self.rest = self.rest[end + 4 + length :]
            self.answer(head)

    def answer(self, head: bytes) -> None:
        target = head.split(b" ", 2)[1].split(b"?")[0]
        how, _, milliseconds = target[1:].partition(b"/after/")
        if how.startswith(b"hang"):
            return
        if how.startswith(b"fail"):
            self.transport.write(FAILURE)
            return
        if milliseconds:
            loop = asyncio.get_running_loop()
            loop.call_later(int(milliseconds) / 1000, self.accept)
            return
        number = target.rsplit(b"/", 1)[1]
        body = (
            b'{"id":%s,"name":"API 14","status":"VALIDATING","broadcastId":14,"created":1790000000000,'
            b'"size":6198,"remaining":6198,"enabled":true}' % number
            if number.isdigit()
            else b""
        )
        self.transport.write(HEAD % (len(body), body))

    def accept(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(HEAD % (0, b""))


def _serve(told: Connection) -> None:
    async def forever() -> None:
        arrivals: dict[str, float] = {}
        asked: list[float] = []
        server = await asyncio.get_running_loop().create_server(
            lambda: Answers(arrivals, asked), "127.0.0.1", 0, backlog=BACKLOG
        )
        told.send(server.sockets[0].getsockname()[1])
        while True:  # until the other end is done, which raises
            wanted = await asyncio.to_thread(told.recv)
            told.send(arrivals if wanted == "arrivals" else asked)

    try:
        uvloop.run(forever())
    except EOFError:
        return


@dataclass(frozen=True, slots=True)
class Opponent:
    """Where it is, and what it noted."""

    url: str
    _told: Connection

    def arrivals(self) -> dict[str, float]:
        """By webhook id: when it first arrived, on the monotonic clock, which all processes share."""
        self._told.send("arrivals")
        arrived: dict[str, float] = self._told.recv()
        return arrived

    def asked(self) -> list[float]:
        """When each GET arrived, on the same clock: the first MOST_NOTED of them."""
        self._told.send("asked")
        moments: list[float] = self._told.recv()
        return moments


@contextmanager
def apart(serve: Callable[[Connection], None]) -> Iterator[Connection]:
    """Our end of a pipe; what serves at the other runs in a process of its own while the context lasts."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(5)
        process.kill()


@contextmanager
def opponent() -> Iterator[Opponent]:
    """While it runs."""
    with apart(_serve) as ours:
        yield Opponent(f"http://127.0.0.1:{ours.recv()}", ours)


def parsed(body: bytes) -> object:
    """What a bare loop does with an answer."""
    return json.loads(body)
