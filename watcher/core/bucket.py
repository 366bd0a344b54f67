"""A token bucket, as plain numbers: how many deliveries an endpoint with a rate may be sent now, and when the next. Pure."""

from dataclasses import dataclass, replace
from math import ceil
from typing import Final

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
