"""Settings that are read again while the daemon runs: taken up as a whole where all of them are good, else not at all."""

import asyncio
import threading
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
from watcher.settings import BadSettings, Problem, Settings
from watcher.settings.changing import difference
from watcher.telemetry.lines import configure
from watcher.telemetry.logs import Logs

WITHIN: Final = 30.0
"""Seconds after which settings that are not read yet are given up: the disk that they are on hangs."""

Read = Callable[[], Settings]
"""Reads the settings from where they were read at the start. Raises BadSettings."""


class Asked:
    """That the settings are to be read again, where from, and what is to be done before."""

    def __init__(self, read: Read, *, begins: Callable[[], None] = lambda: None, within: float = WITHIN) -> None:
        self._read = read
        self._within = within
        self.begins = begins
        self.now = asyncio.Event()

    async def settings(self) -> Settings:
        """As they are there. Raises BadSettings, also where they cannot be read for too long.

        They are read in a thread of its own, which nobody waits for at the end: a read from a disk that hangs cannot be ended."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Settings] = loop.create_future()

        def ended(settings: Settings | None, error: Exception | None) -> None:
            if answer.done():
                return  # nobody waits for it any more
            if settings is not None:
                answer.set_result(settings)
            elif error is not None:
                answer.set_exception(error)

        def work() -> None:
            settings: Settings | None = None
            failed: Exception | None = None
            try:
                settings = self._read()
            except Exception as error:  # noqa: BLE001 # whatever it is: it is raised where the settings are waited for
                failed = error
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(ended, settings, failed)

        threading.Thread(target=work, name="settings", daemon=True).start()
        try:
            async with asyncio.timeout(self._within):
                return await answer
        except TimeoutError:
            what, remedy = f"could not be read within {self._within:g} s", "see to the disk that they are on"
            raise BadSettings([Problem(place="settings", what=what, remedy=remedy)]) from None


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
            self._parts.tell(await self._reload())
        except BadSettings as bad:
            self._refused("; ".join(map(str, bad.problems)))
        except (CannotStart, StoreError) as trouble:
            self._refused(str(trouble))

    async def _reload(self) -> Reloaded:
        """What came of it. Raises what is in the way, with nothing changed."""
        before, parts = self._present.settings, self._parts
        read = await self._asked.settings()
        found = difference(before, read)
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
        now = parts.clock.now()
        return Reloaded(at=now, error=None, changed=found.changed, restart=found.restart, warnings=read.warnings)

    def _refused(self, error: str) -> None:
        self._parts.tell(Reloaded(at=self._parts.clock.now(), error=error))
