"""What deliveries wait for, seen from outside: how many are in flight over time, and how long the store takes to answer."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from watcher.core.endpoint import Attempt, Delivery, Endpoint
from watcher.core.news import News, StoreTook
from watcher.ports import Handshake, Sender

ASKED: Final = ("claim", "settle")
BEST: Final = 32
"""In flight of a bare loop at its best: with more it takes more processor time for each."""


class Air:
    """Sends by another sender, and notes for how many seconds how many were in flight."""

    def __init__(self) -> None:
        self.seconds: defaultdict[int, float] = defaultdict(float)
        self._flying = 0
        self._since = time.monotonic()

    def around(self, sender: Sender) -> Sender:
        """Sends by that one from now on."""
        self._sender = sender
        return self

    def begin(self) -> None:
        """What was before does not count."""
        self._note(0)
        self.seconds.clear()

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
        self._note(1)
        try:
            return await self._sender.send(endpoint, delivery)
        finally:
            self._note(-1)

    async def handshake(self, endpoint: Endpoint) -> Handshake:
        return await self._sender.handshake(endpoint)

    def share_below(self, count: int) -> float:
        """In which share of the time fewer than that were in flight."""
        return sum(seconds for flying, seconds in self.seconds.items() if flying < count) / sum(self.seconds.values())

    def mean(self) -> float:
        """How many were in flight, over the time."""
        return sum(flying * seconds for flying, seconds in self.seconds.items()) / sum(self.seconds.values())

    def _note(self, more: int) -> None:
        now = time.monotonic()
        self.seconds[self._flying] += now - self._since
        self._since = now
        self._flying += more


@dataclass(slots=True)
class Answers:
    """Listens to how often the store was asked what deliveries need, and how many seconds it took in all."""

    times: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ASKED, 0))
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ASKED, 0.0))

    def hear(self, news: News) -> None:
        if isinstance(news, StoreTook) and news.operation in self.times:
            self.times[news.operation] += 1
            self.seconds[news.operation] += news.took


def waits(air: Air, answers: Answers, *, count: int, seconds: float, busy: float, in_flight: int) -> dict[str, float]:
    """What so many deliveries waited for: they took so many seconds, in some of which the loop that sends was `busy`."""
    told = {
        "time of a delivery, microseconds": seconds / count * 1e6,
        "the loop that sends is busy, %": 100 * busy / seconds,
        "in flight, the mean over the time": air.mean(),
    }
    for few in (in_flight, in_flight // 2, BEST, 1):
        told[f"time with {'none' if few == 1 else f'fewer than {few}'} in flight, %"] = 100 * air.share_below(few)
    for operation, said in zip(ASKED, ("claimed", "settled"), strict=True):
        told[f"{said} at once, deliveries"] = count / answers.times[operation]
        told[f"{said}: until it is committed, milliseconds"] = (
            answers.seconds[operation] / answers.times[operation] * 1e3
        )
        told[f"{said}: time until it is committed of each delivery, microseconds"] = (
            answers.seconds[operation] / count * 1e6
        )
    return told
