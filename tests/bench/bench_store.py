"""The store on SQLite beside a bare loop that executes the same statements in the same run, on a file, synchronous FULL.

A change is a watch swapped, an event and two deliveries. Both are given the same changes and make rows of them; the bare loop
commits one by one, or a hundred together as the store's writer does when many come at once (with its rows ready beforehand it
does about a fifth more). It binds values by their names, as the statements have them; a second one binds them by place, as the
store's connection does. The store is on uvloop, in its own thread, and answers each change. Medians of the rounds, and in
brackets the least and the greatest; ratios are of the slices of a round, which are beside each other.

The second table is made of what a change costs with ever more around it, in the same rounds: microseconds of processor time, all
threads. What records is the store's own function, called a hundred times in a transaction, without the thread that it is called
in and without the loop that waits for it.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import uvloop

from tests.bench.results import number, spread
from watcher.app.process import tune_the_interpreter
from watcher.clock import SystemClock
from watcher.core.endpoint import Attempt, Delivery, Endpoint
from watcher.core.model import Batch, Key, LastLook, Seen, Watch
from watcher.core.outbox import settle
from watcher.core.transitions import Rules, learn
from watcher.ports import Change, Wish
from watcher.store import recording
from watcher.store.places import PlacingConnection
from watcher.store.remembered import Remembered
from watcher.store.rows import Values, values_of_event, values_of_watch
from watcher.store.sealing import NOT_SEALED
from watcher.store.sqlite import SqliteStore, open_store
from watcher.store.statements import load

T = TypeVar("T")

ROUNDS = 5
ONE_BY_ONE = 800
AT_ONCE = 4000
TASKS = 256
GROUP = 100
MANY = 10_000
ENDPOINTS = tuple(Endpoint(id=name, url=f"http://localhost/{name}", kept_by="settings") for name in ("first", "second"))


BARE = "bare a hundred together"
BY_PLACE = "bare a hundred together, by place"
STORE = "store 256 at once"
ROWS = "the rows alone"
RECORDING = "recording alone"


class Took(NamedTuple):
    """Seconds of time, and of processors."""

    seconds: float
    processor: float


class Meter:
    """From its making on."""

    def __init__(self) -> None:
        self._seconds, self._processor = time.perf_counter(), time.process_time()

    def read(self) -> Took:
        return Took(time.perf_counter() - self._seconds, time.process_time() - self._processor)


Rounds = Mapping[str, Sequence[Took]]
Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def tables() -> dict[str, Table]:
    """About half a minute."""
    with tempfile.TemporaryDirectory() as folder:
        rounds = _changes(Path(folder) / "changes.db")
        rows = _run(_rows(Path(folder) / "rows.db"))
    return {
        "Changes": (("figure", "value"), _figures(rounds)),
        "Where the processor time of a change goes": (("part", "microseconds"), _parts(rounds)),
        "Many rows at once": (("figure", "value"), [(name, number(value)) for name, value in rows.items()]),
    }


def _run(work: Coroutine[object, object, T]) -> T:
    """On the loop that the daemon runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _changes(path: Path) -> Rounds:
    """What changes took, each leg a slice of every round so that a slow moment of the machine hits all of them."""
    legs: dict[str, tuple[int, Callable[[Path, Sequence[Change]], Took]]] = {
        "bare one by one": (ONE_BY_ONE, lambda path, some: _bare(path, some, 1)),
        "store one by one": (ONE_BY_ONE, lambda path, some: _run(_stored(path, some, 1))),
        BARE: (AT_ONCE, lambda path, some: _bare(path, some, GROUP)),
        BY_PLACE: (AT_ONCE, lambda path, some: _bare(path, some, GROUP, PlacingConnection)),
        STORE: (AT_ONCE, lambda path, some: _run(_stored(path, some, TASKS))),
        ROWS: (AT_ONCE, lambda _, some: _made_rows(some)),
        RECORDING: (AT_ONCE, _recorded),
    }
    made = _run(_made(path, ROUNDS * sum(count for count, _ in legs.values())))
    changes = iter([_change(watch) for watch in made])
    tune_the_interpreter()  # as the daemon does once it is up, and for all legs
    rounds: dict[str, list[Took]] = {name: [] for name in legs}
    for _ in range(ROUNDS):
        for name, (count, leg) in legs.items():
            took = leg(path, list(islice(changes, count)))
            rounds[name].append(Took(took.seconds / count, took.processor / count))
    return rounds


def _figures(rounds: Rounds) -> list[tuple[str, str]]:
    rates = {name: [1 / each.seconds for each in rounds[name]] for name in list(rounds)[:5]}
    ratios = (("store one by one", "bare one by one"), (STORE, "bare one by one"), (STORE, BARE), (STORE, BY_PLACE))
    return [(f"changes a second: {name}", spread(values)) for name, values in rates.items()] + [
        (f"{ours} / {bare}", spread([mine / other for mine, other in zip(rates[ours], rates[bare], strict=True)]))
        for ours, bare in ratios
    ]


def _parts(rounds: Rounds) -> list[tuple[str, str]]:
    """Differences of one round each: what is around a part, without the part."""
    spent = {name: [each.processor * 1e6 for each in rounds[name]] for name in (BARE, BY_PLACE, STORE, ROWS, RECORDING)}

    def without(whole: str, part: str) -> str:
        return spread([all_ - some for all_, some in zip(spent[whole], spent[part], strict=True)])

    return [
        ("bare: rows made", spread(spent[ROWS])),
        ("bare: statements, commit", without(BARE, ROWS)),
        ("bare: all of it", spread(spent[BARE])),
        ("values by place, not by name", without(BY_PLACE, BARE)),
        ("recording: who is owed the event, what was recorded", without(RECORDING, BY_PLACE)),
        ("the store: thread, jobs, tasks that wait, news", without(STORE, RECORDING)),
        ("a change, all of it", spread(spent[STORE])),
    ]


async def _made(path: Path, count: int) -> list[Watch]:
    async with open_store(path, tell=_nobody, clock=SystemClock()) as store:
        await store.settle_endpoints(ENDPOINTS)
        return await _follow(store, count)


async def _follow(store: SqliteStore, count: int) -> list[Watch]:
    wishes = [Wish(key=Key("default", batch_id)) for batch_id in range(1, count + 1)]
    return [followed.watch for followed in await store.follow(wishes, datetime.now(UTC))]


def _change(watch: Watch) -> Change:
    now = datetime.now(UTC)
    batch = Batch(id=watch.batch_id, status="ACTIVE", name="API 14", broadcast_id=14, created=now, size=6198)
    learnt = learn(watch, Seen(asked=now, answered=now, batch=batch), Rules())
    return Change(watch=learnt.watch, version=watch.version, events=learnt.events)


def _bare(
    path: Path, changes: Sequence[Change], together: int, factory: type[sqlite3.Connection] = sqlite3.Connection
) -> Took:
    sql = load("sqlite")
    rows = map(_values, changes)  # made on the way, as the store makes them: both are given changes
    connection = sqlite3.connect(path, isolation_level=None, factory=factory)
    connection.executescript(sql["settings_of_connection"])
    meter = Meter()
    while some := list(islice(rows, together)):
        connection.execute("BEGIN IMMEDIATE")
        for watch, event, delivery in some:
            connection.execute(sql["swap_watch"], watch)
            delivery["position"] = connection.execute(sql["make_event"], event).lastrowid
            for endpoint in ENDPOINTS:
                delivery["endpoint_id"] = endpoint.id
                connection.execute(sql["make_delivery"], delivery)
        connection.execute("COMMIT")
    took = meter.read()
    connection.close()
    return took


def _made_rows(changes: Sequence[Change]) -> Took:
    """No more than that, a hundred at a time, as the bare loop has them."""
    rows, meter = map(_values, changes), Meter()
    while list(islice(rows, GROUP)):
        pass
    return meter.read()


def _recorded(path: Path, changes: Sequence[Change]) -> Took:
    """The store's own function, in transactions as those of the bare loop."""
    sql, rest = load("sqlite"), iter(changes)
    remembered = Remembered(ENDPOINTS, origin="bench", seal=NOT_SEALED)
    connection = sqlite3.connect(path, isolation_level=None, factory=PlacingConnection)
    connection.executescript(sql["settings_of_connection"])
    meter = Meter()
    while some := list(islice(rest, GROUP)):
        # The store makes them before, too: in the loop, while the transaction before this one is written.
        rows = [
            (
                values_of_watch(each.watch, each.version + 1) | {"old_version": each.version},
                [recording.told(event, remembered.origin) for event in each.events],
            )
            for each in some
        ]
        connection.execute("BEGIN IMMEDIATE")
        for watch, events in rows:
            if recording.commit(connection, sql, remembered, watch, events, events[0].values["at"]) is None:
                raise AssertionError(watch)
        connection.execute("COMMIT")
        remembered.committed()
    took = meter.read()
    connection.close()
    return took


def _values(change: Change) -> tuple[Values, Values, Values]:
    watch = values_of_watch(change.watch, change.version + 1) | {"old_version": change.version}
    event = values_of_event(change.events[0], "bare")
    return watch, event, {"account": "default", "now": event["at"], "cause": "schedule", "lane": None}


async def _stored(path: Path, changes: Sequence[Change], tasks: int) -> Took:
    async with open_store(path, tell=_nobody, clock=SystemClock()) as store:
        rest, meter = iter(changes), Meter()
        async with asyncio.TaskGroup() as group:
            for task in range(tasks):
                group.create_task(_commit(store, rest), name=f"commit {task}")
        return meter.read()


async def _commit(store: SqliteStore, changes: Iterator[Change]) -> None:
    for change in changes:
        if await store.commit(change) is None:
            raise AssertionError(change)


async def _rows(path: Path) -> dict[str, float]:
    """Seconds for many rows at once, and deliveries settled a second."""
    clock = SystemClock()
    async with open_store(path, tell=_nobody, clock=clock) as store:
        await store.settle_endpoints(ENDPOINTS)
        begun = time.perf_counter()
        watches = await _follow(store, MANY)
        followed = time.perf_counter()
        now = datetime.now(UTC)
        looks = [
            LastLook(batch_id=each.batch_id, asked=now, answered=now, looks=1, size=1, remaining=1) for each in watches
        ]
        await store.save_looks("default", looks)
        saved = time.perf_counter()
        loaded = sum([len(portion) async for portion in store.open_watches("default")])
        read = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for change in map(_change, watches[:1000]):
                group.create_task(store.commit(change), name=f"commit {change.watch.batch_id}")
        settled = await _deliver(store)
    return {
        "seconds to follow 10,000": followed - begun,
        "seconds to save 10,000 looks": saved - followed,
        "seconds to read 10,000 open watches": (read - saved) * MANY / loaded,
        "deliveries claimed by 100 and settled a second": settled,
    }


async def _deliver(store: SqliteStore) -> float:
    begun = time.perf_counter()
    done = 0
    now = datetime.now(UTC) + timedelta(seconds=1)
    while claimed := await store.claim(
        {endpoint.id: 50 for endpoint in ENDPOINTS}, token="bench", now=now, until=now + timedelta(seconds=45)
    ):
        async with asyncio.TaskGroup() as group:
            for delivery in claimed:
                group.create_task(_settle(store, delivery, now), name=f"settle {delivery.id}")
        done += len(claimed)
    return done / (time.perf_counter() - begun)


async def _settle(store: SqliteStore, delivery: Delivery, now: datetime) -> None:
    attempt = Attempt(at=now, took=timedelta(milliseconds=3), code=200)
    await store.settle([(settle(delivery, attempt, draw=0.5), "bench")])


def _nobody(news: object) -> None:
    """Listens, and does nothing with it."""


if __name__ == "__main__":
    print(tables())
