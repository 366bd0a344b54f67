"""How an endpoint's attempts went during the last hour, minute by minute: how many succeeded and failed, and how long they took.

Durations are counted in classes, so that an endpoint takes the same memory however much it is sent; 12 kB.
"""

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Final

STEP: Final = 60
"""Seconds that are counted together."""
STEPS: Final = 60
FASTEST: Final = 0.001
GROWTH: Final = 1.25
CLASSES: Final = 48
"""What took up to FASTEST seconds is of the first class, what took up to GROWTH times as long of the next; of the last one what
took longer than 29 s, the longest that a receiver may take being 30."""
LIMITS: Final = tuple(FASTEST * GROWTH**number for number in range(CLASSES - 1))
WIDTH: Final = CLASSES + 1
"""Counts of a minute: failures, and all that took so long, class by class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastHour:
    """One endpoint's attempts by minute, from the one that begins at `since` to the present one, which is not over. `p50` and
    `p95` are seconds within which half of a minute's attempts and 95 in a hundred were over, None where there was none; they are
    right to about a tenth."""

    since: datetime
    done: tuple[int, ...]
    failed: tuple[int, ...]
    p50: tuple[float | None, ...]
    p95: tuple[float | None, ...]


class Minutes:
    """The counts of one endpoint from `since` on. All times are epoch seconds."""

    __slots__ = ("_counts", "_first", "_last")

    def __init__(self, since: float) -> None:
        self._first = self._last = int(since // STEP)
        self._counts = array("I", bytes(4 * WIDTH * STEPS))

    def count(self, now: float, took: float, *, failed: bool) -> None:
        """An attempt was over, having taken so many seconds."""
        begin = self._turn(now)
        self._counts[begin] += failed
        self._counts[begin + 1 + bisect_left(LIMITS, took)] += 1

    def told(self, now: float) -> LastHour:
        """All that is known of the last hour."""
        self._turn(now)
        first = max(self._first, self._last - STEPS + 1)
        minutes = [self._counts[begin : begin + WIDTH] for begin in map(_begin, range(first, self._last + 1))]
        return LastHour(
            since=datetime.fromtimestamp(first * STEP, UTC),
            done=tuple(sum(counts[1:]) - counts[0] for counts in minutes),
            failed=tuple(counts[0] for counts in minutes),
            p50=tuple(_quantile(counts[1:], 0.5) for counts in minutes),
            p95=tuple(_quantile(counts[1:], 0.95) for counts in minutes),
        )

    def _turn(self, now: float) -> int:
        """Where the counts of the present minute begin; those in its place of an hour ago are gone."""
        minute = int(now // STEP)
        if minute > self._last:
            for number in range(max(self._last, minute - STEPS) + 1, minute + 1):
                begin = _begin(number)
                self._counts[begin : begin + WIDTH] = array("I", bytes(4 * WIDTH))
            self._last = minute
        return _begin(self._last)


def untold(since: float, now: float) -> LastHour:
    """What is known of an endpoint that nothing was sent to."""
    return Minutes(since).told(now)


def _begin(minute: int) -> int:
    return minute % STEPS * WIDTH


def _quantile(counts: "array[int]", share: float) -> float | None:
    """Seconds within which so many were over: between the limits of its class as its place among those of the class."""
    wanted = ceil(sum(counts) * share)
    if not wanted:
        return None
    below, number = 0, 0
    while below + counts[number] < wanted:
        below += counts[number]
        number += 1
    place = (wanted - below) / counts[number]
    seconds: float = FASTEST * GROWTH ** (number - 1 + place)
    return round(seconds, 4)
