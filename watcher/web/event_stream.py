"""`/v1/events/stream`: the log as server-sent events, from any position on, without a gap and without a double.

One loop reads the log once for everybody, from one position on; each client is first caught up by its own handler, and joins
exactly where the loop is. Positions become visible in their order (EventQuery), which is all that this needs.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from aiohttp import web

from watcher.core.interest import Interest, Opened, among
from watcher.core.model import Recorded
from watcher.core.news import AccountTold, Changed, EndpointTold, News, Stopping
from watcher.ports import Clock, EventQuery, Following, Store, StoreError
from watcher.web.asked_accounts import asked_accounts
from watcher.web.bodies import read_query
from watcher.web.event_types import types_of
from watcher.web.frames import alive, frames, greeting, told
from watcher.web.listeners import Listener, Listeners
from watcher.web.models import MAX_POSITION
from watcher.web.operations import Gives, Operation
from watcher.web.problems import Problem, cut
from watcher.web.stream_models import EventStreamParams
from watcher.web.visible import grant

SSE: Final = "text/event-stream"
LAST_EVENT_ID: Final = "Last-Event-ID"
PORTION: Final = 500
"""Events read at once."""
SLICE: Final = 64 * 1024
"""Bytes of events that are written at once: well within what a client's buffer may hold, and then others get a turn."""
HEARTBEAT: Final = 15.0
"""Seconds between two signs of life."""
GATHER: Final = 2e-5
GATHER_MOST: Final = 0.03
"""Seconds for each client, and at most, between two times that all are written to: what happens meanwhile is written at once,
and a write costs about as much."""
TURN: Final = 100
"""Clients that are written to before others get a turn."""
AGAIN: Final = 1.0
"""Seconds after which the log is read again where that failed."""


class Begin(NamedTuple):
    """Where a client begins, up to which position it knows that events were deleted, and what it is told first."""

    position: int
    forgotten: int
    told: Sequence[bytes]


class EventStream:
    """The handler, and the loop that writes to all who listen: `step` by `step`. It hears the news."""

    name: Final = "event stream"

    def __init__(self, *, store: Store, following: Following, listeners: Listeners, clock: Clock) -> None:
        self._store = store
        self._following = following
        self._listeners = listeners
        self._clock = clock
        self._wake = asyncio.Event()
        self._reading = asyncio.Lock()
        self._position: int | None = None  # up to which everybody who joined has been written to; None: nobody is here
        self._present = 0
        self._joined: dict[Interest, set[Listener]] = {}
        self._beat = self._wrote = clock.monotonic()

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/v1/events/stream",
                handler=self.stream,
                scope="read",
                tag="streams",
                query=EventStreamParams,
                headers=(LAST_EVENT_ID,),
                gives={200: Gives(media=SSE)},
                problems=("unknown-account", "too-many-streams", "stopping"),
            )
        ]

    def hear(self, news: News) -> None:
        """Something was committed to the log, or the daemon stops."""
        if isinstance(news, Changed | AccountTold | EndpointTold):
            self._wake.set()
        elif isinstance(news, Stopping):
            self._listeners.end_all()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Events as they happen, as server-sent events: `id` is the position in the log, `event` the type, `data` the event as in
        GET /v1/events. Begins after the position of `Last-Event-ID` or `after` (0: from the start), else now; every event comes
        once and in order. `event: gap` tells that older ones are not kept (`from`, `to`), `event: error` why the stream ends
        (a problem document)."""
        params = read_query(request, EventStreamParams, repeatable=("type", "label"))
        asked = None if params.account is None else [params.account]
        await asked_accounts(request, asked, self._following, self._store)
        interest = Interest(
            types=frozenset(types_of(params.type)),
            seen=grant(request).accounts,
            account=params.account,
            batch_id=params.batch_id,
            broadcast_id=params.broadcast,
            labels=params.labels,
        )
        after = _after(request, params)
        if request.method == "HEAD":
            return web.Response(content_type=SSE)
        self._listeners.require_place(request)
        with self._attending():
            begin = await self._begin(after)
            async with self._listeners.listening(request, "events", *begin.told) as listener:
                try:
                    await self._catch_up(listener, interest, begin)
                    await listener.ended()
                except StoreError:
                    listener.end("store")
                finally:
                    self._leave(listener, interest)
        return listener.response

    async def step(self) -> None:
        """Waits until something happened or a sign of life is due, and writes it to all."""
        due = self._beat + HEARTBEAT - self._clock.monotonic()
        await self._clock.wait(self._wake, max(due, 0.0))
        if self._wake.is_set():
            pause = min(GATHER * len(self._listeners), GATHER_MOST)
            await self._clock.sleep(max(self._wrote + pause - self._clock.monotonic(), 0.0))
        self._wake.clear()
        self._wrote = self._clock.monotonic()
        try:
            await self._read_on()
        except StoreError:  # which the store tells of; everybody stays, and misses nothing
            await self._clock.sleep(AGAIN)
            self._wake.set()
        if self._clock.monotonic() - self._beat >= HEARTBEAT:
            self._beat = self._clock.monotonic()
            await self._sign_of_life()

    # Coming and going

    @contextmanager
    def _attending(self) -> Iterator[None]:
        """Somebody is here: from now on the loop has a position, and reads on from there."""
        self._present += 1
        try:
            yield
        finally:
            self._present -= 1
            if self._present == 0:
                self._position = None

    async def _begin(self, after: int | None) -> Begin:
        """Where a client begins, and what it is told first."""
        span = await self._store.log_span()
        here = self._here(span.last)
        if after is None:
            return Begin(here, span.forgotten, [greeting(here)])
        if after > here:
            here = await self._read_on()
        if after > here:  # a position of another log: this one was begun anew, or is an older copy
            return Begin(here, span.forgotten, [greeting(here), _gap(after + 1, here, here)])
        gap = [_gap(after + 1, span.forgotten, after)] if after < span.forgotten else []
        return Begin(after, span.forgotten, [greeting(after), *gap])

    def _here(self, last: int) -> int:
        """Where the loop is; at the end of the log where it has not begun."""
        if self._position is None:
            self._position = last
            self._wake.set()  # what was committed since that was read is told now, and not at the next occasion
        return self._position

    async def _catch_up(self, listener: Listener, interest: Interest, begin: Begin) -> None:
        """Writes what the client has missed, and has it join. Nothing is awaited between the last comparison and that.

        That can take long: what is deleted meanwhile is told as a gap, and where nothing is wanted there are signs of life."""
        position, forgotten = begin.position, begin.forgotten
        while position < (here := self._here(position)) and listener.reason is None:
            found = await self._store.events(
                EventQuery(
                    after=position,
                    limit=PORTION,
                    types=sorted(interest.types),
                    accounts=None if interest.seen is None else sorted(interest.seen),
                    account=interest.account,
                    batch_id=interest.batch_id,
                )
            )
            known = [event for event in found if event.position <= here]
            reached = known[-1].position if len(known) == PORTION else here
            told_first = []
            if len(known) < reached - position and (gone := (await self._store.log_span()).forgotten) > forgotten:
                told_first = [_gap(position + 1, gone, position)] if gone > position else []
                forgotten = gone
            wanted = [_shown(event) for event in among(interest, map(Opened, known))]
            if not wanted and reached < here:
                wanted = [alive(reached)]
            await listener.write(*told_first, *wanted)
            position = reached
        if listener.reason is None:
            self._joined.setdefault(interest, set()).add(listener)

    def _leave(self, listener: Listener, interest: Interest) -> None:
        alike = self._joined.get(interest)
        if alike is not None:
            alike.discard(listener)
            if not alike:
                del self._joined[interest]

    # Writing to all

    async def _read_on(self) -> int:
        """Reads the log to its end and writes it to all who joined; where the loop is then."""
        async with self._reading:
            while self._position is not None:
                found = await self._store.events(EventQuery(after=self._position, limit=PORTION))
                for slice_ in _slices(found):
                    if fresh := self._fresh(slice_):
                        await self._write(fresh)
                if len(found) < PORTION:
                    break
        return self._position or 0

    def _fresh(self, found: Sequence[Recorded]) -> Sequence[Recorded]:
        """What is new where the loop is: while the log was read, or written, everybody may have left, and others come."""
        here = self._position
        return [] if here is None else [event for event in found if event.position > here]

    async def _write(self, events: Sequence[Recorded]) -> None:
        """Who joins while others are written to has read these events by itself: the position is theirs already."""
        self._position = events[-1].position
        opened = [Opened(event) for event in events]
        shown: dict[int, bytes] = {}
        written = 0
        for interest, listeners in [(interest, list(alike)) for interest, alike in self._joined.items()]:
            parts = []
            for event in among(interest, opened):
                if event.position not in shown:
                    shown[event.position] = _shown(event)
                parts.append(shown[event.position])
            sent = frames(*parts) if parts else None
            for listener in listeners:
                if sent is not None:
                    listener.send(sent)
                written += 1
                if written % TURN == 0:
                    await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _sign_of_life(self) -> None:
        """Tells everybody that the connection is there, and where it is: also who filters everything out goes on from there."""
        await self._listeners.look_after()
        async with self._reading:
            if self._position is None:
                return
            sent = frames(alive(self._position))
            written = 0
            for listeners in [list(alike) for alike in self._joined.values()]:
                for listener in listeners:
                    listener.send(sent)
                    written += 1
                    if written % TURN == 0:
                        await asyncio.sleep(0)


def _after(request: web.Request, params: EventStreamParams) -> int | None:
    """The position that the client has read up to; None where it names none."""
    last = request.headers.get(LAST_EVENT_ID)
    if last is None:
        return params.after if params.last_event_id is None else params.last_event_id
    if last == "":
        return params.after
    if not (last.isascii() and last.isdigit() and len(last) <= 19 and int(last) <= MAX_POSITION):
        message = f"{cut(last)!r} is no position of the log"
        raise Problem(422, "bad-query", f"{message}.", errors=[{"parameter": LAST_EVENT_ID, "message": message}])
    return int(last)


def _slices(events: Sequence[Recorded]) -> Iterator[Sequence[Recorded]]:
    """The events in their order, as many at once as make about SLICE bytes."""
    begin, size = 0, 0
    for number, event in enumerate(events):
        if size and size + len(event.body) > SLICE:
            yield events[begin:number]
            begin, size = number, 0
        size += len(event.body)
    if begin < len(events):
        yield events[begin:]


def _gap(first: int, last: int, position: int) -> bytes:
    """Events from a position to a position are not kept any more. What follows begins behind what the client has."""
    return told("gap", b'{"from":%d,"to":%d}' % (first, last), position)


def _shown(event: Recorded) -> bytes:
    """As GET /v1/events shows it: the recorded bytes, with the place in the log before them. They are one line, as all JSON of
    ours."""
    mark = b'{"position":%d,"id":%b,' % (event.position, json.dumps(event.id).encode())
    return told(event.type, mark + event.body[1:], event.position)
