"""What things cost, as measured: all that the formula and the simulation reckon with, in one place.

`python -m tests.bench scaling` measures it again and says how far it is from this; what is of other benchmarks is said beside it.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one: seconds of a core in the database's processes and in ours, and bytes of WAL without pages written whole."""

    theirs: float
    ours: float
    wal: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Changes that are committed together: seconds of a core for the transaction and for each change, theirs and ours; seconds
    for which the end of the log is locked, likewise; and `flush`, the part of the former in which no core is at work."""

    theirs: tuple[float, float]
    ours: tuple[float, float]
    locked: tuple[float, float]
    flush: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of them. `look` is a request to CallFire, its answer deciphered and learnt from; `saved` that look written; `followed`
    a batch taken in; a `change` is a watch swapped with its event, beside its part of the commit; `owed` each delivery made of
    that, `settled` one claimed and settled with its attempt, where one day is kept, and `settled_a_day` what that is more for
    each day; `sent` one signed and sent; `heard` an event read by one more replica; `listed` a page of 100 rows of a list;
    `on_board` and `described` are for each share, when all are read, or written.

    Bytes on disk are with indexes, of a watch as it is after a few changes. `resident` is the memory of a replica with nothing to
    do, `hot` that of an open watch beside it.
    """

    group: Group
    look: Cost
    saved: Cost
    followed: Cost
    change: Cost
    owed: Cost
    settled: Cost
    settled_a_day: Cost
    sent: Cost
    heard: Cost
    listed: Cost
    on_board: Cost
    described: Cost
    watch_bytes: float
    event_bytes: float
    delivery_bytes: float
    attempt_bytes: float
    resident: float
    hot: float

    @property
    def transaction(self) -> Cost:
        """One that writes, whatever it is."""
        return Cost(theirs=self.group.theirs[0], ours=self.group.ours[0])


MICRO: Final = 1e-6
MEASURED: Final = Figures(
    group=Group(theirs=(1.4e-3, 48e-6), ours=(0.64e-3, 50e-6), locked=(0.8e-3, 24e-6), flush=0.26e-3),
    look=Cost(theirs=0.0, ours=1 / 6_700),  # python -m tests.bench looks
    saved=Cost(theirs=25 * MICRO, ours=10 * MICRO, wal=190),
    followed=Cost(theirs=46 * MICRO, ours=27 * MICRO, wal=1_180),
    change=Cost(theirs=39 * MICRO, ours=52 * MICRO, wal=1_920),
    owed=Cost(theirs=4.3 * MICRO, ours=2 * MICRO, wal=566),
    settled=Cost(theirs=57 * MICRO, ours=31 * MICRO, wal=1_200),
    settled_a_day=Cost(theirs=0.75 * MICRO, ours=0.05 * MICRO),
    sent=Cost(theirs=0.0, ours=1 / 14_900),  # python -m tests.bench throughput
    heard=Cost(theirs=1.2 * MICRO, ours=3.5 * MICRO),
    listed=Cost(theirs=270 * MICRO, ours=700 * MICRO),
    on_board=Cost(theirs=2.2 * MICRO, ours=2.5 * MICRO),
    described=Cost(theirs=7 * MICRO, ours=3.4 * MICRO, wal=150),
    watch_bytes=1_290,
    event_bytes=660,
    delivery_bytes=645,
    attempt_bytes=195,
    resident=89e6,  # python -m tests.bench idle
    hot=300,  # the most that is allowed to it
)
"""On 2 cores, with PostgreSQL 18; seconds move with the machine, bytes do not."""
