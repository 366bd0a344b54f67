"""What is special about PostgreSQL: the order of the log, who may write, and the troubles of a database that is elsewhere."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.fakes import Ear, FakeClock
from tests.store.conftest import Say
from tests.store.cutting import Cut, wired
from tests.store.making import KEY, changed, endpoint, event, follow, happen
from tests.store.postgres_server import Server
from watcher.core.model import Key
from watcher.core.news import StoreFailed, StoreRecovered
from watcher.ports import Change, EventQuery, Store, StoreError, UnusableStore, WatchQuery
from watcher.ports.errors import UnknownOutcome
from watcher.store.migrations import migrations
from watcher.store.opening import Migrated
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.postgres_failures import explain, place_of
from watcher.store.postgres_opening import outlook, peek
from watcher.store.postgres_pool import Access, OneConnection
from watcher.store.postgres_work import placed
from watcher.store.sealing import Seal
from watcher.store.statements import load
from watcher.store.work import Connection

SQL = load("postgres")
NEWEST = migrations("postgres")[-1].number
END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
"""Ends everybody else's connections."""
PATIENCE = 60.0
"""Seconds after which what is waited for will not come."""
PREPARED = "SELECT count(*) FROM pg_prepared_statements"


async def commits(store: PostgresStore) -> int:
    """How many transactions were written."""
    count: int = await store._reader.run(
        "look", lambda asked: asked.execute("SELECT coalesce(max(commits), 0) FROM replicas").fetchone()[0]
    )
    return count


async def positions(store: Store) -> list[int]:
    return [recorded.position for recorded in await store.events(EventQuery())]


# The order of the log


async def test_positions_become_visible_in_their_order_however_many_commit_at_once(
    postgres: PostgresStore, url: str
) -> None:
    committers, each = 6, 10
    text, names, _ = placed(SQL["make_event"])

    async def commit(committer: int) -> None:
        connection = await asyncpg.connect(url)
        for number in range(each):
            values = {"id": f"{committer}-{number}", "type": "x", "at": 0, "account": f"a{committer}", "batch_id": 1}
            values |= {"number": number, "endpoint": None, "body": b"{}"}
            async with connection.transaction():
                await connection.execute(text, *(values[name] for name in names))
                await connection.execute("SELECT pg_sleep(0.001 * $1)", float((committer * 7 + number * 3) % 5))
        await connection.close()

    async def look() -> None:
        seen: list[int] = []
        while len(seen) < committers * each:
            seen = await positions(postgres)
            assert seen == list(range(1, len(seen) + 1))

    async with asyncio.TaskGroup() as group:
        group.create_task(look(), name="reader")
        for committer in range(committers):
            group.create_task(commit(committer), name=f"committer {committer}")


async def test_what_is_rolled_back_leaves_no_gap(postgres: PostgresStore) -> None:
    [watch] = await follow(postgres, KEY)
    await postgres.commit(changed(watch))
    again = await postgres.watch(KEY)
    assert again is not None
    with pytest.raises(StoreError):
        await postgres.commit(Change(watch=again, version=again.version, events=[event(watch, 2), event(watch, 1)]))
    await postgres.commit(changed(again))
    assert await positions(postgres) == [1, 2]


async def test_many_changes_at_once_share_few_transactions(postgres: PostgresStore) -> None:
    await postgres.settle_endpoints([endpoint()])
    watches = await follow(postgres, *(Key("default", batch_id) for batch_id in range(1, 101)))
    before = await commits(postgres)
    done = await asyncio.gather(*(postgres.commit(changed(watch)) for watch in watches))
    assert [each is not None and list(each.deliveries) for each in done] == [[1]] * 100
    assert await positions(postgres) == list(range(1, 101))
    assert await commits(postgres) - before < 10


# Who is there


async def test_a_database_that_was_closed_can_be_opened_at_once(url: str, clock: FakeClock) -> None:
    for _ in range(2):
        async with open_postgres(url, tell=Ear(), clock=clock) as store:
            await store.ping()


async def test_whoever_writes_nothing_still_says_that_it_is_there(url: str, clock: FakeClock) -> None:
    async with open_postgres(url, tell=Ear(), clock=clock, access=Access(lease=timedelta(milliseconds=60))) as store:
        before = await commits(store)
        async with asyncio.timeout(PATIENCE):
            while await commits(store) < before + 3:
                pass


async def test_a_single_connection_is_lent_to_one_after_another(url: str) -> None:
    connections = OneConnection(url, Access())

    async def ask(number: int) -> int:
        async with connections.acquire() as connection:
            return int(await connection.fetchval("SELECT $1::int", number))

    assert await asyncio.gather(*(ask(number) for number in range(5))) == [0, 1, 2, 3, 4]
    await connections.close()


async def test_a_single_connection_that_is_left_inside_a_transaction_is_made_anew(url: str) -> None:
    connections = OneConnection(url, Access())
    async with connections.acquire() as connection:
        before = connection.get_server_pid()
        await connection.execute("BEGIN")
    async with connections.acquire() as connection:
        assert (connection.is_in_transaction(), connection.get_server_pid() == before) == (False, False)
    await connections.close()


# Troubles


async def test_a_connection_that_was_ended_is_made_again_and_nobody_notices(
    postgres: PostgresStore, say: Say, ear: Ear
) -> None:
    [watch] = await follow(postgres, KEY)
    for version in range(3):
        say(END)
        assert await postgres.commit(changed(replace(watch, version=version, number=version))) is not None
        assert len(await positions(postgres)) == version + 1
    assert ear.of(StoreFailed) == []


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_commit_that_was_cut_off_took_place_once(
    server: Server, url: str, tmp_path: Path, clock: FakeClock, ear: Ear, cut: Cut
) -> None:
    async with wired(server.folder, tmp_path) as wire:
        here = url.replace(str(server.folder), str(tmp_path))
        async with open_postgres(here, tell=ear, clock=clock) as store:
            await store.settle_endpoints([endpoint()])
            [watch] = await follow(store, KEY)
            wire.cut = cut
            committed = await store.commit(changed(watch))
            assert committed is not None
            assert list(committed.deliveries) == [1]
            assert wire.cuts == 1
            assert await positions(store) == [1]
            assert ear.of(StoreFailed) == []


@pytest.mark.parametrize(("cut", "there"), [("before", False), ("after", True)])
async def test_where_nobody_can_be_asked_the_outcome_is_said_to_be_unknown(
    server: Server, url: str, tmp_path: Path, clock: FakeClock, ear: Ear, cut: Cut, there: bool
) -> None:
    async with wired(server.folder, tmp_path) as wire:
        here = url.replace(str(server.folder), str(tmp_path))
        async with open_postgres(here, tell=ear, clock=clock) as store:
            wire.cut, wire.dies = cut, True
            with pytest.raises(UnknownOutcome, match="was lost while it committed, and cannot be asked whether it did"):
                await store.settle_endpoints([endpoint()])
            wire.dead = False
            assert [each.id for each in await store.endpoints()] == ["hook"] * there
            committed = await happen(store, "batch.new")
            assert list(committed.deliveries) == [int(there)]
    assert len(ear.of(StoreFailed)) == len(ear.of(StoreRecovered)) == 1


async def test_a_lock_that_another_holds_is_waited_for_only_so_long(url: str, clock: FakeClock, ear: Ear) -> None:
    access = Access(lock=timedelta(milliseconds=20))
    async with open_postgres(url, tell=ear, clock=clock, access=access) as store:
        other = await asyncpg.connect(url)
        async with other.transaction():
            await other.execute("LOCK TABLE watches")
            with pytest.raises(StoreError, match="is locked by another transaction for too long"):
                await follow(store, KEY)
        await other.close()
        assert len(await follow(store, KEY)) == 1
    assert (len(ear.of(StoreFailed)), ear.of(StoreRecovered)) == (1, [StoreRecovered(operation="follow")])


async def test_every_transaction_has_its_time_outs(url: str, clock: FakeClock) -> None:
    access = Access(statement=timedelta(seconds=77), lock=timedelta(seconds=55))
    text = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
    async with open_postgres(url, tell=Ear(), clock=clock, access=access) as store:
        for lane in (store._reader, store.writer):
            row = await lane.run("look", lambda asked: asked.execute(text).fetchone())
            assert tuple(row) == ("77s", "55s")


async def test_a_statement_that_takes_too_long_is_given_up(postgres: PostgresStore) -> None:
    def sleep(asked: Connection) -> None:
        asked.execute("SET LOCAL statement_timeout = 1")
        asked.execute("SELECT pg_sleep(60)")

    for lane in (postgres._reader, postgres.writer):
        with pytest.raises(StoreError, match="took too long"):
            await lane.run("sleep", sleep)
    await postgres.ping()


async def test_a_database_that_may_only_be_read_is_read(
    postgres: PostgresStore, server: Server, url: str, say: Say, ear: Ear
) -> None:
    name = urlsplit(url).path[1:]
    server.say(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    say(END)
    with pytest.raises(StoreError, match="may only be read"):
        await follow(postgres, KEY)
    assert await postgres.watch(KEY) is None
    server.say(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    say(END)
    assert len(await follow(postgres, KEY)) == 1
    assert (len(ear.of(StoreFailed)), len(ear.of(StoreRecovered))) == (1, 1)


async def test_behind_a_pooler_nothing_is_prepared_for_longer_than_a_transaction(url: str, clock: FakeClock) -> None:
    async with open_postgres(url, tell=Ear(), clock=clock, access=Access(pooler=True, connections=2)) as store:
        await happen(store, "batch.new")
        for lane in (store._reader, store.writer):
            count = await lane.run("look", lambda asked: asked.execute(PREPARED).fetchone()[0])
            assert count == 0


async def test_a_closed_store_does_nothing(url: str, clock: FakeClock) -> None:
    async with open_postgres(url, tell=Ear(), clock=clock) as store:
        lives = [store.alive]
    assert [*lives, store.alive] == [True, False]
    with pytest.raises(StoreError, match="is closed"):
        await store.ping()
    with pytest.raises(StoreError, match="is closed"):
        await store.watch(KEY)


# Opening


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://anna:hunter2@db.example:5433/watcher?sslmode=require", "postgresql://db.example:5433/watcher"),
        ("postgresql://anna:hun@ter2@db/watcher", "postgresql://db/watcher"),
        ("postgresql://db/watcher?password=hunter2", "postgresql://db/watcher"),
        ("postgresql://anna:hunter2@[::1/watcher", "postgresql://"),
        ("postgresql://anna:hunter2@db:port/watcher", "postgresql://"),
    ],
)
def test_a_place_has_no_secrets(url: str, place: str) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    "url", ["postgresql://anna:hunter2@127.0.0.1:1/watcher", "postgresql://anna:hunter2@127.0.0.1:x/w"]
)
async def test_a_database_that_cannot_be_reached_is_said_to_be_so_without_the_password(
    url: str, clock: FakeClock
) -> None:
    with pytest.raises(UnusableStore, match=r"^postgresql://") as refusal:
        async with open_postgres(url, tell=Ear(), clock=clock):
            pass
    assert "hunter2" not in str(refusal.value)


async def test_a_database_that_is_not_there_is_to_be_made(server: Server, clock: FakeClock) -> None:
    with pytest.raises(UnusableStore, match=r"postgresql:///nowhere is not there: make the database, or name another"):
        async with open_postgres(server.url("nowhere"), tell=Ear(), clock=clock):
            pass


async def test_of_two_that_open_an_empty_database_at_once_one_makes_its_tables(
    server: Server, clock: FakeClock
) -> None:
    name = server.make()

    async def opened() -> Migrated:
        async with open_postgres(server.url(name), tell=Ear(), clock=clock) as store:
            await store.ping()
            return store.migrated

    outcomes = await asyncio.gather(opened(), opened())
    assert sorted(outcomes, key=lambda each: each.before) == [
        Migrated(before=0, after=NEWEST),
        Migrated(before=NEWEST, after=NEWEST),
    ]
    server.drop(name)


@pytest.mark.parametrize(
    ("meddling", "said"),
    [
        (
            f"UPDATE meta SET value = '{NEWEST + 1}' WHERE name IN ('schema', 'compatible')",
            "was made by a newer version of this program",
        ),
        ("DELETE FROM meta WHERE name = 'schema'", "is the database of another program, or damaged"),
    ],
)
async def test_tables_that_are_not_known_are_left_alone(
    url: str, say: Say, clock: FakeClock, meddling: str, said: str
) -> None:
    say(meddling)
    before = say("SELECT * FROM log")
    with pytest.raises(UnusableStore, match=said):
        async with open_postgres(url, tell=Ear(), clock=clock):
            pass
    assert say("SELECT * FROM log") == before


async def test_a_database_with_another_encoding_is_refused(server: Server, clock: FakeClock) -> None:
    server.say("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(UnusableStore, match="keeps text as LATIN1: make a database with ENCODING 'UTF8'"):
        async with open_postgres(server.url("latin"), tell=Ear(), clock=clock):
            pass
    server.drop("latin")


async def test_a_user_who_may_not_make_tables_is_told_so_before_the_start_too(server: Server, clock: FakeClock) -> None:
    server.say("CREATE DATABASE foreign_one TEMPLATE template0")
    server.say("DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    as_guest = server.url("foreign_one").replace("postgres@", "guest@")
    said = "postgresql:///foreign_one does not allow it: give the user of database.url the right to make and use tables"
    with pytest.raises(UnusableStore, match=said):
        async with open_postgres(as_guest, tell=Ear(), clock=clock):
            pass
    with pytest.raises(UnusableStore, match=said):
        await peek(as_guest, Access(), partial(outlook, place="here", seal=Seal()))
    server.drop("foreign_one")


async def test_the_outlook_says_whether_the_keys_are_those_of_the_processes_that_are_there(
    url: str, clock: FakeClock
) -> None:
    async with open_postgres(url, tell=Ear(), clock=clock, seal=Seal([b"1" * 32])):
        assert "may be by this one too" in await peek(
            url, Access(), partial(outlook, place="here", seal=Seal([b"1" * 32]))
        )
        with pytest.raises(UnusableStore, match=r"^here: process \d+ on .* encrypts secrets with the key"):
            await peek(url, Access(), partial(outlook, place="here", seal=Seal()))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (asyncpg.DiskFullError("no room"), "the disk of here is full: make room, and it goes on by itself (no room)"),
        (asyncpg.DeadlockDetectedError("met"), "here undid it, for it met with another transaction (met)"),
        (asyncpg.CannotConnectNowError("wait"), "here is being stopped or started: it goes on by itself (wait)"),
        (
            asyncpg.InvalidPasswordError("no"),
            "here refused our login: check the user and the password (database.url, database.password) (no)",
        ),
        (
            asyncpg.DuplicateTableError('relation "watches" already exists'),
            'here has tables of another program: name an empty database (relation "watches" already exists)',
        ),
        (OSError("gone"), "here cannot be reached: check that it runs, and the address (gone)"),
        (ValueError("odd"), "here: odd"),
    ],
)
def test_errors_say_what_to_do(error: Exception, said: str) -> None:
    assert explain(error, "here") == said


# Names and small letters


def test_ids_and_names_compare_by_their_bytes_whatever_the_collation_of_the_database(say: Say) -> None:
    others = """
        SELECT CAST(indexrelid AS regclass) FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE relnamespace = CAST('public' AS regnamespace) AND EXISTS (
            SELECT 1 FROM unnest(CAST(indcollation AS oid[])) AS each (collation_id)
            WHERE collation_id NOT IN (0, CAST('"C"' AS regcollation))
        )
    """
    assert say(others) == ""


async def test_small_letters_are_made_of_all(postgres: PostgresStore) -> None:
    accounts = ["B", "_", "a", "b", "ä"]
    await follow(postgres, *(Key(account, 1) for account in reversed(accounts)))
    assert await postgres.watched_accounts() == accounts
    [watch] = await follow(postgres, Key("a", 2))
    await postgres.commit(Change(watch=replace(watch, name="ÄRGER İn der STRAẞE", status="NEW"), version=0))
    for words in ("ärger", "straße", "i̇n der"):
        assert [found.batch_id for found in await postgres.find(WatchQuery(q=words))] == [2]
