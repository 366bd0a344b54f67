"""Listens to the news for endpoints: how their attempts went during the last hour."""

from collections import OrderedDict
from typing import Final

from watcher.core.last_hour import LastHour, Minutes, untold
from watcher.core.news import Attempted, EndpointChanged, News
from watcher.ports import Clock

MOST: Final = 1_000
"""Endpoints that are remembered; of more, those that were sent nothing for longest are forgotten."""
COUNTED: Final[dict[str, bool]] = {"done": False, "retried": True, "dead": True, "held": True}
"""Outcomes of attempts that count, and whether they failed. A receiver that asks for a pause neither accepted nor failed."""


class Lately:
    """The counts of each endpoint, in memory: they begin with this process. `hear` all news."""

    def __init__(self, *, clock: Clock, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._since = clock.now().timestamp()
        self._minutes: OrderedDict[str, Minutes] = OrderedDict()

    def hear(self, news: News) -> None:
        """Counts one piece of news."""
        if isinstance(news, Attempted) and (failed := COUNTED.get(news.outcome)) is not None:
            now = self._clock.now().timestamp()
            minutes = self._minutes.get(news.endpoint)
            if minutes is None:
                minutes = self._begin(news.endpoint, now)
            self._minutes.move_to_end(news.endpoint)
            minutes.count(now, news.took, failed=failed)
        elif isinstance(news, EndpointChanged) and news.state == "removed":
            self.forget(news.endpoint)  # with what was on its way when it was removed: nothing is told of it any more

    def of(self, endpoint_id: str) -> LastHour:
        """How the endpoint's attempts went."""
        minutes, now = self._minutes.get(endpoint_id), self._clock.now().timestamp()
        return untold(self._since, now) if minutes is None else minutes.told(now)

    def forget(self, endpoint_id: str) -> None:
        """The endpoint was removed: another one may get its id."""
        self._minutes.pop(endpoint_id, None)

    def _begin(self, endpoint_id: str, now: float) -> Minutes:
        minutes = self._minutes[endpoint_id] = Minutes(self._since)
        if len(self._minutes) > self._most:
            self._minutes.popitem(last=False)
            self._since = now  # of those that are not remembered nothing is known of before
        return minutes
