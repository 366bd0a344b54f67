"""A house as in tests/web, with one account and no token; and a PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from tests.store.empty import server, url
from tests.web.house import House, open_house

__all__ = ["house", "server", "url"]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as open_one:
        yield open_one
