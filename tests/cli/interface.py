"""The interface alone, for commands to ask: nothing is polled or sent, and what is known of batches is what the test says."""

import asyncio
import threading
from typing import Final

from tests.fake_submitting import FakeSubmitting
from tests.fakes_subscribing import FakeSubscribing
from tests.web.house import FakeFollowing, FakeHealth, open_house

PATIENCE: Final = 60.0
"""Seconds after which what is waited for will not come: on a busy machine a process takes seconds to begin."""


class Interface:
    """The interface, served by a thread of its own."""

    def __init__(self) -> None:
        self.url = ""
        self.following: FakeFollowing
        self.subscribing: FakeSubscribing
        self.submitting: FakeSubmitting
        self.health: FakeHealth
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with open_house() as house:
                self.submitting, self.health = house.submitting, house.health
                self.url, self.following, self.subscribing = house.url, house.following, house.subscribing
                self._ready.set()
                await self._end.wait()
        finally:
            self._ready.set()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)
