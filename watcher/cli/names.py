"""Names for shell completion, as the daemon knows them. Whoever presses the tab key waits: within a moment, or not at all."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from watcher.cli.options import environment
from watcher.cli.running import run_to_end

if TYPE_CHECKING:
    from watcher.client import Watcher

WITHIN: Final = 1.0
"""Seconds after which nothing is completed."""


def account_names(incomplete: str) -> list[str]:
    """Accounts that begin so."""

    async def names(watcher: "Watcher") -> list[str]:
        return [account.name for account in await watcher.accounts.list()]

    return _known(names, incomplete)


def endpoint_ids(incomplete: str) -> list[str]:
    """Endpoints whose ids begin so."""

    async def ids(watcher: "Watcher") -> list[str]:
        return [endpoint.id for endpoint in await watcher.endpoints.list()]

    return _known(ids, incomplete)


def _known(question: "Callable[[Watcher], Awaitable[list[str]]]", incomplete: str) -> list[str]:
    import asyncio

    from watcher.cli.daemon import NoPlace, place_of
    from watcher.client import Watcher, WatcherError
    from watcher.settings import BadSettings

    async def asked() -> list[str]:
        there = place_of(None, environment())
        async with asyncio.timeout(WITHIN), Watcher(there.url, token=there.token) as watcher:
            return await question(watcher)

    try:
        return [name for name in run_to_end(asked()) if name.startswith(incomplete)]
    except (BadSettings, NoPlace, TimeoutError, WatcherError):
        return []
