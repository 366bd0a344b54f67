"""One of several replicas on one PostgreSQL, in a process of its own: does what it is told over a pipe.

Beside the store there is what it is measured by: a bare loop of asyncpg that writes the same rows, and one of aiohttp that POSTs
the same webhooks.
"""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple

import asyncpg
import uvloop

from tests.bench.post import SECRETS, bare_session, change, delivery, flood
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


class Task(NamedTuple):
    """What a replica does: the name of one of WORK, and what that is given."""

    name: str
    given: Mapping[str, Any]


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


async def bare_changes(bench: Bench) -> int:
    """Commits changes without a store, so many at once."""
    url, count, endpoints = bench.given["url"], bench.given["count"], bench.given["endpoints"]
    async with open_postgres(url, tell=_nobody, clock=SystemClock()) as store:
        changes = await _changes(store, bench.given["account"], count)
    connection = await asyncpg.connect(url)
    await bench.ready()
    swap, names, _ = placed(load("postgres")["swap_watch"])
    while some := list(islice(changes, TOGETHER)):
        watches, events, deliveries = [], [], []
        async with connection.transaction():
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
    await connection.close()
    return int(count)


async def changes(bench: Bench) -> int:
    """Commits changes through the store: so many pollers wait at once, each for its own."""
    async with open_postgres(bench.given["url"], tell=_nobody, clock=SystemClock()) as store:
        rest = await _changes(store, bench.given["account"], bench.given["count"])
        await bench.ready()
        async with asyncio.TaskGroup() as group:
            for number in range(TOGETHER):
                group.create_task(_commit(store, rest), name=f"commit {number}")
    return int(bench.given["count"])


async def bare_deliveries(bench: Bench) -> int:
    """POSTs as many webhooks as it is told."""
    async with bare_session() as session:
        await bench.ready()
        given = bench.given
        await flood(session, given["urls"], given["count"], given["in_flight"], SystemClock())
    return int(bench.given["count"])


async def deliveries(bench: Bench) -> int:
    """Sends what is owed until nothing is."""
    given = bench.given
    limits = Limits(per_endpoint=given["per_endpoint"], in_all=given["in_flight"])
    async with delivery(given["url"], hooks(given["urls"]), limits, token=given["account"]) as at_work:
        await bench.ready()
        at_work.begin()
        done = -1
        while at_work.done > done or any(owed.pending for owed in await at_work.store.owed()):
            done = at_work.done  # asked is only when none came lately: to count what is owed is work for the database
            await asyncio.sleep(0.02)
        return at_work.done


async def owe(bench: Bench) -> int:
    """Commits changes that are owed to every endpoint, which nobody sends yet."""
    given = bench.given
    async with open_postgres(given["url"], tell=_nobody, clock=SystemClock()) as store:
        await store.settle_endpoints(hooks(given["urls"]))
        for each in list(await _changes(store, given["account"], given["count"])):
            await store.commit(each)
        await bench.ready()
    return int(given["count"])


WORK: Final[Mapping[str, Callable[[Bench], Awaitable[int]]]] = {
    each.__name__: each for each in (bare_changes, changes, bare_deliveries, deliveries, owe)
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
