"""Very many clients of the streams: every event once and in order, how late, what a client costs, and how much it can be at most.

1,000 clients of /v1/events/stream at 50 events a second, each committed to SQLite (FULL) and told of; then the same while 200 of
them come again every second. Saturated: events committed as quickly as they can be, beside a bare loop that writes the same bytes
from memory with aiohttp's StreamResponse.write, on uvloop, in the same run: each event by itself, as limits.md has it, and as
many at once as we do. The clients are a process of their own, on the same machine. The page: 10,000 watches in a view, some of
which change.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import uvloop
from aiohttp import web

from tests.bench.crowd import Crowd, Wanted, crowd
from tests.bench.post import change
from tests.bench.serving import streaming
from tests.web.house import FakeFollowing
from watcher.app.assembly import Town
from watcher.app.process import tune_the_interpreter
from watcher.clock import SystemClock
from watcher.core.model import Batch, Key, Recorded, Seen, Watch
from watcher.core.news import Changed, StreamClosed, StreamOpened
from watcher.core.transitions import Rules, learn
from watcher.ports import Change, EventQuery, Wish
from watcher.store.sqlite import SqliteStore, open_store
from watcher.web.event_stream import _shown, _slices
from watcher.web.server import serve
from watcher.workers import Crew

CLIENTS = 1000
PACE = 50
SECONDS = 10.0
AGAIN = 200
FLOOD = 2000
AT_ONCE = 200
WATCHES = 10_000
CHANGES = 100


@dataclass(slots=True, kw_only=True)
class Served:
    """The interface on a store of its own, and what was committed when, by position."""

    url: str
    store: SqliteStore
    clock: SystemClock
    town: Town
    listening: int = 0
    reasons: list[str] = field(default_factory=list)
    committed: dict[int, float] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def hear(self, news: object) -> None:
        if isinstance(news, StreamOpened):
            self.listening += 1
        elif isinstance(news, StreamClosed):
            self.listening -= 1
            self.reasons.append(news.reason)

    async def watches(self, count: int, begin: int = 1) -> list[Watch]:
        wishes = [Wish(key=Key("default", begin + number)) for number in range(count)]
        return [followed.watch for followed in await self.store.follow(wishes, self.clock.now())]

    async def happen(self, watch: Watch, made: Change | None = None) -> None:
        """The watch's batch ends, which is committed and told."""
        committed = await self.store.commit(made or change(watch, self.clock))
        assert committed is not None
        for event in committed.events:
            self.committed[event.position] = time.monotonic()
            self.town.tell(
                Changed(
                    account=event.account,
                    batch_id=watch.batch_id,
                    type=event.type,
                    number=event.number,
                    position=event.position,
                    status="ACTIVE",
                    previous=None,
                    at=event.at,
                )
            )

    async def until_listening(self, clients: int) -> None:
        async with asyncio.timeout(30):
            while self.listening < clients:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def served(path: Path) -> AsyncIterator[Served]:
    """While it runs."""
    clock, town = SystemClock(), Town()
    async with (
        open_store(path, tell=town.tell, clock=clock) as store,
        Crew(clock=clock, tell=town.tell, grace=0.5) as crew,
    ):
        following: Any = FakeFollowing(store, clock, ["default"])  # type: ignore[arg-type]  # any clock will do
        async with streaming(store, following, town=town, clock=clock, crew=crew, most=2 * CLIENTS) as url:
            made = Served(url=url, store=store, clock=clock, town=town)
            town.listen(made.hear)
            yield made


async def steady(path: Path, people: Crowd, *, again: int) -> dict[str, float]:
    """50 events a second to everybody: lags in milliseconds, and what was missed or came twice."""
    async with served(path) as here:
        watches = await here.watches(int(PACE * SECONDS))
        process = psutil.Process()
        before = process.memory_info().rss
        wanted = Wanted(port=here.port, path="/v1/events/stream", clients=CLIENTS, again=again)
        await asyncio.to_thread(people.gather, wanted)
        await here.until_listening(CLIENTS)
        memory = process.memory_info().rss - before
        used, begun = sum(process.cpu_times()[:2]), time.monotonic()
        for watch in watches:
            await asyncio.sleep(1 / PACE)
            await here.happen(watch)
        share = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - begun)
        await asyncio.sleep(1.5)
        notes = await asyncio.to_thread(people.notes)
        await asyncio.to_thread(people.leave)
        wrong = sum(list(positions) != sorted(here.committed) for positions, _ in notes)
        lags = [
            (at - here.committed[position]) * 1000
            for positions, times in notes
            for position, at in zip(positions, times, strict=True)
        ]
        named = f"{CLIENTS} clients, {PACE}/s" + (f", {again} come again every second" if again else "")
        return {
            f"{named}: clients that missed an event, or got one twice or out of order": wrong,
            f"{named}: clients let go": sum(reason != "left" for reason in here.reasons),
            f"{named}: lag p50, ms": statistics.median(lags),
            f"{named}: lag p99, ms": sorted(lags)[int(len(lags) * 0.99)],
            f"{named}: share of a core": share,
        } | ({} if again else {f"{named}: memory of a client, kB": memory / CLIENTS / 1000})


async def until_got(people: Crowd, events: int) -> None:
    """Until all clients together got so many."""
    async with asyncio.timeout(120):
        while await asyncio.to_thread(people.events) < events:
            await asyncio.sleep(0.02)


async def saturated(path: Path, people: Crowd) -> tuple[float, Sequence[Recorded]]:
    """Events times clients a second, from the first commit to the last byte; and the events."""
    async with served(path) as here:
        watches = await here.watches(FLOOD)
        changes = [change(watch, here.clock) for watch in watches]
        wanted = Wanted(port=here.port, path="/v1/events/stream", clients=CLIENTS, noting=False)
        await asyncio.to_thread(people.gather, wanted)
        await here.until_listening(CLIENTS)
        begun = time.monotonic()
        for start in range(0, FLOOD, AT_ONCE):
            portion = zip(watches[start : start + AT_ONCE], changes[start : start + AT_ONCE], strict=True)
            await asyncio.gather(*(here.happen(watch, made) for watch, made in portion))
        await until_got(people, FLOOD * CLIENTS)
        took = time.monotonic() - begun
        broken = await asyncio.to_thread(people.leave)
        assert broken == 0, f"{broken} clients were let go: {set(here.reasons)}"
        events = [event for after in range(0, FLOOD, 500) for event in await here.store.events(_portion(after))]
        return FLOOD * CLIENTS / took, events


def _portion(after: int) -> EventQuery:
    return EventQuery(after=after, limit=500)


async def bare(people: Crowd, events: Sequence[Recorded], *, together: bool) -> float:
    """The same bytes from memory: one loop over StreamResponse.write, which waits for nobody but who is full. Each event by
    itself, or as many `together` as the stream writes at once."""
    responses: list[web.StreamResponse] = []
    over = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n")
        responses.append(response)
        await over.wait()
        return response

    app = web.Application()
    app.router.add_get("/stream", stream)
    portions = list(_slices(events)) if together else [[event] for event in events]
    texts = [b"".join(map(_shown, portion)) for portion in portions]
    async with serve(app, host="127.0.0.1", port=0, grace=0.1) as url:
        wanted = Wanted(port=int(url.rpartition(":")[2]), path="/stream", clients=CLIENTS, noting=False)
        await asyncio.to_thread(people.gather, wanted)
        while len(responses) < CLIENTS:
            await asyncio.sleep(0.01)
        begun = time.monotonic()
        for text in texts:
            for response in responses:
                await response.write(text)
            await asyncio.sleep(0)
        await until_got(people, len(events) * CLIENTS)
        took = time.monotonic() - begun
        await asyncio.to_thread(people.leave)
        over.set()
        return len(events) * CLIENTS / took


async def page(path: Path) -> dict[str, float]:
    """Bytes that a client of a page gets: for the whole, and for each change."""
    async with served(path) as here:
        watches = await here.watches(WATCHES)
        now = here.clock.now()
        looks = [
            Seen(asked=now, answered=now, batch=Batch(id=w.batch_id, status="VALIDATING", name="API 14"))
            for w in watches
        ]
        learnt = [learn(watch, look, Rules()).watch for watch, look in zip(watches, looks, strict=True)]
        for start in range(0, WATCHES, 500):
            portion = zip(watches[start : start + 500], learnt[start : start + 500], strict=True)
            await asyncio.gather(*(here.store.commit(Change(watch=w, version=old.version)) for old, w in portion))
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), read_bufsize=2**26) as session,
            session.get(f"{here.url}/v1/stream?limit={WATCHES}") as response,
        ):
            begun = time.monotonic()
            await response.content.readuntil(b"\n\n")
            whole = await response.content.readuntil(b"\n\n")
            took = time.monotonic() - begun
            size, changed = 0, 0
            for number in range(CHANGES):
                watch = await here.store.watch(watches[number * 7].key)
                assert watch is not None
                await here.happen(watch, change(watch, here.clock))
            while changed < CHANGES:
                text = await response.content.readuntil(b"\n\n")
                if b"event: patch" in text:
                    size += len(text)
                    patch = json.loads(text.partition(b"data: ")[2])
                    changed += sum(each["path"].endswith("/status") for each in patch)
        return {
            f"page of {WATCHES:,} watches: the whole, kB": len(whole) / 1000,
            f"page of {WATCHES:,} watches: until the whole is there, ms": took * 1000,
            f"page of {WATCHES:,} watches: bytes a change": size / CHANGES,
        }


async def _run() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name, crowd() as people:
        folder = Path(name)
        tune_the_interpreter()
        figures = await steady(folder / "steady.db", people, again=0)
        figures |= await steady(folder / "again.db", people, again=AGAIN)
        ours, events = await saturated(folder / "flood.db", people)
        theirs = await bare(people, events, together=False)
        joined = await bare(people, events, together=True)
        figures |= {
            f"saturated, {CLIENTS} clients: events x clients a second": ours,
            f"saturated, {CLIENTS} clients: the bare loop's, event by event": theirs,
            f"saturated, {CLIENTS} clients: ratio": ours / theirs,
            f"saturated, {CLIENTS} clients: the bare loop's, in portions as ours": joined,
            f"saturated, {CLIENTS} clients: ratio in portions": ours / joined,
        }
        return figures | await page(folder / "page.db")


def run() -> dict[str, float]:
    """About a minute."""
    return uvloop.run(_run())


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<100} {value:,.3f}")
