"""Those that go first for another reason than their worth: a person asks, or the watch is new. Who of them is next, and when.

Which lane a watch stands in is in the roster's column `first`; the lanes keep the order. Times are seconds since 1970.
"""

from collections import deque
from collections.abc import Collection
from math import inf
from typing import Final

from watcher.core.news import By
from watcher.core.roster import Roster

NONE: Final = 0
NEW: Final = 1
REFRESH: Final = 2
"""Values of the roster's column `first`."""
BY: Final[dict[int, By]] = {NONE: "single", NEW: "single", REFRESH: "refresh"}
SCANNED: Final = 256
"""How many of a lane are looked through for one that may be asked about now."""


class Lane:
    """Batch ids in the order of their coming. Those whose `first` says something else by now were taken off meanwhile."""

    def __init__(self, roster: Roster, value: int) -> None:
        self._roster = roster
        self._value = value
        self._ids: deque[int] = deque()

    def join(self, batch_id: int) -> None:
        """At its end; nothing happens where it stands in this lane or a better one already, or is not open."""
        row = self._roster.row(batch_id)
        if row is not None and self._roster.first[row] < self._value:
            self._roster.first[row] = self._value
            self._ids.append(batch_id)

    def rejoin(self, batch_id: int) -> None:
        """At its head, where it stood before; nothing happens where it stands in a better lane, or is not open."""
        row = self._roster.row(batch_id)
        if row is not None and self._roster.first[row] <= self._value:
            self._roster.first[row] = self._value
            self._ids.appendleft(batch_id)

    def head(self, now: float, flying: Collection[int], min_interval: float) -> tuple[int | None, float]:
        """The watch that stands here for longest, is not in flight, and was not asked about within `min_interval`; without one,
        when there will be."""
        while self._ids and not self._stands(self._ids[0]):
            self._ids.popleft()
        if not self._ids:  # as nearly always
            return None, inf
        ready = inf
        for batch_id, _ in zip(self._ids, range(SCANNED), strict=False):
            row = self._roster.row(batch_id)
            if row is None or self._roster.first[row] != self._value or batch_id in flying:
                continue
            rested = float(self._roster.tried[row]) + min_interval
            if rested <= now:
                return batch_id, now
            ready = min(ready, rested)
        return None, ready

    def _stands(self, batch_id: int) -> bool:
        row = self._roster.row(batch_id)
        return row is not None and bool(self._roster.first[row] == self._value)
