"""A PostgreSQL in trouble: a full disk, deadlocks, processes that vanish, no connection left. Nothing is lost or done twice,
whoever asks is told what to do, and it goes on by itself."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.fakes import Ear, FakeClock
from tests.stack.processes import a_port
from tests.store.making import KEY, changed, endpoint, follow
from tests.store.postgres_server import NOBODY, SETTINGS, Server, running
from watcher.core.model import Key, Watch
from watcher.core.news import StoreFailed, StoreRecovered
from watcher.core.recovering import DeliveryQuery
from watcher.ports import EventQuery, StoreError, UnusableStore
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.postgres_failures import explain
from watcher.store.postgres_pool import KEEPALIVES, Access, begun, open_pool
from watcher.store.work import Connection

SPACE: Final = 40 * 2**20
"""Bytes of the small disk: a database without rows takes a third of it."""


def grown(watch: Watch) -> Watch:
    """As it is after that change."""
    return replace(watch, number=watch.number + 1, version=watch.version + 1)


# A full disk


class Disk:
    """A small disk, and what takes the room on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filling = folder / "filling"

    def fill(self) -> None:
        """To the last byte."""
        with self._filling.open("ab", buffering=0) as file:
            for size in (2**20, 2**12, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def make_room(self) -> None:
        self._filling.unlink()


@pytest.fixture
def disk() -> Iterator[Disk]:
    """A file system in memory, which takes the rights of root."""
    folder = Path(tempfile.mkdtemp(prefix="watcher-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "watcher", folder], check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


@pytest.fixture
def small(server: Server, template: str, disk: Disk) -> Iterator[str]:
    """Where the database is that is on the small disk, all of it but the server's own log."""
    place = disk.folder / "tables"
    place.mkdir()
    if os.geteuid() == 0:
        subprocess.run(["chown", NOBODY, place], check=True)
    server.say(f"CREATE TABLESPACE small LOCATION '{place}'")
    server.say(f"CREATE DATABASE small TEMPLATE {template} TABLESPACE small")
    try:
        yield server.url("small")
    finally:
        server.drop("small")
        server.say("DROP TABLESPACE small")


async def test_on_a_full_disk_nothing_is_lost_or_done_twice_and_with_room_it_goes_on(
    small: str, disk: Disk, clock: FakeClock, ear: Ear
) -> None:
    large = {"name": os.urandom(4000).hex()}  # nothing is gained by packing it
    async with open_postgres(small, tell=ear, clock=clock) as store:
        await store.settle_endpoints([endpoint()])
        [watch] = await follow(store, KEY)
        disk.fill()
        refusal = None
        while refusal is None:
            try:
                await store.commit(changed(watch, **large))
                watch = grown(watch)
            except StoreError as error:
                refusal = str(error)
        assert refusal.startswith("the disk of postgresql:///small is full: make room, and it goes on by itself")
        assert ear.of(StoreFailed) == [StoreFailed(operation="commit", error=refusal)]
        assert await store.watch(KEY) == watch
        for _ in range(3):
            with pytest.raises(StoreError, match="is full"):
                await store.commit(changed(watch, **large))
        assert ear.of(StoreRecovered) == []
        disk.make_room()
        assert await store.commit(changed(watch, **large)) is not None
        assert ear.of(StoreRecovered) == [StoreRecovered(operation="commit")]
        events = await store.events(EventQuery(limit=1000))
        deliveries = await store.deliveries(DeliveryQuery(limit=1000))
    numbers = list(range(1, watch.number + 2))
    assert [(each.position, each.number) for each in events] == [(number, number) for number in numbers]
    assert sorted(each.position for each in deliveries) == numbers


# Locks


@pytest.fixture
async def other(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Somebody else in the test's database."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def test_of_two_that_wait_for_each_other_ours_is_undone_and_done_again(
    postgres: PostgresStore, other: "asyncpg.Connection[asyncpg.Record]", ear: Ear
) -> None:
    await follow(postgres, Key("default", 1), Key("default", 2))
    touch = "UPDATE watches SET name = 'theirs' WHERE batch_id = $1"
    ours = "UPDATE watches SET looks = looks + 1 WHERE batch_id = :batch_id"
    begun = asyncio.Event()
    tries = 0

    def work(asked: Connection) -> int:
        nonlocal tries
        tries += 1
        asked.execute("SET LOCAL deadlock_timeout = '1ms'")  # ours finds out, theirs is never asked
        while tries == 2 and not held.done():  # else ours may be first once more, and look before theirs waits
            asked.execute("SELECT 1")
        asked.execute(ours, {"batch_id": 1})
        begun.set()
        while tries == 1 and not asked.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]:
            pass
        asked.execute(ours, {"batch_id": 2})
        return tries

    async def theirs() -> None:
        async with other.transaction():
            await other.execute("SET LOCAL deadlock_timeout = '1h'")
            await other.execute(touch, 2)
            await begun.wait()
            await other.execute(touch, 1)

    held = asyncio.create_task(theirs())
    assert await postgres.writer.run("cross", work) == 2
    await held
    assert [tuple(row) for row in await other.fetch("SELECT name, looks FROM watches ORDER BY batch_id")] == [
        ("theirs", 1)
    ] * 2
    assert ear.of(StoreFailed) == []


async def test_what_a_process_has_locked_that_says_nothing_any_more_is_free_after_its_lease(
    url: str, clock: FakeClock, ear: Ear
) -> None:
    silent = Access(lease=timedelta(milliseconds=20))
    pool = await open_pool(url, 1, silent)
    async with open_postgres(url, tell=ear, clock=clock) as store:
        [watch] = await follow(store, KEY)
        # All in one message: between two it would be silent for its lease where this machine is busy.
        async with begun(pool, f"BEGIN{silent.begin}; UPDATE log SET last = last + 7") as connection:
            async with asyncio.timeout(60):
                with suppress(asyncpg.InterfaceError):  # the pool has noticed, and took it back
                    while not connection.is_closed():  # noqa: ASYNC110 # before anybody could listen for that it may be cut
                        await asyncio.sleep(0.01)
        assert await store.commit(changed(watch)) is not None
        assert [each.position for each in await store.events(EventQuery())] == [1]
    await pool.close()


@pytest.mark.parametrize(("pooler", "said"), [(False, {"application_name": "watcher", **KEEPALIVES}), (True, {})])
def test_a_session_says_how_long_a_machine_may_be_silent_but_not_to_a_pooler(
    pooler: bool, said: dict[str, str]
) -> None:
    assert Access(pooler=pooler).session == said


async def test_the_server_looks_whether_our_machine_is_still_there(clock: FakeClock) -> None:
    port = a_port(0)
    settings = {**SETTINGS, "listen_addresses": "127.0.0.1", "port": str(port)}
    with running(settings) as server:
        url = f"postgresql://postgres@127.0.0.1:{port}/{server.make()}"
        async with open_postgres(url, tell=Ear(), clock=clock) as store:
            text = "SELECT name, setting FROM pg_settings WHERE name LIKE 'tcp_%' ORDER BY name"
            for lane in (store._reader, store.writer):
                rows = await lane.run("look", lambda asked: asked.execute(text).fetchall())
                assert {row["name"]: row["setting"] for row in rows} == KEEPALIVES


# Connections


@pytest.fixture
def few(server: Server, url: str) -> Iterator[str]:
    """The database as somebody comes to it who may have four connections."""
    name = urlsplit(url).path[1:]
    server.say("CREATE ROLE few LOGIN SUPERUSER; ALTER ROLE few NOSUPERUSER CONNECTION LIMIT 4")
    server.say(
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO few; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO few", name
    )
    server.say("GRANT ALL ON SCHEMA public TO few", name)
    yield url.replace("postgres@", "few@")
    server.drop(name)
    server.say("DROP ROLE few")


async def _all_there_are(few: str, server: Server) -> list["asyncpg.Connection[asyncpg.Record]"]:
    """All connections that there are, but for one that was faster; those that were in use are ended."""
    server.say("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'few'")
    taken: list[asyncpg.Connection[asyncpg.Record]] = []
    while True:
        try:
            taken.append(await asyncpg.connect(few))
        except asyncpg.TooManyConnectionsError:
            return taken


async def test_where_no_connection_is_left_it_is_said_and_with_one_it_goes_on(
    few: str, server: Server, clock: FakeClock, ear: Ear
) -> None:
    taken = [await asyncpg.connect(few) for _ in range(4)]
    with pytest.raises(
        UnusableStore,
        match=r"has no connection left: raise max_connections \(or the role's CONNECTION LIMIT\), or put pgbouncer",
    ):
        async with open_postgres(few, tell=ear, clock=clock):
            pass
    for connection in taken:
        await connection.close()
    async with open_postgres(few, tell=ear, clock=clock) as store:
        [watch] = await follow(store, KEY)
        taken = await _all_there_are(few, server)
        with pytest.raises(StoreError, match="has no connection left"):
            await store.commit(changed(watch))
        for connection in taken:
            await connection.close()
        assert await store.commit(changed(watch)) is not None
        assert [each.position for each in await store.events(EventQuery())] == [1]
    assert (len(ear.of(StoreFailed)), len(ear.of(StoreRecovered))) == (1, 1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            asyncpg.OutOfMemoryError("out of shared memory"),
            "here has no room left for locks, or no memory: raise max_locks_per_transaction (out of shared memory)",
        ),
        (
            asyncpg.IdleInTransactionSessionTimeoutError("idle"),
            "here ended a transaction that this process left alone for too long: its machine is overloaded (idle)",
        ),
    ],
)
def test_what_the_server_has_too_little_of_is_named(error: Exception, said: str) -> None:
    assert explain(error, "here") == said
