"""What is special about SQLite: rule 1 when a statement fails, crashes, and the troubles of a file."""

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store.making import (
    KEY,
    account_event,
    answered,
    claim,
    endpoint,
    event,
    follow,
    happen,
    pragma,
    settle_one,
    settled,
)
from watcher.core.account import AccountRecord
from watcher.core.model import Key
from watcher.core.news import StoreFailed, StoreRecovered, StoreTook
from watcher.ports import AccountChange, Change, EventQuery, Settled, StoreError, WatchQuery, Wish
from watcher.store.delivering import settle
from watcher.store.failures import explain
from watcher.store.remembered import Claim
from watcher.store.sqlite import SqliteStore, open_store
from watcher.store.subscribing import settle_endpoints


async def fill_up(sqlite: SqliteStore) -> None:
    """From now on the disk has no more room than the file takes."""
    await pragma(sqlite, f"PRAGMA max_page_count = {await pragma(sqlite, 'PRAGMA page_count')}")


async def make_room(sqlite: SqliteStore) -> None:
    await pragma(sqlite, "PRAGMA max_page_count = 1000000")


# Rule 1


async def test_when_a_delivery_cannot_be_made_nothing_of_its_change_remains(sqlite: SqliteStore, path: Path) -> None:
    await sqlite.settle_endpoints([endpoint("one"), endpoint("two")])
    [watch] = await follow(sqlite, KEY)
    with sqlite3.connect(path) as meddler:
        meddler.execute(
            "CREATE TRIGGER no BEFORE INSERT ON deliveries WHEN new.endpoint_id = 'two' BEGIN SELECT raise(ABORT, 'no'); END"
        )
    meddler.close()
    change = Change(watch=replace(watch, number=1, status="NEW"), version=0, events=[event(watch, 1)])
    with pytest.raises(StoreError):
        await sqlite.commit(change)
    record = AccountRecord(name="default", number=1)
    with pytest.raises(StoreError):
        await sqlite.save_account(AccountChange(record=record, events=[account_event(1)]))
    assert await sqlite.watch(KEY) == watch
    assert await sqlite.events(EventQuery()) == []
    assert await sqlite.account("default") is None
    assert [owed.pending for owed in await sqlite.owed()] == [0, 0]


async def test_what_is_remembered_of_a_transaction_that_failed_is_undone(sqlite: SqliteStore) -> None:
    await sqlite.settle_endpoints([endpoint()])
    await happen(sqlite, "batch.new", "batch.active")
    [first] = await claim(sqlite, NOON, room=1)
    remembered = sqlite._remembered

    def everything_and_fail(connection: sqlite3.Connection) -> None:
        sql = sqlite._sql
        settle_endpoints(connection, sql, remembered, [endpoint("other")], 0)
        assert [each.id for each in remembered.endpoints] == ["hook", "other"]
        assert settle(connection, sql, remembered, [(answered(first, 500, NOON), "mine")], 0) != [None]
        remembered.put_claim(99, Claim("mine", 1, "other", None, "default", endpoint("other")))
        raise sqlite3.OperationalError("cut off")

    before = (list(remembered.endpoints), remembered.recent("hook"))
    with pytest.raises(StoreError, match="cut off"):
        await sqlite._writer.run("everything", everything_and_fail)
    assert (list(remembered.endpoints), remembered.recent("hook")) == before
    assert await sqlite.release("mine") == 1
    assert list((await happen(sqlite, "batch.new")).deliveries) == [1]
    assert len(await claim(sqlite, NOON)) == 3


async def test_the_last_minute_of_an_endpoint_counts_an_attempt_once_also_where_its_neighbour_failed(
    sqlite: SqliteStore,
) -> None:
    await sqlite.settle_endpoints([endpoint()])
    await happen(sqlite, "batch.new")
    [delivery] = await claim(sqlite, NOON)

    def fail(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("cut off")

    answers = await asyncio.gather(
        settle_one(sqlite, answered(delivery, 200, NOON)),
        sqlite._writer.run("fail", fail),
        return_exceptions=True,
    )
    assert answers[0] == Settled(outcome="done")
    [(_, attempts, failures)] = sqlite._remembered.recent("hook").slots
    assert (attempts, failures) == (1, 0)


async def test_a_claim_and_what_changes_nothing_for_an_endpoint_write_no_row_of_it(
    sqlite: SqliteStore, path: Path
) -> None:
    await sqlite.settle_endpoints([endpoint()])
    await happen(sqlite, "batch.new")
    with sqlite3.connect(path) as meddler:
        meddler.execute("CREATE TRIGGER no BEFORE UPDATE ON endpoints BEGIN SELECT raise(ABORT, 'no'); END")
    meddler.close()
    changes = await sqlite._writer.run("changes", lambda connection: connection.total_changes)
    [delivery] = await claim(sqlite, NOON)
    assert await sqlite._writer.run("changes", lambda connection: connection.total_changes) == changes
    assert await settled(sqlite, answered(delivery, 200, NOON)) == "done"


async def test_what_no_endpoint_may_be_sent_is_not_even_looked_at(sqlite: SqliteStore) -> None:
    names = ("paused", "open", "disabled")
    await sqlite.settle_endpoints([endpoint(name) for name in names])
    await happen(sqlite, *["batch.stuck"] * 6)
    await sqlite.disable_endpoint("disabled", "enough")
    [busy] = await claim(sqlite, NOON, "paused", room=1)
    await settle_one(sqlite, answered(busy, 429, NOON, retry_after=timedelta(hours=1)))
    for delivery in await claim(sqlite, NOON, "open", room=5):
        await settle_one(sqlite, answered(delivery, 500, NOON))
    statements: list[str] = []
    await sqlite._writer.run("trace", lambda connection: connection.set_trace_callback(statements.append))
    assert await claim(sqlite, NOON + timedelta(seconds=1), *names) == []
    await sqlite._writer.run("trace", lambda connection: connection.set_trace_callback(None))
    assert [text for text in statements if "deliveries" in text] == []


# Crashes


def killed_after(path: Path, lines: int) -> list[tuple[int, int]]:
    """What a committing process said before it was killed, somewhere behind that many lines."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.crashing", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    said.extend(process.stdout.readlines())
    process.stdout.close()
    assert process.wait() == -9
    whole = [line.split() for line in said if line.endswith("\n")]
    return [(int(batch_id), int(number)) for batch_id, number in whole]


async def test_a_killed_process_leaves_every_change_it_acknowledged_and_no_half_one(
    path: Path, clock: FakeClock, ear: Ear
) -> None:
    acknowledged: set[tuple[int, int]] = set()
    for lines in (1, 40, 233):
        acknowledged.update(killed_after(path, lines))
        async with open_store(path, tell=ear, clock=clock) as store:
            told = defaultdict(list)
            for recorded in await store.events(EventQuery(limit=1_000_000)):
                told[recorded.batch_id].append(recorded.number)
            watches = await store.find(WatchQuery(limit=100))
            owed = await store.owed()
        assert {(batch_id, number) for batch_id, numbers in told.items() for number in numbers} >= acknowledged
        assert {watch.batch_id: list(range(1, watch.number + 1)) for watch in watches if watch.number} == told
        events = sum(map(len, told.values()))
        assert [(each.endpoint_id, each.pending) for each in owed] == [("one", events), ("two", events)]
    assert len(acknowledged) >= 274


async def test_claims_of_the_process_before_are_void(path: Path, clock: FakeClock, ear: Ear) -> None:
    async with open_store(path, tell=ear, clock=clock) as store:
        await store.settle_endpoints([endpoint()])
        await happen(store, "batch.active")
        claimed = await claim(store, NOON)
    async with open_store(path, tell=ear, clock=clock) as store:
        assert await settle_one(store, answered(claimed[0], 200, NOON)) is None
        assert await claim(store, NOON, token="yours") == claimed


async def test_everything_is_there_after_a_restart(path: Path, clock: FakeClock, ear: Ear) -> None:
    async with open_store(path, tell=ear, clock=clock) as store:
        await store.settle_endpoints([endpoint()])
        await happen(store, "batch.active")
        before = (
            await store.watch(KEY),
            await store.events(EventQuery()),
            await store.endpoints(),
            await store.owed(),
        )
    async with open_store(path, tell=ear, clock=clock) as store:
        again = (
            await store.watch(KEY),
            await store.events(EventQuery()),
            await store.endpoints(),
            await store.owed(),
        )
        later = await happen(store, "batch.stuck")
    assert again == before
    assert before[1][0].id.split("_")[1] == later.events[0].id.split("_")[1]


async def test_the_events_of_another_database_have_other_ids(tmp_path: Path, clock: FakeClock, ear: Ear) -> None:
    origins = []
    for name in ("a.db", "b.db"):
        async with open_store(tmp_path / name, tell=ear, clock=clock) as store:
            origins.append((await happen(store, "batch.new")).events[0].id.split("_")[1])
    assert origins[0] != origins[1]
    assert all(re.fullmatch("[a-z0-9]{8}", origin) for origin in origins)


# Troubles


async def test_a_full_disk_refuses_with_the_remedy_and_goes_on_by_itself(
    sqlite: SqliteStore, ear: Ear, path: Path
) -> None:
    await fill_up(sqlite)
    wishes = [Wish(key=Key("a", batch_id)) for batch_id in range(1, 2001)]
    for _ in range(2):
        with pytest.raises(StoreError, match=f"the disk of {re.escape(str(path))} is full: make room"):
            await sqlite.follow(wishes, NOON)
    assert await sqlite.claim({}, token="mine", now=NOON, until=NOON) == []
    assert await sqlite.tally("a") == {}
    [failed] = ear.of(StoreFailed, StoreRecovered)
    assert isinstance(failed, StoreFailed)
    assert (failed.operation, "make room" in failed.error) == ("follow", True)
    await make_room(sqlite)
    assert len(await sqlite.follow(wishes, NOON)) == 2000
    assert ear.of(StoreFailed, StoreRecovered) == [failed, StoreRecovered(operation="follow")]


async def test_what_a_change_refused_by_its_key_is_no_trouble_of_the_store(sqlite: SqliteStore, ear: Ear) -> None:
    await happen(sqlite, "batch.new")
    watch = await sqlite.watch(KEY)
    assert watch is not None
    with pytest.raises(StoreError, match="it is there already"):
        await sqlite.commit(Change(watch=watch, version=watch.version, events=[event(watch, 1)]))
    assert ear.of(StoreFailed) == []


async def test_a_number_that_no_database_can_hold_is_refused(sqlite: SqliteStore) -> None:
    with pytest.raises(StoreError):
        await sqlite.watch(Key("default", 2**63))
    with pytest.raises(StoreError):
        await follow(sqlite, Key("default", 2**63))
    assert await sqlite.tally("default") == {}


async def test_a_lock_of_another_program_is_an_error_that_passes(sqlite: SqliteStore, ear: Ear, path: Path) -> None:
    await sqlite._writer.run("pragma", lambda connection: connection.execute("PRAGMA busy_timeout = 10").fetchone())
    shell = sqlite3.connect(path, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="is locked by another program"):
        await follow(sqlite, KEY)
    assert await sqlite.watch(KEY) is None
    shell.execute("ROLLBACK")
    shell.close()
    assert len(await follow(sqlite, KEY)) == 1
    assert [type(news) for news in ear.of(StoreFailed, StoreRecovered)] == [StoreFailed, StoreRecovered]


async def test_every_operation_is_timed(sqlite: SqliteStore, ear: Ear) -> None:
    await happen(sqlite, "batch.new")
    await sqlite.ping()
    took = [news.operation for news in ear.of(StoreTook) if isinstance(news, StoreTook)]
    assert took == ["watch", "follow", "commit", "ping", "ping"]


async def test_without_a_path_the_store_is_private_and_gone_afterwards(clock: FakeClock, ear: Ear) -> None:
    async with (
        open_store(None, tell=ear, clock=clock) as one,
        open_store(None, tell=ear, clock=clock) as other,
    ):
        await follow(one, KEY)
        place = one.place
        assert await other.watch(KEY) is None
        assert is_there(place)
    assert not is_there(place.parent)


def is_there(path: Path) -> bool:
    return path.exists()


# Words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_FULL, "the disk of here is full: make room"),
        (sqlite3.SQLITE_IOERR_FSYNC, "here cannot be read or written: check its disk"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "here may not be written: give the user"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "here is damaged: stop the daemon and restore the last backup"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "here is locked by another program"),
        (sqlite3.SQLITE_CANTOPEN, "here cannot be opened: check"),
        (sqlite3.SQLITE_MISUSE, "here: in its own words"),
        (None, "here: in its own words"),
    ],
)
def test_trouble_is_told_with_its_place_and_its_remedy(code: int | None, words: str) -> None:
    error = sqlite3.OperationalError("in its own words")
    if code is not None:
        error.sqlite_errorcode = code
    told = explain(error, "here")
    assert told.startswith(words)
    assert "in its own words" in told
