"""Answers that contradict themselves, and answers that nobody asked for: what is sound of them counts, the rest harms nobody."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Final

import pytest

from tests.sockets import http, listening
from tests.webhooks.house import DELIVERY, answered, endpoint, send_to, sending
from watcher.core.endpoint import Attempt

TIMEOUT: Final = 1.0
"""Of the endpoints here, in seconds: what answers does so sooner, also on a busy machine."""
OK: Final = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OK + b"Content-Length: 2\r\n\r\nok and more", answered(200, b"ok")),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\nok and more", answered(410, b"ok")),
        (OK + b"Content-Length: 10\r\n\r\nok", answered(None, b"ok", error="timeout")),
        (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", answered(None, error="bad_answer")),
        (OK + b"Content-Length: -2\r\n\r\nok", answered(None, error="bad_answer")),
        (OK + b"Content-Length: two\r\n\r\nok", answered(None, error="bad_answer")),
        (OK + b"Content-Length: 99999999999999999999999\r\n\r\nok", answered(None, error="bad_answer")),
        (OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok", answered(None, error="bad_answer")),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nnot a length\r\n", answered(None, error="bad_answer")),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n", answered(None, error="bad_answer")),
        (b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n", answered(500)),
        (b"HTTP/9.9 200 OK\r\n\r\n", answered(None, error="bad_answer")),
        (b"HTTP/1.1 20 OK\r\n\r\n", answered(None, error="bad_answer")),
        (b"ICY 200 OK\r\n\r\n", answered(None, error="bad_answer")),
        (b"GET / HTTP/1.1\r\n\r\n", answered(None, error="bad_answer")),
        (OK + b"Bad Header: x\r\n\r\n", answered(None, error="bad_answer")),
    ],
)
async def test_answers_that_contradict_themselves(answer: bytes, expected: Attempt) -> None:
    attempt = await send_to(answer, timeout=TIMEOUT)
    assert replace(attempt, detail=None, answer=attempt.answer[:2]) == expected


async def test_an_answer_longer_than_it_says_ends_where_it_says() -> None:
    """And what it has too much is never taken for the answer to the next delivery."""

    taken, said = asyncio.Event(), asyncio.Event()

    async def too_much(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 2\r\n\r\nok")
        await writer.drain()
        await taken.wait()
        with contextlib.suppress(ConnectionError):
            writer.write(b"and more")
            await writer.drain()
        said.set()

    async with listening(too_much, http(204)) as receiver, sending() as sender:
        assert await sender.send(endpoint(receiver.url), DELIVERY) == answered(200, b"ok")
        taken.set()
        await said.wait()
        await asyncio.sleep(0.1)  # on its way to us
        assert await sender.send(endpoint(receiver.url), DELIVERY) == answered(204)
        assert [heard.connection for heard in receiver.heard] == [1, 2]


@pytest.mark.parametrize("at_once", [True, False])
async def test_an_answer_that_nobody_asked_for_is_not_that_to_the_next_delivery(at_once: bool) -> None:
    taken, said = asyncio.Event(), asyncio.Event()

    async def twice(writer: asyncio.StreamWriter) -> None:
        writer.write(http(200, b"first"))
        if not at_once:
            await writer.drain()
            await taken.wait()
        writer.write(http(200, b"forged"))
        said.set()

    async with listening(twice, http(500)) as receiver, sending() as sender:
        assert await sender.send(endpoint(receiver.url), DELIVERY) == answered(200, b"first")
        taken.set()
        await said.wait()
        await asyncio.sleep(0 if at_once else 0.1)  # on its way to us
        assert await sender.send(endpoint(receiver.url), DELIVERY) == answered(500)
        assert [heard.connection for heard in receiver.heard] == [1, 2]
