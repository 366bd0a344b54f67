"""Single looks and pages are compared by the same figure, and each when it is due."""

from dataclasses import replace
from datetime import timedelta
from math import inf, log
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.making import after, fresh, seen_watch
from tests.core.test_schedule import NOW, PATIENT, aged, plain_worth
from watcher.core import ranking
from watcher.core.hazard import AGES, SHAPE, SIZES, Hazard, scale_free
from watcher.core.listings import Listings
from watcher.core.model import NEW, Watch
from watcher.core.ranking import OVERDUE, SHORTLIST, STALE, Compared, Pace, Ranking
from watcher.core.roster import NEVER, Roster, looked_for_on

PACE = Pace()


def ranked(*watches: Watch, pace: Pace = PACE) -> Ranking:
    roster = Roster(PATIENT)
    for watch in watches:
        roster.put(watch)
    return Ranking(roster, Listings(roster), pace)


def compared(made: Ranking, now: float = NOW, flying: tuple[int, ...] = ()) -> Compared:
    grounded = made.roster.live[: made.roster.used].copy()
    grounded[[row for each in flying if (row := made.roster.row(each)) is not None]] = False
    return made.compare(grounded, now)


def scores(made: Ranking, now: float = NOW, **how: Any) -> dict[int, float]:
    found = compared(made, now, **how)
    return dict(zip(found.entries.tolist(), found.scores.tolist(), strict=True))


def member(batch_id: int, *, age: float = 100.0, waited: float = 10.0, **fields: Any) -> Watch:
    return aged(batch_id, age=age, waited=waited, **({"broadcast_id": 70} | fields))


# Pages and watches


def test_a_page_is_worth_the_sum_of_its_watches_which_are_then_not_compared_by_themselves() -> None:
    made = ranked(*(member(n, age=10.0 * n) for n in (1, 2, 3)), aged(9, age=10, waited=10))
    made.listings.of(70)
    made.listings.attempt(0, NOW - 9)
    assert scores(made) == {
        -1: pytest.approx(sum(plain_worth(made.roster, n, NOW) for n in (1, 2, 3))),
        9: pytest.approx(plain_worth(made.roster, 9, NOW)),
    }


def test_a_page_with_one_watch_is_no_better_than_the_watch() -> None:
    made = ranked(member(1))
    assert scores(made) == {1: pytest.approx(plain_worth(made.roster, 1, NOW))}


def test_watches_in_flight_make_no_page_worth_more() -> None:
    made = ranked(*(member(n) for n in (1, 2, 3)))
    assert scores(made, flying=(1,))[-1] == pytest.approx(2 * plain_worth(made.roster, 2, NOW))
    assert list(scores(made, flying=(1, 2))) == [3]
    assert scores(made, flying=(1, 2, 3)) == {}
    assert compared(made, flying=(1, 2, 3)).quiet_until == inf


def test_watches_on_a_page_under_way_wait_for_it() -> None:
    made = ranked(*(member(n) for n in (1, 2, 3)))
    compared(made)
    made.listings.pages.flying[0] = True
    assert scores(made) == {}


def test_watches_of_a_listing_that_is_off_go_by_themselves_until_it_is_tried_again() -> None:
    made = ranked(*(member(n) for n in (1, 2)))
    compared(made)
    made.listings.broadcasts.off[0] = NOW + 5
    assert set(scores(made)) == {1, 2}
    assert set(scores(made, NOW + 5)) == {-1}
    made.listings.all_off = NOW + 10
    assert set(scores(made, NOW + 5)) == {1, 2}
    assert set(scores(made, NOW + 10)) == {-1}


def test_with_nothing_due_it_is_told_when_a_listing_may_be_tried_again() -> None:
    made = ranked(*(member(n, age=1e9, waited=0) for n in (1, 2)))
    compared(made)
    made.listings.broadcasts.off[0] = NOW + 5
    assert compared(made).quiet_until == NOW + 5
    made.listings.all_off = NOW + 4
    assert compared(made).quiet_until == NOW + 4


def test_what_may_be_asked_for_from_now_on_or_is_under_way_is_not_waited_for() -> None:
    made = ranked(*(member(n, broadcast_id=70 + n // 2, age=1e9, waited=0) for n in range(4)))
    compared(made)
    made.roster.due[:4] = NOW + 99
    made.listings.pages.due[:2] = NOW + 3, NOW + 9
    made.listings.broadcasts.off[1] = NOW
    assert compared(made).quiet_until == NOW + 3
    made.listings.pages.flying[0] = True
    assert compared(made).quiet_until == NOW + 9


def test_those_that_were_set_aside_go_by_themselves_when_that_is_over() -> None:
    made = ranked(*(member(n, waited=1000, aside_until=after(seconds=3)) for n in (1, 2)), member(3), member(4))
    assert set(scores(made)) == {-1}
    assert scores(made)[-1] < OVERDUE
    assert set(scores(made, NOW + 3)) == {-1, 1, 2}


def test_those_that_are_looked_for_count_by_chance_and_go_by_themselves_too() -> None:
    made = ranked(*(member(n) for n in (1, 2, 3)))
    compared(made)
    made.roster.page[2] = looked_for_on(0)
    made.listings.broadcasts.hit[0], made.listings.broadcasts.trust[0] = 0.25, 0.5
    made.listings.pages.due[0] = np.nan
    one = plain_worth(made.roster, 3, NOW)
    assert scores(made) == {-1: pytest.approx((2 * 0.5 + 0.25) * one), 3: pytest.approx(one)}


def test_watches_that_rest_make_no_page_worth_more() -> None:
    made = ranked(member(1), member(2), member(3, age=0.2, waited=0.9))
    assert scores(made)[-1] == pytest.approx(2 * plain_worth(made.roster, 1, NOW))


def test_a_page_rests_too() -> None:
    made = ranked(member(1), member(2))
    made.listings.of(70)
    made.listings.attempt(0, NOW - 0.75)
    assert compared(made).quiet_until == NOW + 0.25
    assert list(scores(made, NOW + 0.25)) == [-1]


def test_a_page_that_was_shown_in_place_of_another_rests_too() -> None:
    made = ranked(member(1), member(2))
    assert list(scores(made)) == [-1]
    made.listings.pages.asked[0] = NOW - 0.5
    found = compared(made)
    assert (found.entries.tolist(), found.quiet_until) == ([], NOW)


def test_watches_have_rested_after_just_the_least_interval_and_are_overdue_after_just_the_longest() -> None:
    made = ranked(*(member(n, age=0, waited=1) for n in (1, 2)))
    assert scores(made) == {-1: pytest.approx(2 * plain_worth(made.roster, 1, NOW))}
    assert scores(ranked(aged(1, age=1e9, waited=300))) == {1: OVERDUE + 300}


def test_what_a_page_is_compared_by_is_told_while_listings_may_be_asked_for() -> None:
    made = ranked(member(1), member(2))
    found = scores(made)
    grounded = made.roster.live[: made.roster.used]
    made.listings.all_off = NOW
    assert made.page_score(0, grounded, NOW) == found[-1]
    assert made.page_score(0, grounded, NOW - 1) is None
    assert made.page_score(0, np.array([True, False]), NOW) is None


def test_a_page_may_be_worth_too_little_by_a_rounding_error() -> None:
    made = ranked(member(1), member(2))
    score = scores(made)[-1]
    made.pace = Pace(worth=score * (1 + 5e-7))
    made.listings.pages.due[0] = NOW
    assert scores(made) == {-1: score}
    made.pace = Pace(worth=score * (1 + 5e-6))
    assert scores(made) == {}


def test_overdue_watches_make_their_page_overdue() -> None:
    made = ranked(member(1, waited=301, age=1e9), member(2, age=1e9), aged(3, age=0, waited=299))
    assert scores(made)[-1] >= OVERDUE
    assert compared(made).best()[-1] == -1


# When


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 400)), min_size=2, max_size=6),
    st.sampled_from([Pace(), Pace(worth=0.0), Pace(worth=5.0, min_interval=3.0, max_interval=60.0)]),
)
@example([(0.0, 0.0)] * 2, Pace(worth=0.01, min_interval=0.1, max_interval=60.0))
def test_a_page_is_due_when_it_is_worth_it_and_not_much_later(watches: list[tuple[float, float]], pace: Pace) -> None:
    def at(now: float) -> Compared:
        return compared(
            ranked(*(member(n, age=age, waited=waited) for n, (age, waited) in enumerate(watches)), pace=pace), now
        )

    quiet = at(NOW)
    if quiet.entries.tolist():
        assert quiet.entries.tolist() == [-1]
        return
    until = quiet.quiet_until
    assert NOW < until <= NOW + pace.max_interval
    assert at(until + 0.002).entries.tolist() == [-1]
    early = until - 0.004 - 0.002 * (until - NOW)
    if early > NOW:
        assert at(early).entries.tolist() == []


def test_a_page_whose_watches_rest_until_the_same_moment_is_due_just_then() -> None:
    made = ranked(*(member(n, age=0, waited=0.25) for n in range(1, 6)))
    assert compared(made).quiet_until == NOW + 0.75
    assert list(scores(made, NOW + 0.75)) == [-1]


def test_no_time_has_passed_no_hazard_was_met() -> None:
    made = ranked(member(1, waited=0), member(2, waited=7))
    found = made.hazard_of(np.arange(2), NOW)
    assert found.tolist() == [0.0, pytest.approx(SHAPE * log(108 / 101))]


def test_due_times_stand_until_there_is_another_hazard_and_follow_it_once() -> None:
    made = ranked(*(member(n, broadcast_id=70 + n // 3, age=1000, waited=2) for n in (1, 2, 3)))
    compared(made)
    for _ in range(2):
        made.roster.due[:3] = made.listings.pages.due[0] = NOW + 5000
        compared(made)
        assert [*made.roster.due[:3], made.listings.pages.due[0]] == [NOW + 5000] * 4
        made.hazard = scale_free()
        compared(made)
        assert max(*made.roster.due[:3], made.listings.pages.due[0]) < NOW + 100
    one = ranked(aged(1, age=1000, waited=2))
    compared(one)
    one.roster.due[0] = NOW + 5000
    one.hazard = scale_free()
    compared(one)
    assert one.roster.due[0] < NOW + 100


def test_a_page_whose_watches_ended_is_worked_out_anew() -> None:
    made = ranked(*(member(n, waited=3.0) for n in range(1, 6)))
    assert list(scores(made)) == [-1]
    for n in (1, 2, 3):
        made.roster.drop(n)
    found = compared(made)
    assert (found.entries.tolist(), found.quiet_until) == ([], NOW)
    assert compared(made).quiet_until > NOW + 0.5


def test_a_look_makes_its_page_due_anew() -> None:
    made = ranked(*(member(n, age=10) for n in (1, 2)))
    assert compared(made).entries.tolist() == [-1]
    for n in (1, 2):
        made.roster.attempt(n, after(seconds=0))
    assert compared(made).entries.tolist() == []
    made.roster.page[:2] = looked_for_on(0)
    made.roster.attempt(1, after(seconds=1))
    compared(made, NOW + 1)
    assert not np.isnan(made.listings.pages.due[0])


def test_when_a_watch_is_due_is_told_with_that_of_its_page() -> None:
    made = ranked(member(1, age=1e6, waited=2), member(2, age=0, waited=2), member(3, broadcast_id=71, age=1e6))
    alone = made.due(0, NOW)
    compared(made)
    assert made.due(0, NOW) < alone
    assert made.due(0, NOW) == max(float(made.listings.pages.due[0]), NOW)
    made.listings.pages.due[0] = NOW + 0.5
    assert made.due(0, NOW) == NOW + 0.5
    assert made.due(2, NOW) == float(made.roster.due[2])
    made.listings.broadcasts.off[0] = NOW + 99
    assert made.due(0, NOW) == alone


# Strangers


def test_a_page_never_asked_for_may_show_those_whose_broadcast_is_not_known() -> None:
    made = ranked(*(aged(n, age=50, waited=20) for n in range(1, 21)))
    place = made.listings.of(70).pages[0]
    one = plain_worth(made.roster, 1, NOW)
    found = scores(made)
    assert found[-1 - place] == pytest.approx(5 * one)
    assert found[1] == pytest.approx(one)  # it was asked about, and still nobody knows
    made.listings.attempt(place, NOW - 5)
    assert set(scores(made)) == set(range(1, 21))


def test_only_pages_that_were_never_asked_for_may_show_them_and_no_more_than_there_are() -> None:
    made = ranked(
        *(member(n, waited=100) for n in (1, 2)),
        aged(3, age=50, waited=20),
        aged(4, age=50, waited=40),
        aged(5, age=9, waited=60),
    )
    made.listings.of(71)
    made.listings.attempt(0, NOW - 9)
    worth = {n: plain_worth(made.roster, n, NOW) for n in range(1, 6)}
    assert scores(made) == {
        -1: pytest.approx(worth[1] + worth[2]),
        -2: pytest.approx(worth[3] + worth[4] + worth[5]),
        **{n: pytest.approx(worth[n]) for n in (3, 4, 5)},
    }


def test_where_another_page_must_be_worked_out_anew_too_that_is_at_once() -> None:
    made = ranked(*(member(n, age=1e9, waited=5) for n in (1, 2)), aged(3, age=1e5, waited=5))
    made.listings.of(71)
    made.listings.attempt(0, NOW - 9)
    compared(made)
    made.listings.pages.due[0] = NOW
    found = compared(made)
    assert (found.entries.tolist(), found.quiet_until) == ([], NOW)


def test_a_page_that_is_not_worth_it_yet_for_what_it_may_show_is_compared_again_soon() -> None:
    made = ranked(aged(1, age=1e5, waited=5))
    made.listings.of(70)
    found = compared(made)
    assert (found.entries.tolist(), found.quiet_until) == ([], NOW + 1.0)


def test_the_first_look_at_a_stranger_is_worth_more_as_it_leads_to_others() -> None:
    made = ranked(*(fresh(n, opened=after(seconds=-20)) for n in range(1, 5)), aged(9, age=0, waited=20))
    one = plain_worth(made.roster, 9, NOW)  # as old, and waited for as long
    assert scores(made)[1] == pytest.approx(one)
    made.listings.of(70)
    made.listings.attempt(0, NOW)
    assert scores(made)[1] == pytest.approx(2.5 * one)
    assert scores(made)[9] == pytest.approx(one)
    made.listings.finds = 0.0
    assert scores(made)[1] == pytest.approx(one)


def test_a_broadcast_that_is_followed_is_asked_for_new_batches() -> None:
    made = ranked()
    made.listings.follow(70, None, (), NOW)
    made.listings.attempt(0, NOW)
    wait = compared(made).quiet_until - NOW
    assert 0.5 * wait * wait / 600 == pytest.approx(PACE.worth, rel=0.01)
    assert scores(made, NOW + wait) == {-1: pytest.approx(PACE.worth, rel=0.01)}


# Another hazard


def test_with_another_hazard_due_times_follow_in_portions_however_often_it_changes() -> None:
    made = ranked(*(aged(n, age=1000, waited=2) for n in range(1, 2 * STALE + 1)))
    compared(made)
    before = made.roster.due[: made.roster.used].copy()
    for times in (3, 9):
        sooner = Hazard(np.full((SIZES + 1, AGES), times * SHAPE))
        for _ in range(2):
            made.hazard = sooner
            compared(made)
        assert made.hazard is sooner
        now = made.roster.due[: made.roster.used].copy()
        assert (now < before).all()
        before = now


def test_so_do_those_of_pages() -> None:
    made = ranked(member(1, age=1000, waited=2), member(2, age=1000, waited=2))
    compared(made)
    before = float(made.listings.pages.due[0])
    made.hazard = Hazard(np.full((SIZES + 1, AGES), 3 * SHAPE))
    compared(made)
    assert float(made.listings.pages.due[0]) < before


def test_what_cannot_be_worked_out_in_one_go_is_left_for_the_next() -> None:
    made = ranked(*(aged(n, age=10, waited=50) for n in range(1, ranking.BLOCK + 2)))
    assert ranking.BLOCK > ranking.PORTION
    made.listings.of(70)
    found = compared(made)
    assert found.more
    assert dict(zip(found.entries.tolist(), found.scores.tolist(), strict=True))[-1] == pytest.approx(
        5 * plain_worth(made.roster, 1, NOW)
    )
    assert not compared(made).more
    made.roster.due[: ranking.PORTION] = np.nan
    assert not compared(made).more
    many = ranked(*(member(n, broadcast_id=70 + n // 2) for n in range(2 * ranking.PAGES + 2)))
    assert compared(many).more
    assert not compared(many).more


def test_the_best_are_in_order_the_best_last() -> None:
    made = ranked(*(aged(n, age=10, waited=10 + n / 10) for n in range(1, SHORTLIST + 11)))
    assert compared(made).best() == list(range(11, SHORTLIST + 11))


def test_of_very_many_in_any_order_the_best_are_kept_and_those_alike_stay_in_order() -> None:
    order = np.random.default_rng(5).permutation(1000)
    assert Compared(order, order.astype(float), inf, more=False).best() == list(range(1000 - SHORTLIST, 1000))
    worth = np.random.default_rng(6).integers(0, 3, SHORTLIST).astype(float)
    alike = Compared(np.arange(SHORTLIST), worth, inf, more=False)
    assert alike.best() == sorted(range(SHORTLIST), key=lambda entry: worth[entry])


def test_nobody_watched_is_nothing_to_do() -> None:
    found = compared(ranked())
    assert (found.best(), found.quiet_until, found.more) == ([], inf, False)


@given(
    st.lists(
        st.tuples(st.floats(0, 3e8), st.floats(-1e6, 3e8), st.integers(0, 2**31), st.booleans()),
        min_size=1,
        max_size=10,
    ),
    st.floats(-3e8, 3e8),
)
def test_worth_is_never_negative_nor_nan_whatever_the_ages_and_the_clock(
    watches: list[tuple[float, float, int, bool]], later: float
) -> None:
    made = ranked(
        *(
            replace(
                seen_watch(NEW, batch_id=n, at=after(seconds=-waited), size=size),
                created=after(seconds=-waited - age),
                opened=after(seconds=-waited) - timedelta(seconds=age),
                broadcast_id=70 if paged else None,
            )
            for n, (age, waited, size, paged) in enumerate(watches)
        )
    )
    rows = np.arange(len(watches))
    for now in (NOW, NOW + later):
        found = compared(made, now)
        assert (found.scores >= 0).all()
        assert not np.isnan(found.quiet_until)
        for figures in (made.worth_of(rows, now), made.scores_of(rows, now), made.hazard_of(rows, now)):
            assert (figures >= 0).all()
            assert np.isfinite(figures).all()
    assert made.roster.tried.min() >= NEVER
