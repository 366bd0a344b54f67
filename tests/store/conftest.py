"""The store that the contract tests are run against, once for each database there is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_store import FakeStore
from tests.fakes import Ear, FakeClock
from watcher.ports import Store
from watcher.store.sqlite import SqliteStore, open_store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture(params=["sqlite", "fake"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, ear: Ear) -> AsyncIterator[Store]:
    """An empty store, known to the tests by its port only. The fake is among them, so that it is not kinder than the real."""
    if request.param == "fake":
        yield FakeStore(clock)
        return
    async with open_store(tmp_path / "watcher.db", tell=ear, clock=clock) as store:
        yield store


@pytest.fixture(params=["sqlite"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, ear: Ear) -> AsyncIterator[Store]:
    """As `store`, where only a database need keep the promise."""
    async with open_store(tmp_path / "watcher.db", tell=ear, clock=clock) as store:
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
