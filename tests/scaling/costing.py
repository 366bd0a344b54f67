"""Measures what is in figures.py: a store on a real PostgreSQL does each thing many times, alone."""

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from statistics import mean, median
from typing import Final

import asyncpg

from tests.scaling.figures import MEASURED, Cost, Figures, Group
from tests.scaling.measuring import Locks, Meter, line
from tests.store.postgres_server import Server
from watcher.clock import SystemClock
from watcher.core.endpoint import Attempt, Endpoint
from watcher.core.model import ACTIVE, NEW, VALIDATING, Batch, Key, LastLook, Seen, Watch
from watcher.core.outbox import settle
from watcher.core.transitions import Rules, learn
from watcher.ports import Change, EventQuery, Standing, WatchQuery, Wish
from watcher.store.postgres import PostgresStore, open_postgres

ACCOUNTS: Final = tuple(f"account{number}" for number in range(100))
EACH: Final = 60
"""Batches of an account."""
FEW: Final = 20
DAYS: Final = 61
"""Far more than one, to see what each of them costs."""
WATCHES: Final = len(ACCOUNTS) * EACH
TOGETHER: Final[Mapping[int, int]] = {1: 400, 10: 1_000, 60: 1_200, 256: 2_560}
"""Changes that are made at once, and how many there are of them in all."""
SHARES: Final = tuple(f"share{number}" for number in range(1_000))
SHOWN: Final = "x" * 500
"""What an owner says of a share, or as long."""
TIMES: Final = 10
HOOKS: Final = tuple(
    Endpoint(id=name, url=f"http://localhost/{name}", kept_by="settings") for name in ("first", "second")
)
MAKE: Final = 'CREATE TABLE {name} (position BIGINT, account TEXT COLLATE "C", body BYTEA, PRIMARY KEY ({key}))'
FILL: Final = """
INSERT INTO {name}
SELECT number, 'account' || number * 7919 % 1000, CAST(repeat('x', 450) AS BYTEA) FROM generate_series(1, 100000) AS made (number)
"""
PORTION: Final = "SELECT * FROM {name} WHERE position > $1 ORDER BY position LIMIT 100"
FOUND: Final = "SELECT * FROM {name} WHERE position = ANY ($1)"


async def costs_of(server: Server) -> Figures:
    """All that is measured here, the rest as in MEASURED. What a delivery adds to a change is seen by a database without any."""
    bare = await _in_a_database(server, ())
    owed = await _in_a_database(server, HOOKS)
    one, many = [await _settling(server, days) for days in (1, DAYS)]
    count = len(HOOKS)
    return replace(
        owed,
        settled_a_day=Cost(theirs=(many.theirs - one.theirs) / (DAYS - 1), ours=(many.ours - one.ours) / (DAYS - 1)),
        change=bare.change,
        owed=Cost(
            theirs=(owed.change.theirs - bare.change.theirs) / count,
            ours=(owed.change.ours - bare.change.ours) / count,
            wal=(owed.change.wal - bare.change.wal) / count,
        ),
    )


async def lives_of(server: Server, batches: int) -> tuple[Cost, float]:
    """What it costs in all, and bytes on disk, that so many batches are followed, seen NEW, VALIDATING and ACTIVE, with a look
    saved in between, and that all is delivered to both endpoints."""
    database = server.make()
    meter = Meter(server, database)
    async with open_postgres(server.url(database), tell=_nobody, clock=SystemClock()) as store:
        await store.settle_endpoints(HOOKS)
        empty = sum(meter.sizes().values())
        took = await meter.took(partial(_live, store, batches))
        size = sum(meter.sizes().values()) - empty
    server.drop(database)
    return took.cost, size


async def at_rate(server: Server, changes: int, seconds: float) -> tuple[float, float, float]:
    """Transactions a second, the seconds that one takes, and cores of the database, where so many changes a second come by chance
    to one replica."""
    database = server.make()
    meter = Meter(server, database)
    dice = random.Random(1)
    async with open_postgres(server.url(database), tell=_nobody, clock=SystemClock()) as store:
        await store.settle_endpoints(HOOKS)
        watches: list[Watch] = []
        await _follow(store, ("account",), round(changes * seconds), watches)
        rest = [_change(watch, ACTIVE) for watch in watches]

        async def come() -> None:
            due = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for change in rest:
                    due += dice.expovariate(changes)
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    group.create_task(store.commit(change), name=f"commit {change.watch.batch_id}")

        async with store.writer._connections.acquire() as connection:
            connection.add_query_logger(locks := Locks())
        took = await meter.took(come)
    server.drop(database)
    return len(locks.transactions) / took.seconds, mean(locks.transactions), took.cost.theirs / took.seconds


async def keys_of(server: Server) -> list[tuple[str, float, float]]:
    """Milliseconds for a portion of the log and for events found by their positions, with the position first in the key, as it
    is, and with the account first."""
    database = server.make()
    connection = await asyncpg.connect(server.url(database))
    took: list[list[float]] = []
    for name, key in (("by_position", "position, account"), ("by_account", "account, position")):
        await connection.execute(MAKE.format(name=name, key=key))
        await connection.execute(FILL.format(name=name))
        await connection.execute(f"ANALYZE {name}")
        took.append([])
        for asked, values in ((PORTION, range(20)), (FOUND, [list(range(n, n + 100)) for n in range(0, 2000, 100)])):
            begun = time.perf_counter()
            for value in values:
                await connection.fetch(asked.format(name=name), value)
            took[-1].append(1e3 * (time.perf_counter() - begun) / len(values))
    await connection.close()
    server.drop(database)
    rows = ("a portion of 100 of the log, ms", "100 events by their positions, ms")
    return [(what, now, other) for what, now, other in zip(rows, *took, strict=True)]


async def _in_a_database(server: Server, endpoints: Sequence[Endpoint]) -> Figures:
    database = server.make()
    meter = Meter(server, database)
    async with open_postgres(server.url(database), tell=_nobody, clock=SystemClock()) as store:
        await store.settle_endpoints(endpoints)
        async with store.writer._connections.acquire() as connection:  # the only one that writes
            connection.add_query_logger(locks := Locks())
        empty = meter.sizes()
        watches: list[Watch] = []
        followed = await meter.took(partial(_follow, store, ACCOUNTS, EACH, watches))
        saved = await meter.took(partial(_save, store, ACCOUNTS, EACH))
        group, wal = await _groups(store, meter, locks, iter([_change(watch, ACTIVE) for watch in watches]))
        meter.say("ANALYZE")
        owed = sum(TOGETHER.values()) * len(endpoints)
        settled = (await meter.took(partial(_deliver, store))).each(max(1, owed))
        ended = meter.sizes()
        heard = await meter.took(partial(_hear, store))
        listed = await meter.took(partial(_list, store))
        shares = await _shares(store, meter)
    server.drop(database)

    def grown(*tables: str) -> int:
        return sum(ended.get(table, 0) - empty.get(table, 0) for table in tables)

    return replace(
        MEASURED,
        group=group,
        followed=followed.each(WATCHES),
        saved=saved.each(WATCHES),
        change=Cost(theirs=group.theirs[1], ours=group.ours[1], wal=wal),
        settled=settled,
        heard=heard.each(TIMES * sum(TOGETHER.values())),
        listed=listed.each(TIMES * len(ACCOUNTS)),
        on_board=shares[0],
        described=shares[1],
        watch_bytes=grown("watches", "watch_words", "watch_labels") / WATCHES,
        event_bytes=grown("events") / sum(TOGETHER.values()),
        delivery_bytes=grown("deliveries") / max(1, owed),
        attempt_bytes=grown("attempts") / max(1, owed),
    )


async def _settling(server: Server, days: int) -> Cost:
    """What it costs to claim and settle a delivery where the events and deliveries of so many days are kept."""
    database = server.make()
    meter = Meter(server, database)
    async with open_postgres(server.url(database), tell=_nobody, clock=SystemClock()) as store:
        for ahead in range(1, days):
            meter.say(f"SELECT begin_partition(clock_ms() + {ahead} * CAST(86400000 AS BIGINT))")
        await store.settle_endpoints(HOOKS)
        watches: list[Watch] = []
        await _follow(store, ACCOUNTS, FEW, watches)
        await _commit(store, [_change(watch, ACTIVE) for watch in watches], max(TOGETHER))
        meter.say("ANALYZE")
        took = await meter.took(partial(_deliver, store))
    server.drop(database)
    return took.each(len(watches) * len(HOOKS))


async def _groups(store: PostgresStore, meter: Meter, locks: Locks, changes: Iterator[Change]) -> tuple[Group, float]:
    """What groups of changes cost by how many are in one; and WAL bytes of each change in a large one."""
    theirs: list[tuple[float, float]] = []
    ours: list[tuple[float, float]] = []
    locked: list[tuple[float, float]] = []
    flush, wal = 0.0, 0.0
    for together, count in TOGETHER.items():
        locks.groups.clear()
        took = await meter.took(partial(_commit, store, list(islice(changes, count)), together))
        commits = len(locks.groups)
        size = count / commits
        theirs.append((size, took.cost.theirs / commits))
        ours.append((size, took.cost.ours / commits))
        locked.append((size, median(seconds for _, seconds in locks.groups)))
        wal = took.cost.wal / count
        if together == 1:
            flush = max(0.0, (took.seconds - took.cost.theirs - took.cost.ours) / commits)
    lock = line(locked)
    return Group(theirs=line(theirs), ours=line(ours), locked=lock, flush=min(flush, lock[0])), wal


async def _follow(store: PostgresStore, accounts: Sequence[str], each: int, watches: list[Watch]) -> None:
    for account in accounts:
        wishes = [Wish(key=Key(account, batch_id)) for batch_id in range(1, each + 1)]
        watches += [followed.watch for followed in await store.follow(wishes, datetime.now(UTC))]


async def _save(store: PostgresStore, accounts: Sequence[str], each: int) -> None:
    now = datetime.now(UTC)
    for account in accounts:
        looks = [
            LastLook(batch_id=batch_id, asked=now, answered=now, looks=1, size=1, remaining=1)
            for batch_id in range(1, each + 1)
        ]
        await store.save_looks(account, looks)


async def _commit(store: PostgresStore, changes: Iterable[Change], together: int) -> None:
    rest = iter(changes)

    async def one_after_another() -> None:
        for change in rest:
            if await store.commit(change) is None:
                raise AssertionError(change)

    async with asyncio.TaskGroup() as group:
        for number in range(together):
            group.create_task(one_after_another(), name=f"commit {number}")


async def _deliver(store: PostgresStore) -> None:
    now = datetime.now(UTC) + timedelta(seconds=1)
    room = {endpoint.id: 100 for endpoint in HOOKS}
    attempt = Attempt(at=now, took=timedelta(milliseconds=3), code=200)
    while claimed := await store.claim(room, token="bench", now=now, until=now + timedelta(seconds=45)):
        await store.settle([(settle(delivery, attempt, draw=0.5), "bench") for delivery in claimed])


async def _hear(store: PostgresStore) -> None:
    for _ in range(TIMES):
        after = 0
        while some := await store.events(EventQuery(after=after, limit=1000)):
            after = some[-1].position


async def _list(store: PostgresStore) -> None:
    for account in ACCOUNTS * TIMES:
        await store.find(WatchQuery(accounts=(account,), limit=100))


async def _shares(store: PostgresStore, meter: Meter) -> tuple[Cost, Cost]:
    """Of a share, whenever the board is looked at, and whenever it is described."""
    await store.board(SHARES)
    standings = {lease: Standing(demand=1.0, shown=SHOWN) for lease in await store.take(SHARES)}

    async def look() -> None:
        for _ in range(TIMES):
            await store.board(SHARES)

    async def describe() -> None:
        for _ in range(TIMES):
            await store.describe(standings)

    looked, described = await meter.took(look), await meter.took(describe)
    count = TIMES * len(SHARES)
    return looked.each(count), described.each(count)


async def _live(store: PostgresStore, batches: int) -> None:
    watches: list[Watch] = []
    await _follow(store, ("account",), batches, watches)
    for status in (NEW, VALIDATING, ACTIVE):
        changes = [_change(watch, status) for watch in watches]
        await _commit(store, changes, max(TOGETHER))
        watches = [replace(change.watch, version=change.version + 1) for change in changes]
        if status == VALIDATING:
            await _save(store, ("account",), batches)
    await _deliver(store)


def _change(watch: Watch, status: str) -> Change:
    now = datetime.now(UTC)
    batch = Batch(id=watch.batch_id, status=status, name="API 14", broadcast_id=14, created=now, size=6198)
    learnt = learn(watch, Seen(asked=now, answered=now, batch=batch), Rules())
    return Change(watch=learnt.watch, version=watch.version, events=learnt.events)


def _nobody(news: object) -> None:
    """Listens, and does nothing with it."""
