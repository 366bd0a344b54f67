"""A house as in tests/web: one account, no token."""

from collections.abc import AsyncIterator

import pytest

from tests.web.house import House, open_house


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as open_one:
        yield open_one
