"""What benchmarks of delivery have in common: a daemon's delivery on its own database, events to deliver, a bare loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

from watcher.app.assembly import Town
from watcher.clock import SystemClock
from watcher.core.endpoint import Endpoint, Secrets, SigningKey
from watcher.core.message import body_of
from watcher.core.model import Batch, Event, Key, Seen, Watch
from watcher.core.news import Attempted, News, Tell
from watcher.core.transitions import Rules, learn
from watcher.delivery import Book, Deliverer, Limits
from watcher.ports import Change, Sender, Store, Wish
from watcher.store.postgres import open_postgres
from watcher.store.sqlite import open_store
from watcher.webhooks.guard import Guard
from watcher.webhooks.sender import WebhookSender, open_session
from watcher.webhooks.signing import sign
from watcher.workers import Crew

KEY = SigningKey(key=b"0123456789abcdef0123456789abcdef")
SECRETS = Secrets(keys=(KEY,))
LOOPBACK = Guard([ip_network("127.0.0.0/8")])


def seen(watch: Watch, clock: SystemClock) -> Seen:
    """A look that shows the batch ACTIVE now."""
    now = clock.now()
    batch = Batch(id=watch.batch_id, status="ACTIVE", name="API 14", broadcast_id=14, created=now, size=6198)
    return Seen(asked=now, answered=now, batch=batch)


def change(watch: Watch, clock: SystemClock) -> Change:
    """The watch's batch has ended, with the event that tells of it."""
    learnt = learn(watch, seen(watch, clock), Rules())
    return Change(watch=learnt.watch, version=watch.version, events=learnt.events)


def event(clock: SystemClock) -> Event:
    """One that is sent without a store."""
    (told,) = change(Watch(account="default", batch_id=13, opened=clock.now()), clock).events
    return told


async def post(session: ClientSession, url: str, name: str, body: bytes, clock: SystemClock) -> None:
    """What a bare loop does for a webhook: signs and POSTs it, and reads the answer to its end."""
    now = clock.now()
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(name, timestamp, body, SECRETS.signing(now)),
    }
    async with session.post(url, data=body, headers=headers) as response:
        await response.read()
        assert response.status == 200


async def flood(session: ClientSession, urls: Sequence[str], count: int, tasks: int, clock: SystemClock) -> float:
    """Webhooks a second of a bare loop with so many tasks."""
    body, numbers = body_of(event(clock)), iter(range(count))
    stamp = time.monotonic_ns()

    async def one_by_one() -> None:
        for number in numbers:
            await post(session, urls[number % len(urls)], f"bare_{stamp}_{number}", body, clock)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for task in range(tasks):
            group.create_task(one_by_one(), name=f"bare {task}")
    return count / (time.perf_counter() - begun)


def bare_session() -> ClientSession:
    """A plain one of aiohttp's, without a limit of its own."""
    return ClientSession(connector=TCPConnector(limit=0))


@dataclass(slots=True)
class Delivery:
    """A delivery at work: what it was given and what came of it, by endpoint, in seconds of the monotonic clock."""

    store: Store
    deliverer: Deliverer
    clock: SystemClock
    crew: Crew
    committed: dict[str, float] = field(default_factory=dict)
    accepted: dict[tuple[str, str], float] = field(default_factory=dict)
    done: int = 0
    last: float = 0.0
    """When the last of them was told as done."""

    def hear(self, news: News) -> None:
        if isinstance(news, Attempted) and news.outcome == "done":
            self.done += 1
            self.last = self.accepted[news.endpoint, news.event_id] = time.monotonic()

    async def watches(self, account: str, count: int) -> list[Watch]:
        """New ones."""
        wishes = [Wish(key=Key(account, number + 1)) for number in range(count)]
        return [followed.watch for followed in await self.store.follow(wishes, self.clock.now())]

    async def happen(self, watch: Watch) -> None:
        """The watch's batch ends."""
        committed = await self.store.commit(change(watch, self.clock))
        assert committed is not None
        self.committed[committed.events[0].id] = time.monotonic()
        self.deliverer.wake()

    async def until(self, done: int, within: float) -> None:
        """Until so many were accepted."""
        async with asyncio.timeout(within):
            while self.done < done:
                await asyncio.sleep(0.005)

    def begin(self) -> None:
        """From now on it sends."""
        self.crew.hire(self.deliverer)


@asynccontextmanager
async def delivery(
    place: Path | str,
    endpoints: Sequence[Endpoint],
    limits: Limits,
    *,
    token: str = "bench",
    around: Callable[[Sender], Sender] = lambda sender: sender,
    listen: Tell = lambda _: None,
) -> AsyncIterator[Delivery]:
    """It sends nothing before `begin`. The place is a file of SQLite's, or the URL of a PostgreSQL database; `around` gives what
    stands around its sender, and `listen` is told its news."""
    clock, town = SystemClock(), Town()
    named = {endpoint.id: endpoint for endpoint in endpoints}
    async with (
        _opened(place, town.tell, clock) as store,
        open_session(user_agent="bench", guard=LOOPBACK) as session,
        Crew(clock=clock, tell=town.tell, grace=0.5) as crew,
    ):
        await store.settle_endpoints(endpoints)
        book = Book(named)
        await book.load(store)
        deliverer = Deliverer(
            book,
            limits=limits,
            token=token,
            sender=around(WebhookSender(session=session, clock=clock)),
            store=store,
            clock=clock,
            tell=town.tell,
            errand=crew.errand,
        )
        at_work = Delivery(store=store, deliverer=deliverer, clock=clock, crew=crew)
        town.listen(at_work.hear)
        town.listen(listen)
        yield at_work
        await crew.rest()


def _opened(place: Path | str, tell: Tell, clock: SystemClock) -> AbstractAsyncContextManager[Store]:
    if isinstance(place, Path):
        return open_store(place, tell=tell, clock=clock)
    return open_postgres(place, tell=tell, clock=clock)
