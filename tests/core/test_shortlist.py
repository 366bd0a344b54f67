"""The best of a ranking are kept for a moment, and no longer than they are right."""

from datetime import datetime
from math import inf

import pytest

from tests.core.making import after
from tests.core.test_schedule import NOW, PATIENT, aged
from tests.fakes import NOON
from watcher.core.hazard import Hazard, scale_free
from watcher.core.listings import Listings
from watcher.core.model import Watch
from watcher.core.ranking import PORTION, SHORTLIST, Pace, Ranking
from watcher.core.roster import NEVER, Roster
from watcher.core.shortlist import FEW, LIFETIME, LIFETIME_EACH, SOON, Shortlist


def made(*watches: Watch) -> tuple[Shortlist, Roster, Ranking]:
    roster = Roster(PATIENT)
    for watch in watches:
        roster.put(watch)
    ranking = Ranking(roster, Listings(roster), Pace())
    return Shortlist(roster, ranking), roster, ranking


def old(count: int) -> list[Watch]:
    return [aged(n, age=1e9, waited=1) for n in range(1, count + 1)]


def looked(roster: Roster, batch_id: int, now: float) -> None:
    roster.attempt(batch_id, datetime.fromtimestamp(now, NOON.tzinfo))


def test_what_is_due_is_given_from_the_best_on_and_then_it_is_known_when_there_will_be_more() -> None:
    shortlist, _, _ = made(aged(1, age=0, waited=20), aged(2, age=0, waited=30), aged(3, age=1e9, waited=10))
    flying: set[int] = set()
    for expected in (2, 1):
        assert shortlist.best(NOW, flying) == shortlist.best(NOW, flying) == expected
        flying.add(expected)
        shortlist.forget(expected)
    assert shortlist.best(NOW, flying) is None
    assert shortlist.quiet_until == NOW + 290
    shortlist.forget(99)


def test_one_that_was_chosen_otherwise_is_forgotten() -> None:
    shortlist, _, _ = made(aged(1, age=0, waited=20), aged(2, age=0, waited=30))
    assert shortlist.best(NOW, ()) == 2
    shortlist.forget(1)
    shortlist.forget(2)
    assert shortlist.best(NOW, (1, 2)) is None


def test_pages_that_went_off_meanwhile_are_passed_over() -> None:
    shortlist, roster, ranking = made(
        *(aged(n, age=0, waited=40, broadcast_id=70) for n in (1, 2)), aged(9, age=0, waited=5)
    )
    assert shortlist.best(NOW, ()) == -1
    ranking.listings.broadcasts.off[0] = NOW + 60
    assert shortlist.best(NOW, ()) == 9
    assert shortlist.grounded((1,)).tolist() == [False, True, True]
    assert shortlist.grounded(()) is not roster.live
    assert shortlist.grounded((77,)).all()


def test_few_watches_are_ranked_again_when_something_changed_and_many_when_the_ranking_has_lived() -> None:
    few, roster, _ = made(*old(5))
    assert few.best(NOW, ()) is None
    roster.put(aged(9, age=0, waited=50))
    few.changed()
    assert few.best(NOW, ()) == 9
    many, roster, _ = made(*old(FEW + 1))
    assert many.best(NOW, ()) is None
    roster.put(aged(9999, age=0, waited=50))
    many.changed()
    assert many.best(NOW, ()) is None
    assert many.quiet_until == pytest.approx(NOW + LIFETIME + LIFETIME_EACH * (FEW + 1), abs=1e-5)
    assert many.best(many.quiet_until, ()) == 9999


def test_a_thousand_are_few() -> None:
    few, roster, _ = made(*old(1000))
    assert few.best(NOW, ()) is None
    roster.drop(5)
    roster.put(aged(9999, age=0, waited=50))
    few.changed()
    assert few.best(NOW, ()) == 9999
    assert few.quiet_until == NEVER
    many, roster, _ = made(*old(1001))
    assert (many.best(NOW, ()), many.quiet_until) == (None, NOW + 299)
    roster.drop(5)
    roster.put(aged(9999, age=0, waited=50))
    many.changed()
    assert many.best(NOW, ()) is None


@pytest.mark.parametrize(("others", "quiet"), [(1, 0.005), (FEW, LIFETIME + LIFETIME_EACH * (FEW + 1))])
def test_what_is_due_within_the_life_of_a_ranking_is_not_waited_for_where_there_are_many(
    others: int, quiet: float
) -> None:
    shortlist, _, _ = made(*old(others + 1)[1:], aged(1, age=0, waited=20, aside_until=after(seconds=0.005)))
    assert shortlist.best(NOW, ()) is None
    assert shortlist.quiet_until == pytest.approx(NOW + quiet, abs=1e-6)


def test_of_many_the_best_is_given_until_it_was_chosen_or_changed() -> None:
    shortlist, roster, _ = made(
        *old(FEW + 4)[4:],
        *(aged(n, age=0, waited=20 * n) for n in (1, 2, 3)),
        aged(4, age=0, waited=99, aside_until=NOON),
    )
    assert [shortlist.best(NOW, ()) for _ in range(3)] == [4, 4, 4]
    shortlist.forget(3)
    assert shortlist.best(NOW, ()) == 4
    shortlist.forget(4)
    assert shortlist.best(NOW, ()) == 2
    looked(roster, 2, NOW)
    assert shortlist.best(NOW, ()) == 1


def test_of_many_a_page_is_given_as_long_as_it_is_due_and_may_be_asked_for() -> None:
    shortlist, _, ranking = made(*old(FEW + 2)[2:], *(aged(n, age=0, waited=40, broadcast_id=71) for n in (1, 2)))
    listings = ranking.listings
    for broadcast_id in (71, 70, *range(72, 86)):
        listings.of(broadcast_id)
    page = listings.of(71).pages[0]
    listings.attempt(page, NOW - 9)
    listings.broadcasts.off[[place for place in range(16) if place != listings.pages.owner[page]]] = NOW + 60
    assert [shortlist.best(NOW, ()) for _ in range(3)] == [-1 - page] * 3


def test_of_many_all_that_are_due_are_known_until_the_ranking_has_lived() -> None:
    shortlist, roster, _ = made(*old(FEW + 1)[2:], *(aged(n, age=0, waited=60) for n in (1, 2)), *old(FEW + 3)[-2:])
    assert shortlist.best(NOW, ()) in (1, 2)
    for n in (1, 2):
        looked(roster, n, NOW)
        shortlist.forget(n)
    shortlist.changed()
    assert shortlist.best(NOW, ()) is None
    assert NOW < shortlist.quiet_until < NOW + 0.1


def test_where_more_are_due_than_it_holds_they_are_ranked_again_when_it_is_used_up() -> None:
    shortlist, roster, _ = made(*(aged(n, age=0, waited=60) for n in range(FEW + 1)))
    for _ in range(SHORTLIST + 1):
        best = shortlist.best(NOW, ())
        assert best is not None
        looked(roster, best, NOW)
        shortlist.forget(best)


def test_a_ranking_that_could_not_compare_all_does_not_hold_for_long() -> None:
    shortlist, _, _ = made(*old(PORTION), aged(PORTION + 1, age=0, waited=60))
    assert shortlist.best(NOW, ()) is None
    assert shortlist.quiet_until == NOW
    assert shortlist.best(NOW, ()) == PORTION + 1
    sooner, _, _ = made(aged(PORTION + 2, age=0, waited=60), *old(PORTION + 1))
    assert sooner.best(NOW, ()) == PORTION + 2
    assert sooner._lives == SOON == 0.1


def test_a_clock_that_went_back_or_far_ahead_ends_a_ranking() -> None:
    shortlist, roster, _ = made(aged(1, age=0, waited=20), aged(2, age=0, waited=30))
    assert shortlist.best(NOW, ()) == 2
    roster.put(aged(3, age=0, waited=60))
    assert shortlist.best(NOW - 5, ()) == 3
    roster.put(aged(4, age=0, waited=90))
    assert shortlist.best(NOW + 5, ()) == 4


def test_what_was_known_of_a_later_time_does_not_hold_when_the_clock_goes_back() -> None:
    shortlist, roster, _ = made(aged(1, age=1e9, waited=10))
    assert [shortlist.best(now, ()) for now in (NOW, NOW + 290)] == [None, 1]
    shortlist.forget(1)
    roster.put(aged(2, age=0, waited=60))
    assert shortlist.best(NOW, ()) == 2


def test_it_ranks_by_the_hazard_that_is_known() -> None:
    shortlist, _, ranking = made(aged(1, age=10, waited=20, size=50), aged(2, age=10, waited=25, size=5000))
    rates = scale_free().rates.copy()
    rates[3] *= 9
    ranking.hazard = Hazard(rates)
    assert shortlist.best(NOW, ()) == 1
    assert made()[0].quiet_until < inf
