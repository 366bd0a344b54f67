"""Migrations of a SQLite database: numbered, each in a transaction of its own, and nothing that was kept is lost."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store.making import KEY, claim, endpoint
from watcher.core.attention import Band, band_of
from watcher.core.endpoint import Attempt, AttemptRecord, EndpointState
from watcher.core.recovering import DeliveryQuery
from watcher.ports import BandQuery, EventQuery, UnusableStore, WatchQuery
from watcher.store.migrations import Migration, migrations
from watcher.store.opening import Migrated, connect, migrate, outlook, schema_version
from watcher.store.rows import instant
from watcher.store.sqlite import open_store
from watcher.store.standing import NOT_NAMED

NEWEST = migrations("sqlite")[-1].number


def test_migrations_are_numbered_from_one_without_a_gap() -> None:
    assert [step.number for step in migrations("sqlite")] == list(range(1, NEWEST + 1))


def test_a_migration_may_be_written_anew_for_one_database(tmp_path: Path) -> None:
    for name in ("0001_start.sql", "0002_more.sql", "0002_more.sqlite.sql", "0002_more.other.sql"):
        (tmp_path / name).write_text(name)
    assert migrations("sqlite", tmp_path) == [
        Migration(1, "0001_start", "0001_start.sql"),
        Migration(2, "0002_more", "0002_more.sqlite.sql"),
    ]


def test_a_database_may_begin_later_with_all_that_came_before(tmp_path: Path) -> None:
    for name in ("0001_start.sql", "0002_more.sql", "0002_all.other.sql", "0003_end.sql", "0003_end.other.sql"):
        (tmp_path / name).write_text(name)
    assert migrations("other", tmp_path) == [
        Migration(2, "0002_all", "0002_all.other.sql"),
        Migration(3, "0003_end", "0003_end.other.sql"),
    ]
    assert [step.number for step in migrations("sqlite", tmp_path)] == [1, 2, 3]


async def test_a_database_is_brought_to_the_newest_version_once(path: Path, clock: FakeClock, ear: Ear) -> None:
    assert schema_version(path) == 0
    assert migrate(path) == Migrated(before=0, after=NEWEST)
    assert migrate(path) == Migrated(before=NEWEST, after=NEWEST)
    async with open_store(path, tell=ear, clock=clock) as store:
        assert store.migrated == Migrated(before=NEWEST, after=NEWEST)
        assert await asyncio.to_thread(schema_version, path) == NEWEST


@pytest.mark.parametrize("version", range(1, NEWEST))
async def test_a_database_of_an_older_version_keeps_its_rows(
    path: Path, clock: FakeClock, ear: Ear, version: int
) -> None:
    older, _ = connect(path, migrations("sqlite")[:version])
    origin = older.execute("SELECT value FROM meta WHERE name = 'origin'").fetchone()[0]
    older.executescript(
        "INSERT INTO watches (account, batch_id, opened, version, number, state, final, looks, missing_count, "
        "    refused_count, stuck_told, labels) VALUES ('default', 13, 1000, 3, 2, 'open', 0, 7, 0, 0, 0, '{\"a\": \"b\"}');"
        "INSERT INTO accounts (name, refused, reason, refusals, credentials, number) "
        "    VALUES ('default', 1, 'CallFire answered 401', 2, 'mine', 1);"
        "INSERT INTO events (id, type, at, account, batch_id, number, body) "
        "    VALUES ('evt_1', 'batch.new', 1000, 'default', 13, 1, x'7b7d');"
        "INSERT INTO endpoints (id, url, types, accounts, timeout, state) "
        "    VALUES ('hook', 'https://example.com/', '[]', '[]', 15000, 'active');"
        "INSERT INTO deliveries (account, endpoint_id, position, created, due, state) "
        "    VALUES ('default', 'hook', 1, 1000, 1000, 'pending');"
    )
    older.close()
    assert outlook(path).endswith(
        f"will be brought to version {NEWEST} at the next start (its tables are version {version})"
    )
    async with open_store(path, tell=ear, clock=clock) as store:
        assert (store.migrated, store._remembered.origin) == (Migrated(before=version, after=NEWEST), origin)
        watch = await store.watch(KEY)
        assert watch is not None
        assert (watch.version, watch.number, watch.looks, watch.labels) == (3, 2, 7, {"a": "b"})
        assert await store.find(WatchQuery(labels={"a": "b"})) == [watch]
        assert await store.find(WatchQuery(q="a:B")) == [watch]
        record = await store.account("default")
        assert record is not None
        assert (record.refused, record.reason, record.refusals, record.number) == (True, "CallFire answered 401", 2, 1)
        assert record.learnt_rate is None
        assert [event.id for event in await store.events(EventQuery())] == ["evt_1"]
        assert [(owed.endpoint_id, owed.pending) for owed in await store.owed()] == [("hook", 1)]
        assert (await store.broadcasts("default"), await store.learnt("default")) == ([], None)
        [delivery] = await claim(store, NOON)
        assert (delivery.event_id, delivery.attempts, delivery.cause) == ("evt_1", 0, "schedule")


async def test_watches_of_an_older_version_are_found_and_in_their_band(path: Path, clock: FakeClock, ear: Ear) -> None:
    older, _ = connect(path, migrations("sqlite")[:5])
    kinds = [
        ("open", "NEW", 0, 0),
        ("open", "NEW", 0, 1),
        ("open", None, 0, 0),
        ("open", "ODD", 0, 0),
        ("settled", "ACTIVE", 1, 0),
        ("settled", "ERRORS", 1, 0),
        ("missing", None, 0, 0),
        ("expired", "NEW", 0, 1),
        ("stopped", "ERRORS", 1, 0),
        ("settled", "ACTIVE", 1, 1),
    ]
    older.executemany(
        "INSERT INTO watches (account, batch_id, opened, version, number, state, status, final, since, name, looks, "
        "    missing_count, refused_count, stuck_told, labels) "
        "VALUES ('a', ?, 1000, 1, 1, ?, ?, ?, ?, 'Ärger', 1, 0, 0, ?, '{}')",
        [(number, *kind[:3], 1000 + number, kind[3]) for number, kind in enumerate(kinds, start=1)],
    )
    older.close()
    async with open_store(path, tell=ear, clock=clock) as store:
        assert [each.batch_id for each in await store.find(WatchQuery(q="ärGE"))] == [*range(1, 9), 10]
        bands = [await store.in_band(BandQuery(band=band)) for band in (Band.NEEDS, Band.REST)]
        assert [[key.batch_id for key in keys] for keys in bands] == [[8, 7, 6, 4, 2], [10, 5]]
        for watch in await store.find(WatchQuery()):
            assert (watch.key in bands[0], watch.key in bands[1]) == (
                band_of(watch) is Band.NEEDS,
                band_of(watch) is Band.REST,
            )


async def test_what_was_held_before_endpoints_had_keepers_is_held_still_and_can_be_sent(
    path: Path, clock: FakeClock, ear: Ear
) -> None:
    older, _ = connect(path, migrations("sqlite")[:3])
    older.executescript(
        "INSERT INTO events (id, type, at, account, batch_id, number, body) VALUES "
        "    ('evt_1', 'batch.new', 1000, 'default', 13, 1, x'7b7d'), ('evt_2', 'batch.active', 2000, 'default', 13, 2, x'7b7d');"
        "INSERT INTO endpoints (id, url, types, accounts, timeout, state, disabled_reason) VALUES "
        "    ('gone', 'https://example.com/', '[]', '[]', 15000, 'disabled', 'the receiver answered 410 Gone'), "
        "    ('hook', 'https://example.com/', '[]', '[]', 15000, 'removed', NULL), "
        "    ('both', 'https://example.com/', '[]', '[]', 15000, 'removed', 'the receiver answered 410 Gone');"
        "INSERT INTO deliveries (account, endpoint_id, position, created, due, state, attempts) VALUES "
        "    ('default', 'gone', 1, 1000, 1000, 'held', 1), ('default', 'hook', 1, 1000, 9000, 'held', 2), "
        "    ('default', 'hook', 2, 1000, 1000, 'done', 1), ('default', 'both', 2, 1000, 1000, 'held', 0);"
        "INSERT INTO attempts (account, delivery_id, at, took, code, error, outcome, next_due, location, answer) "
        "    VALUES ('default', 3, 1000, 250, 200, NULL, 'done', NULL, NULL, x'6f6b');"
    )
    older.close()
    gone = replace(endpoint("gone"), state=EndpointState.DISABLED, disabled_reason="the receiver answered 410 Gone")
    unnamed = replace(endpoint(), state=EndpointState.DISABLED, disabled_reason=NOT_NAMED)
    async with open_store(path, tell=ear, clock=clock) as store:
        assert await store.endpoints() == [replace(gone, id="both"), gone, unnamed]
        assert [each.pending for each in await store.owed()] == [0, 0, 0]
        states = [(each.endpoint_id, str(each.state)) for each in await store.deliveries(DeliveryQuery())]
        assert states == [("both", "held"), ("hook", "done"), ("hook", "held"), ("gone", "held")]
        details = await store.delivery(3)
        assert details is not None
        attempt = Attempt(at=instant(1000), took=timedelta(seconds=0.25), code=200, answer=b"ok")
        assert details.attempts == [AttemptRecord(attempt=attempt, cause="schedule", outcome="done", next_due=None)]
        await store.settle_endpoints([endpoint("gone"), endpoint(), endpoint("both")])
        [again] = await claim(store, instant(9000), "gone", "hook", "both")
        assert (again.endpoint_id, again.event_id, again.attempts) == ("hook", "evt_1", 2)
        await store.enable_endpoint("gone", send_held=True, now=NOON)
        assert [each.event_id for each in await claim(store, NOON, "gone", token="yours")] == ["evt_1"]


def test_an_empty_file_is_a_new_database(path: Path) -> None:
    path.touch()
    assert schema_version(path) == 0
    assert migrate(path) == Migrated(before=0, after=NEWEST)


def test_only_new_steps_are_taken(path: Path) -> None:
    migrate(path)
    step = Migration(
        NEWEST + 1, "next", "CREATE TABLE more (a TEXT);\n-- A remark;\nINSERT INTO more VALUES ('x;y');\n"
    )
    connection, migrated = connect(path, [*migrations("sqlite"), step])
    rows = connection.execute("SELECT a FROM more").fetchall()
    connection.close()
    assert migrated == Migrated(before=NEWEST, after=NEWEST + 1)
    assert [row["a"] for row in rows] == ["x;y"]
    assert schema_version(path) == NEWEST + 1


def test_a_step_that_fails_leaves_the_version_before_it(path: Path) -> None:
    steps = migrations("sqlite")
    good = Migration(NEWEST + 1, "good", "CREATE TABLE good (a TEXT);")
    bad = Migration(NEWEST + 2, "0007_bad", "CREATE TABLE bad (a TEXT);\nINSERT INTO nowhere VALUES (1);")
    with pytest.raises(UnusableStore, match=r"migration 0007_bad failed, it was undone: .*nowhere"):
        connect(path, [*steps, good, bad])
    assert schema_version(path) == NEWEST + 1
    look = sqlite3.connect(path)
    tables = {row[0] for row in look.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    look.close()
    assert "good" in tables
    assert "bad" not in tables
