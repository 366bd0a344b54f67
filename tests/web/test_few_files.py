"""Where few files may still be opened clients do not take the last ones: probes are answered, and what is not used ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler

from watcher.core.files import Room
from watcher.web.connection import sparing
from watcher.web.problems import Problem
from watcher.web.server import serve


class Place:
    """A server with one slow path and a probe, and what there is room for: each new connection takes the next word."""

    def __init__(self, *rooms: Room) -> None:
        self.rooms = list(rooms)
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.url = ""

    def room(self, number: int) -> Room:
        assert number > 2
        return self.rooms.pop(0)

    async def slow(self, _: web.Request) -> web.Response:
        self.asked.set()
        await self.go_on.wait()
        return web.Response(text="slow")

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", int(self.url.rpartition(":")[2]))

    async def ask(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await self.open()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        return reader, writer


@web.middleware
async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response("r-1")


@asynccontextmanager
async def place(*rooms: Room, idle: float = 0.0) -> AsyncIterator[Place]:
    made = Place(*rooms)
    app = web.Application(middlewares=[told, sparing])

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="alive")

    app.router.add_get("/livez", live)
    app.router.add_get("/v1/slow", made.slow)
    async with serve(app, host="127.0.0.1", port=0, room=made.room, idle=idle) as made.url:
        yield made
        made.go_on.set()


def close(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()


async def test_a_connection_that_is_not_used_makes_room_for_a_new_one() -> None:
    async with place(Room.PLENTY, Room.FEW) as here:
        here.go_on.set()
        unused, first = await here.open()
        used, second = await here.ask("/v1/slow")
        assert await unused.read() == b""
        assert (await used.readuntil(b"slow")).startswith(b"HTTP/1.1 200")
        close(first, second)


async def test_where_all_are_used_a_new_one_is_for_probes_and_ends_with_the_answer() -> None:
    async with place(Room.PLENTY, Room.FEW, Room.FEW) as here:
        used, first = await here.ask("/v1/slow")
        await here.asked.wait()
        probe, second = await here.ask("/livez")
        assert (await probe.read()).endswith(b"alive")
        refused, third = await here.ask("/v1/slow")
        answer = await refused.read()
        assert answer.startswith(b"HTTP/1.1 503")
        assert b'"/problems/too-many-connections"' in answer
        here.go_on.set()
        assert (await used.readuntil(b"slow")).startswith(b"HTTP/1.1 200")
        close(first, second, third)


async def test_one_that_was_just_opened_need_not_make_room() -> None:
    """It may only not have come to its request yet."""
    async with place(Room.PLENTY, Room.FEW, idle=60.0) as here:
        here.go_on.set()
        young, first = await here.open()
        probe, second = await here.ask("/livez")
        assert (await probe.read()).endswith(b"alive")
        first.write(b"GET /v1/slow HTTP/1.1\r\nHost: here\r\n\r\n")
        assert (await young.readuntil(b"slow")).startswith(b"HTTP/1.1 200")
        close(first, second)


async def test_the_very_last_are_not_for_clients_at_all() -> None:
    async with place(Room.NONE) as here:
        reader, writer = await here.open()
        assert await reader.read() == b""
        close(writer)


class Panic(BaseException):
    """As compiled code raises it where it finds no memory."""


async def test_what_nobody_foresaw_ends_the_connection_and_is_not_waited_for() -> None:
    async def panic(_: web.Request) -> web.Response:
        raise Panic

    app = web.Application()
    app.router.add_get("/", panic)
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["exception"]))
    async with serve(app, host="127.0.0.1", port=0) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert await reader.read() == b""
        close(writer)
    assert [type(each) for each in heard] == [Panic]
