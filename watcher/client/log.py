"""The log of events: page by page, or as a stream that goes on where it broke, without a gap and without a double."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from watcher.client.connection import Connection, answer_of, deadline, reason_of
from watcher.client.errors import NotThere, Unreachable, WatcherError
from watcher.client.frames import Frame, Frames
from watcher.client.patience import Noted, Patience
from watcher.client.reading import read
from watcher.client.watches import Document, Event

PAGE: Final = 1000
SILENCE: Final = 45.0
"""Seconds after which a stream that says nothing is taken for broken: it would have beaten thrice."""
DRY: Final = 2
"""Streams in a row that end before anything came: then somebody between here and there lets none through."""
POLL: Final = 1.0
"""Seconds between two questions where there is no stream."""
ROUNDS: Final = 60
"""Questions where there is no stream, after which one is tried again."""
STREAM: Final = "/v1/events/stream"
NO_EVENTS: Final = ("gap", "error")
"""Frames that tell of the stream itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events are wanted: of these types (also `batch.*`), of an account, of a batch."""

    types: Sequence[str] = ()
    account: str | None = None
    batch_id: int | None = None

    def query(self) -> list[tuple[str, str]]:
        query = [("type", kind) for kind in self.types]
        query += [] if self.account is None else [("account", self.account)]
        return query + ([] if self.batch_id is None else [("batch_id", str(self.batch_id))])


async def page(connection: Connection, wanted: Filter, after: int, limit: int = PAGE) -> tuple[list[Event], int]:
    """Events after a position, and the position to go on from."""
    params = [("after", str(after)), ("limit", str(limit)), *wanted.query()]
    answer = await connection.ask("GET", "/v1/events", params=params)
    return [event_of(item) for item in answer.document["items"]], int(answer.document["next"])


async def kept(
    connection: Connection, wanted: Filter, after: int, most: int | None = None
) -> AsyncGenerator[Event, None]:
    """All events after a position that there are now; of which so many are wanted."""
    some = PAGE if most is None else min(most, PAGE)
    while True:
        events, after = await page(connection, wanted, after, some)
        for event in events:
            yield event
        if len(events) < some:
            return


async def first(events: AsyncGenerator[Event, None], most: int | None) -> AsyncGenerator[Event, None]:
    """So many of them."""
    count = 0
    async with aclosing(events):
        async for event in events:
            yield event
            count += 1
            if count == most:
                return


async def frames(
    connection: Connection, query: Sequence[tuple[str, str]], last: int | None
) -> AsyncGenerator[Frame | None, None]:
    """A stream from after a position on, else from now on: first None, as soon as it flows, then its frames.

    Ends where it breaks. Raises as every question does; NotThere where there is no stream.
    """
    headers = {"Accept": "text/event-stream"} | ({} if last is None else {"Last-Event-ID": str(last)})
    try:
        async with connection.session.get(
            connection.url + STREAM,
            params=query,
            headers=headers,
            timeout=deadline(None, SILENCE),
            allow_redirects=False,
        ) as response:
            if response.content_type != "text/event-stream":
                answer_of(connection.url, response, await response.read())
                raise NotThere(f"{connection.url} has no stream of events", kind="no-stream")
            parts, flows = Frames(), False
            async for piece in response.content.iter_any():
                if not flows:
                    flows = True
                    yield None
                for frame in parts.feed(piece):
                    yield frame
    except aiohttp.ClientConnectorError as error:
        raise Unreachable(f"no daemon answers at {connection.url} ({reason_of(error)})") from error
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return


class Pursuit:
    """The log, followed for ever: by the stream, and where there is none by asking again and again. `last` is the position behind
    which it goes on (None: from now on)."""

    def __init__(
        self, connection: Connection, wanted: Filter, last: int | None, patience: Patience, noted: Noted
    ) -> None:
        self._connection = connection
        self._wanted = wanted
        self._last = last
        self._patience = patience
        self._noted = noted

    async def events(self) -> AsyncGenerator[Event, None]:
        """As they come; connections that break are opened again, behind the last event."""
        while True:
            async with aclosing(self._streamed()) as events:
                async for event in events:
                    yield event
            async with aclosing(self._asked_for()) as events:
                async for event in events:
                    yield event

    async def _streamed(self) -> AsyncGenerator[Event, None]:
        """Until it shows that there is no stream."""
        dry = 0
        while dry < DRY:
            dry += 1
            try:
                async with aclosing(frames(self._connection, self._wanted.query(), self._last)) as stream:
                    async for frame in stream:
                        self._patience.answered()
                        dry = 0
                        event = None if frame is None else self._heard(frame)
                        if event is not None:
                            yield event
                await self._patience.again()
            except NotThere as error:
                if error.kind not in ("no-stream", "unknown-path"):
                    raise
                return
            except WatcherError as error:
                dry = 0
                await self._patience.bear(error)

    def _heard(self, frame: Frame) -> Event | None:
        """The event that a frame bears, where it is a new one."""
        place = int(frame.id) if frame.id is not None and frame.id.isdecimal() else None
        event = None
        if frame.event in NO_EVENTS:
            self._noted(_said(frame))
            if frame.event == "gap":
                self._last = place  # of a log that was begun anew its positions may be smaller than ours
        elif frame.data and (self._last is None or place is None or place > self._last):
            event = event_in(frame)
            self._last = event.position
        if place is not None:
            self._last = place if self._last is None else max(self._last, place)
        return event

    async def _asked_for(self) -> AsyncGenerator[Event, None]:
        """For a while; then a stream may be let through again."""
        last = await newest(self._connection) if self._last is None else self._last
        for _ in range(ROUNDS):
            try:
                events, last = await page(self._connection, self._wanted, last)
            except WatcherError as error:
                await self._patience.bear(error)
                continue
            self._patience.answered()
            for event in events:
                self._last = event.position
                yield event
            if len(events) < PAGE:
                await self._connection.sleep(POLL)
        self._last = last


async def newest(connection: Connection) -> int:
    """The position of the log's last event."""
    after = 0
    while True:
        events, after = await page(connection, Filter(), after)
        if len(events) < PAGE:
            return after


def event_of(document: Document) -> Event:
    return read(Event, document)


def event_in(frame: Frame) -> Event:
    """The event that a frame bears."""
    return event_of(json.loads(frame.data))


def _said(frame: Frame) -> str:
    """What a frame that is no event tells: why the stream ends, or which positions are not kept any more."""
    try:
        document: Mapping[str, Any] = json.loads(frame.data)
        if frame.event == "gap":
            return f"events {document['from']} to {document['to']} are not kept any more"
        return str(document.get("detail") or document.get("title") or frame.data)
    except (ValueError, KeyError, TypeError, AttributeError):
        return frame.data
