"""The store that the contract tests are run against, once for each database there is."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.fake_store import FakeStore
from tests.fakes import Ear, FakeClock
from tests.store.postgres_server import Server, running
from watcher.ports import Store
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.sqlite import SqliteStore, open_store


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


def _opened(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, ear: Ear
) -> AbstractAsyncContextManager[Store]:
    if request.param == "postgres":
        return open_postgres(request.getfixturevalue("url"), tell=ear, clock=clock)
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
