"""A house as in tests/web, with one account and no token; and a PostgreSQL."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.store.postgres_server import Server, running
from tests.web.house import House, open_house


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as open_one:
        yield open_one


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One for all tests of this process."""
    with running() as server:
        yield server


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """An empty database."""
    name = server.make()
    yield server.url(name)
    server.drop(name)
