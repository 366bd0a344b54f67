"""Very many clients of a stream, as lean as they can be, in a process of their own: each notes which events it got, and when.

Some of them may come again every second, as one does whose network breaks: they name the last event that they got.
"""

import asyncio
import re
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import cast

import uvloop

from tests.bench.opponent import apart

EVENT = re.compile(rb"id: (\d+)\nevent: ")
ID = re.compile(rb"id: (\d+)\n")
AT_ONCE = 100
"""Connections that are opened before others get a turn."""
EVERY = 1.0
"""Seconds after which those that come again do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """So many clients of a path, in which {} stands for the number of each, and of which the first `again` come again every
    second. `noting`: each event with its time."""

    port: int
    path: str
    clients: int
    again: int = 0
    noting: bool = True


class Client(asyncio.Protocol):
    """One connection, and what came over it and those before it."""

    def __init__(self, request: bytes, *, noting: bool) -> None:
        self.request = request
        self.noting = noting
        self.events = 0
        self.positions = array("q")
        self.times = array("d")
        self.last: int | None = None
        self.rest = b""
        self.broken = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.rest = b""
        mark = b"" if self.last is None else b"Last-Event-ID: %d\r\n" % self.last
        self.transport.write(self.request % mark)

    def data_received(self, data: bytes) -> None:
        if not self.noting:
            text = self.rest + data
            self.events += text.count(b"\nevent: ")
            self.rest = text[-7:] if b"\nevent: " not in text[-7:] else b""
            return
        text = self.rest + data
        end = text.rfind(b"\n\n") + 2
        if end < 2:
            self.rest = text
            return
        whole, self.rest = text[:end], text[end:]
        now = time.monotonic()
        for position in EVENT.findall(whole):
            self.positions.append(int(position))
            self.times.append(now)
        ids = ID.findall(whole)
        if ids:
            self.last = int(ids[-1])

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:  # we did not end it
            self.broken += 1


async def _open(client: Client, port: int) -> None:
    await asyncio.get_running_loop().create_connection(lambda: client, "127.0.0.1", port)


async def _again(client: Client, port: int, first: float) -> None:
    """Ends its connection every second and comes again."""
    await asyncio.sleep(first)
    while True:
        transport, client.transport = client.transport, None
        if transport is not None:
            transport.abort()
        await _open(client, port)
        await asyncio.sleep(EVERY)


def _serve(told: Connection) -> None:
    async def forever() -> None:
        clients: list[Client] = []
        coming: set[asyncio.Task[None]] = set()
        while True:  # until the other end is done, which raises
            wanted = await asyncio.to_thread(told.recv)
            if isinstance(wanted, Wanted):
                clients = await _gather(wanted, coming)
                told.send(len(clients))
            elif wanted == "events":
                told.send(sum(client.events for client in clients))
            elif wanted == "leave":
                for task in coming:
                    task.cancel()
                coming.clear()
                for client in clients:
                    transport, client.transport = client.transport, None
                    if transport is not None:
                        transport.abort()
                await asyncio.sleep(0.2)
                told.send(sum(client.broken for client in clients))
            else:
                told.send([(client.positions, client.times) for client in clients])

    try:
        uvloop.run(forever())
    except EOFError:
        return


async def _gather(wanted: Wanted, coming: set[asyncio.Task[None]]) -> list[Client]:
    paths = [wanted.path.replace("{}", str(number)) for number in range(wanted.clients)]
    heads = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{wanted.port}\r\n".encode() for path in paths]
    clients = [Client(head + b"%b\r\n", noting=wanted.noting) for head in heads]
    for start in range(0, len(clients), AT_ONCE):
        await asyncio.gather(*(_open(client, wanted.port) for client in clients[start : start + AT_ONCE]))
    for number, client in enumerate(clients[: wanted.again]):
        first = EVERY * number / wanted.again
        coming.add(asyncio.create_task(_again(client, wanted.port, first), name=f"again {number}"))
    return clients


@dataclass(frozen=True, slots=True)
class Crowd:
    """The other end of the process."""

    _told: Connection

    def gather(self, wanted: Wanted) -> None:
        """They connect; returns when all have. Takes a while: call it in a thread where the server runs in the same loop."""
        self._told.send(wanted)
        self._told.recv()

    def events(self) -> int:
        """How many all of them got."""
        self._told.send("events")
        count: int = self._told.recv()
        return count

    def notes(self) -> Sequence[tuple[Sequence[int], Sequence[float]]]:
        """Of each client the positions of its events, and when they came, on the monotonic clock that all processes share."""
        self._told.send("notes")
        notes: Sequence[tuple[Sequence[int], Sequence[float]]] = self._told.recv()
        return notes

    def leave(self) -> int:
        """All of them go; how many connections the server ended before."""
        self._told.send("leave")
        broken: int = self._told.recv()
        return broken


@contextmanager
def crowd() -> Iterator[Crowd]:
    """While it is there."""
    with apart(_serve) as ours:
        yield Crowd(ours)
