"""The play: batches come, tokens come, a strategy spends them, CallFire answers; what is counted is how late ends were seen."""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final, Protocol

import numpy as np

from watcher.planning.workload import Figures, Sizes, Validation

Passing = Callable[[float], None]
"""Is told now and then that a play goes on, and how many of its seconds have passed."""
TELLING: Final = 10.0
"""Seconds of a play between two such words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A batch as CallFire shows it; `size` None where it does not say."""

    batch_id: int
    broadcast_id: int
    done: bool
    size: int | None
    begun: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: for a batch, or for a page of a broadcast (rows from `offset` on)."""

    batch_id: int | None = None
    broadcast_id: int = 0
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of it, and `total`, the rows of the broadcast, where CallFire says."""

    asked: float
    answered: float
    rows: Sequence[Row]
    total: int | None = None


class Strategy(Protocol):
    """Decides what a token is spent on. Times are seconds since the start."""

    def register(self, batch: Validation, now: float) -> None:
        """Somebody wants to know when the batch is done."""

    def choose(self, now: float) -> Ask | None:
        """What to ask with the token that is there now; None lets the token go."""

    def heard(self, ask: Ask, told: Told) -> None:
        """What came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a strategy got out of a budget: seconds of delay of every batch that ended in time, and the requests spent."""

    delays: Figures
    requests: int

    @property
    def mean(self) -> float:
        """0 where no batch ended."""
        return float(self.delays.mean()) if len(self.delays) else 0.0

    def quantile(self, share: float) -> float:
        """The delay that so many of them did not exceed; 0 where no batch ended."""
        return float(np.quantile(self.delays, share)) if len(self.delays) else 0.0


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Of several draws, one at least."""
    return Outcome(
        delays=np.concatenate([each.delays for each in outcomes]), requests=sum(each.requests for each in outcomes)
    )


@dataclass(slots=True, kw_only=True)
class CallFire:
    """What the other side shows of those batches, a broadcast's in the order in which they are made. `counted` says whether it
    tells how many there are."""

    batches: Sequence[Validation]
    sizes: Sizes = "known"
    counted: bool = True
    by_id: dict[int, Validation] = field(init=False)
    _by_broadcast: dict[int, list[Validation]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_id = {each.batch_id: each for each in self.batches}
        self._by_broadcast = defaultdict(list)
        for each in sorted(self.batches, key=lambda each: each.begins):
            self._by_broadcast[each.broadcast_id].append(each)

    def answer(self, ask: Ask, now: float) -> tuple[Sequence[Row], int | None]:
        """The rows asked for, as they are now, and how many the broadcast has."""
        if ask.batch_id is not None:
            return (self._row(self.by_id[ask.batch_id], now),), None
        there = [each for each in self._by_broadcast[ask.broadcast_id] if each.begins <= now]
        rows = [self._row(each, now) for each in there[ask.offset : ask.offset + ask.limit]]
        return rows, len(there) if self.counted else None

    def _row(self, batch: Validation, now: float) -> Row:
        done = batch.ends <= now
        shown = done or self.sizes == "known" or (self.sizes == "late" and 2 * now > batch.begins + batch.ends)
        return Row(
            batch_id=batch.batch_id,
            broadcast_id=batch.broadcast_id,
            done=done,
            size=batch.size if shown and batch.size else None,
            begun=batch.begins,
        )


def play(
    strategy: Strategy,
    upstream: CallFire,
    *,
    rate: float | Callable[[float], float],
    seconds: float,
    latency: float = 0.0,
    warm_up: float = 0.0,
    patience: float = inf,
    passing: Passing | None = None,
) -> Outcome:
    """Tokens come evenly spaced; each answer is as CallFire is half-way through `latency` seconds. Counted are the batches
    that end after `warm_up` and within `seconds`, and requests between the two. They are looked for until the last of them is
    found, or given up `patience` seconds after the time: those count as if they were found then."""
    coming = deque(sorted(upstream.batches, key=lambda each: each.begins))
    owed = {each.batch_id for each in upstream.batches if each.ends <= seconds}
    under_way: list[tuple[float, int, Ask, Told]] = []
    delays: list[float] = []
    requests, word = 0, 0.0
    for number, now in enumerate(_tokens(rate)):
        while under_way and under_way[0][0] <= now:
            _, _, ask, told = heapq.heappop(under_way)
            strategy.heard(ask, told)
            for row in told.rows:
                if row.done and row.batch_id in owed:
                    owed.remove(row.batch_id)
                    ended = upstream.by_id[row.batch_id].ends
                    if ended > warm_up:
                        delays.append(told.answered - ended)
        while coming and coming[0].begins <= now:
            strategy.register(coming.popleft(), now)
        if now > seconds + (patience if owed else 0.0):
            ends = (upstream.by_id[each].ends for each in owed)
            delays += [now - ended for ended in ends if ended > warm_up]
            break
        if passing is not None and now >= word:
            passing(now)
            word = now + TELLING
        chosen = strategy.choose(now)
        if chosen is None:
            continue
        requests += warm_up < now <= seconds
        rows, total = upstream.answer(chosen, now + latency / 2)
        told = Told(asked=now, answered=now + latency, rows=rows, total=total)
        heapq.heappush(under_way, (told.answered, number, chosen, told))
    return Outcome(delays=np.array(delays), requests=requests)


def _tokens(rate: float | Callable[[float], float]) -> Iterator[float]:
    now = 0.0
    while True:
        now += 1 / (rate if isinstance(rate, int | float) else rate(now))
        yield now
