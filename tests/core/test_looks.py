"""The memory of an account's last looks."""

from datetime import datetime, timedelta

import pytest

from tests.fakes import NOON
from watcher.core.looks import ALL, KINDS, MOST, Looks, PastLook, PastLooks, room_of_each

BEGIN = NOON.timestamp()
TRIP = timedelta(milliseconds=112)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def single(seconds: float) -> PastLook:
    return PastLook(asked=at(seconds), answered=at(seconds) + TRIP, by="single", result="unchanged")


def filled(*batches: int, most: int = MOST) -> Looks:
    """A memory with a look a second at these batches."""
    looks = Looks(BEGIN, most)
    for second, batch_id in enumerate(batches, 1):
        looks.note(batch_id, at(second), at(second) + TRIP, "single", "unchanged")
    return looks


def test_what_was_never_looked_at_has_no_looks_and_none_is_missing_since_the_beginning() -> None:
    assert Looks(BEGIN).of(13) == PastLooks(looks=(), since=NOON)
    assert filled(14).of(13) == PastLooks(looks=(), since=NOON)


def test_looks_are_given_as_they_were_whatever_they_were_made_by_and_came_to() -> None:
    looks = Looks(BEGIN)
    wanted = []
    for second, (by, result) in enumerate(KINDS):
        asked, answered = at(second), at(second) + timedelta(microseconds=112_345)
        looks.note(13, asked, answered, by, result)
        wanted.append(PastLook(asked=asked, answered=answered, by=by, result=result))
    assert len(KINDS) == 18
    assert looks.of(13) == PastLooks(looks=tuple(wanted), since=NOON)


def test_each_batch_has_its_own_in_the_order_in_which_they_were_asked_for() -> None:
    looks = filled(13, 14, 13)
    looks.note(13, at(0.5), at(4), "page", "overtaken")
    late = PastLook(asked=at(0.5), answered=at(4), by="page", result="overtaken")
    assert looks.of(13).looks == (late, single(1), single(3))
    assert looks.of(14).looks == (single(2),)


def test_no_more_are_remembered_than_there_is_room_for_and_it_is_known_since_when() -> None:
    looks = filled(13, 14, 13, 13, 14, most=3)
    assert len(looks) == 3
    assert looks.of(13) == PastLooks(looks=(single(3), single(4)), since=at(2) + TRIP)
    assert looks.of(14) == PastLooks(looks=(single(5),), since=at(2) + TRIP)


def test_the_newest_look_takes_the_place_of_the_oldest_as_a_whole() -> None:
    looks = filled(13, most=1)
    looks.note(13, at(2), at(5), "page", "overtaken")
    assert looks.of(13).looks == (PastLook(asked=at(2), answered=at(5), by="page", result="overtaken"),)


def test_that_an_early_answer_is_forgotten_later_says_nothing_new_of_since_when() -> None:
    looks = Looks(BEGIN, 2)
    looks.note(13, at(1), at(9), "single", "unchanged")
    looks.note(13, at(2), at(3), "single", "unchanged")
    looks.note(13, at(10), at(11), "single", "unchanged")
    assert looks.of(13).since == at(9)
    looks.note(13, at(12), at(13), "single", "unchanged")
    assert looks.of(13).since == at(9)


@pytest.mark.parametrize("most", [3, MOST])
def test_of_very_many_the_newest_are_given_and_it_is_said_since_when(most: int) -> None:
    looks = filled(*[14] * 3, *[13] * 3, most=most)
    given = looks.of(13, 2)
    assert given == PastLooks(looks=(single(5), single(6)), since=at(4) + TRIP)
    assert looks.of(13, 1) == PastLooks(looks=(single(6),), since=at(5) + TRIP)


def test_two_thousand_looks_are_given_unless_fewer_are_asked_for() -> None:
    given = filled(*[13] * 2001).of(13)
    assert (len(given.looks), given.since) == (2000, at(1) + TRIP)


def test_what_is_remembered_of_all_accounts_is_bounded_however_many_there_are() -> None:
    assert (ALL, MOST) == (2_097_152, 65_536)
    accounts = (0, 1, 32, 64, 1000, 10 * ALL)
    assert [room_of_each(number) for number in accounts] == [MOST, MOST, MOST, MOST // 2, 2097, 1]


def test_the_memory_of_an_account_takes_little_more_than_a_megabyte_and_that_of_an_idle_one_nothing() -> None:
    full, idle = filled(*[13] * (MOST + 1)), Looks(BEGIN)

    def size(looks: Looks) -> int:
        columns = (looks._batches, looks._asked, looks._took, looks._kinds)
        return sum(len(column) * column.itemsize for column in columns)

    assert len(full) == MOST
    assert (size(full), size(idle)) == (21 * MOST, 0)


def test_a_clock_that_was_set_while_one_waited_does_no_harm() -> None:
    looks = Looks(BEGIN)
    looks.note(13, at(0), at(86_000), "single", "unchanged")
    [look] = looks.of(13).looks
    assert look.answered == at(0) + timedelta(microseconds=2**32 - 1)
    looks.note(14, at(3600), at(0), "single", "unchanged")
    [look] = looks.of(14).looks
    assert look.answered == look.asked
