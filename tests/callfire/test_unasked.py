"""What comes over CallFire's connection beside the answer to a look: interim answers, odd codes, and what nobody asked for."""

import asyncio
import json
import socket
from typing import Any, Final

import pytest
from aiohttp import TCPConnector

from tests.callfire.test_client import BODY, SEEN, callfire, look_at, session
from tests.sockets import http, listening
from watcher.callfire.client import Session
from watcher.core.answers import Answer, Kind
from watcher.http.exchange import INTERIM_MOST

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
STRAY: Final = b"HTTP/1.1 199 Whatever\r\n\r\n"
SWITCHED: Final = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


def called(answer: Answer) -> tuple[Kind, str]:
    return answer.kind, answer.outcome


@pytest.mark.parametrize("interim", [CONTINUE, HINTS, STRAY, CONTINUE + HINTS * (INTERIM_MOST - 1)])
async def test_interim_answers_are_passed_over_and_the_connection_is_used_again(interim: bytes) -> None:
    async with listening(interim + http(200, BODY)) as server, session() as opened:
        upstream = callfire(opened, server.url)
        assert [await upstream.look(1) for _ in range(2)] == [SEEN] * 2
    assert [heard.connection for heard in server.heard] == [1, 1]


async def test_an_interim_answer_that_comes_before_the_answer_is_there_is_not_taken_for_it() -> None:
    async def one_by_one(writer: asyncio.StreamWriter) -> None:
        for part in (CONTINUE, HINTS, http(200, BODY)):
            writer.write(part)
            await asyncio.sleep(0)

    assert await look_at(one_by_one) == SEEN


async def test_interim_answers_without_end_are_a_bad_body_and_their_connection_is_closed() -> None:
    async def storm(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(CONTINUE)
            await writer.drain()

    async with listening(storm, http(200, BODY)) as server, session() as opened:
        upstream = callfire(opened, server.url)
        async with asyncio.timeout(60):
            refused = await upstream.look(1)
            assert called(refused) == (Kind.FAILED, "bad_body")
            assert f"more than {INTERIM_MOST} interim answers" in (refused.detail or "")
            assert await upstream.look(1) == SEEN
        assert [heard.connection for heard in server.heard] == [1, 2]


async def test_an_interim_answer_without_end_is_a_bad_body() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n")
        while True:
            writer.write(b"Link: " + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async with asyncio.timeout(60):
        assert called(await look_at(endless)) == (Kind.FAILED, "bad_body")


async def test_after_interim_answers_alone_a_closed_connection_is_a_reset() -> None:
    async def only(writer: asyncio.StreamWriter) -> None:
        writer.write(CONTINUE + STRAY)
        writer.close()

    assert called(await look_at(only)) == (Kind.FAILED, "reset")


async def test_a_switch_of_protocols_is_a_failure_and_its_connection_is_closed() -> None:
    async with listening(SWITCHED, http(200, BODY)) as server, session() as opened:
        upstream = callfire(opened, server.url)
        assert called(await upstream.look(1)) == (Kind.FAILED, "101")
        assert await upstream.look(1) == SEEN
        assert [heard.connection for heard in server.heard] == [1, 2]


@pytest.mark.parametrize(
    ("code", "outcome"), [(b"000", "0"), (b"0", "bad_body"), (b"99", "bad_body"), (b"-1", "bad_body")]
)
async def test_a_code_that_is_none_is_a_failure(code: bytes, outcome: str) -> None:
    answer = await look_at(b"HTTP/1.1 " + code + b" Whatever\r\nContent-Length: 2\r\n\r\n{}")
    assert called(answer) == (Kind.FAILED, outcome)


class Noticing(socket.socket):
    """Says when it was read from, beside doing so."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.was_read = asyncio.Event()

    def recv(self, *args: Any) -> bytes:
        self.was_read.set()
        return super().recv(*args)


async def test_what_was_not_asked_for_is_no_answer_to_the_next_question() -> None:
    made: list[Noticing] = []
    unasked = asyncio.Event()

    def make(address: Any) -> socket.socket:
        made.append(Noticing(*address[:3]))
        return made[-1]

    async def twice(writer: asyncio.StreamWriter) -> None:
        writer.write(http(200, BODY))
        await unasked.wait()
        writer.write(http(200, json.dumps({"id": 1, "status": "ACTIVE"}).encode()))

    async with (
        asyncio.timeout(60),
        listening(twice, http(200, BODY)) as server,
        TCPConnector(limit=0, socket_factory=make) as connector,
    ):
        upstream = callfire(Session(connector=connector, user_agent="test"), server.url)
        assert await upstream.look(1) == SEEN
        made[0].was_read.clear()
        unasked.set()
        await made[0].was_read.wait()
        assert called(await upstream.look(1)) == (Kind.FAILED, "reset")
        assert await upstream.look(1) == SEEN
        assert [heard.connection for heard in server.heard] == [1, 2]
