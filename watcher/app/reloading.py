"""Settings that are read again while the daemon runs: taken up as a whole where all of them are good, else not at all."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from watcher.app.assembly import (
    CannotStart,
    Parts,
    divisions_of,
    endpoints_of,
    limits_of,
    rates_of,
    retention_of,
    shares_of,
    take_up_accounts,
)
from watcher.core.news import Reloaded, SharesNamed
from watcher.delivery import Book, Deliverer, Subscriptions, Sweeper
from watcher.polling.following import Polling
from watcher.polling.sharing import Sharer
from watcher.ports import StoreError
from watcher.settings import BadSettings, Settings
from watcher.settings.changing import difference
from watcher.telemetry.lines import configure
from watcher.telemetry.logs import Logs

Read = Callable[[], Settings]
"""Reads the settings from where they were read at the start. Raises BadSettings."""


class Asked:
    """That the settings are to be read again, where from, and what is to be done before."""

    def __init__(self, read: Read, *, begins: Callable[[], None] = lambda: None) -> None:
        self.read = read
        self.begins = begins
        self.now = asyncio.Event()


class Present:
    """The settings in force, for whoever makes something from them later on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings


class Reloader:
    """Waits until it is asked, reads the settings again, and has everybody go by them. What came of it is told."""

    name: Final = "settings"

    def __init__(
        self,
        present: Present,
        asked: Asked,
        parts: Parts,
        polling: Polling,
        sharer: Sharer,
        book: Book,
        deliverer: Deliverer,
        subscriptions: Subscriptions,
        sweeper: Sweeper,
        logs: Logs,
    ) -> None:
        self._present = present
        self._asked = asked
        self._parts = parts
        self._polling = polling
        self._sharer = sharer
        self._book = book
        self._deliverer = deliverer
        self._subscriptions = subscriptions
        self._sweeper = sweeper
        self._logs = logs

    async def step(self) -> None:
        await self._asked.now.wait()
        self._asked.now.clear()
        self._asked.begins()
        try:
            changed, restart = await self._reload()
        except BadSettings as bad:
            self._came_of("; ".join(map(str, bad.problems)))
        except (CannotStart, StoreError) as trouble:
            self._came_of(str(trouble))
        else:
            self._came_of(None, changed, restart)

    async def _reload(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What changed, and what needs a start. Raises what is in the way, with nothing changed."""
        before, parts = self._present.settings, self._parts
        found = difference(before, await asyncio.to_thread(self._asked.read))
        after = found.settings
        endpoints = endpoints_of(after)
        await parts.store.settle_endpoints(list(endpoints.values()))
        # From here on nothing fails, and nothing waits but for the book, which is read again every few seconds anyway.
        self._present.settings = after
        outdated = take_up_accounts(before, after, parts)
        self._polling.know(rates_of(after), divisions_of(after))
        shares = shares_of(after)
        self._sharer.share_out(shares, outdated)
        parts.tell(SharesNamed(shares=tuple(shares)))
        parts.guard.allowed = tuple(after.webhooks.allow_networks)
        self._subscriptions.allow(after.webhooks.allow_networks)
        self._deliverer.limit(limits_of(after))
        self._sweeper.keep(retention_of(after))
        if after.log != before.log:
            configure(format=after.log.format, level=after.log.level)
            self._logs.listen_up()
        self._book.name(endpoints)
        with suppress(StoreError):
            await self._book.load(parts.store)
        self._deliverer.wake()
        return found.changed, found.restart

    def _came_of(self, error: str | None, changed: tuple[str, ...] = (), restart: tuple[str, ...] = ()) -> None:
        self._parts.tell(Reloaded(at=self._parts.clock.now(), error=error, changed=changed, restart=restart))
