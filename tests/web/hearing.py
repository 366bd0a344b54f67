"""A client of the streams, which reads them as a browser would; and what makes the streams go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.fake_store import FakeStore
from tests.telemetry.every_news import changed
from tests.web.house import House
from watcher.core.news import StreamClosed
from watcher.web.event_stream import HEARTBEAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A server-sent event: its fields as they came, its data as JSON. One that is only a sign of life has a comment."""

    event: str | None = None
    id: int | None = None
    data: Any = None
    comment: str | None = None
    retry: int | None = None


class Hearer:
    """Reads a stream, one event after another."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> Told:
        """The next event; asyncio.IncompleteReadError at the end."""
        return told(await self.response.content.readuntil(b"\n\n"))

    async def some(self, count: int) -> list[Told]:
        return [await self.next() for _ in range(count)]

    async def at_end(self) -> bool:
        """Whether the stream ends here."""
        return await self.response.content.read() == b""


def told(text: bytes) -> Told:
    """What these lines say."""
    fields: dict[str, Any] = {}
    for line in text.decode().splitlines():
        name, _, value = line.partition(": ")
        if line.startswith(": "):
            fields["comment"] = line[2:]
        elif name in ("id", "retry"):
            fields[name] = int(value)
        elif name == "data":
            fields["data"] = json.loads(value)
        elif line:
            fields[name] = value
    return Told(**fields)


@asynccontextmanager
async def hearing(
    house: House, path: str = "/v1/events/stream", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Hearer]:
    """A client of its own connection."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(house.url + path, headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        yield Hearer(response)


async def go_on(house: House) -> None:
    """What was committed is heard of, and written to all."""
    house.streams.hear(changed())
    await house.streams.events.step()


async def until_held(store: FakeStore, operation: str) -> None:
    """Returns when somebody waits at the gate of that operation: each turn lets the server's side run."""
    while operation in store.gates:  # noqa: ASYNC110 -- turns of the loop are all that is waited for
        await asyncio.sleep(0)


async def until_closed(house: House, streams: int) -> None:
    """Returns when so many streams have ended: each turn lets the server's side run."""
    while len(house.ear.of(StreamClosed)) < streams:  # noqa: ASYNC110 -- turns of the loop are all that is waited for
        await asyncio.sleep(0)


async def beat(house: House) -> None:
    """A sign of life is due: nothing happens for fifteen seconds."""
    house.clock.turn(seconds=HEARTBEAT)
    await house.streams.events.step()
