"""The store that the contract tests are run against, once for each database there is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.fake_store import FakeStore
from tests.fakes import NOON, Ear, FakeClock
from tests.store.copies import New
from tests.store.postgres_server import Server, running
from tests.store.turned import CLOCK, open_turned
from watcher.ports import Store
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.rows import millis
from watcher.store.sqlite import SqliteStore, open_store

Somebody: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Turn = Callable[[datetime], Awaitable[None]]
Say = Callable[[str], str]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL for all tests of this process."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """A database with all tables, of which copies are made."""
    name = server.make()
    with ThreadPoolExecutor(1) as aside:  # a test's loop may be running here already
        aside.submit(asyncio.run, _fill(server.url(name))).result()
    return name


async def _fill(url: str) -> None:
    async with open_postgres(url, tell=lambda news: None, clock=FakeClock()):
        pass


@pytest.fixture
def url(server: Server, template: str) -> Iterator[str]:
    """Where the PostgreSQL database of a test is: tables without rows."""
    name = server.make(template)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
async def postgres(url: str, clock: FakeClock, ear: Ear) -> AsyncIterator[PostgresStore]:
    """An empty store on PostgreSQL, for what is special about it."""
    async with open_postgres(url, tell=ear, clock=clock) as store:
        yield store


@pytest.fixture
async def other(postgres: PostgresStore, url: str, clock: FakeClock) -> AsyncIterator[PostgresStore]:
    """A second process, which has the database of `postgres` too."""
    async with open_postgres(url, tell=Ear(), clock=clock) as store:
        yield store


@pytest.fixture
def say(server: Server, url: str) -> Say:
    """Says something to the test's database, as somebody else; gives what psql prints."""
    return lambda text: server.say(text, urlsplit(url).path[1:])


def _opened(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, ear: Ear
) -> AbstractAsyncContextManager[Store]:
    if request.param == "postgres":
        return open_turned(request.getfixturevalue("url"), tell=ear, clock=clock)
    return open_store(tmp_path / "watcher.db", tell=ear, clock=clock)


@pytest.fixture(params=["sqlite", "postgres", "fake"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, ear: Ear) -> AsyncIterator[Store]:
    """An empty store, known to the tests by its port only. The fake is among them, so that it is not kinder than the real."""
    if request.param == "fake":
        yield FakeStore(clock)
        return
    async with _opened(request, tmp_path, clock, ear) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, ear: Ear) -> AsyncIterator[Store]:
    """As `store`, where only a database need keep the promise."""
    async with _opened(request, tmp_path, clock, ear) as store:
        yield store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the SQLite database of a test is."""
    return tmp_path / "watcher.db"


@pytest.fixture
async def sqlite(path: Path, clock: FakeClock, ear: Ear) -> AsyncIterator[SqliteStore]:
    """An empty store on SQLite, for what is special about it."""
    async with open_store(path, tell=ear, clock=clock) as store:
        yield store


@pytest.fixture
def new(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[New]:
    """Makes a place without tables for a database of a kind; gives its URL."""
    made: list[str] = []
    numbers = count()

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"
        made.append(request.getfixturevalue("server").make())
        return str(request.getfixturevalue("server").url(made[-1]))

    yield make
    for name in made:
        request.getfixturevalue("server").drop(name)


@pytest.fixture
async def stores(url: str, clock: FakeClock) -> AsyncIterator[list[PostgresStore]]:
    """Three processes that have one database."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_postgres(url, tell=Ear(), clock=clock)) for _ in range(3)]


@pytest.fixture
async def somebody(url: str, stores: list[PostgresStore]) -> AsyncIterator[Somebody]:
    """One who says things to the database of `stores`."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
async def turn(somebody: Somebody) -> Turn:
    """Turns the clock of that database, which stands still otherwise; at noon first."""
    for statement in CLOCK:
        await somebody.execute(statement)

    async def turned(now: datetime) -> None:
        await somebody.execute("UPDATE tests_clock SET at = $1", millis(now))

    await turned(NOON)
    return turned
