"""A browser, and what it looks at. Starting them takes seconds, so that all tests of the page share them: each has a visit of its
own, and batches of its own by their names."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.page.town import TOKEN, Daemon, Town, open_town
from tests.page.visiting import Visit, launched, visiting

PATIENCE = 60_000
"""Milliseconds until what a test waits for must be there, on a machine that has other things to do as well."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """A browser lives in one loop: all tests here run in it."""
    for item in items:
        if item.path.parent == Path(__file__).parent and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright, launched(playwright) as running:
        yield running


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A simulated CallFire that answers at once."""
    with open_town(tmp_path_factory.mktemp("town")) as there:
        yield there


@pytest.fixture(scope="session")
def daemon(town: Town) -> Daemon:
    """A daemon that anybody on this machine may ask, with a few batches."""
    there = town.daemon("open")
    there.follow(*town.add(2, validating_for=3600, name="Autumn appeal"), campaign="autumn")
    there.follow(*town.add(1, end="ERRORS", new_for=0, validating_for=0, name="Winter appeal"), campaign="winter")
    return there


@pytest.fixture(scope="session")
def closed(town: Town) -> Daemon:
    """A daemon that wants a token: TOKEN."""
    there = town.daemon("closed", TOKEN)
    there.follow(*town.add(1, validating_for=3600, name="Autumn appeal"), campaign="autumn")
    return there


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, daemon: Daemon) -> AsyncIterator[Visit]:
    """A visit at the open daemon."""
    async with visiting(browser, daemon.url) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def guest(browser: Browser, closed: Daemon) -> AsyncIterator[Visit]:
    """A visit at the daemon that wants a token, before signing in."""
    async with visiting(browser, closed.url) as made:
        made.mean(r"status of 401 .*/v1/session$")
        yield made
