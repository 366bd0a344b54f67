"""Receivers that mean no good: an attempt ends in bounded time, takes in a bounded number of bytes, and is recorded as it was.

The servers push 100 MB or without end, and count what they could get rid of before the connection was closed. What is beyond
our limits then lies in the buffers of the system, which take some megabytes.
"""

import asyncio
import contextlib
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import pytest

from tests.sockets import Reply, http, listening
from tests.webhooks.house import DELIVERY, LOOPBACK, NEW, answered, endpoint, failed, send_to, sending
from watcher.core.endpoint import Attempt, Timings
from watcher.core.message import MAX_BODY
from watcher.http.exchange import INTERIM_MOST
from watcher.webhooks.answer import ANSWER_KEPT
from watcher.webhooks.connection import HEAD_MOST
from watcher.webhooks.guard import AddressInfo, Guard

TIMEOUT: Final = 1.0
"""Seconds of an endpoint that is to run out of them, after it was reached: also on a busy machine."""
ENOUGH: Final = 60 * TIMEOUT
"""Longer than this no attempt may last, on a machine that has other things to do as well."""
MEGABYTES_100: Final = 100 * 1024 * 1024
BUFFERED: Final = 12 * 1024 * 1024
"""What the system's buffers hold at most, with a lot to spare."""
UNSOUND: Final = "the answer is not sound HTTP"


@dataclass(slots=True)
class Pushing:
    """A server, and how many bytes it got rid of."""

    url: str = ""
    pushed: int = 0
    connections: int = 0
    closed: int = 0


Push = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def pushing(push: Callable[[Pushing], Push]) -> AsyncIterator[Pushing]:
    here, running = Pushing(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.connections += 1
        with contextlib.suppress(ConnectionError):
            await push(here)(reader, writer)
        here.closed += 1
        writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.get_running_loop().create_task(serve(reader, writer), name="serve"))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    here.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield here
        async with asyncio.timeout(ENOUGH):
            await asyncio.gather(*running)  # each ends when we have closed its connection
    finally:
        server.close()


def endlessly(head: bytes, piece: bytes, most: int = MEGABYTES_100) -> Callable[[Pushing], Push]:
    """Reads the request, then writes the head once and the piece again and again."""

    def of(here: Pushing) -> Push:
        async def push(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while here.pushed < most:
                writer.write(piece)
                await writer.drain()
                here.pushed += len(piece)
                await asyncio.sleep(0)
            while await reader.read(65536):
                pass

        return push

    return of


async def attempt_at(push: Callable[[Pushing], Push]) -> tuple[Attempt, Pushing]:
    async with pushing(push) as here, asyncio.timeout(ENOUGH), sending() as sender:
        attempt = await sender.send(endpoint(here.url, timeout=ENOUGH), DELIVERY)
    return attempt, here


def unsound(detail: str) -> Attempt:
    return answered(None, error="bad_answer", detail=detail)


OK: Final = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (OK + b"Content-Length: 1000000000000\r\n\r\n", b"x" * 65536),
        (OK + b"Connection: close\r\n\r\n", b"x" * 65536),
    ],
)
async def test_of_an_endless_answer_16_kib_are_read(head: bytes, piece: bytes) -> None:
    attempt, here = await attempt_at(endlessly(head, piece))
    assert attempt == answered(200, b"x" * 16 * 1024)
    assert here.pushed < BUFFERED


async def test_of_a_gzip_bomb_16_kib_are_read_and_never_unpacked() -> None:
    bomb = gzip.compress(bytes(20 * 1024 * 1024))
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    assert len(bomb) > ANSWER_KEPT
    attempt, _ = await attempt_at(endlessly(head, bomb, most=1))
    assert attempt == answered(200, bomb[:ANSWER_KEPT])


async def test_a_connection_with_more_to_read_is_not_used_again() -> None:
    endless = http(200, b"x" * 1024 * 1024)
    async with listening(endless, http(204)) as receiver, sending() as sender:
        first = await sender.send(endpoint(receiver.url), DELIVERY)
        second = await sender.send(endpoint(receiver.url), DELIVERY)
        assert (first, second) == (answered(200, b"x" * ANSWER_KEPT), answered(204))
        assert [heard.connection for heard in receiver.heard] == [1, 2]


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OK + b"X-Long: ", b"x" * 65536),
        (OK, b"X-Many: " + b"x" * 64 + b"\r\n"),
        (OK, b"X-Many: " + b"x" * 4096 + b"\r\n"),
        (b"HTTP/1.1 200 ", b"O" * 65536),
        (b"", b"\r\n" * 32768),
        (b"", b"\x00\xff\xfe" * 20000),
        (b"", b"x" * 65536),
        (b"HTTP/1.1 ", b"2" * 65536),
    ],
)
async def test_headers_without_end_are_a_bad_answer(head: bytes, piece: bytes) -> None:
    attempt, here = await attempt_at(endlessly(head, piece))
    assert attempt == unsound(attempt.detail or "")
    assert (attempt.detail or "").startswith(UNSOUND)
    assert here.pushed < BUFFERED


@pytest.mark.parametrize("code", [100, 102, 103, 199])
async def test_a_storm_of_interim_answers_is_a_bad_answer(code: int) -> None:
    attempt, here = await attempt_at(endlessly(b"", b"HTTP/1.1 %d Wait\r\n\r\n" % code * 1000))
    assert attempt == unsound(f"{UNSOUND}: more than {INTERIM_MOST} interim answers")
    assert here.pushed < BUFFERED


async def test_large_interim_answers_count_too() -> None:
    links = b"HTTP/1.1 103 Early Hints\r\n" + (b"Link: " + b"x" * 1000 + b"\r\n") * 9 + b"\r\n"
    attempt, here = await attempt_at(endlessly(b"", links))
    assert attempt == unsound(f"{UNSOUND}: more than {HEAD_MOST} bytes of headers")
    assert here.pushed < BUFFERED


async def test_a_few_interim_answers_are_heard_out() -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * (INTERIM_MOST - 1)
    async with listening(hints + http(200, b"ok")) as receiver, sending() as sender:
        attempts = [await sender.send(endpoint(receiver.url), DELIVERY) for _ in range(2)]
        assert [heard.connection for heard in receiver.heard] == [1, 1]
    assert [(attempt.code, attempt.answer) for attempt in attempts] == [(200, b"ok")] * 2


async def test_interim_answers_now_and_then_end_with_the_time_out() -> None:
    async def now_and_then(writer: asyncio.StreamWriter) -> None:
        for _ in range(INTERIM_MOST):
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await asyncio.sleep(TIMEOUT / 10)

    attempt = await send_to(now_and_then, timeout=TIMEOUT)
    assert attempt == answered(None, error="timeout", detail="the answer did not end in time")


async def test_a_switch_of_protocols_is_no_acceptance() -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with asyncio.timeout(ENOUGH):
        attempt = await send_to(switching, timeout=TIMEOUT)
    assert attempt.code == 101


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: " + b"x" * 4096 + b"\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 8000 + b"\r\ny\r\n"),
    ],
)
async def test_framing_without_end_is_a_bad_answer(head: bytes, piece: bytes) -> None:
    attempt, here = await attempt_at(endlessly(head, piece))
    assert attempt == replace(unsound(attempt.detail or ""), answer=attempt.answer)
    assert len(attempt.answer) < ANSWER_KEPT
    assert here.pushed < BUFFERED


async def test_a_body_in_chunks_of_one_byte_is_an_answer() -> None:
    attempt, _ = await attempt_at(endlessly(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000))
    assert attempt == answered(200, b"x" * ANSWER_KEPT)


def dripping(head: bytes) -> Reply:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b".")
            await asyncio.sleep(TIMEOUT / 15)

    return drip


async def test_an_acceptance_a_byte_at_a_time_is_a_timeout() -> None:
    attempt = await send_to(dripping(OK + b"Content-Length: 1000\r\n\r\n"), timeout=TIMEOUT)
    late = answered(None, attempt.answer, error="timeout", detail="the answer did not end in time")
    assert attempt == late
    assert 0 < len(attempt.answer) < 1000


async def test_a_refusal_a_byte_at_a_time_is_a_refusal() -> None:
    attempt = await send_to(dripping(b"HTTP/1.1 410 Gone\r\nContent-Length: 1000\r\n\r\n"), timeout=TIMEOUT)
    assert attempt == answered(410, attempt.answer)


@pytest.mark.parametrize("head", [OK + b"Server: ", b"HTTP/1.1 200 ", b"H"])
async def test_headers_a_byte_at_a_time_are_a_timeout(head: bytes) -> None:
    expected = answered(None, error="timeout", detail="the answer did not end in time")
    if head == b"H":
        expected = unsound(UNSOUND)
    attempt = await send_to(dripping(head), timeout=TIMEOUT)
    assert replace(attempt, detail=expected.detail) == expected


async def test_a_receiver_that_speaks_first_is_not_listened_to_without_end() -> None:
    def of(here: Pushing) -> Push:
        async def push(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while here.pushed < MEGABYTES_100:
                writer.write(b"220 Welcome\r\n" * 1000)
                await writer.drain()
                here.pushed += 13000
                await asyncio.sleep(0)

        return push

    attempt, here = await attempt_at(of)
    assert attempt.error == "bad_answer"
    assert here.pushed < BUFFERED


async def test_a_reset_at_once_is_a_reset() -> None:
    def of(_: Pushing) -> Push:
        async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            plug = writer.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        return slam

    attempt, here = await attempt_at(of)
    detail = "the receiver closed the connection before it answered"
    expected = failed("reset", detail, address="127.0.0.1", timings=Timings(connect=NEW.connect))
    assert (attempt, here.connections) == (expected, 1)


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers without reading, and goes on as if it had."""
    writer.transport.pause_reading()  # type: ignore[attr-defined] # both loops have it
    writer.write(http(413, b"too much"))
    await asyncio.sleep(TIMEOUT)


class Plugs(list[socket.socket]):
    """Sockets of connections to come, into which little can be written before it is read."""

    def make(self, candidate: AddressInfo) -> socket.socket:
        plug = socket.socket(*candidate[:3])
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.append(plug)
        return plug


async def test_a_receiver_that_answers_without_reading_is_heard() -> None:
    async with pushing(lambda _: deaf) as here, sending() as sender:
        attempt = await sender.send(endpoint(here.url), replace(DELIVERY, body=b"x" * MAX_BODY))
    assert attempt == answered(413, b"too much")


async def test_a_connection_on_which_a_request_is_not_taken_yet_is_not_kept() -> None:
    """The receiver would take the next request for the rest of this one."""
    plugs = Plugs()
    async with pushing(lambda _: deaf) as here, sending(guard=Guard(LOOPBACK, plugs.make)) as sender:
        attempt = await sender.send(endpoint(here.url), replace(DELIVERY, body=b"x" * MAX_BODY))
        await asyncio.sleep(TIMEOUT / 6)  # long before the receiver closes it
        assert (attempt, [plug.fileno() for plug in plugs]) == (answered(413, b"too much"), [-1])


async def test_a_receiver_that_never_reads_is_a_timeout_and_its_connection_gone() -> None:
    """A polite close would wait, without end, for what was written to be read."""
    plugs = Plugs()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        async with asyncio.timeout(ENOUGH), sending(guard=Guard(LOOPBACK, plugs.make)) as sender:
            big = replace(DELIVERY, body=b"x" * MAX_BODY)
            attempt = await sender.send(endpoint(url, timeout=TIMEOUT), big)
            while [plug for plug in plugs if plug.fileno() != -1]:  # noqa: ASYNC110 # a socket tells nobody
                await asyncio.sleep(0.01)
    expected = failed("timeout", "no answer in time", address="127.0.0.1", timings=Timings(connect=NEW.connect))
    assert (attempt, len(plugs)) == (expected, 1)
