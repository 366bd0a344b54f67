"""What may be expected of watches that another process polls, from what the store has: when they end, and are looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from watcher.core.hazard import Hazard
from watcher.core.lengths import Eta
from watcher.core.model import State, Watch
from watcher.core.roster import Roster
from watcher.core.schedule import Pace, Schedule
from watcher.core.transitions import Rules

LAST: Final = 4_102_444_800.0
"""The year 2100, in epoch seconds: nothing is expected later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """When a batch will have ended, None where too little is known; and roughly when it is worth a look by itself."""

    eta: Eta | None
    next_look: datetime


def expectations(watches: Sequence[Watch], hazard: Hazard, pace: Pace, now: datetime) -> Mapping[int, Expectation]:
    """What is expected of those of one account's watches that are open, by batch. Pages, which may show a batch earlier, are not
    known here."""
    seconds = now.timestamp()
    roster = Roster(Rules())
    schedule = Schedule(roster, pace)
    schedule.hazard = hazard
    watched = [watch for watch in watches if watch.state is State.OPEN]
    for watch in watched:
        roster.put(watch)
        if watch.asked is None:
            schedule.first(watch.batch_id)
    schedule.wait_until(seconds)  # works out for all at once when they are due
    return {watch.batch_id: _expected(schedule, watch.batch_id, seconds) for watch in watched}


def instant(seconds: float) -> datetime:
    """The moment, as far as one may look ahead."""
    return datetime.fromtimestamp(min(seconds, LAST), UTC)


def _expected(schedule: Schedule, batch_id: int, now: float) -> Expectation:
    eta, due = schedule.eta(batch_id, now), schedule.next_look(batch_id, now)
    return Expectation(
        eta=None if eta is None else Eta(p50=instant(eta[0]), p90=instant(eta[1])),
        next_look=instant(now if due is None else due),
    )
