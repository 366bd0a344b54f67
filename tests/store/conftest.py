"""The store that the contract tests are run against, once for each database there is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import Ear, FakeClock
from watcher.ports import Store
from watcher.store.sqlite import open_store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, ear: Ear) -> AsyncIterator[Store]:
    """An empty store, known to the tests by its port only."""
    async with open_store(tmp_path / "watcher.db", tell=ear, clock=clock) as store:
        yield store
