"""One of several replicas on one PostgreSQL, in a process of its own: does what it is told over a pipe.

Beside the store there is what it is measured by: bare loops of asyncpg that write the same rows, a row or many a statement, and
one of aiohttp that POSTs the same webhooks.
"""

import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple, TypeAlias

import asyncpg
import uvloop

from tests.bench.post import SECRETS, bare_session, change, delivery, flood
from tests.bench.waiting import Air, Answers, waits
from watcher.app.process import tune_the_interpreter
from watcher.clock import SystemClock
from watcher.core.endpoint import Endpoint
from watcher.core.model import Key
from watcher.delivery import Limits
from watcher.ports import Change, Store, Wish
from watcher.store.postgres import open_postgres
from watcher.store.postgres_work import placed
from watcher.store.rows import values_of_event, values_of_watch
from watcher.store.statements import load

TOGETHER: Final = 256
"""Changes in one transaction of the bare loop, and tasks that commit at once beside it."""
EVENT: Final = (
    "INSERT INTO events (position, id, type, at, account, batch_id, number, endpoint, body) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)
DELIVERY: Final = (
    "INSERT INTO deliveries (account, endpoint_id, position, created, due, state, cause, behind) "
    "VALUES ($1, $2, $3, $4, $4, 'pending', 'schedule', 0)"
)
POSITIONS: Final = "UPDATE log SET last = last + $1 RETURNING last"


Connected: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Task(NamedTuple):
    """What a replica does: the name of one of WORK, and what that is given."""

    name: str
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How much was done, when (on the monotonic clock, which all processes share), and what was waited for, where asked."""

    count: int
    at: float
    waits: Mapping[str, float] = field(default_factory=dict)


class Bench:
    """The replica's store, as long as a leg lasts, and what it is to do with it."""

    def __init__(self, told: Connection, given: Mapping[str, Any]) -> None:
        self._told = told
        self.given = given

    async def ready(self) -> None:
        """Until all are told to begin."""
        tune_the_interpreter()
        self._told.send("ready")
        await asyncio.to_thread(self._told.recv)

    def done(self) -> Done:
        """All of it, now."""
        return Done(count=self.given["count"], at=time.monotonic())


async def bare_changes(bench: Bench) -> Done:
    """Commits changes without a store, so many at once, a row a statement."""
    endpoints = bench.given["endpoints"]
    swap, names, _ = placed(load("postgres")["swap_watch"])

    async def write(connection: Connected, some: Sequence[Change]) -> None:
        watches, events, deliveries = [], [], []
        for each in some:
            values = values_of_watch(each.watch, each.version + 1) | {"old_version": each.version}
            watches.append([values[name] for name in names])
        await connection.executemany(swap, watches)
        last = await connection.fetchval(POSITIONS, len(some))
        for position, each in enumerate(some, start=last - len(some) + 1):
            event = values_of_event(each.events[0], "bare")
            events.append((position, *(event[name] for name in ("id", "type", "at", "account", "batch_id"))))
            events[-1] += tuple(event[name] for name in ("number", "endpoint", "body"))
            deliveries += [(event["account"], endpoint, position, event["at"]) for endpoint in endpoints]
        await connection.executemany(EVENT, events)
        await connection.executemany(DELIVERY, deliveries)

    return await _bare(bench, write)


async def bare_arrays(bench: Bench) -> Done:
    """The same with many rows a statement, which are the store's own."""
    endpoints = bench.given["endpoints"]
    swap, make = (placed(load("postgres")[name]) for name in ("swap_watches", "make_events"))

    async def write(connection: Connected, some: Sequence[Change]) -> None:
        watches = [values_of_watch(each.watch, each.version + 1) | {"was": each.version} for each in some]
        swapped = await connection.fetch(swap.text, json.dumps(watches))
        assert len(swapped) == len(some)
        last = await connection.fetchval(POSITIONS, len(some))
        events = [values_of_event(each.events[0], "bare") for each in some]
        positions = range(last - len(some) + 1, last + 1)
        owed = [(event, endpoint, at) for event, at in zip(events, positions, strict=True) for endpoint in endpoints]
        values: dict[str, object] = {name: [event[name] for event in events] for name in events[0]} | {
            "position": list(positions),
            "now": events[0]["at"],
            "owed_account": [event["account"] for event, _, _ in owed],
            "owed_endpoint_id": [endpoint for _, endpoint, _ in owed],
            "owed_position": [at for _, _, at in owed],
            "owed_lane": [None] * len(owed),
            "owed_again": [False] * len(owed),
        }
        await connection.execute(make.text, *(values[name] for name in make.names))

    return await _bare(bench, write)


async def _bare(bench: Bench, write: Callable[[Connected, Sequence[Change]], Awaitable[None]]) -> Done:
    """A transaction after the other, each with as many changes as the store is given at once."""
    url = bench.given["url"]
    async with open_postgres(url, tell=_nobody, clock=SystemClock()) as store:
        changes = await _changes(store, bench.given["account"], bench.given["count"])
    connection = await asyncpg.connect(url)
    await bench.ready()
    while some := list(islice(changes, TOGETHER)):
        async with connection.transaction():
            await write(connection, some)
    done = bench.done()
    await connection.close()
    return done


async def changes(bench: Bench) -> Done:
    """Commits changes through the store: so many pollers wait at once, each for its own."""
    async with open_postgres(bench.given["url"], tell=_nobody, clock=SystemClock()) as store:
        rest = await _changes(store, bench.given["account"], bench.given["count"])
        await bench.ready()
        async with asyncio.TaskGroup() as group:
            for number in range(TOGETHER):
                group.create_task(_commit(store, rest), name=f"commit {number}")
        return bench.done()


async def bare_deliveries(bench: Bench) -> Done:
    """POSTs as many webhooks as it is told."""
    async with bare_session() as session:
        await bench.ready()
        given = bench.given
        await flood(session, given["urls"], given["count"], given["in_flight"], SystemClock())
        return bench.done()


async def deliveries(bench: Bench) -> Done:
    """Sends what is owed until nothing is; what was waited for is asked with `watched`."""
    given = bench.given
    in_flight, watched = given["in_flight"], bool(given.get("watched"))
    limits = Limits(per_endpoint=given["per_endpoint"], in_all=in_flight)
    air, answers = Air(), Answers()
    async with delivery(
        given["url"],
        hooks(given["urls"]),
        limits,
        token=given["account"],
        around=air.around if watched else lambda sender: sender,
        listen=answers.hear,
    ) as at_work:
        await bench.ready()
        begun, busy = time.monotonic(), time.thread_time()
        air.begin()
        at_work.begin()
        done = -1
        while at_work.done > done or any(owed.pending for owed in await at_work.store.owed()):
            done = at_work.done  # asked is only when none came lately: to count what is owed is work for the database
            await asyncio.sleep(0.02)
        busy = time.thread_time() - busy
        count, at = at_work.done, at_work.last
        if not watched:
            return Done(count=count, at=at)
        told = waits(air, answers, count=count, seconds=at - begun, busy=busy, in_flight=in_flight)
        return Done(count=count, at=at, waits=told)


async def owe(bench: Bench) -> Done:
    """Commits changes that are owed to every endpoint, which nobody sends yet."""
    given = bench.given
    async with open_postgres(given["url"], tell=_nobody, clock=SystemClock()) as store:
        await store.settle_endpoints(hooks(given["urls"]))
        for each in list(await _changes(store, given["account"], given["count"])):
            await store.commit(each)
        await bench.ready()
    return bench.done()


WORK: Final[Mapping[str, Callable[[Bench], Awaitable[Done]]]] = {
    each.__name__: each for each in (bare_changes, bare_arrays, changes, bare_deliveries, deliveries, owe)
}


def hooks(urls: Sequence[str]) -> list[Endpoint]:
    """Endpoints at the addresses."""
    return [
        Endpoint(id=f"hook{number}", url=url, kept_by="settings", secrets=SECRETS) for number, url in enumerate(urls)
    ]


async def _changes(store: Store, account: str, count: int) -> Iterator[Change]:
    """Changes of new watches."""
    clock = SystemClock()
    made = await store.follow([Wish(key=Key(account, number + 1)) for number in range(count)], datetime.now(UTC))
    return iter([change(each.watch, clock) for each in made])


async def _commit(store: Store, rest: Iterator[Change]) -> None:
    for each in rest:
        if await store.commit(each) is None:
            raise AssertionError(each)


def _nobody(news: object) -> None:
    """Listens, and does nothing with it."""


def _serve(told: Connection) -> None:
    async def forever() -> None:
        while True:  # until the other end is done, which raises
            task: Task = await asyncio.to_thread(told.recv)
            told.send(await WORK[task.name](Bench(told, task.given)))

    try:
        uvloop.run(forever())
    except EOFError:
        return


@contextmanager
def replicas(count: int) -> Iterator[list[Connection]]:
    """Our ends of the pipes to so many processes, while they run."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(count)]
    processes = [context.Process(target=_serve, args=(theirs,), daemon=True) for _, theirs in pairs]
    for process, (_, theirs) in zip(processes, pairs, strict=True):
        process.start()
        theirs.close()
    try:
        yield [ours for ours, _ in pairs]
    finally:
        for ours, _ in pairs:
            ours.close()
        for process in processes:
            process.join(5)
            process.kill()
