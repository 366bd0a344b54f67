"""What may be expected of watches that another process polls: as its poller would say, but for what only that knows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.core.making import fresh, seen_watch
from tests.fakes import NOON
from watcher.core.expecting import expectations, instant
from watcher.core.hazard import AGES, SHAPE, SIZES, Hazard, scale_free
from watcher.core.model import State
from watcher.core.ranking import Pace
from watcher.core.roster import Roster
from watcher.core.schedule import Schedule
from watcher.core.transitions import Rules

KNOWN = Hazard(np.full((SIZES + 1, AGES), SHAPE), known=[100.0] * (SIZES + 1))
NOW = NOON + timedelta(minutes=1)


def test_what_is_expected_is_what_a_schedule_says() -> None:
    watches = [seen_watch("VALIDATING", batch_id=number, size=10**number) for number in (1, 2, 3)]
    found = expectations(watches, KNOWN, Pace(), NOW)
    schedule = Schedule(roster := Roster(Rules()), Pace())
    schedule.hazard = KNOWN
    for watch in watches:
        roster.put(watch)
    for watch in watches:
        eta, due = schedule.eta(watch.batch_id, NOW.timestamp()), schedule.next_look(watch.batch_id, NOW.timestamp())
        expected = found[watch.batch_id]
        assert eta is not None
        assert due is not None
        assert expected.eta is not None
        assert (expected.eta.p50, expected.eta.p90) == (instant(eta[0]), instant(eta[1]))
        assert expected.next_look.timestamp() == pytest.approx(due, abs=0.01)


def test_of_too_little_no_end_is_expected_and_what_nobody_has_seen_is_looked_at_at_once() -> None:
    found = expectations([fresh(1)], scale_free(), Pace(), NOW)
    assert (found[1].eta, found[1].next_look) == (None, NOW)


def test_a_new_watch_is_looked_at_at_once_and_one_that_was_just_seen_is_not() -> None:
    watches = [fresh(1, opened=NOW), seen_watch("VALIDATING", batch_id=2, at=NOW, answered=NOW)]
    found = expectations(watches, scale_free(), Pace(), NOW)
    assert found[1].next_look == NOW
    assert NOW < found[2].next_look < NOW + timedelta(minutes=1)


def test_nothing_is_expected_of_a_watch_that_is_not_open() -> None:
    assert expectations([replace(fresh(1), state=State.STOPPED)], KNOWN, Pace(), NOW) == {}


def test_nothing_is_expected_after_the_year_2100() -> None:
    assert instant(float("inf")) == datetime(2100, 1, 1, tzinfo=UTC)
