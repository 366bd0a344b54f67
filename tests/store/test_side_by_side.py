"""Migrations while old and new versions of the program have one database: what is new is added first, and what is old is taken
away when nobody needs it any more."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.fakes import Ear, FakeClock
from tests.store.conftest import Say
from tests.store.full import fill, shown
from tests.store.making import KEY, event, follow
from tests.store.postgres_server import Server
from watcher.core.model import Key
from watcher.core.news import MigrationsWait
from watcher.ports import Change, EventQuery, Store, UnusableStore
from watcher.store.migrations import FIRST, Migration, Schema, migrations, plan
from watcher.store.opening import Migrated, connect, migrate, outlook, schema_version
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.postgres_pool import Access
from watcher.store.sqlite import open_store

NOW = migrations("postgres")
NEWEST = NOW[-1].number
EXPAND = Migration(
    NEWEST + 1,
    f"{NEWEST + 1:04}_tempo",
    "ALTER TABLE watches ADD COLUMN tempo BIGINT NOT NULL DEFAULT 7;\nCREATE TABLE tempi (name TEXT PRIMARY KEY);",
)
CONTRACT = Migration(
    NEWEST + 2, f"{NEWEST + 2:04}_contract_tempi", "ALTER TABLE watches DROP COLUMN tempo;\nDROP TABLE tempi;"
)
LATER = Migration(NEWEST + 3, f"{NEWEST + 3:04}_more", "CREATE TABLE more (name TEXT PRIMARY KEY);")
ASIDE = Migration(
    NEWEST + 1,
    f"{NEWEST + 1:04}_aside_by_name",
    "DROP INDEX CONCURRENTLY IF EXISTS watches_by_name;\n"
    "-- A remark.\nCREATE INDEX CONCURRENTLY watches_by_name ON watches (account, name);",
)
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = CAST('watches_by_name' AS regclass)"


def program(
    url: str, steps: Sequence[Migration] = (), *, ear: Ear | None = None, access: Access | None = None
) -> AbstractAsyncContextManager[PostgresStore]:
    """A version of the program: this one, or one with more steps."""
    return open_postgres(url, tell=ear or Ear(), clock=FakeClock(), steps=[*NOW, *steps], access=access or Access())


async def change(store: Store, key: Key = KEY) -> int:
    """One more change of the watch; the position of its event."""
    watch = await store.watch(key) or (await follow(store, key))[0]
    number = watch.number + 1
    done = await store.commit(
        Change(watch=replace(watch, number=number), version=watch.version, events=[event(watch, number)])
    )
    assert done is not None
    return done.events[0].position


# What is to be done


def test_steps_are_told_by_their_names() -> None:
    assert [(step.contracts, step.aside) for step in (EXPAND, CONTRACT, ASIDE)] == [
        (False, False),
        (True, False),
        (False, True),
    ]


def test_what_is_added_is_added_at_once_and_what_is_taken_away_waits_for_the_oldest() -> None:
    found, steps = Schema(NEWEST, NEWEST), [*NOW, EXPAND, CONTRACT, LATER]
    waits = plan(steps, found, live=[LATER.number, EXPAND.number])
    assert (waits.now, waits.aside, waits.later) == ([EXPAND, LATER], [], [CONTRACT])
    assert waits.after == Schema(LATER.number, NEWEST, frozenset({CONTRACT.number}))
    done = plan(steps, waits.after, live=[LATER.number])
    assert (done.now, done.later, done.after) == ([CONTRACT], [], Schema(LATER.number, CONTRACT.number))
    assert plan(steps, done.after).now == []


def test_a_step_that_waits_is_no_matter_of_whoever_does_not_know_it() -> None:
    found = Schema(LATER.number, NEWEST, frozenset({CONTRACT.number}))
    assert plan([*NOW, EXPAND], found) == ([], [], [], found)


def test_a_program_can_use_newer_tables_as_long_as_nothing_was_taken_from_it() -> None:
    assert Schema(NEWEST + 1, NEWEST).usable(NEWEST)
    assert not Schema(NEWEST + 1, NEWEST + 1).usable(NEWEST)
    assert Schema(3, 9).usable(3)


def test_how_tables_stand_is_read_as_it_was_written() -> None:
    for schema in (Schema(9, 7, frozenset({8, 9})), Schema(FIRST, FIRST)):
        assert Schema.read(*schema.text().values()) == schema
    assert Schema.read("5", None, None) == Schema(5, 5)


# On PostgreSQL


async def test_an_older_process_goes_on_writing_while_and_after_tables_grow(url: str, say: Say) -> None:
    async with program(url) as old:
        positions = [await change(old)]
        under_way = asyncio.gather(*(change(old, Key("default", number)) for number in range(20, 40)))
        async with program(url, [EXPAND]) as new:
            assert new.migrated == Migrated(before=NEWEST, after=EXPAND.number)
            positions += await under_way
            for store in (old, new, old):
                positions.append(await change(store))
            assert [each.position for each in await old.events(EventQuery())] == sorted(positions)
    assert say("SELECT DISTINCT tempo FROM watches") == "7"


async def test_an_older_process_starts_on_newer_tables_and_leaves_them_so(url: str, say: Say) -> None:
    async with program(url, [EXPAND]):
        pass
    async with program(url) as old:
        assert old.migrated == Migrated(before=EXPAND.number, after=EXPAND.number)
        await change(old)
    assert say("SELECT value FROM meta WHERE name = 'schema'") == str(EXPAND.number)
    assert say("SELECT version FROM replicas") == str(NEWEST)


async def test_a_start_that_the_server_undid_is_done_again(url: str, say: Say) -> None:
    """As it undoes what stood still for longer than its lease: here the session ends at the first step."""
    say("CREATE SEQUENCE tries")
    ends = "SELECT CASE WHEN nextval('tries') = 1 THEN pg_terminate_backend(pg_backend_pid()) END;"
    async with program(url, [EXPAND._replace(text=f"{EXPAND.text}\n{ends}")]) as store:
        assert store.migrated == Migrated(before=NEWEST, after=EXPAND.number)
        await change(store)
    assert (say("SELECT last_value FROM tries"), say("SELECT count(*) FROM replicas")) == ("2", "1")


async def test_a_start_that_the_server_undoes_each_time_is_refused(url: str, say: Say) -> None:
    say("CREATE SEQUENCE tries")
    ends = "SELECT CASE WHEN nextval('tries') > 0 THEN pg_terminate_backend(pg_backend_pid()) END;"
    with pytest.raises(UnusableStore, match="terminating connection due to administrator command"):
        async with program(url, [EXPAND._replace(text=f"{EXPAND.text}\n{ends}")]):
            pass
    assert (say("SELECT last_value FROM tries"), say("SELECT value FROM meta WHERE name = 'schema'")) == (
        "3",
        str(NEWEST),
    )


async def test_nothing_is_taken_away_before_the_last_older_process_has_ended(url: str, say: Say) -> None:
    steps, tables = [EXPAND, CONTRACT, LATER], "SELECT to_regclass('tempi'), to_regclass('more')"
    async with program(url, [EXPAND]) as old:
        ear = Ear()
        async with program(url, steps, ear=ear) as new:
            assert new.migrated == Migrated(before=EXPAND.number, after=LATER.number, waiting=(CONTRACT.name,))
            assert ear.of(MigrationsWait) == [MigrationsWait(steps=(CONTRACT.name,))]
            assert say(tables) == "tempi|more"
            await change(new)
            await change(old)
        async with program(url, [EXPAND]):  # there is still room for one more
            pass
    ear = Ear()
    async with program(url, steps, ear=ear) as new:
        assert new.migrated == Migrated(before=LATER.number, after=LATER.number)
        assert ear.of(MigrationsWait) == []
        assert say(tables) == "|more"
        with pytest.raises(UnusableStore, match=f"this one knows {EXPAND.number}\\): install that one"):
            async with program(url, [EXPAND]):
                pass
        await change(new)


async def test_a_process_that_died_is_not_waited_for_longer_than_its_lease(url: str, say: Say) -> None:
    async with program(url, [EXPAND]):
        say("UPDATE replicas SET held_until = 0")  # as after a long silence
        async with program(url, [EXPAND, CONTRACT]) as new:
            assert new.migrated == Migrated(before=EXPAND.number, after=CONTRACT.number)


async def test_a_step_that_fails_leaves_all_as_it_was_and_the_others_at_work(url: str, say: Say) -> None:
    bad = Migration(NEWEST + 2, "0008_bad", "CREATE TABLE bad (a TEXT);\nINSERT INTO nowhere VALUES (1);")
    async with program(url) as old:
        with pytest.raises(UnusableStore, match="nowhere"):
            async with program(url, [EXPAND, bad]):
                pass
        assert say("SELECT to_regclass('tempi'), to_regclass('bad')") == "|"
        await change(old)


async def test_a_step_that_cannot_have_a_table_gives_way_to_whoever_uses_it(url: str) -> None:
    other = await asyncpg.connect(url)
    async with program(url) as old:
        async with other.transaction():
            await other.execute("LOCK TABLE watches IN ACCESS SHARE MODE")
            with pytest.raises(UnusableStore, match="is locked by another transaction for too long"):
                async with program(url, [EXPAND], access=Access(lock=timedelta(milliseconds=20))):
                    pass
        await change(old)
    await other.close()


async def test_an_index_is_made_beside_whoever_writes(url: str, say: Say) -> None:
    async with program(url) as old:
        await change(old)
        under_way = asyncio.gather(*(change(old, Key("default", number)) for number in range(20, 40)))
        async with program(url, [ASIDE]) as new:
            assert new.migrated == Migrated(before=NEWEST, after=ASIDE.number)
            await under_way
            assert say(VALID) == "t"
    assert say("SELECT value FROM meta WHERE name = 'waiting'") == ""


async def test_an_index_that_another_process_makes_is_left_to_it(url: str, say: Say) -> None:
    other, ear = await asyncpg.connect(url), Ear()
    async with other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(8607336417265442667)")
        async with program(url, [ASIDE], ear=ear) as new:
            assert new.migrated.waiting == (ASIDE.name,)
            await change(new)
    await other.close()
    assert ear.of(MigrationsWait) == [MigrationsWait(steps=(ASIDE.name,))]
    async with program(url, [ASIDE]) as new:
        assert new.migrated == Migrated(before=ASIDE.number, after=ASIDE.number)
    assert say("SELECT to_regclass('watches_by_name')") == "watches_by_name"


async def test_an_index_that_takes_too_long_is_given_up_and_made_another_time(url: str, say: Say) -> None:
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.execute("LOCK TABLE watches IN ROW EXCLUSIVE MODE")  # as whoever writes for long
        async with program(url, [ASIDE], access=Access(aside=timedelta(milliseconds=50))) as new:
            assert new.migrated.waiting == (ASIDE.name,)
            await change(new)
    await other.close()
    assert say(VALID) == "f"
    async with program(url, [ASIDE]) as new:
        assert new.migrated.waiting == ()
    assert say(VALID) == "t"


async def test_an_index_that_cannot_be_made_waits_and_the_program_does_without(url: str) -> None:
    bad = ASIDE._replace(text="CREATE INDEX CONCURRENTLY nothing ON nowhere (a);")
    async with program(url, [bad]) as store:
        assert store.migrated.waiting == (bad.name,)
        await change(store)


@pytest.mark.parametrize("start", range(len(NOW)))
async def test_everything_is_kept_from_any_schema_on(server: Server, start: int) -> None:
    name = server.make()
    url = server.url(name)
    async with open_postgres(url, tell=Ear(), clock=FakeClock(), steps=NOW[: start + 1]) as store:
        await fill(store)
        before = await shown(store)
    async with program(url, [EXPAND]) as store:
        assert await shown(store) == before
    server.drop(name)


# On SQLite there is one process: nothing waits


async def test_sqlite_takes_all_steps_at_once(path: Path) -> None:
    migrate(path)
    connection, migrated = connect(path, [*migrations("sqlite"), EXPAND, CONTRACT])
    connection.close()
    assert migrated == Migrated(before=NEWEST, after=CONTRACT.number)
    with pytest.raises(UnusableStore, match=r"this one knows \d+\): install that one"):
        migrate(path)


async def test_an_older_program_uses_a_newer_sqlite_database_as_long_as_nothing_was_taken_from_it(
    path: Path, clock: FakeClock, ear: Ear
) -> None:
    migrate(path)
    connect(path, [*migrations("sqlite"), EXPAND])[0].close()
    assert outlook(path) == f"{path} can be read and written"
    async with open_store(path, tell=ear, clock=clock) as store:
        assert store.migrated == Migrated(before=EXPAND.number, after=EXPAND.number)
        await change(store)
    assert schema_version(path) == EXPAND.number
