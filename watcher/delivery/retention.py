"""What is older than the retention allows is deleted, in portions so small that nobody waits for them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from watcher.core.news import Swept, Tell
from watcher.ports import Clock, Cutoffs, Deliveries, Forgotten

PORTION: Final = 500
"""Rows of each table that are looked at in one transaction."""
BETWEEN_PORTIONS: Final = 0.05
BETWEEN_ROUNDS: Final = 60.0
"""Seconds. Half a thousand rows each twentieth of a second are more than any load makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long events, deliveries that are over, and what was found out of broadcasts are kept."""

    events: timedelta = timedelta(days=30)
    deliveries: timedelta = timedelta(days=30)
    broadcasts: timedelta = timedelta(days=30)


class Sweeper:
    """Goes through what is old in rounds, a portion a step."""

    name: Final = "retention"

    def __init__(self, retention: Retention, *, store: Deliveries, clock: Clock, tell: Tell) -> None:
        self._retention = retention
        self._store = store
        self._clock = clock
        self._tell = tell
        self._since = Forgotten()
        self._counts = (0, 0, 0)
        self._took = 0.0

    def keep(self, retention: Retention) -> None:
        """It is that long from the next portion on."""
        self._retention = retention

    async def step(self) -> None:
        """One portion, and the pause after it. A portion that failed is begun anew by the next step."""
        began = self._clock.monotonic()
        portion = await self._store.forget(self._cutoffs(), self._since, PORTION)
        self._took += self._clock.monotonic() - began
        events, deliveries, broadcasts = self._counts
        self._counts = (events + portion.events, deliveries + portion.deliveries, broadcasts + portion.broadcasts)
        self._since = Forgotten(delivery=portion.delivery, position=portion.position, endpoint=portion.endpoint)
        if portion.ended:
            self._end_round()
        await self._clock.sleep(BETWEEN_ROUNDS if portion.ended else BETWEEN_PORTIONS)

    def _end_round(self) -> None:
        events, deliveries, broadcasts = self._counts
        if events or deliveries or broadcasts:
            self._tell(Swept(events=events, deliveries=deliveries, broadcasts=broadcasts, took=self._took))
        self._since, self._counts, self._took = Forgotten(), (0, 0, 0), 0.0

    def _cutoffs(self) -> Cutoffs:
        now = self._clock.now()
        return Cutoffs(
            events=now - self._retention.events,
            deliveries=now - self._retention.deliveries,
            broadcasts=now - self._retention.broadcasts,
        )
