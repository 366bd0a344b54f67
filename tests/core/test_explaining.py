"""Why a watch is looked at when it is, in figures that agree with what is chosen."""

import math
from dataclasses import asdict
from datetime import datetime

import pytest

from tests.core.making import after, fresh
from tests.core.test_schedule import NOW, PACE, aged, plain_worth, schedule
from tests.fakes import NOON
from watcher.core.explaining import Explanation
from watcher.core.hazard import SHAPE
from watcher.core.ranking import OVERDUE
from watcher.core.roster import looked_for_on
from watcher.core.schedule import Choice, Schedule


def explained(made: Schedule, batch_id: int, now: float = NOW) -> Explanation:
    found = made.explain(batch_id, now)
    assert found is not None
    return found


def test_all_that_is_to_be_said_of_a_watch_by_itself() -> None:
    made, roster = schedule(
        aged(1, age=99, waited=100), *(aged(n, age=0, waited=20 + n) for n in range(2, 9)), aged(9, age=1e6, waited=5)
    )
    worth = {n: plain_worth(roster, n, NOW) for n in range(1, 9)}
    assert worth[1] > worth[8]
    roster.put(aged(1, age=99, waited=20))
    one = plain_worth(roster, 1, NOW)
    found = explained(made, 1)
    assert asdict(found) == {
        "broadcast": None,
        "page": None,
        "flying": False,
        "first": None,
        "age": pytest.approx(99.0),
        "waited": pytest.approx(20.0),
        "hazard": pytest.approx(SHAPE * math.log(120 / 100)),
        "worth": pytest.approx(one),
        "page_worth": None,
        "rank": 7,
        "ahead": [("batch", n, pytest.approx(worth[n])) for n in range(8, 3, -1)],
        "due": NOW,
        "threshold": PACE.worth,
        "why": "by itself",
        "part": None,
    }
    assert made.explain(99, NOW) is None


def test_what_is_explained_to_be_first_is_chosen_first() -> None:
    made, _ = schedule(*(aged(n, age=7 * n, waited=20 + n) for n in range(1, 9)))
    ranks = {n: explained(made, n).rank for n in range(1, 9)}
    chosen = [made.choose(NOW) for _ in range(8)]
    assert chosen == [Choice(batch_id=n) for n in sorted(ranks, key=ranks.__getitem__)]
    assert sorted(ranks.values()) == list(range(8))


def test_only_what_is_worth_more_is_ahead_however_little_it_is() -> None:
    made, _ = schedule(aged(1, age=100, waited=10), aged(2, age=100, waited=10), aged(3, age=100, waited=11))
    ranks = [(explained(made, n).rank, [what[1] for what in explained(made, n).ahead]) for n in (1, 2, 3)]
    assert ranks == [(1, [3]), (1, [3]), (0, [])]
    assert 0.1 < explained(made, 3).worth < 1.0


def test_of_those_that_are_worth_the_same_the_first_followed_are_told() -> None:
    made, _ = schedule(aged(1, age=0, waited=20), *(aged(n, age=0, waited=30 + n % 2) for n in range(2, 100)))
    found = explained(made, 1)
    assert (found.rank, [what[1] for what in found.ahead]) == (98, [3, 5, 7, 9, 11])


def test_a_page_is_told_by_its_own_broadcast_and_number() -> None:
    watches = [aged(10 * place + n, age=100, waited=20, broadcast_id=70 + place) for place in (0, 1) for n in (1, 2)]
    made, _ = schedule(*watches, aged(99, age=100, waited=25))
    for place in (0, 1):
        made.listings.of(70 + place)
        made.listings.attempt(place, NOW - 9)
    made.listings.broadcasts.off[0] = NOW + 60
    found = explained(made, 99)
    assert [what[:-1] for what in found.ahead] == [("page", 71, 0)]
    assert (explained(made, 11).page_worth, explained(made, 11).ahead) == (found.ahead[0][-1], [])


def test_a_page_is_told_with_what_it_is_worth() -> None:
    made, roster = schedule(*(aged(n, age=100, waited=20, broadcast_id=70) for n in (1, 2)), aged(3, age=0, waited=200))
    made.listings.of(70)
    made.listings.attempt(0, NOW - 9)
    found = explained(made, 1)
    one = plain_worth(roster, 1, NOW)
    assert (found.broadcast, found.page, found.why, found.rank) == (70, 0, "on a page", 1)
    assert found.worth == pytest.approx(one)
    assert found.page_worth == pytest.approx(2 * one)
    other = explained(made, 3)
    assert (other.rank, other.ahead) == (0, [])
    roster.attempt(3, datetime.fromtimestamp(NOW - 8, NOON.tzinfo))
    ((*what, worth),) = explained(made, 3).ahead
    assert what == ["page", 70, 0]
    assert worth == pytest.approx(2 * one)
    roster.page[0] = looked_for_on(0)
    assert explained(made, 1).page == 0
    made.listings.all_off = NOW + 60
    assert explained(made, 1).page_worth is None
    assert explained(made, 1).why == "by itself"


def test_overdue_ones_are_ahead_of_all_beyond_measure() -> None:
    made, _ = schedule(aged(1, age=0, waited=250), aged(2, age=1e9, waited=301))
    (overdue,) = explained(made, 1).ahead
    assert overdue[:2] == ("batch", 2)
    assert overdue[-1] >= OVERDUE
    assert explained(made, 2).rank == 0
    assert explained(made, 2).worth < 1.0


def test_every_reason_has_its_word() -> None:
    made, _ = schedule(
        aged(1, age=0, waited=500),
        aged(2, age=1e9, waited=100),
        fresh(3),
        aged(4, age=1e9, waited=1000, aside_until=after(seconds=30)),
        aged(5, age=0, waited=0.5),
        aged(6, age=1e9, waited=100),
        aged(7, age=0, waited=100),
        aged(8, age=1e9, waited=1),
        aged(9, age=1e9, waited=450, aside_until=NOON),
    )
    assert made.choose(NOW) == Choice(batch_id=1)
    made.first(2, "refresh")
    made.first(3)
    found = {n: explained(made, n) for n in range(1, 10)}
    assert [(each.why, each.first) for each in found.values()] == [
        ("in flight", None),
        ("asked for", "refresh"),
        ("new", "new"),
        ("aside", None),
        ("resting", None),
        ("not worth it yet", None),
        ("by itself", None),
        ("not worth it yet", None),
        ("by itself", None),
    ]
    assert found[5].waited == 0.5
    assert found[1].flying
    assert [found[n].due for n in (1, 2, 3, 4, 6, 7)] == [NOW, NOW, NOW, NOW + 30, NOW + 200, NOW]
    assert found[3].age == 0.0
