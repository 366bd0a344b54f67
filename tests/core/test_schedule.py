"""What is looked at next, and when: the greatest worth first, nobody twice at once, nobody too often, nobody never."""

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.making import RULES, after, fresh, seen, seen_watch
from tests.fakes import NOON
from watcher.core.hazard import AGES, SHAPE, SIZES, Hazard, size_bin
from watcher.core.lengths import ENOUGH
from watcher.core.model import NEW, VALIDATING, Batch, Page, PageRef, Seen, Watch
from watcher.core.news import By
from watcher.core.ranking import SHORTLIST
from watcher.core.roster import Roster, looked_for_on
from watcher.core.schedule import SHARE, SLACK, SPREE, Choice, Pace, PageChoice, Schedule
from watcher.core.soonest import Expected

PACE = Pace()
NOW = NOON.timestamp()
PATIENT = replace(
    RULES, stuck_new=timedelta(days=9000), stuck_validating=timedelta(days=9000), max_age=timedelta(days=9000)
)
"""Rules under which time alone makes nothing of a watch."""


def aged(batch_id: int, *, age: float, waited: float, now: datetime = NOON, **fields: Any) -> Watch:
    """A watch last looked at `waited` seconds before `now`, when its batch was `age` seconds old."""
    asked = now - timedelta(seconds=waited)
    born = asked - timedelta(seconds=age)
    return seen_watch(NEW, batch_id=batch_id, at=asked, created=born, opened=born, **fields)


def schedule(*watches: Watch, pace: Pace = PACE) -> tuple[Schedule, Roster]:
    roster = Roster(PATIENT)
    for watch in watches:
        roster.put(watch)
    return Schedule(roster, pace), roster


def single(made: Schedule, now: float, *, careful: bool = False) -> Choice | None:
    """What is chosen, where that is a batch."""
    choice = made.choose(now, careful=careful)
    assert not isinstance(choice, PageChoice)
    return choice


def paged(made: Schedule, now: float) -> PageChoice:
    """What is chosen, where that is a page."""
    choice = made.choose(now)
    assert isinstance(choice, PageChoice)
    return choice


def ids(made: Schedule, now: float, most: int = 1000) -> list[int]:
    """The batches chosen one after another at one moment."""
    return [choice.batch_id for _ in range(most) if (choice := single(made, now)) is not None]


def look(made: Schedule, roster: Roster, choice: Choice, now: float) -> None:
    """An unchanged look that was over at once."""
    at = datetime.fromtimestamp(now, NOON.tzinfo)
    if not roster.note(Seen(asked=at, answered=at, batch=Batch(id=choice.batch_id, status=NEW))):
        roster.attempt(choice.batch_id, at)
    made.land(choice)


def plain_worth(roster: Roster, batch_id: int, now: float) -> float:
    """The formula of polling.md, word by word, without arrays."""
    row = roster.row(batch_id)
    assert row is not None
    tau = now - float(roster.tried[row])
    age = float(roster.tried[row]) - float(roster.born[row])
    hazard = SHAPE * math.log((age + tau + 1) / (age + 1))
    return tau * (1 - (1 - math.exp(-hazard)) / hazard)


# Which one


def test_the_look_that_ends_the_most_waiting_comes_first() -> None:
    made, _ = schedule(
        aged(1, age=1000, waited=20), aged(2, age=10, waited=20), aged(3, age=10, waited=30), aged(4, age=0, waited=5)
    )
    assert ids(made, NOW) == [3, 2, 4, 1]


def test_what_was_never_asked_about_counts_from_its_opening() -> None:
    made, _roster = schedule(fresh(1, opened=after(seconds=-20)), aged(2, age=0, waited=19), aged(3, age=0, waited=21))
    assert ids(made, NOW) == [3, 1, 2]


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.floats(0, 290), st.booleans()),
        min_size=1,
        max_size=200,
    )
)
@example([(0.0, 1.0, False)])
def test_choices_are_those_of_the_plain_formula(watches: list[tuple[float, float, bool]]) -> None:
    """All that are worth it and rested, and no others, by falling worth; also when there are more than the shortlist holds."""
    made, roster = schedule(
        *(
            aged(n, age=age, waited=waited, aside_until=after(minutes=1) if aside else None)
            for n, (age, waited, aside) in enumerate(watches, start=1)
        )
    )
    worth = {n: plain_worth(roster, n, NOW) for n, (_, waited, _) in enumerate(watches, start=1) if waited > 0.001}
    rested = {n: waited for n, (_, waited, aside) in enumerate(watches, start=1) if not aside and waited >= 1.0 - 1e-6}
    chosen = ids(made, NOW)
    surely = {n for n, waited in rested.items() if waited >= 1.0 + 1e-6 and worth[n] > PACE.worth + 0.01}
    perhaps = {n for n in rested if worth[n] >= PACE.worth}
    assert surely <= set(chosen) <= perhaps
    assert len(set(chosen)) == len(chosen)
    figures = [worth[n] for n in chosen]
    assert all(first >= second * (1 - 1e-6) - 1e-9 for first, second in itertools.pairwise(figures))


def test_a_larger_account_is_served_in_order_beyond_the_shortlist() -> None:
    dice = random.Random(7)
    made, roster = schedule(*(aged(n, age=dice.uniform(0, 500), waited=dice.uniform(30, 200)) for n in range(1, 501)))
    chosen = ids(made, NOW)
    assert len(chosen) == 500 > SHORTLIST
    assert chosen == sorted(chosen, key=lambda n: plain_worth(roster, n, NOW), reverse=True)


def test_overdue_watches_go_before_all_that_are_worth_more_the_longest_waiting_first() -> None:
    made, _ = schedule(
        aged(1, age=0, waited=299),
        aged(2, age=1e8, waited=301),
        aged(3, age=1e9, waited=400),
        aged(4, age=1e9, waited=299),
    )
    assert ids(made, NOW) == [3, 2, 1]


def test_nothing_below_the_worth_is_looked_at() -> None:
    watches = [aged(n, age=10.0**n, waited=5) for n in range(1, 7)]
    made, roster = schedule(*watches)
    expected = [n for n in range(1, 7) if plain_worth(roster, n, NOW) >= PACE.worth]
    assert ids(made, NOW) == expected
    assert 0 < len(expected) < 6
    free, _ = schedule(*watches, pace=Pace(worth=0.0))
    assert sorted(ids(free, NOW)) == [1, 2, 3, 4, 5, 6]


def test_no_batch_is_looked_at_more_often_than_the_least_interval() -> None:
    made, _ = schedule(aged(1, age=0, waited=0.99), aged(2, age=0, waited=1.01), pace=Pace(worth=0.0))
    assert ids(made, NOW) == [2]


def test_a_watch_set_aside_rests() -> None:
    made, _ = schedule(aged(1, age=0, waited=1000, aside_until=after(seconds=30)))
    assert made.choose(NOW) is None
    assert made.wait_until(NOW) == NOW + 30 + SLACK
    assert made.choose(NOW + 30) == Choice(batch_id=1)


# When


def test_where_there_is_something_it_is_now() -> None:
    made, _ = schedule(aged(1, age=0, waited=10))
    assert made.wait_until(NOW) == NOW


def test_where_there_is_nothing_only_news_can_bring_something() -> None:
    made, roster = schedule()
    assert (made.wait_until(NOW), made.choose(NOW)) == (None, None)
    roster.put(aged(1, age=0, waited=10))
    made.changed()
    assert made.wait_until(NOW) == NOW
    assert made.choose(NOW) == Choice(batch_id=1)
    assert made.wait_until(NOW + 1000) is None  # the only one is in flight


@given(
    st.lists(st.tuples(st.floats(0, 1e7), st.floats(0, 400), st.floats(-10, 400)), min_size=1, max_size=8),
    st.sampled_from([Pace(), Pace(worth=0.0), Pace(worth=5.0, min_interval=3.0, max_interval=60.0)]),
)
def test_waiting_ends_exactly_when_there_is_something(watches: list[tuple[float, float, float]], pace: Pace) -> None:
    def made() -> Schedule:
        return schedule(
            *(
                aged(n, age=age, waited=waited, aside_until=after(seconds=aside) if aside > 0 else None)
                for n, (age, waited, aside) in enumerate(watches, start=1)
            ),
            pace=pace,
        )[0]

    until = made().wait_until(NOW)
    assert until is not None
    assert made().choose(until) is not None
    assert made().wait_until(until) == until
    if until > NOW:
        assert made().choose(until - SLACK - 0.001) is None
        assert made().wait_until((NOW + until) / 2) == pytest.approx(until, abs=SLACK + 1e-6)


def test_what_is_known_about_waiting_does_not_outlive_a_change() -> None:
    made, roster = schedule(aged(1, age=1e6, waited=10))
    far = made.wait_until(NOW)
    assert far is not None
    assert far > NOW + 200
    roster.put(aged(2, age=0, waited=0))
    made.changed()
    near = made.wait_until(NOW)
    assert near is not None
    assert NOW + 1 <= near < NOW + 2
    roster.drop(2)
    made.changed()
    assert made.wait_until(NOW) == far


def test_the_next_look_is_told_as_far_as_it_is_known() -> None:
    made, _roster = schedule(
        aged(1, age=1e9, waited=10), aged(2, age=0, waited=50), aged(3, age=1e9, waited=10), fresh(4)
    )
    made.first(3, "refresh")
    made.first(4)
    assert [made.next_look(n, NOW) for n in (1, 2, 3, 4, 5)] == [NOW + 290, NOW, NOW, NOW, None]
    assert made.choose(NOW) == Choice(batch_id=3, by="refresh", asked_for=True)
    assert made.next_look(3, NOW) == NOW


# New ones and refreshes


def test_new_watches_go_first_in_the_order_of_their_coming() -> None:
    """But for every second request, which goes to another that is due."""
    made, _ = schedule(aged(1, age=0, waited=1000), *(fresh(n) for n in (5, 3, 4)))
    for n in (5, 3, 4, 5):
        made.first(n)
    assert made.wait_until(NOW) == NOW
    assert [made.choose(NOW) for _ in range(4)] == [
        Choice(batch_id=5, asked_for=True),
        Choice(batch_id=1),
        Choice(batch_id=3, asked_for=True),
        Choice(batch_id=4, asked_for=True),
    ]


def test_a_person_who_asks_goes_before_new_watches() -> None:
    made, _ = schedule(aged(1, age=0, waited=1000), aged(2, age=0, waited=10), fresh(3), fresh(4))
    made.first(3)
    made.first(4)
    made.first(2, "refresh")
    made.first(4, "refresh")
    made.first(4)
    assert [made.choose(NOW) for _ in range(4)] == [
        Choice(batch_id=2, by="refresh", asked_for=True),
        Choice(batch_id=1),
        Choice(batch_id=4, by="refresh", asked_for=True),
        Choice(batch_id=3, asked_for=True),
    ]


def test_a_person_is_served_though_the_watch_is_set_aside_and_worth_nothing() -> None:
    made, _ = schedule(aged(1, age=1e9, waited=10, aside_until=after(hours=1)))
    made.first(1, "refresh")
    assert made.choose(NOW) == Choice(batch_id=1, by="refresh", asked_for=True)


def test_the_least_interval_holds_for_persons_too() -> None:
    """Asking in a loop costs one request a second, not the whole budget; and others who asked need not wait for it."""
    made, _ = schedule(aged(1, age=1e9, waited=0.25), aged(2, age=1e9, waited=0.5), aged(3, age=1e9, waited=5))
    for n in (1, 2, 3):
        made.first(n, "refresh")
    assert ids(made, NOW) == [3]
    assert made.next_look(1, NOW) == NOW + 0.75
    assert made.wait_until(NOW) == NOW + 0.5 + SLACK
    assert ids(made, NOW + 0.5) == [2]
    assert made.wait_until(NOW + 0.5) == NOW + 0.75 + SLACK
    assert ids(made, NOW + 0.75) == [1]


def test_one_that_was_asked_for_is_not_chosen_again_by_its_worth() -> None:
    made, _ = schedule(aged(1, age=0, waited=30), aged(2, age=0, waited=20), aged(3, age=0, waited=10))
    assert ids(made, NOW, 1) == [1]
    made.first(3, "refresh")
    assert ids(made, NOW) == [3, 2]


def test_what_came_to_nothing_still_goes_first() -> None:
    made, _ = schedule(*(fresh(n) for n in (1, 2, 3)))
    for n in (1, 2, 3):
        made.first(n)
    one, two = single(made, NOW), single(made, NOW)
    assert one is not None
    assert two is not None
    made.land(two, again=True)
    made.land(one, again=True)
    assert ids(made, NOW) == [1, 2, 3]


def test_a_refresh_that_came_to_nothing_is_still_a_refresh() -> None:
    made, _ = schedule(fresh(1), aged(2, age=0, waited=5))
    made.first(1)
    made.first(2, "refresh")
    choice = single(made, NOW)
    assert choice == Choice(batch_id=2, by="refresh", asked_for=True)
    made.land(choice, again=True)
    assert made.choose(NOW) == choice


def test_what_was_looked_at_by_its_worth_in_vain_waits_for_its_turn() -> None:
    made, _ = schedule(aged(1, age=0, waited=30), fresh(2, opened=after(seconds=-1)))
    choice = single(made, NOW)
    assert choice == Choice(batch_id=1)
    made.first(2)
    made.land(choice, again=True)
    assert ids(made, NOW) == [2, 1]


def test_a_refresh_joins_the_look_in_flight() -> None:
    made, roster = schedule(aged(1, age=0, waited=30))
    choice = single(made, NOW)
    assert choice is not None
    made.first(1, "refresh")
    assert (made.choose(NOW), made.wait_until(NOW)) == (None, None)
    look(made, roster, choice, NOW)
    assert [made.choose(NOW + later) for later in (0.5, 1.0, 1.5)] == [None] * 3


def test_a_refresh_that_joined_a_look_in_vain_goes_first() -> None:
    made, _ = schedule(aged(1, age=0, waited=20), aged(2, age=0, waited=30))
    choice = single(made, NOW)
    assert choice == Choice(batch_id=2)
    made.first(2, "refresh")
    made.land(choice, again=True)
    assert made.choose(NOW) == Choice(batch_id=2, by="refresh", asked_for=True)


def test_a_refresh_that_joined_a_look_that_failed_has_one_of_its_own() -> None:
    made, roster = schedule(aged(1, age=0, waited=30))
    choice = single(made, NOW)
    assert choice is not None
    made.first(1, "refresh")
    roster.attempt(1, NOON)
    made.land(choice, failed=True)
    assert made.choose(NOW) is None
    assert made.choose(NOW + 1) == Choice(batch_id=1, by="refresh", asked_for=True)


def test_a_refresh_that_failed_by_itself_is_over() -> None:
    made, roster = schedule(aged(1, age=0, waited=0.5))
    made.first(1, "refresh")
    choice = single(made, NOW + 0.5)
    assert choice == Choice(batch_id=1, by="refresh", asked_for=True)
    roster.attempt(1, after(seconds=0.5))
    made.land(choice, failed=True)
    assert made.choose(NOW + 1.5) == Choice(batch_id=1)


def test_what_waits_longest_is_what_was_not_asked_about_for_longest_but_for_what_is_set_aside() -> None:
    made, roster = schedule(aged(1, age=0, waited=3), aged(2, age=0, waited=9), aged(3, age=0, waited=5))
    roster.aside[1] = NOW + 60
    assert made.waits_longest(NOW) == 3
    empty, _ = schedule()
    assert empty.waits_longest(NOW) is None


def test_those_that_nobody_follows_any_more_are_forgotten() -> None:
    made, roster = schedule(fresh(1), fresh(2), fresh(3))
    for n in (1, 2, 3, 99):
        made.first(n)
    roster.drop(1)
    roster.drop(3)
    made.changed()
    assert ids(made, NOW) == [2]
    assert made.wait_until(NOW) is None


def test_many_new_watches_leave_nine_tenths_of_a_scarce_budget_to_those_that_are_due() -> None:
    """Old watches, long overdue, and an endless row of new ones that are not yet worth anything by themselves."""
    old = [aged(n, age=1e6, waited=1000) for n in range(1, 1001)]
    new = [fresh(n) for n in range(2001, 3001)]
    made, _ = schedule(*old, *new)
    for watch in new:
        made.first(watch.batch_id)
    chosen = ids(made, NOW, 1000)
    assert (SPREE, SHARE) == (16, 10)
    assert turns_of_new(chosen) == [*range(0, 33, 2), *range(35, 1000, 10)]
    assert [n for n in chosen if n > 2000] == [watch.batch_id for watch in new[: len(turns_of_new(chosen))]]


def turns_of_new(chosen: list[int]) -> list[int]:
    """Which of the requests were for new watches, where those have numbers above 2,000."""
    return [turn for turn, n in enumerate(chosen) if n > 2000]


def test_a_spree_is_no_longer_after_a_time_without_new_watches() -> None:
    new = [fresh(n) for n in range(2001, 2101)]
    made, _ = schedule(*(aged(n, age=1e6, waited=1000) for n in range(1, 501)), *new)
    assert turns_of_new(ids(made, NOW, 100)) == []
    for watch in new:
        made.first(watch.batch_id)
    assert turns_of_new(ids(made, NOW, 60)) == [*range(0, 33, 2), 35, 45, 55]


@given(st.lists(st.sampled_from(["refresh", "single"]), min_size=1, max_size=60), st.integers(0, 40))
def test_those_that_go_first_never_take_more_than_half_while_others_are_due(asked_for: list[By], others: int) -> None:
    made, _ = schedule(
        *(aged(n, age=0, waited=1000) for n in range(1, others + 1)),
        *(aged(100 + n, age=1e9, waited=2) for n in range(len(asked_for))),
    )
    for n, by in enumerate(asked_for):
        made.first(100 + n, by)
    chosen = ids(made, NOW)
    assert sorted(chosen) == [*range(1, others + 1), *range(100, 100 + len(asked_for))]
    contested = chosen[: max(place for place, n in enumerate(chosen) if n < 100) + 1] if others else []
    for end in range(len(contested) + 1):
        assert sum(n >= 100 for n in contested[:end]) <= end // 2 + 1


def test_where_nothing_is_due_new_watches_get_the_whole_budget() -> None:
    made, _ = schedule(*(aged(n, age=1e6, waited=1) for n in range(1, 100)), *(fresh(n) for n in range(2001, 2101)))
    for n in range(2001, 2101):
        made.first(n)
    assert ids(made, NOW) == list(range(2001, 2101))


def test_a_new_watch_that_is_due_by_itself_is_looked_at_once_and_given_back_as_what_it_is() -> None:
    new = [fresh(n, opened=after(seconds=-30)) for n in range(1, 101)]
    made, _ = schedule(*new)
    for watch in new:
        made.first(watch.batch_id)
    choices = [choice for _ in range(200) if (choice := single(made, NOW)) is not None]
    assert sorted(choice.batch_id for choice in choices) == list(range(1, 101))
    assert all(choice.asked_for for choice in choices)


# In flight


def test_a_watch_in_flight_is_not_chosen_until_it_has_landed() -> None:
    made, roster = schedule(aged(1, age=0, waited=30))
    choice = single(made, NOW)
    assert choice is not None
    assert made.choose(NOW + 1000) is None
    look(made, roster, choice, NOW + 1000)
    assert made.choose(NOW + 1000) is None
    assert made.choose(NOW + 1030) == choice


def test_a_watch_that_is_dropped_and_followed_again_in_flight_is_not_in_flight_twice() -> None:
    made, roster = schedule(aged(1, age=0, waited=30), aged(2, age=0, waited=40))
    choice = single(made, NOW)
    assert choice == Choice(batch_id=2)
    roster.drop(2)
    made.changed()
    assert ids(made, NOW) == [1]
    roster.put(fresh(2))
    made.first(2)
    made.changed()
    assert made.choose(NOW + 100) is None
    made.land(choice, again=True)
    assert made.choose(NOW + 100) == Choice(batch_id=2, asked_for=True)


# The shortlist


def test_the_shortlist_is_never_out_of_date_in_a_way_that_harms() -> None:
    """Within its lifetime: one landed is not chosen again, one dropped is not chosen, nor who got its row."""
    made, roster = schedule(*(aged(n, age=0, waited=100 - n) for n in range(1, 6)))
    choice = single(made, NOW)
    assert choice == Choice(batch_id=1)
    look(made, roster, choice, NOW)
    row = roster.row(2)
    roster.drop(2)
    assert roster.put(aged(20, age=0, waited=0.5)) == row
    roster.put(aged(3, age=0, waited=0.5))
    roster.attempt(4, NOON)
    assert ids(made, NOW + 0.005) == [5]


def test_the_shortlist_is_made_anew_when_time_goes_on_or_back() -> None:
    made, roster = schedule(aged(1, age=0, waited=10), aged(2, age=100, waited=11))
    assert ids(made, NOW, 1) == [1]
    roster.put(aged(3, age=0, waited=30))
    assert ids(made, NOW + 0.001, 1) == [2]
    made.land(Choice(batch_id=2), again=True)
    assert ids(made, NOW + 0.002, 1) == [3]
    other, roster = schedule(aged(1, age=0, waited=10), aged(2, age=0, waited=9), aged(3, age=0, waited=8))
    assert ids(other, NOW, 1) == [1]
    roster.put(aged(4, age=0, waited=30))
    assert ids(other, NOW - 0.001, 1) == [4]
    roster.put(aged(5, age=0, waited=40))
    assert ids(other, NOW + 0.1, 1) == [5]


def test_an_absurd_clock_does_no_harm() -> None:
    made, roster = schedule(*(aged(n, age=10, waited=10) for n in (1, 2, 3)))
    for now in (NOW - 1e9, 0.0, NOW - 60):
        assert made.choose(now) is None
        assert made.wait_until(now) is not None
        assert (made.overdue(now), made.oldest_look_age(now), made.expected_wait(now)) == (0, 0.0, 0.0)
    first = single(made, NOW + 1e8)
    assert first is not None
    assert sorted([*ids(made, NOW + 100000000.0), first.batch_id]) == [1, 2, 3]
    look(made, roster, first, NOW + 1e8)
    made.land(Choice(batch_id=2 if first.batch_id != 2 else 1), again=True)
    assert made.choose(NOW) == Choice(batch_id=2 if first.batch_id != 2 else 1)
    assert made.choose(NOW) is None


# Pages


def shows(*batch_ids: int, total: int | None = None) -> Page:
    items = tuple(Batch(id=n, status=NEW, broadcast_id=70) for n in batch_ids)
    return Page(offset=0, limit=100, items=items, total=total)


def members(*batch_ids: int, waited: float = 20.0, **fields: Any) -> tuple[Schedule, Roster]:
    """A schedule with watches of one broadcast, whose page was asked for before."""
    made, roster = schedule(*(aged(n, age=100, waited=waited, broadcast_id=70, **fields) for n in batch_ids))
    made.listings.place_new(NOW)
    made.listings.attempt(0, NOW - 9)
    return made, roster


def test_a_page_is_chosen_with_all_that_are_expected_on_it() -> None:
    made, roster = members(1, 2, 3)
    roster.page[2] = looked_for_on(0)
    made.listings.of(70).missed[3] = NOW
    ref = PageRef(broadcast_id=70, kind="call", offset=0, limit=100)
    assert made.choose(NOW) == PageChoice(page=0, ref=ref, members=(1, 2, 3), asked=NOW, by="page")
    assert made.choose(NOW) is None
    assert made.wait_until(NOW) is None


def test_no_page_is_chosen_for_those_in_flight_at_rest_or_set_aside() -> None:
    made, roster = members(1, 2, 3, 4, 5)
    made.first(1, "refresh")
    assert single(made, NOW) == Choice(batch_id=1, by="refresh", asked_for=True)
    roster.attempt(2, after(seconds=-0.5))
    roster.aside[2] = NOW + 60
    assert paged(made, NOW).members == (4, 5)


def test_what_a_page_shows_counts_as_a_look_but_for_what_is_looked_at_otherwise() -> None:
    made, roster = members(1, 2, 3, 4)
    roster.attempt(4, after(seconds=-0.75))
    made.first(1, "refresh")
    made.choose(NOW)
    choice = paged(made, NOW)
    assert choice.members == (2, 3)
    roster.put(aged(8, age=0, waited=5, broadcast_id=70))
    roster.put(aged(7, age=0, waited=1, broadcast_id=70))
    made.page_shown(choice, shows(1, 2, 3, 4, 7, 8, 9), NOW)
    assert [made.counts(choice, n) for n in (1, 2, 3, 4, 7, 8, 9)] == [False, True, True, False, True, True, False]
    roster.drop(2)
    assert not made.counts(choice, 2)


def test_a_refresh_is_over_only_when_a_page_shows_it_and_that_counts() -> None:
    made, roster = members(1, 2, 3)
    choice = paged(made, NOW)
    roster.put(aged(4, age=0, waited=0.5, broadcast_id=70))
    made.first(3, "refresh")
    made.first(4, "refresh")
    made.page_shown(choice, shows(1, 2, 3, 4), NOW)
    made.land(choice)
    assert single(made, NOW + 0.5) == Choice(batch_id=4, by="refresh", asked_for=True)
    assert made.choose(NOW + 0.5) is None


def test_those_that_no_page_shows_go_first_each_by_itself_once() -> None:
    made, roster = members(1, 2, 3)
    choice = paged(made, NOW)
    assert made.page_shown(choice, shows(1), NOW).absent == (2, 3)
    roster.attempt(1, NOON)
    made.land(choice)
    for n in (2, 3):
        assert single(made, NOW) == Choice(batch_id=n, asked_for=True)
    for n in (2, 3):
        look(made, roster, Choice(batch_id=n), NOW)
    assert made.choose(NOW) is None


def test_a_page_that_came_to_nothing_is_chosen_again_at_once() -> None:
    made, _ = members(1, 2)
    choice = paged(made, NOW)
    made.land(choice, again=True)
    assert made.choose(NOW) == choice


def test_a_page_that_landed_without_a_word_rests_all_the_same() -> None:
    made, _ = members(1, 2)
    choice = paged(made, NOW)
    made.land(choice)
    assert made.choose(NOW + 0.5) is None
    assert made.wait_until(NOW + 0.5) == pytest.approx(NOW + 1 + SLACK, abs=1e-4)
    assert paged(made, NOW + 1).members == (1, 2)


def test_a_watch_that_came_to_nothing_in_flight_makes_its_page_worth_more_again() -> None:
    made, _ = members(1, 2, 3, waited=2.5)
    together = made.wait_until(NOW)
    assert together is not None
    made.first(1, "refresh")
    choice = single(made, NOW)
    assert choice is not None
    assert made.choose(together) is None
    alone = made.wait_until(together)
    assert alone is not None
    assert alone > together
    made.land(choice, again=False)
    assert made.wait_until(together) == together


def test_a_watch_dropped_while_its_page_is_under_way_is_not_waited_for() -> None:
    made, roster = members(1, 2)
    choice = paged(made, NOW)
    roster.drop(1)
    assert roster.put(aged(9, age=0, waited=50)) == 0  # in its row
    assert ids(made, NOW) == [9]
    assert made.page_shown(choice, shows(1, 2), NOW).absent == ()
    assert [made.counts(choice, n) for n in (1, 2)] == [False, True]
    made.land(choice)
    assert len(roster) == 2


def test_a_new_watch_is_looked_at_by_its_page_where_that_may_be_asked_for() -> None:
    made, roster = members(1)
    for n in (2, 3, 4):
        roster.put(replace(fresh(n), broadcast_id=70))
        made.first(n)
    made.changed()
    assert paged(made, NOW).members == (1, 2, 3, 4)
    roster.put(replace(fresh(5), broadcast_id=70))
    made.first(5)
    assert single(made, NOW) == Choice(batch_id=5, asked_for=True)  # it is under way


def test_a_page_and_its_watches_rest_for_the_least_interval_and_no_longer() -> None:
    made, roster = schedule(*(aged(n, age=0, waited=waited, broadcast_id=70) for n, waited in ((1, 1), (2, 0.999))))
    roster.put(replace(fresh(3), broadcast_id=70))
    made.first(3)
    made.listings.of(70)
    made.listings.attempt(0, NOW - 1)
    assert paged(made, NOW).members == (1, 3)


@pytest.mark.parametrize("why", ["rests", "careful", "aside", "off"])
def test_a_new_watch_is_looked_at_by_itself_otherwise(why: str) -> None:
    made, roster = schedule(replace(fresh(2), broadcast_id=70))
    made.first(2)
    made.listings.of(70)
    if why == "rests":
        made.listings.attempt(0, NOW - 0.5)
    if why == "aside":
        roster.aside[0] = NOW - 5
    if why == "off":
        made.listings.broadcasts.off[0] = NOW + 5
    assert single(made, NOW, careful=why == "careful") == Choice(batch_id=2, asked_for=True)


def test_new_ones_that_are_due_go_in_their_order() -> None:
    made, _ = schedule(*(fresh(n, opened=after(seconds=-10 * n)) for n in (1, 2, 3)))
    for n in (1, 2, 3):
        made.first(n)
    assert ids(made, NOW) == [1, 2, 3]


def test_who_is_careful_asks_for_a_single_batch_wherever_there_is_one() -> None:
    made, _ = members(1, 2)
    assert single(made, NOW, careful=True) == Choice(batch_id=1)
    other, _ = schedule()
    other.listings.follow(70, None, (), NOW)
    choice = other.choose(NOW, careful=True)
    assert isinstance(choice, PageChoice)
    assert choice.batch_ids == ()


@pytest.mark.parametrize(
    ("watch", "is_new"),
    [
        (fresh(1), True),
        (aged(1, age=0, waited=20), False),
        (aged(1, age=1e9, waited=5, broadcast_id=70), False),
    ],
    ids=["new", "worth it", "on the page"],
)
def test_who_is_careful_sweeps_only_where_there_is_no_batch_to_ask_for(watch: Watch, is_new: bool) -> None:
    made, _ = schedule(watch)
    made.listings.follow(70, None, (), NOW - 2)
    made.listings.attempt(0, NOW - 2)
    if is_new:
        made.first(1)
    assert single(made, NOW, careful=True) == Choice(batch_id=1, asked_for=is_new)


def test_a_sweep_that_came_to_nothing_waits_until_the_others_have_had_their_turn() -> None:
    made, _ = schedule()
    for page, broadcast_id in enumerate((70, 71)):
        made.listings.follow(broadcast_id, None, (), NOW - 2)
        made.listings.attempt(page, NOW - 2)
    swept = []
    for now in (NOW, NOW + 1, NOW + 2):
        choice = paged(made, now)
        swept.append(choice.ref.broadcast_id)
        made.land(choice, again=True)
    assert swept == [70, 71, 70]


def test_sweeps_take_turns_and_no_more_than_new_watches_do() -> None:
    made, _ = schedule(*(aged(n, age=0, waited=1000) for n in range(1, 101)))
    for broadcast_id in (70, 71, 72):
        made.listings.follow(broadcast_id, None, (), NOW)
    chosen = [made.choose(NOW) for _ in range(6)]
    assert [isinstance(choice, PageChoice) for choice in chosen] == [True, False] * 3
    assert [choice.ref.broadcast_id for choice in chosen if isinstance(choice, PageChoice)] == [70, 71, 72]
    assert isinstance(made.choose(NOW), Choice)
    for choice in chosen:
        if isinstance(choice, PageChoice):
            made.page_shown(choice, shows(), NOW)
            made.land(choice)


def test_a_sweep_is_something_to_wake_up_for() -> None:
    made, _ = schedule()
    made.listings.follow(70, None, (), NOW)
    made.listings.attempt(0, NOW)
    assert made.wait_until(NOW) == NOW + 1 + SLACK
    assert made.wait_until(NOW + 1) == NOW + 1


def test_no_watch_starves_on_pages() -> None:
    """Each is shown within max_interval and the time that a round over all pages takes."""
    dice = random.Random(3)
    pace = Pace(max_interval=60.0)
    watches = [
        aged(n, age=10 ** dice.uniform(0, 7), waited=dice.uniform(0, 60), broadcast_id=n % 40) for n in range(400)
    ]
    made, roster = schedule(*watches, pace=pace)
    last = dict.fromkeys(range(400), NOW)
    longest = 0.0
    for now in tokens(0.5, 600):
        choice = made.choose(now)
        if choice is None:
            continue
        at = datetime.fromtimestamp(now, NOON.tzinfo)
        if isinstance(choice, PageChoice):
            made.page_shown(choice, shows(*choice.members), now)
        for n in choice.batch_ids:
            longest = max(longest, now - last[n])
            last[n] = now
            roster.note(Seen(asked=at, answered=at, batch=Batch(id=n, status=NEW)))
        made.land(choice)
    assert max(longest, *(now - at for at in last.values())) <= 60 + 40 / 0.5 + 4


# When a batch will have ended


def lasts(eta: tuple[float, float] | None, born: float) -> list[float]:
    """How long the batch takes, from its birth, with a chance of 50 and of 90 %."""
    return [at - born for at in eta or ()]


def test_an_eta_is_told_once_enough_ends_of_that_size_are_known() -> None:
    made, _ = schedule(aged(1, age=99, waited=20, size=50), fresh(2))
    rates = np.full((SIZES + 1, AGES), 0.5)
    known = [0.0] * (SIZES + 1)
    made.hazard = Hazard(rates, known=known)
    assert made.eta(1, NOW) is None
    known[size_bin(50)] = ENOUGH
    born = NOW - 119
    assert lasts(made.eta(1, NOW), born) == pytest.approx([100 * 2**2 - 1, 100 * 10**2 - 1])
    assert (made.eta(2, NOW), made.eta(3, NOW)) == (None, None)
    known[size_bin(None)] = ENOUGH
    assert lasts(made.eta(2, NOW + 1000), NOW) == pytest.approx([2**2 - 1, 10**2 - 1], abs=1e-4)
    assert made.hazard.known_of(size_bin(50)) == ENOUGH


def test_what_is_expected_to_end_is_told_of_the_watches_that_are_chosen_among() -> None:
    made, roster = schedule(aged(1, age=99, waited=20), aged(2, age=9, waited=20))
    assert made.expected.soonest(made.hazard, NOW, 9) == Expected(roster).soonest(made.hazard, NOW, 9)
    assert made.expected.soonest(made.hazard, NOW, 9).total == 2


# Figures


def test_waiting_that_nobody_has_seen_is_the_sum_over_all_watches() -> None:
    made, roster = schedule(*(aged(n, age=n * 10.0, waited=n * 7.0) for n in range(1, 10)))
    made.choose(NOW)
    assert made.expected_wait(NOW) == pytest.approx(sum(plain_worth(roster, n, NOW) for n in range(1, 10)))
    assert schedule()[0].expected_wait(NOW) == 0.0


def test_overdue_watches_are_counted_but_for_those_that_rest_on_purpose() -> None:
    made, _ = schedule(
        aged(1, age=0, waited=299),
        aged(2, age=0, waited=301),
        aged(3, age=0, waited=500),
        aged(4, age=0, waited=900, aside_until=after(seconds=1)),
    )
    assert (made.overdue(NOW), made.oldest_look_age(NOW)) == (2, 500.0)
    assert (made.overdue(NOW + 1), made.oldest_look_age(NOW + 1)) == (3, 901.0)
    empty, _ = schedule()
    assert (empty.overdue(NOW), empty.oldest_look_age(NOW)) == (0, 0.0)


def test_overdue_watches_are_named_in_ascending_order() -> None:
    waited = {9: 301, 2: 299, 7: 500, 2**62: 900, 4: 301}
    made, _ = schedule(*(aged(n, age=0, waited=seconds) for n, seconds in waited.items()))
    named = made.overdue_batches(NOW)
    assert (named, {type(batch_id) for batch_id in named}) == ([4, 7, 9, 2**62], {int})
    assert schedule()[0].overdue_batches(NOW) == []


# What must hold whatever happens

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["choose"] * 5 + ["land"] * 4 + ["again", "fail", "put", "drop", "first", "refresh"]),
        st.integers(1, 6),
        st.sampled_from([0.0, 0.0, 0.001, 0.2, 0.2, 1.0, 7.0, 400.0]),
    ),
    max_size=80,
)


@settings(max_examples=200)
@given(STEPS)
def test_whatever_happens_nobody_is_in_flight_twice_or_asked_too_often(steps: list[tuple[str, int, float]]) -> None:
    made, roster = schedule()
    now = NOW
    flying: dict[int, Choice] = {}
    asked: dict[int, float] = {}
    for what, batch_id, pause in steps:
        now += pause
        at = datetime.fromtimestamp(now, NOON.tzinfo)
        if what == "choose":
            until = made.wait_until(now)
            choice = single(made, now)
            assert (choice is not None) == (until == now)
            if choice is None:
                continue
            assert choice.batch_id not in flying
            assert choice.batch_id in roster
            assert now - asked.get(choice.batch_id, -math.inf) >= PACE.min_interval - 1e-6
            flying[choice.batch_id] = choice
        elif what in ("land", "again", "fail") and batch_id in flying:
            if what == "land":
                roster.note(Seen(asked=at, answered=at, batch=Batch(id=batch_id, status=NEW)))
            if what != "again":
                roster.attempt(batch_id, at)
                asked[batch_id] = now
            made.land(flying.pop(batch_id), again=what == "again")
        elif what == "put":
            if batch_id not in roster:
                asked.pop(batch_id, None)  # a new watch knows nothing of an old one
            roster.put(fresh(batch_id, opened=at), tried=at if batch_id in asked else None)
            made.changed()
        elif what == "drop":
            roster.drop(batch_id)
            made.changed()
        elif what in ("first", "refresh"):
            made.first(batch_id, "refresh" if what == "refresh" else "single")


def tokens(rate: float, seconds: float) -> Iterator[float]:
    for number in range(int(rate * seconds)):
        yield NOW + number / rate


@pytest.mark.parametrize(
    ("count", "rate", "newcomers"),
    [(50, 2.0, 0), (400, 1.0, 0), (400, 5.0, 0), (300, 2.0, 1)],
    ids=["plenty", "scarce", "just enough", "with a flood of new ones"],
)
def test_no_watch_starves(count: int, rate: float, newcomers: int) -> None:
    """Each is looked at within max_interval and the time that one round over all takes at that budget."""
    dice = random.Random(count)
    pace = Pace(max_interval=60.0)
    watches = [aged(n, age=10 ** dice.uniform(0, 7), waited=dice.uniform(0, 60)) for n in range(1, count + 1)]
    made, roster = schedule(*watches, pace=pace)
    last = dict.fromkeys(range(1, count + 1), NOW)
    longest = 0.0
    fresh_id = 10_000
    for now in tokens(rate, 4 * (60 + count / rate)):
        for _ in range(newcomers):
            fresh_id += 1
            roster.put(aged(fresh_id, age=1e9, waited=0, now=datetime.fromtimestamp(now, NOON.tzinfo)))
            roster.drop(fresh_id - 50)
            made.first(fresh_id)
            made.changed()
        choice = single(made, now)
        if choice is None:
            continue
        if choice.batch_id <= count:
            longest = max(longest, now - last[choice.batch_id])
            last[choice.batch_id] = now
        look(made, roster, choice, now)
    longest = max(longest, *(now - at for at in last.values()))
    round_trip = count / rate * (SHARE / (SHARE - 1) if newcomers else 1)
    assert longest <= 60 + round_trip + (SPREE + 2) / rate


def test_statuses_do_not_matter_for_the_order() -> None:
    """A word nobody knows is polled like VALIDATING."""
    watches = [
        replace(aged(n, age=10, waited=20 + n), status=word) for n, word in ((1, VALIDATING), (2, "PAUSED"), (3, NEW))
    ]
    made, roster = schedule(*watches)
    assert ids(made, NOW) == [3, 2, 1]
    assert roster.note(seen("PAUSED", after(seconds=1), batch_id=2))
