"""Writes deploy/openapi.json anew: `make openapi`."""

import asyncio

import watcher
from tests.web.house import open_house
from tests.web.test_openapi import COPY
from watcher.web.documents import written
from watcher.web.operations import operations_of


async def renew() -> None:
    """The document of the interface as it is wired for the tests, which is how it is wired."""
    async with open_house() as house:
        COPY.write_bytes(written(operations_of(house.app), watcher.__version__).openapi)


if __name__ == "__main__":
    asyncio.run(renew())
