"""Requests that wait until something happens to a watch: woken by the news, bounded in number, and let go when the client is
gone, the time is over, or the daemon is asked to stop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

from watcher.core.model import Key
from watcher.core.news import Changed, Following, News, Stopping
from watcher.core.tokens import Grant
from watcher.ports import Clock
from watcher.web.problems import Problem
from watcher.web.shares import Shares

MOST: Final = 2000
"""Requests that wait at once: each holds a connection and some kilobytes."""
PEEK: Final = 1.0
"""Seconds after which one that waits looks whether its client is still there."""
RETRY_AFTER: Final = 5
"""Seconds after which to try again where too many wait."""


class Waiters:
    """Who waits for what, and how many that are. Listens to the news."""

    def __init__(self, *, clock: Clock, most: int = MOST) -> None:
        self._clock = clock
        self._places = Shares(most)
        self._waiting: dict[Key | None, list[asyncio.Event]] = {}  # one may be there for several
        self._over = False

    def hear(self, news: News) -> None:
        """Wakes those that wait for what has happened."""
        if isinstance(news, Changed | Following):
            for event in self._waiting.get(Key(news.account, news.batch_id), ()):
                event.set()
        elif isinstance(news, Stopping):
            self.let_go()

    def let_go(self) -> None:
        """The daemon stops: nobody waits any longer."""
        self._over = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def end(self, _: web.Application) -> None:
        """As the application ends."""
        self.let_go()

    @contextmanager
    def waiting(self, asks: Grant, key: Key | None, event: asyncio.Event | None = None) -> Iterator["Waiter"]:
        """Somebody who hears of the watch from now on, until the end of the context; or of nothing (None) but what sets the
        `event`. A Problem where too many wait, or too many with that token."""
        if not self._places.take(asks):
            own = (
                f"{self._places.of(asks)} requests with this token"
                if self._places.free > 0
                else f"{self.count} requests"
            )
            raise Problem(
                429,
                "too-many-waiting",
                f"{own} wait already. Ask without Prefer: wait, or again in a few seconds.",
                headers={"Retry-After": str(RETRY_AFTER)},
            )
        alone = event is None
        event = event or asyncio.Event()
        self._waiting.setdefault(key, []).append(event)
        try:
            yield Waiter(self, event, self._clock, again=alone)
        finally:
            self._places.give_back(asks)
            there = self._waiting[key]
            there.remove(event)
            if not there:
                del self._waiting[key]

    @property
    def count(self) -> int:
        """Requests that wait."""
        return self._places.taken

    @property
    def over(self) -> bool:
        """Whether nobody is to wait any more."""
        return self._over


class Waiter:
    """One request that waits; with `again` for one thing after another. Others may wait for the same event where not."""

    def __init__(self, waiters: Waiters, event: asyncio.Event, clock: Clock, *, again: bool) -> None:
        self._waiters = waiters
        self._event = event
        self._clock = clock
        self._again = again

    async def woken(self, request: web.Request, until: float) -> bool:
        """Waits for news, until that moment of the monotonic clock at most. False where the wait is over for good."""
        while not self._waiters.over and not self._event.is_set():
            left = until - self._clock.monotonic()
            if left <= 0 or request.transport is None or request.transport.is_closing():
                return False
            await self._clock.wait(self._event, min(left, PEEK))
        if self._again:
            self._event.clear()
        return not self._waiters.over
