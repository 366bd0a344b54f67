"""A PostgreSQL that says nothing any more, on connections that are open still: what is under way is told right, and who wants to
stop can."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Final, TypeAlias

import asyncpg
import pytest

from tests.chaos.relay import Relay, relays
from tests.fakes import Ear, FakeClock
from tests.store.making import KEY, follow
from tests.store.postgres_server import Server
from watcher.ports import StoreError
from watcher.ports.errors import UnknownOutcome
from watcher.store.postgres import USUAL, open_postgres
from watcher.store.postgres_failures import is_passing
from watcher.store.postgres_pool import Access, Connections, OneConnection, begun, end, open_pool
from watcher.store.work import Connection

Lend: TypeAlias = Callable[[str], AbstractAsyncContextManager[Connections]]
PATIENCE: Final = 30.0
"""Seconds after which what is waited for will not come: fewer than the 40 after which every statement is given up."""
IMPATIENT = Access(statement=timedelta(seconds=1), connect=timedelta(seconds=1))
"""No answer within 2 seconds is no answer."""


@pytest.fixture
def wire(server: Server) -> Iterator[Relay]:
    with relays([next(server.folder.glob(".s.PGSQL.*[0-9]"))]) as [wire]:
        yield wire


@pytest.fixture
def behind(url: str, wire: Relay) -> str:
    """The test's database, behind the wire."""
    name = url.partition("?")[0].rpartition("/")[2]
    return f"postgresql://postgres@127.0.0.1:{wire.port}/{name}"


async def test_a_commit_that_nobody_answers_is_not_said_to_be_undone(
    url: str, behind: str, wire: Relay, clock: FakeClock, ear: Ear
) -> None:
    async with open_postgres(url, tell=ear, clock=clock) as store:
        await follow(store, KEY)

    def work(connection: Connection) -> None:
        connection.execute("UPDATE watches SET name = 'said'")
        wire.be("silent")

    async with open_postgres(behind, tell=ear, clock=clock, access=IMPATIENT) as store:
        with pytest.raises(UnknownOutcome, match="was lost while it committed, and cannot be asked whether it did"):
            await store.writer.run("rename", work)


async def test_a_store_is_closed_though_nobody_answers_and_what_waits_is_refused(
    behind: str, wire: Relay, clock: FakeClock, ear: Ear
) -> None:
    async with open_postgres(behind, tell=ear, clock=clock) as store:
        await store.ping()
        wire.be("silent")
        reads = asyncio.create_task(store.last_word())
        writes = asyncio.create_task(store.writer.run("nothing", lambda _: None))
        await asyncio.sleep(0)
    with pytest.raises(StoreError, match="was closed before it was done"):
        await writes
    with pytest.raises(StoreError):
        await reads


@asynccontextmanager
async def one_connection(url: str) -> AsyncIterator[Connections]:
    connections = OneConnection(url, USUAL)
    yield connections
    await connections.close()


@asynccontextmanager
async def pool_of_one(url: str) -> AsyncIterator[Connections]:
    pool = await open_pool(url, 1, USUAL)
    yield pool
    await end(pool)


@pytest.mark.parametrize("lend", [one_connection, pool_of_one])
@pytest.mark.parametrize("begin", ["BEGIN; SELECT pg_sleep(60)", "SELECT pg_sleep(60); BEGIN"])
async def test_who_is_cancelled_while_a_transaction_begins_leaves_none_behind(url: str, lend: Lend, begin: str) -> None:
    async with lend(url) as connections:
        asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def asks() -> None:
            async with connections.acquire():
                pass
            asked.set_result(None)
            async with begun(connections, begin):
                raise AssertionError("it sleeps")

        task = asyncio.create_task(asks())
        await asked
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with connections.acquire() as connection:
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("lend", [one_connection, pool_of_one])
async def test_who_is_cancelled_though_nobody_answers_cuts_the_connection(behind: str, wire: Relay, lend: Lend) -> None:
    async with lend(behind) as connections:
        begins = asyncio.Event()

        async def asks() -> None:
            async with begun(connections, "BEGIN") as connection:
                kept.append(connection.get_server_pid())
                wire.be("silent")
                begins.set()
                await connection.execute("SELECT 1")

        kept: list[int] = []
        task = asyncio.create_task(asks())
        await begins.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(PATIENCE):
                await task
        wire.be("open")
        async with connections.acquire() as connection:
            assert not connection.is_in_transaction()
            assert connection.get_server_pid() not in kept


async def test_where_the_server_has_ended_the_session_but_not_hung_up_yet_it_is_done_again_on_another(
    server: Server, url: str
) -> None:
    """As it is for a moment where this process stood still in a transaction for too long; asyncpg tells it in several ways."""

    async def late(connections: Connections) -> None:
        async with begun(connections, "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 1") as connection:
            there = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {connection.get_server_pid()}"
            while server.say(there) != "0":
                pass
            for _ in range(2):
                await asyncio.sleep(0)  # its last word is read, and mostly not that it hung up
            await connection.execute("SELECT 1")

    async with one_connection(url) as connections:
        with pytest.raises((asyncpg.InternalClientError, asyncpg.InterfaceError, asyncpg.PostgresError)) as refused:
            await late(connections)
        assert is_passing(refused.value)
        assert is_passing(asyncpg.InternalClientError("another operation is in progress"))
        async with connections.acquire() as connection:
            assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("lend", [one_connection, pool_of_one])
async def test_what_was_amiss_is_told_also_where_the_connection_was_cut(url: str, lend: Lend) -> None:
    async def cuts(connections: Connections) -> None:
        async with begun(connections, "BEGIN") as connection:
            connection.terminate()
            raise LookupError

    async with lend(url) as connections:
        with pytest.raises(LookupError):
            await cuts(connections)
        async with connections.acquire() as connection:
            assert await connection.fetchval("SELECT 1") == 1
