"""Watches that are taken in as columns: what comes of them is what comes of each by itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import RULES, after, fresh, seen_watch
from tests.fakes import NOON
from watcher.core.model import ACTIVE, NEW, VALIDATING, Watch
from watcher.core.opened import COLUMNS, NONE, columns_of
from watcher.core.roster import NOWHERE, Roster
from watcher.polling.admitting import not_from_the_future

moment = st.integers(-(10**10), 10**10).map(lambda count: NOON + timedelta(milliseconds=count))
moments = st.none() | moment
counts = st.none() | st.integers(0, 10**7)
watches = st.builds(
    Watch,
    account=st.just("default"),
    batch_id=st.integers(1, 8),
    opened=moment,
    status=st.sampled_from([None, NEW, VALIDATING, ACTIVE, "PAUSED", "HALTED"]),
    since=moments,
    name=st.sampled_from([None, "API 14"]),
    broadcast_id=st.none() | st.integers(1, 3),
    created=moments,
    size=counts,
    remaining=counts,
    enabled=st.sampled_from([None, True, False]),
    asked=moments,
    answered=moments,
    looks=st.integers(0, 9),
    missing_count=st.integers(0, 1),
    refused_count=st.integers(0, 1),
    aside_until=moments,
    stuck_told=st.integers(0, 6),
    stuck_last=moments,
    expires=moments,
)


def each_by_itself(roster: Roster, some: Sequence[Watch], now: datetime) -> list[int]:
    for watch in some:
        roster.put(not_from_the_future(watch, now))
    return [watch.batch_id for watch in some if watch.asked is None]


def kept(roster: Roster) -> dict[int, dict[str, object]]:
    """All that is kept, by batch; a broadcast by its id, for places may differ."""
    columns = {name: column for name, column in vars(roster).items() if isinstance(column, np.ndarray)}
    of: dict[int, dict[str, object]] = {}
    for batch_id, row in roster._rows.items():
        values = {name: column[row].item() for name, column in columns.items()}
        place = values.pop("broadcast")
        of[batch_id] = {
            **{name: None if value != value else value for name, value in values.items()},
            "broadcast": None if place == NOWHERE else roster.broadcasts[place],
            "word": roster._words.get(row),
        }
    return of


@given(st.lists(watches, max_size=8, unique_by=lambda watch: watch.batch_id), st.lists(watches, max_size=3))
def test_watches_that_are_taken_in_together_are_as_each_by_itself(some: list[Watch], before: list[Watch]) -> None:
    """Also those that were there before, or whose place was given back."""
    together, alone = Roster(RULES, capacity=2), Roster(RULES, capacity=2)
    for roster in (together, alone):
        each_by_itself(roster, before, NOON)
        roster.drop(1)
    assert together.take_in(columns_of(some), NOON) == each_by_itself(alone, some, NOON)
    assert kept(together) == kept(alone)
    assert sorted(together.take_new_places()) == sorted(alone.take_new_places())


def test_what_was_not_saved_yet_is_not_when_the_store_has_it_anew() -> None:
    roster = Roster(RULES)
    roster.put(seen_watch(VALIDATING))
    roster.give_back_unsaved([look for look in [roster.last_look(13)] if look is not None])
    roster.take_in(columns_of([seen_watch(VALIDATING)]), NOON)
    assert roster.take_unsaved() == []


@pytest.mark.parametrize(("minutes", "kept_for"), [(30, 30), (60, 60), (61, 60), (90, 60)])
def test_no_watch_is_aside_for_longer_than_an_hour(minutes: int, kept_for: int) -> None:
    roster = Roster(RULES)
    roster.take_in(columns_of([replace(fresh(13), aside_until=after(minutes=minutes))]), NOON)
    assert kept(roster)[13]["aside"] == after(minutes=kept_for).timestamp()


@pytest.mark.parametrize(("asked", "answered"), [(0.0, 0.2), (0.1, 0.0)])
def test_what_was_asked_for_at_this_very_moment_is_not_from_the_future(asked: float, answered: float) -> None:
    roster = Roster(RULES)
    watch = seen_watch(VALIDATING, asked=after(seconds=asked), answered=after(seconds=0.2))
    roster.take_in(columns_of([watch]), NOON)
    found = kept(roster)[13]
    assert (found["asked"], found["answered"]) == (NOON.timestamp(), after(seconds=answered).timestamp())


def test_no_moment_size_or_broadcast_is_so_small_that_it_is_taken_for_unknown() -> None:
    assert datetime.min.replace(tzinfo=UTC).timestamp() * 1000 > NONE


def test_no_watches_are_columns_without_rows() -> None:
    none = columns_of([])
    assert (len(none), none.table.shape) == (0, (0, len(COLUMNS)))
    assert Roster(RULES).take_in(none, NOON) == []


@pytest.mark.parametrize("status", [None, "PAUSED"])
def test_a_status_that_nobody_knows_is_kept_as_it_is(status: str | None) -> None:
    roster = Roster(RULES)
    watch = replace(fresh(13), status="HALTED", since=after(minutes=1))
    roster.take_in(columns_of([watch]), NOON)
    roster.take_in(columns_of([replace(watch, status=status)]), NOON)
    assert kept(roster)[13]["word"] == status
