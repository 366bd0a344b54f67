"""The real time and the real dice: the only place that reads them."""

import asyncio
import random
import time
from datetime import UTC, datetime


class SystemClock:
    """Wall time that never goes back: where the machine's clock is set back, ours goes on at the old distance.

    What was asked before must stay before what is asked after, or looks would overtake each other. A clock that is set
    forward is followed.
    """

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def now(self) -> datetime:
        monotonic = time.monotonic()
        self._ahead = max(self._ahead, time.time() - monotonic)
        return datetime.fromtimestamp(monotonic + self._ahead, UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        if event.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return

    def draw(self) -> float:
        return random.random()
