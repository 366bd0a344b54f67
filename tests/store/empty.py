"""Fixtures: a PostgreSQL, and an empty database on it, for tests of what daemons and commands do with one."""

from collections.abc import Iterator

import pytest

from tests.store.postgres_server import Server, running


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
