"""The real time and the real dice: the only place that reads them."""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime


class SystemClock:
    """Wall time that never goes back: where the machine's clock is set back, ours goes half as fast until both agree.

    What was asked before must stay before what is asked after, or looks would overtake each other; yet a clock that stays
    ahead for good would sign webhooks that no receiver accepts. A clock that is set forward is followed at once.
    """

    def __init__(
        self, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._ahead = wall() - monotonic()
        self._read = monotonic()

    def now(self) -> datetime:
        # In this order: were the process put aside between the two, we would be late for a moment and not early for good.
        wall = self._wall()
        monotonic = self._monotonic()
        slowest = self._ahead - (monotonic - self._read) / 2
        self._ahead = max(wall - monotonic, slowest)
        self._read = monotonic
        return datetime.fromtimestamp(monotonic + self._ahead, UTC)

    def monotonic(self) -> float:
        return self._monotonic()

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
