"""What a budget buys an account, in figures: the load it has, and how late ends are noticed at less and at more than its rate."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Batches of which the end is waited for, and what follows from how long they take: `arrivals`, batches a second, keep that
    many `in_flight` where one takes `duration` seconds in the mean. `learnt`: the durations are the account's own, and else the
    usual ones. It was played for `over` seconds; of a load too large for that, only the share `part`."""

    in_flight: int
    arrivals: float
    duration: float
    learnt: bool
    over: float
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """At so many requests a second, the seconds from an end to the look that sees it, which half and 95 % of the ends do not
    exceed. None where the rate does not keep up, for then they only depend on how long it goes on; and where nothing ended."""

    rate: float
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """The points of a load, from the smallest rate to the largest; the present `rate` is one of them."""

    load: Load
    rate: float
    points: Sequence[Point]
