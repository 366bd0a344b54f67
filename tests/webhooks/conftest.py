"""Webhooks are tried on both loops that the daemon may run on: transports and TLS are of each loop's own making."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.unhurried import UnhurriedLoop, UnhurriedUvloop


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": UnhurriedLoop, "uvloop": UnhurriedUvloop}
