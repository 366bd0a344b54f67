"""Hand-written stand-ins for the ports."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from watcher.core.news import News

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class FakeClock:
    """Time that stands still unless told; `sleep` lets others run and turns the clock forward by what was asked."""

    def __init__(self, now: datetime = NOON, draws: Sequence[float] = (0.5,)) -> None:
        self._now = now
        self._draws = list(draws)
        self._drawn = 0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.turn(seconds=max(seconds, 0.0))
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        if not event.is_set():
            await self.sleep(seconds)

    def draw(self) -> float:
        self._drawn += 1
        return self._draws[(self._drawn - 1) % len(self._draws)]

    def turn(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> datetime:
        """Moves time forward (or back) and gives the new now."""
        self._now += timedelta(seconds=seconds, minutes=minutes, hours=hours)
        return self._now


class Ear:
    """Listens to the news and keeps all of it."""

    def __init__(self) -> None:
        self.heard: list[News] = []

    def __call__(self, news: News) -> None:
        self.heard.append(news)

    def of(self, *kinds: type) -> list[News]:
        """What was heard of the kinds named, in order."""
        return [news for news in self.heard if isinstance(news, kinds)]
