"""What scripts do with a budget: what the daemon is measured against."""

import heapq
from collections import deque
from random import Random

from watcher.planning.play import Ask, Told
from watcher.planning.workload import Validation


class Backoff:
    """A timer for each batch: `first` seconds before the first look and after it, then longer by a factor after each look in
    vain, up to `longest`; the budget serves them in the order in which they ring."""

    def __init__(self, factor: float, *, first: float = 1.0, longest: float = 60.0) -> None:
        self._factor = factor
        self._first = first
        self._longest = longest
        self._due: list[tuple[float, int]] = []
        self._pause: dict[int, float] = {}

    def register(self, batch: Validation, now: float) -> None:
        self._pause[batch.batch_id] = self._first
        heapq.heappush(self._due, (now + self._first, batch.batch_id))

    def choose(self, now: float) -> Ask | None:
        return Ask(batch_id=heapq.heappop(self._due)[1]) if self._rings(now) else None

    def heard(self, ask: Ask, told: Told) -> None:
        row = told.rows[0]
        if row.done:
            del self._pause[row.batch_id]
        else:
            pause = self._pause[row.batch_id]
            heapq.heappush(self._due, (told.asked + pause, row.batch_id))
            self._pause[row.batch_id] = min(pause * self._factor, self._longest)

    def _rings(self, now: float) -> bool:
        return bool(self._due) and self._due[0][0] <= now


class Every(Backoff):
    """Each batch every so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(1.0, first=seconds, longest=seconds)


class RoundRobin(Every):
    """One after another, as fast as the budget allows, none more than once a second."""

    def __init__(self) -> None:
        super().__init__(1.0)


class Crowd(Backoff):
    """Backoff with one task a batch, as scripts have it: those whose timer rang wait at a throttle that lets any of them pass,
    and not the one that came first."""

    def __init__(self, factor: float, *, seed: int = 0) -> None:
        super().__init__(factor)
        self._waiting: list[int] = []
        self._dice = Random(seed)

    def choose(self, now: float) -> Ask | None:
        while self._rings(now):
            self._waiting.append(heapq.heappop(self._due)[1])
        if not self._waiting:
            return None
        place = self._dice.randrange(len(self._waiting))
        self._waiting[place], self._waiting[-1] = self._waiting[-1], self._waiting[place]
        return Ask(batch_id=self._waiting.pop())


class ListPages:
    """The broadcasts' pages, one after another: the best that a script does today.

    It knows which broadcast a batch is in, leaves out broadcasts of which all batches are done, and pages that are full of
    batches that are.
    """

    def __init__(self, limit: int = 100) -> None:
        self._limit = limit
        self._round: deque[tuple[int, int]] = deque()  # broadcast, page
        self._in_round: set[tuple[int, int]] = set()  # also those that are asked for just now
        self._open: dict[int, set[int]] = {}
        self._pages: dict[int, int] = {}  # by broadcast

    def register(self, batch: Validation, now: float) -> None:
        left = self._open.setdefault(batch.broadcast_id, set())
        if not left:
            # All that came before is done: what is new stands on the last page, or behind.
            self._join(batch.broadcast_id, self._pages.setdefault(batch.broadcast_id, 1) - 1)
        left.add(batch.batch_id)

    def choose(self, now: float) -> Ask | None:
        if not self._round:
            return None
        broadcast_id, page = self._round.popleft()
        return Ask(broadcast_id=broadcast_id, offset=page * self._limit, limit=self._limit)

    def heard(self, ask: Ask, told: Told) -> None:
        broadcast_id, page = ask.broadcast_id, ask.offset // self._limit
        left = self._open[broadcast_id]
        left.difference_update(row.batch_id for row in told.rows if row.done)
        self._in_round.discard((broadcast_id, page))
        known = self._pages[broadcast_id]
        # Without a total, there is one page more than are full.
        rows = told.total if told.total is not None else ask.offset + len(told.rows) + 1
        pages = self._pages[broadcast_id] = max(known, -(-rows // self._limit))
        for each in range(known, pages):
            self._join(broadcast_id, each)
        over = len(told.rows) == self._limit and all(row.done for row in told.rows) and page < pages - 1
        if left and not over:
            self._join(broadcast_id, page)

    def _join(self, broadcast_id: int, page: int) -> None:
        if (broadcast_id, page) not in self._in_round:
            self._in_round.add((broadcast_id, page))
            self._round.append((broadcast_id, page))
