"""Followed broadcasts are listed from end to end, one page of each in turn."""

from math import inf

from watcher.core.listing import RESWEEP, Listing
from watcher.core.sweeps import CHECK, Sweeps

NOW = 1e9


def listing(place: int, length: int = 2) -> Listing:
    return Listing(
        place=place,
        broadcast_id=70 + place,
        limit=100,
        pages=[10 * place + n for n in range(length)],
        length=length,
        followed=NOW,
    )


def test_each_takes_its_turn() -> None:
    sweeps, one, two = Sweeps(), listing(1), listing(2)
    sweeps.follow(one)
    sweeps.follow(two)
    assert list(sweeps.next_pages(NOW)) == [10, 20]
    assert list(sweeps.next_pages(NOW)) == [10, 20]  # asking takes no turn
    sweeps.takes_turn(1)
    sweeps.takes_turn(99)
    assert list(sweeps.next_pages(NOW)) == [20, 10]
    one.sweep = [1]
    assert list(sweeps.next_pages(NOW)) == [20, 11]


def test_one_that_ended_or_is_not_followed_any_more_has_none() -> None:
    sweeps, one, two = Sweeps(), listing(1), listing(2)
    sweeps.follow(one)
    sweeps.follow(two)
    one.sweep, one.swept = None, NOW
    sweeps.went_on(one)
    two.sweep = [1]
    sweeps.went_on(two)
    assert list(sweeps.next_pages(NOW)) == [21]
    sweeps.unfollow(two)
    assert list(sweeps.next_pages(NOW)) == []
    assert (sweeps.follows(1), sweeps.follows(2)) == (True, False)


def test_one_that_ended_and_begins_again_comes_behind_the_others() -> None:
    sweeps, one, two = Sweeps(), listing(1), listing(2)
    sweeps.follow(one)
    sweeps.follow(two)
    one.sweep, one.swept = None, NOW
    sweeps.went_on(one)
    one.sweep = [1]
    sweeps.went_on(one)
    assert list(sweeps.next_pages(NOW)) == [20, 11]


def test_those_that_are_owed_begin_by_themselves_though_not_at_once() -> None:
    sweeps, one = Sweeps(), listing(1)
    assert sweeps.next_check() == inf
    sweeps.follow(one)
    one.sweep, one.swept = None, NOW
    sweeps.went_on(one)
    assert list(sweeps.next_pages(NOW + RESWEEP - 1)) == []
    assert sweeps.next_check() == NOW + RESWEEP - 1 + CHECK
    assert list(sweeps.next_pages(NOW + RESWEEP)) == []
    assert list(sweeps.next_pages(sweeps.next_check())) == [11]


def test_those_that_are_owed_are_looked_for_every_ten_seconds_and_where_the_clock_was_set_back() -> None:
    sweeps, one = Sweeps(), listing(1)
    sweeps.follow(one)

    def found(now: float) -> list[int]:
        one.sweep, one.swept = None, now - RESWEEP - 1
        sweeps.went_on(one)
        return list(sweeps.next_pages(now))

    assert found(NOW) == [11]
    assert [found(NOW + seconds) for seconds in (0.0, 0.5, 9.9)] == [[], [], []]
    assert found(NOW + 10.0) == [11]
    assert found(NOW + 9.9) == [11]
