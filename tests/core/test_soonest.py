"""Which open watches are expected to end next, of many."""

from datetime import timedelta
from math import inf, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import RULES, fresh, seen_watch
from tests.fakes import NOON
from watcher.core.hazard import AGES, SIZES, UNKNOWN, Hazard, scale_free
from watcher.core.roster import Roster
from watcher.core.schedule import Pace, Schedule
from watcher.core.soonest import NONE, Expected, Soonest, merged

NOW = NOON.timestamp()


def hazard(**known: float) -> Hazard:
    """One that is known well of all sizes but the one that is not known, where nothing else is said."""
    ends = [20.0] * SIZES + [0.0]
    for name, value in known.items():
        ends[int(name.removeprefix("size_"))] = value
    rates = np.exp(np.random.default_rng(5).normal(-0.5, 1.0, (SIZES + 1, AGES)))
    return Hazard(rates, known=ends)


def roster_of(*sizes: int | None, **fields: Any) -> Roster:
    """Watches 1, 2, … seen VALIDATING at noon, of these sizes."""
    roster = Roster(RULES, capacity=2)
    for number, size in enumerate(sizes, start=1):
        roster.put(seen_watch("VALIDATING", batch_id=number, size=size, **fields))
    return roster


def batches(soonest: Soonest) -> list[int]:
    return [batch_id for _, batch_id in soonest.first]


def test_what_is_worked_out_for_all_is_what_is_said_of_each() -> None:
    sizes = [1, 5, 20, 100, 3000, 900_000, None, 7]
    roster = roster_of(*sizes)
    schedule = Schedule(roster, Pace())
    schedule.hazard = hazard(size_1=9.9, size_2=10.0)
    soonest = schedule.expected.soonest(schedule.hazard, NOW + 40, 100)
    expected = {}
    for number in range(1, len(sizes) + 1):
        eta = schedule.eta(number, NOW + 40)
        expected[number] = inf if eta is None else eta[0] - NOW
    assert soonest.total == len(sizes)
    assert {batch_id: end - NOW for end, batch_id in soonest.first} == pytest.approx(expected)
    assert [end for end, _ in soonest.first] == sorted(end for end, _ in soonest.first)
    assert [number for number, end in expected.items() if end == inf] == [2, 7, 8]


@given(st.integers(0, UNKNOWN), st.floats(0, 1e9) | st.floats(0, 100), st.floats(0.001, 50))
def test_the_ages_of_many_are_those_of_each(size: int, then: float, more: float) -> None:
    for each in (hazard(), scale_free()):
        bins, ages = np.array([size, 0], np.int16), np.array([then, 1.0])
        expected = [each.age_when(size, then, more), each.age_when(0, 1.0, more)]
        np.testing.assert_allclose(np.log1p(each.ages_when(bins, ages, more)), np.log1p(expected), rtol=1e-6, atol=1e-6)


@given(st.lists(st.sampled_from([5, 20, 3000, None]), max_size=30), st.integers(0, 32))
def test_the_first_of_many_are_the_first_of_all_in_order(sizes: list[int | None], most: int) -> None:
    expected = Expected(roster_of(*sizes))
    whole = expected.soonest(hazard(), NOW, 100)
    assert list(whole.first) == sorted(whole.first)
    few = expected.soonest(hazard(), NOW, most)
    assert (few.total, few.first) == (len(sizes), whole.first[:most])


@pytest.mark.parametrize("most", range(9))
def test_equal_ones_are_in_the_order_of_batches_also_where_not_all_are_wanted(most: int) -> None:
    roster = Roster(RULES, capacity=2)
    for number, size in ((8, None), (6, 20), (2, None), (5, 20), (7, None), (1, None), (3, 5)):
        roster.put(seen_watch("VALIDATING", batch_id=number, size=size))
    soonest = Expected(roster).soonest(hazard(), NOW, most)
    assert soonest.total == 7
    assert batches(soonest) == [3, 5, 6, 1, 2, 7, 8][:most]


def test_the_first_of_very_many_are_the_first_of_all() -> None:
    """Of all ages, and of half of them nothing is expected: those are in the order of batches."""
    dice = np.random.default_rng(7)
    roster = Roster(RULES)
    for batch_id in dice.permutation(np.arange(1, 601)).tolist():
        size = dice.choice([5, 20, 3000, 0, 0, 0])
        created = NOON - timedelta(seconds=int(dice.integers(5000)))
        roster.put(seen_watch("VALIDATING", batch_id=batch_id, size=int(size) or None, created=created))
    expected = Expected(roster)
    whole = expected.soonest(hazard(), NOW, 1000).first
    assert list(whole) == sorted(whole)
    known = sum(end < inf for end, _ in whole)
    for most in (*range(1, 600, 10), *range(known - 1, known + 4), 599, 600):
        assert expected.soonest(hazard(), NOW, most).first == whole[:most]


def test_only_what_is_open_and_needs_nobody_counts() -> None:
    roster = Roster(RULES, capacity=2)
    roster.put(fresh(1))
    for number, status in enumerate(("NEW", "VALIDATING", "ACTIVE", "ERRORS", "SOURCE_ERROR", "ODD"), start=2):
        roster.put(seen_watch(status, batch_id=number))
    roster.put(seen_watch("VALIDATING", batch_id=8, stuck_told=1))
    roster.put(seen_watch("VALIDATING", batch_id=9))
    roster.drop(9)
    expected = Expected(roster)

    def found(**asked: Any) -> list[int]:
        return batches(expected.soonest(scale_free(), NOW, 10, **asked))

    assert found() == [1, 2, 3, 4]
    assert [found(status="VALIDATING"), found(status="ODD"), found(status="ERRORS")] == [[3], [], []]
    assert [found(final=True), found(final=False), found(final=True, status="NEW")] == [[4], [1, 2, 3], []]
    assert found(among=[8, 5, 3, 99, 9, 1]) == [1, 3]


def test_it_is_worked_out_anew_only_after_a_while_or_where_the_clock_was_set_back() -> None:
    roster = roster_of(20, 20)
    expected, known = Expected(roster), hazard()
    first = expected.soonest(known, NOW, 9).first
    roster.put(seen_watch("VALIDATING", batch_id=3, size=20))
    roster.put(seen_watch("VALIDATING", batch_id=4, size=20))
    soon = expected.soonest(known, NOW + 3.9, 9).first
    assert soon == (*first, (inf, 3), (inf, 4))
    later = expected.soonest(known, NOW + 4.0, 9).first
    assert [end < inf for end, _ in later] == [True] * 4
    half = expected.soonest(Hazard(known.rates / 2, known=known.known), NOW - 1, 9).first
    assert half[0][0] > later[0][0]


def test_what_is_new_is_not_taken_for_what_has_just_ended() -> None:
    """A new watch gets the row of the last that ended, which was expected to end soonest."""
    roster = roster_of(5, 20)
    expected, known = Expected(roster), hazard()
    (_, ended), (end, other) = expected.soonest(known, NOW, 9).first
    roster.drop(ended)
    roster.put(seen_watch("NEW", batch_id=3, size=5))
    assert expected.soonest(known, NOW, 9).first == ((end, other), (inf, 3))


def test_even_chances_are_when_half_have_ended() -> None:
    roster = roster_of(20)
    known = hazard()
    [(end, _)] = Expected(roster).soonest(known, NOW, 1).first
    assert end - NOW == pytest.approx(known.age_when(2, 0.0, log(2)))


def test_the_parts_of_an_account_are_put_together_in_order() -> None:
    one, other = Soonest(total=5, first=((1.0, 7), (3.0, 2))), Soonest(total=3, first=((2.0, 9), (3.0, 1), (inf, 4)))
    assert merged([one, other], 4) == Soonest(total=8, first=((1.0, 7), (2.0, 9), (3.0, 1), (3.0, 2)))
    assert merged([one], 1) is one
    assert merged([], 4) == NONE == Soonest(total=0, first=())
