"""The threads of the store on SQLite: group commit, isolation of what fails, reading beside writing, the end."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import Ear, FakeClock
from tests.store.making import KEY, event, follow
from watcher.core.model import Key
from watcher.core.news import StoreFailed, StoreRecovered, StoreTook
from watcher.ports import Change, StoreError
from watcher.store.lane import MOST, Lane
from watcher.store.sqlite import SqliteStore, open_store


class Table:
    """A database with one table of numbers, and a lane that writes them down."""

    def __init__(self, path: Path, ear: Ear) -> None:
        self.path = path
        self.statements: list[str] = []
        self.commits = self.rollbacks = 0
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE promises (number REFERENCES numbers DEFERRABLE INITIALLY DEFERRED)")
        connection.set_trace_callback(self.statements.append)
        self.lane = Lane(
            connection,
            place="here",
            writes=True,
            tell=ear,
            clock=FakeClock(),
            committed=self._count_commit,
            spoiled=self._count_rollback,
        )

    def _count_commit(self) -> None:
        self.commits += 1

    def _count_rollback(self) -> None:
        self.rollbacks += 1

    async def put(self, number: int, then: Callable[[], None] = lambda: None) -> int:
        def insert(connection: sqlite3.Connection) -> int:
            connection.execute("INSERT INTO numbers VALUES (?)", (number,))
            then()
            return number

        return await self.lane.run("put", insert)

    def numbers(self) -> list[int]:
        """What another program finds in the file."""
        connection = sqlite3.connect(self.path)
        rows = connection.execute("SELECT number FROM numbers ORDER BY number").fetchall()
        connection.close()
        return [row[0] for row in rows]

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """The thread is held up, so that everything asked for inside arrives together."""
        go_on, begun = threading.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait(_: sqlite3.Connection) -> None:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(60)

        held_up = asyncio.create_task(self.lane.run("wait", wait), name="wait")
        await begun.wait()
        try:
            yield
            await asyncio.sleep(0)
        finally:
            go_on.set()
            await held_up


@pytest.fixture
async def table(tmp_path: Path, ear: Ear) -> AsyncIterator[Table]:
    table = Table(tmp_path / "numbers.db", ear)
    yield table
    await table.lane.close()


async def all_of(table: Table, numbers: list[int]) -> list[int | BaseException]:
    """The numbers, asked for together."""
    async with table.busy():
        tasks = [asyncio.create_task(table.put(number), name=f"put {number}") for number in numbers]
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_result_comes_after_its_commit(table: Table) -> None:
    assert await table.put(7) == 7
    assert table.numbers() == [7]


async def test_what_comes_together_is_committed_together(table: Table) -> None:
    await all_of(table, list(range(100)))
    assert table.numbers() == list(range(100))
    assert [table.statements.count(word) for word in ("BEGIN IMMEDIATE", "COMMIT")] == [2, 2]
    assert (table.commits, table.rollbacks) == (2, 0)


async def test_a_group_has_an_end(table: Table) -> None:
    await all_of(table, list(range(2 * MOST + 1)))
    assert table.statements.count("COMMIT") == 1 + 3


async def test_one_that_fails_spoils_no_other(table: Table, ear: Ear) -> None:
    await table.put(3)
    results = await all_of(table, [1, 2, 3, 4])
    assert [result if isinstance(result, int) else type(result) for result in results] == [1, 2, StoreError, 4]
    assert str(results[2]) == "here refused it, for it is there already (UNIQUE constraint failed: numbers.number)"
    assert table.numbers() == [1, 2, 3, 4]
    assert (table.commits, table.rollbacks) == (
        1 + 1 + 3,
        2,
    )  # the first, what keeps the thread busy, and each by itself
    assert ear.of(StoreFailed) == []


async def test_a_number_too_large_spoils_no_other(table: Table, ear: Ear) -> None:
    results = await all_of(table, [1, 2**70, 4])
    assert [isinstance(result, StoreError) for result in results] == [False, True, False]
    assert table.numbers() == [1, 4]
    assert ear.of(StoreFailed) == []


async def test_who_stops_waiting_takes_nobody_along(table: Table) -> None:
    async with table.busy():
        tasks = [asyncio.create_task(table.put(number), name=f"put {number}") for number in (1, 2, 3, 3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[1:3] == [2, 3]
    assert isinstance(results[0], asyncio.CancelledError)
    assert isinstance(results[3], asyncio.CancelledError)
    assert table.numbers() == [1, 2, 3]


async def test_when_the_commit_fails_all_of_it_is_undone(table: Table) -> None:
    def promise(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO promises VALUES (99)")

    async with table.busy():
        tasks = [
            asyncio.create_task(table.put(1), name="put"),
            asyncio.create_task(table.lane.run("promise", promise), name="promise"),
        ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [StoreError, StoreError]
    assert table.numbers() == []
    assert await table.put(1) == 1


async def test_trouble_is_told_when_it_begins_and_when_something_was_written_again(table: Table, ear: Ear) -> None:
    shell = sqlite3.connect(table.path, isolation_level=None)
    await table.lane.run("patience", lambda connection: connection.execute("PRAGMA busy_timeout = 1").fetchone())
    shell.execute("BEGIN IMMEDIATE")
    for number in (1, 2):
        with pytest.raises(StoreError, match="here is locked by another program"):
            await table.put(number)
    shell.execute("ROLLBACK")
    shell.close()
    await table.lane.run("look", lambda connection: connection.execute("SELECT 1").fetchone())
    told = ear.of(StoreFailed, StoreRecovered)
    assert [type(news) for news in told] == [StoreFailed]
    await table.put(3)
    await table.put(4)
    assert ear.of(StoreFailed, StoreRecovered) == [*told, StoreRecovered(operation="put")]


async def test_a_ping_proves_nothing_but_that_pings_work_again(table: Table, ear: Ear) -> None:
    def ping(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM numbers")
        connection.execute("INSERT INTO numbers VALUES (0)")

    def fail(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("no")

    for operation, other in (("put", "ping"), ("ping", "look")):
        with pytest.raises(StoreError):
            await table.lane.run(operation, fail)
        await table.lane.run(other, ping if other == "ping" else lambda _: None)
        await table.lane.run(operation, ping)
    assert ear.of(StoreFailed, StoreRecovered) == [
        StoreFailed(operation="put", error="here: no"),
        StoreRecovered(operation="put"),
        StoreFailed(operation="ping", error="here: no"),
        StoreRecovered(operation="ping"),
    ]


async def test_every_job_is_timed(table: Table, ear: Ear) -> None:
    await table.put(1)
    assert ear.heard == [StoreTook(operation="put", took=0.0)]


async def test_a_closing_lane_does_what_was_asked_before_and_nothing_after(table: Table) -> None:
    async with table.busy():
        before = asyncio.create_task(table.put(1), name="put")
        await asyncio.sleep(0)
        closing = asyncio.create_task(table.lane.close(), name="close")
        await asyncio.sleep(0)
        with pytest.raises(StoreError, match="here is closed"):
            await table.put(2)
    await closing
    await table.lane.close()
    assert await before == 1
    assert table.numbers() == [1]


@pytest.mark.parametrize(
    "fault", [RuntimeError("a fault in the program"), AttributeError("no such thing"), MemoryError()]
)
async def test_a_fault_in_one_spoils_no_other_and_the_lane_goes_on(table: Table, ear: Ear, fault: Exception) -> None:
    def fail() -> None:
        raise fault

    async with table.busy():
        tasks = [
            asyncio.create_task(table.put(1), name="before"),
            asyncio.create_task(table.put(2, fail), name="fault"),
            asyncio.create_task(table.put(3), name="after"),
        ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [result if isinstance(result, int) else type(result) for result in results] == [1, StoreError, 3]
    said = f"here: {str(fault) or 'MemoryError'}"
    assert str(results[1]) == said
    assert ear.of(StoreFailed) == [StoreFailed(operation="put", error=said)]
    assert (table.numbers(), table.lane.alive) == ([1, 3], True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_lane_that_dies_leaves_nobody_waiting_and_says_so(table: Table) -> None:
    def die() -> None:
        raise SystemExit

    async with table.busy():
        tasks = [
            asyncio.create_task(table.put(1), name="before"),
            asyncio.create_task(table.put(2, die), name="fault"),
            asyncio.create_task(table.put(3), name="after"),
        ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(result) for result in results] == ["here was closed before it was done"] * 3
    assert (table.numbers(), table.lane.alive) == ([], False)
    with pytest.raises(StoreError, match="here is closed"):
        await table.put(4)


def test_a_loop_that_is_gone_does_not_hold_up_the_thread(path: Path) -> None:
    go_on = threading.Event()

    async def leave() -> Lane:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        lane = Lane(connection, place="here", writes=False, tell=Ear(), clock=FakeClock())
        waiting = asyncio.create_task(lane.run("wait", lambda _: go_on.wait(60)), name="wait")
        await asyncio.sleep(0)
        waiting.cancel()
        return lane

    lane = asyncio.run(leave())
    go_on.set()
    lane._queue.put(None)
    lane._thread.join(60)
    assert not lane._thread.is_alive()


# The store's own two


async def test_reading_does_not_wait_for_writing(sqlite: SqliteStore) -> None:
    [watch] = await follow(sqlite, KEY)
    go_on = threading.Event()

    def stop_and_wait(connection: sqlite3.Connection) -> bool:
        connection.execute("UPDATE watches SET state = 'stopped'")
        return go_on.wait(60)

    writing = asyncio.create_task(sqlite._writer.run("stop", stop_and_wait), name="writing")
    assert await sqlite.watch(KEY) == watch
    go_on.set()
    assert await writing
    assert await sqlite.watch(KEY) != watch


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("lane", ["_writer", "_reader"])
async def test_a_store_without_one_of_its_threads_is_not_alive(sqlite: SqliteStore, lane: str) -> None:
    def die(_: sqlite3.Connection) -> None:
        raise SystemExit

    assert sqlite.alive
    with pytest.raises(StoreError):
        await getattr(sqlite, lane).run("die", die)
    assert not sqlite.alive


async def test_who_reads_cannot_write(sqlite: SqliteStore) -> None:
    with pytest.raises(StoreError, match="may not be written"):
        await sqlite._reader.run("write", lambda connection: connection.execute("DELETE FROM meta"))


async def test_changes_that_come_together_are_committed_together(sqlite: SqliteStore) -> None:
    watches = await follow(sqlite, *(Key("a", batch_id) for batch_id in range(1, 101)))
    said: list[str] = []
    await sqlite._writer.run("trace", lambda connection: connection.set_trace_callback(said.append))
    changes = [Change(watch=watch, version=0, events=[event(watch, 1)]) for watch in watches]
    assert None not in await asyncio.gather(*map(sqlite.commit, changes))
    await sqlite._writer.run("trace", lambda connection: connection.set_trace_callback(None))
    assert said.count("COMMIT") <= 10


async def test_a_closing_store_does_what_was_asked_before_and_nothing_after(
    path: Path, clock: FakeClock, ear: Ear
) -> None:
    async with open_store(path, tell=ear, clock=clock) as store:
        [watch] = await follow(store, KEY)
        change = Change(watch=replace(watch, number=1), version=0, events=[event(watch, 1)])
        committing = asyncio.create_task(store.commit(change), name="commit")
        await asyncio.sleep(0)
    assert await committing is not None
    with pytest.raises(StoreError, match="is closed"):
        await store.watch(KEY)
    with pytest.raises(StoreError, match="is closed"):
        await store.commit(change)
    assert [each.name for each in path.parent.iterdir() if "wal" in each.name] == []
