"""Listening for the notifications of other replicas, on a connection of its own, which is made again whenever it broke.

Nothing depends on it: who hears nothing reads all the same, later.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import asyncpg

from watcher.store.postgres_failures import LOST
from watcher.store.postgres_pool import Access

CHANNEL: Final = "watcher"
POLLED: Final = 0.25
"""Seconds after which one reads where nobody can be notified: behind a pooler, or while the connection is broken."""
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 10.0
"""Seconds before the connection is made again: doubling from the first to the longest where that fails again and again."""
STILL_THERE: Final = 30.0
"""Seconds after which it is looked at whether the connection is there still."""


class Listening:
    """`live` is the task that listens, until it is cancelled. `own` gives the server's process by which this one writes: what
    that was the cause of counts for nothing."""

    def __init__(self, url: str, access: Access, *, own: Callable[[], int | None]) -> None:
        self._url = url
        self._access = access
        self._own = own
        self._noticed = asyncio.Event()
        self.listens = False

    async def noticed(self, seconds: float) -> None:
        """Returns when somebody else was heard, and after so many seconds at most."""
        within = seconds if self.listens else min(seconds, POLLED)
        try:
            async with asyncio.timeout(within):
                await self._noticed.wait()
        except TimeoutError:
            return
        finally:
            self._noticed.clear()

    async def live(self) -> None:
        """Listens, again and again. Behind a pooler nobody can."""
        pause = FIRST_PAUSE
        while not self._access.pooler:
            try:
                await self._listen()
                pause = FIRST_PAUSE
            except (*LOST, asyncpg.PostgresError):
                pause = min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _listen(self) -> None:
        """Until the connection breaks."""
        connection: Any = await asyncpg.connect(
            self._url,
            password=self._access.password,
            timeout=self._access.connect.total_seconds(),
            server_settings=self._access.session,
        )
        broken = asyncio.Event()
        connection.add_termination_listener(lambda _: broken.set())
        try:
            await connection.add_listener(CHANNEL, self._hear)
            self.listens = True
            self._noticed.set()  # nobody knows what was said before
            while not broken.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(STILL_THERE):
                        await broken.wait()
                        break
                await connection.execute("SELECT", timeout=self._access.connect.total_seconds())
        finally:
            self.listens = False
            connection.terminate()

    def _hear(self, _: object, process: int, __: str, ___: object) -> None:
        if process != self._own():
            self._noticed.set()
