"""Looking at batches in virtual time: the daemon's own roster and schedule beside what scripts do, given equal arrivals.

The workload is that of polling.md, "What it buys". A delay is the time from the end of validation to the look that sees it.
"""

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from watcher.core.model import ACTIVE, VALIDATING, Batch, Seen, State, Watch
from watcher.core.roster import Roster
from watcher.core.schedule import Choice, Pace, Schedule
from watcher.core.transitions import Rules, learn

EPOCH: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """One batch: when it is registered (and created), and when CallFire is done with it. Seconds since the start."""

    batch_id: int
    begins: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a strategy got out of a budget: seconds of delay of every batch that ended in time, and the requests spent."""

    delays: Figures
    requests: int

    @property
    def mean(self) -> float:
        return float(self.delays.mean())

    @property
    def p95(self) -> float:
        return float(np.quantile(self.delays, 0.95))


class Strategy(Protocol):
    """Decides what a token is spent on. Times are seconds since the start."""

    def register(self, batch_id: int, now: float) -> None:
        """Somebody wants to know when the batch is done."""

    def choose(self, now: float) -> int | None:
        """The batch to ask about with the token that is there now; None lets the token go."""

    def looked(self, batch_id: int, now: float, *, done: bool) -> None:
        """What the look showed."""


def durations(dice: np.random.Generator, count: int) -> Figures:
    """Seconds that batches take to be validated: by their size, which is lognormal, with luck; one in fifty is stuck."""
    size = np.clip(3000 * dice.lognormal(0, 1.8, count), 10, 1e6)
    usual = (2 + size / 2000) * dice.lognormal(0, 1, count)
    return np.where(dice.random(count) < 0.02, dice.uniform(30 * 60, 120 * 60, count), usual)


@cache
def mean_duration() -> float:
    """Of the above, in seconds; most of it is due to the stuck ones."""
    return float(durations(np.random.default_rng(0), 1_000_000).mean())


def workload(seed: int, *, in_flight: float, seconds: float) -> list[Validation]:
    """Poisson arrivals during `seconds`, as many as keep about that many in flight in the long run (Little's law)."""
    dice = np.random.default_rng(seed)
    count = dice.poisson(in_flight / mean_duration() * seconds)
    begins = np.sort(dice.uniform(0, seconds, count))
    takes = durations(dice, count)
    return [
        Validation(batch_id=number, begins=float(begun), ends=float(begun + took))
        for number, (begun, took) in enumerate(zip(begins, takes, strict=True), start=1)
    ]


def play(strategy: Strategy, batches: Sequence[Validation], *, rate: float, seconds: float) -> Outcome:
    """One token every 1/rate seconds, answers at once. Counted are the batches that end within `seconds`, and looked for
    until the last of them is found; requests only within `seconds`."""
    coming = deque(batches)
    ends = {batch.batch_id: batch.ends for batch in batches}
    owed = {batch_id for batch_id, end in ends.items() if end <= seconds}
    delays: list[float] = []
    requests = 0
    for now in _tokens(rate):
        while coming and coming[0].begins <= now:
            strategy.register(coming.popleft().batch_id, now)
        if now > seconds and not owed:
            return Outcome(delays=np.array(delays), requests=requests)
        batch_id = strategy.choose(now)
        if batch_id is None:
            continue
        requests += now <= seconds
        done = ends[batch_id] <= now
        strategy.looked(batch_id, now, done=done)
        if done and batch_id in owed:
            owed.remove(batch_id)
            delays.append(now - ends[batch_id])
    raise AssertionError("tokens never end")


def _tokens(rate: float) -> Iterator[float]:
    number = 0
    while True:
        number += 1
        yield number / rate


class Worth:
    """The daemon's own choice, as the poller makes it: an unchanged look is noted, any other is learnt from."""

    def __init__(self, pace: Pace) -> None:
        self._rules = Rules()
        self._roster = Roster(self._rules)
        self._schedule = Schedule(self._roster, pace)
        self._watches: dict[int, Watch] = {}
        self._choice: Choice | None = None

    def register(self, batch_id: int, now: float) -> None:
        watch = Watch(account="default", batch_id=batch_id, opened=_instant(now))
        self._watches[batch_id] = watch
        self._roster.put(watch)
        self._schedule.changed()
        self._schedule.first(batch_id)

    def choose(self, now: float) -> int | None:
        self._choice = self._schedule.choose(_instant(now).timestamp())
        return None if self._choice is None else self._choice.batch_id

    def looked(self, batch_id: int, now: float, *, done: bool) -> None:
        assert self._choice is not None
        at = _instant(now)
        look = Seen(asked=at, answered=at, batch=Batch(id=batch_id, status=ACTIVE if done else VALIDATING))
        if not self._roster.note(look):
            watch = learn(self._roster.overlay(self._watches[batch_id]), look, self._rules).watch
            self._watches[batch_id] = watch
            if watch.state is State.OPEN:
                self._roster.put(watch, tried=at)
            else:
                self._roster.drop(batch_id)
        self._schedule.land(self._choice)


class Backoff:
    """A timer for each batch, longer by a factor after each look in vain; the budget serves them in the order they ring."""

    def __init__(self, factor: float, first: float = 1.0, longest: float = 300.0) -> None:
        self._factor = factor
        self._first = first
        self._longest = longest
        self._due: list[tuple[float, int]] = []
        self._pause: dict[int, float] = {}

    def register(self, batch_id: int, now: float) -> None:
        self._pause[batch_id] = self._first
        heapq.heappush(self._due, (now, batch_id))

    def choose(self, now: float) -> int | None:
        return heapq.heappop(self._due)[1] if self._due and self._due[0][0] <= now else None

    def looked(self, batch_id: int, now: float, *, done: bool) -> None:
        if not done:
            heapq.heappush(self._due, (now + self._pause[batch_id], batch_id))
            self._pause[batch_id] = min(self._pause[batch_id] * self._factor, self._longest)


class Every(Backoff):
    """Each batch every so many seconds; with 1 and a scarce budget that is going round in turns."""

    def __init__(self, seconds: float) -> None:
        super().__init__(1.0, first=seconds)


def _instant(now: float) -> datetime:
    return EPOCH + timedelta(seconds=now)
