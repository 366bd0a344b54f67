"""What CallFire allows an account, learnt from its 429s: the rate in force, never more than what is configured.

Three things are known of the limit at any time: that it lies below `wall`, the rate at which CallFire last said no; that it is
hardly below what was accepted on the average since then; and that a window of its may be exhausted, so that 429s close upon each
other are one and the same news. Between the two the rate is halved and sought again, and then held just below the wall, which is
tried again every ten minutes or so. Compared with halving and growing back for ever (polling.md) that wastes less of the limit,
and draws far fewer 429s. All is pure; times are aware, rates requests a second, durations seconds.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil, isfinite, sqrt
from typing import Final

LEAST: Final = 0.1
"""Requests a second below which the rate does not fall, where as much is configured."""
SETTLES: Final = timedelta(seconds=30)
"""At most one halving in so long; before it is over nothing is concluded from what was accepted, and the rate does not grow."""
GROWTH: Final = 0.1 / 60
"""A second, as a share of the configured rate: a tenth per clean minute."""
HOLD: Final = 0.96
"""Where the rate is held, as a share of the wall."""
CREEP: Final = 0.04 / 60
"""A second, as a share of the rate: how fast it grows while it tries the wall."""
LIFTED: Final = 1.1
"""A wall that was passed by this factor is there no more."""
SPRINT: Final = 0.1 / 60
"""A second, as a share of the rate: how fast it grows where there is no wall any more, at most."""
HELD_FIRST: Final = timedelta(minutes=10)
"""How long the rate is held before it tries the wall again; twice as long after each time in vain."""
HELD_MOST: Final = timedelta(minutes=15)
USED: Final = 0.75
"""The share of the rate that must have been accepted for a clean stretch to prove anything about more."""
COUNTED: Final = 8
"""Requests that must have been accepted for their average to mean anything."""
PARDON: Final = 0.005
"""A 429 is pardoned where they are at most this share of the requests: it may have been about something else, and a rate that
draws so few is within as much of the limit. Pardons are not saved up: one, and after any 429 as many requests until the next."""
PARDONED: Final = timedelta(seconds=5)
"""The longest pause for which a 429 may be pardoned: others are too dear, and mean it."""
LEAST_IN_FLIGHT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntRate:
    """What of it outlives the process: the rate in force, the wall, and when that is to be tried again."""

    rate: float
    wall: float | None = None
    probe_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The rate in force, and what it was learnt from.

    `since` is when the rate was last lowered, or the process began, and `accepted` how many requests CallFire accepted from
    then on. `sure` is what it accepted a second, on the average, in the stretch before; 0 where that is not known. `failed`
    counts the times that the wall was tried in vain in a row.
    """

    configured: float
    rate: float
    since: datetime
    accepted: int = 0
    wall: float | None = None
    sure: float = 0.0
    halved: datetime | None = None
    probe_at: datetime | None = None
    failed: int = 0
    pardons: float = 0.0


def recalled(configured: float, learnt: LearntRate | None, now: datetime) -> Allowance:
    """The allowance at the start of the process. What was learnt holds, but for what the settings no longer allow; where they
    allow more now, the rate may grow as always. The first 429 is pardoned: the limit may still count what others asked."""
    if learnt is None or not _sound(learnt) or learnt.rate >= configured:
        return Allowance(configured=configured, rate=configured, since=now)
    latest = now + HELD_MOST  # later than that is a clock that was set back
    return Allowance(
        configured=configured,
        rate=max(learnt.rate, min(LEAST, configured)),
        since=now,
        wall=learnt.wall,
        probe_at=latest if learnt.probe_at is None else min(learnt.probe_at, latest),
        pardons=1.0,
    )


def learnt_rate(allowance: Allowance) -> LearntRate | None:
    """What to keep of it; None where nothing was learnt that restrains us."""
    if allowance.rate >= allowance.configured:
        return None
    return LearntRate(rate=allowance.rate, wall=allowance.wall, probe_at=allowance.probe_at)


def throttled(
    allowance: Allowance, *, asked: datetime, answered: datetime, accepted: int, pause: timedelta | None = None
) -> Allowance:
    """After a 429 to what was asked at that moment. `accepted` is how many requests were accepted since the last call of this or
    of `clean`, `pause` what CallFire asked for. The rate never grows by it, and falls by half at most once in SETTLES."""
    allowance = _counted(allowance, accepted)
    if asked < allowance.since:
        return allowance  # it set out before the rate was last lowered, and says nothing about this one
    if allowance.pardons >= 1.0 and (pause is None or pause <= PARDONED):
        return replace(allowance, pardons=0.0)
    rate, stretch = allowance.rate, answered - allowance.since
    if allowance.wall is not None and stretch < SETTLES:
        if allowance.accepted == 0:
            return allowance  # it had been exhausted before the rate was lowered, and still is
        known, wall = min(HOLD * allowance.sure, HOLD * rate), rate
        if allowance.sure > HOLD * rate:
            known = 0.0  # this is what was held to be sure
        average = 0.0
    else:
        average = min(_average(allowance, stretch), rate)
        known = min(sqrt(average * rate), HOLD * rate)
        # Where nothing at all was accepted the rate is hardly the reason, and the wall stays where it was.
        wall = rate if allowance.accepted or allowance.wall is None else allowance.wall
    if known > rate / 2:
        return _lowered(allowance, known, answered, wall=wall, sure=average, failed=_failed(allowance))
    if allowance.halved is not None and answered - allowance.halved < SETTLES:
        return allowance
    return _lowered(allowance, rate / 2, answered, wall=wall, sure=average, halved=answered)


def clean(allowance: Allowance, *, now: datetime, seconds: float, accepted: int) -> Allowance:
    """After so many seconds in which no 429 came, and `accepted` requests since the last call of this or of `throttled`. The
    rate never falls by it.

    It grows only where it was used: an account that asks for less proves nothing about more, and needs no more either.
    """
    allowance = _counted(allowance, accepted)
    rate, wall = allowance.rate, allowance.wall
    if rate >= allowance.configured or now - allowance.since < SETTLES:
        return allowance
    if seconds <= 0 or accepted < USED * rate * seconds:
        return allowance
    most = GROWTH * allowance.configured * seconds
    if wall is None:
        return _grown(allowance, rate + min(most, SPRINT * rate * seconds))
    if rate < HOLD * wall:  # half of what is missing, in logarithms, every 30 seconds
        nearer = rate * (wall / rate) ** (1.0 - 2.0 ** (-seconds / SETTLES.total_seconds()))
        return _grown(allowance, min(nearer, rate + most, HOLD * wall))
    if allowance.probe_at is not None and now < allowance.probe_at:
        return allowance
    higher = rate * (1.0 + CREEP * seconds)
    if higher > LIFTED * wall:
        allowance = replace(allowance, wall=None, sure=0.0)
    return _grown(allowance, higher)


def is_held(allowance: Allowance) -> bool:
    """Whether the limit counts as found: the rate is where it is held."""
    return allowance.wall is not None and allowance.rate >= 0.99 * HOLD * allowance.wall


def in_flight_most(concurrency: int, rate: float, latency: float) -> int:
    """How many requests may be in flight: twice what a rate needs at that latency (Little's law), at least two, and at most
    what the settings say. It is what a hanging account can hold."""
    if not isfinite(needed := 2.0 * rate * latency):
        return concurrency
    return min(concurrency, max(LEAST_IN_FLIGHT, ceil(needed)))


def _sound(learnt: LearntRate) -> bool:
    """Whether these are figures at all."""
    return all(isfinite(each) and each > 0 for each in (learnt.rate, learnt.wall) if each is not None)


def _counted(allowance: Allowance, accepted: int) -> Allowance:
    if accepted <= 0:
        return allowance
    pardons = min(allowance.pardons + PARDON * accepted, 1.0)
    return replace(allowance, accepted=allowance.accepted + accepted, pardons=pardons)


def _average(allowance: Allowance, stretch: timedelta) -> float:
    """What was accepted a second since the rate was last lowered; 0 where that is too little to tell."""
    if allowance.accepted < COUNTED or stretch <= timedelta(0):
        return 0.0
    return allowance.accepted / stretch.total_seconds()


def _failed(allowance: Allowance) -> int:
    """How often the wall was tried in vain in a row, now that it says no again."""
    trying = allowance.wall is None or allowance.rate > HOLD * allowance.wall
    return allowance.failed + 1 if trying and allowance.rate < allowance.configured else 0


def _lowered(
    allowance: Allowance,
    rate: float,
    at: datetime,
    *,
    wall: float,
    sure: float,
    halved: datetime | None = None,
    failed: int = 0,
) -> Allowance:
    return replace(
        allowance,
        rate=max(rate, min(LEAST, allowance.rate)),
        since=at,
        accepted=0,
        wall=wall,
        sure=sure,
        halved=halved or allowance.halved,
        probe_at=at + min(HELD_FIRST * 2 ** min(failed, 10), HELD_MOST),
        failed=failed,
        pardons=0.0,
    )


def _grown(allowance: Allowance, rate: float) -> Allowance:
    if rate >= allowance.configured:  # all is as if nothing had ever been
        return replace(allowance, rate=allowance.configured, wall=None, sure=0.0, halved=None, probe_at=None, failed=0)
    return replace(allowance, rate=max(rate, allowance.rate))
