"""The other side of the benchmarks, as lean as it can be: answers every GET of a batch, and every POST, from one process of its own.

Not the simulator: what is measured is our side, and a believable CallFire would take the greater part of the time.
"""

import asyncio
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import cast

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Answers(asyncio.Protocol):
    """One connection: an answer for each request, without looking further into it than is needed."""

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
            if len(self.rest) < end + 4 + length:
                return
            self.rest = self.rest[end + 4 + length :]
            self.answer(head)

    def answer(self, head: bytes) -> None:
        target = head.split(b" ", 2)[1].split(b"?")[0]
        number = target.rsplit(b"/", 1)[1]
        body = (
            b'{"id":%s,"name":"API 14","status":"VALIDATING","broadcastId":14,"created":1790000000000,'
            b'"size":6198,"remaining":6198,"enabled":true}' % number
            if number.isdigit()
            else b""
        )
        self.transport.write(HEAD % (len(body), body))


def _serve(told: Connection) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(told.recv)  # returns, or raises, when the other end is done

    try:
        uvloop.run(forever())
    except EOFError:
        return


@contextmanager
def opponent() -> Iterator[str]:
    """Its URL, while it runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        ours.close()
        process.join(5)
        process.kill()


def parsed(body: bytes) -> object:
    """What a bare loop does with an answer."""
    return json.loads(body)
