"""A house for most tests: an empty world, two accounts, no budget."""

from collections.abc import AsyncIterator

import pytest

from tests.simulator.house import House, open_house


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as open_one:
        yield open_one
