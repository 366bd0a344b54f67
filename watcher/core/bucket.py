"""A token bucket, as plain numbers: how many deliveries an endpoint with a rate may be sent now, and when the next. Pure.

What several processes send together goes by one number instead: when the next would come if all came evenly, which each delivery
moves by 1 / rate (the theoretical arrival time of the generic cell rate algorithm, ITU-T I.371).
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import Final

SLACK: Final = 0.1
"""Seconds by which what several processes share may be ahead of itself: who asks just when he may, and gets there sooner than the
last time, is not refused."""
TICK: Final = 1_000_000
"""Parts of a second in which waiting is told: a clock that stood still for less would never see the token come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """`rate` tokens a second flow in, at most `burst` stay; there were `tokens` at `at`, in seconds of any clock."""

    rate: float
    burst: float
    tokens: float
    at: float


def full(rate: float, at: float) -> Bucket:
    """A bucket for so many a second: it lets a second's worth through at once, and one at least."""
    burst = max(rate, 1.0)
    return Bucket(rate=rate, burst=burst, tokens=burst, at=at)


def filled(bucket: Bucket, now: float) -> Bucket:
    """As it is now. A clock that went back fills nothing."""
    if now <= bucket.at:
        return bucket
    return replace(bucket, tokens=min(bucket.tokens + (now - bucket.at) * bucket.rate, bucket.burst), at=now)


def taken(bucket: Bucket, count: int) -> Bucket:
    """After so many were sent."""
    return replace(bucket, tokens=bucket.tokens - count)


def wait(bucket: Bucket) -> float:
    """Seconds until it has a whole token again, rounded up to the microsecond; 0 where it has one."""
    return max(ceil((1.0 - bucket.tokens) / bucket.rate * TICK) / TICK, 0.0)


def allowed(arrival: float, now: float, rate: float) -> int:
    """How many may go now where the next would arrive at that time if all came evenly, in seconds of one clock: a second's worth
    at once, and one at least, as with a full bucket."""
    ahead = max(arrival - now, 0.0)
    return max(int(max(rate, 1.0) + (SLACK - ahead) * rate), 0)
