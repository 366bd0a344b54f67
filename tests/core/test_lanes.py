"""Those that go first: in the order of their coming, none that is in flight or not rested, and for no longer than they do."""

from math import inf

from tests.core.making import RULES, fresh, seen_watch
from tests.fakes import NOON
from watcher.core.lanes import BY, NEW, NONE, REFRESH, SCANNED, Lane
from watcher.core.model import VALIDATING
from watcher.core.roster import Roster

NOW = NOON.timestamp()


def lane(*batch_ids: int, value: int = NEW) -> tuple[Lane, Roster]:
    roster = Roster(RULES)
    made = Lane(roster, value)
    for batch_id in batch_ids:
        roster.put(fresh(batch_id))
        made.join(batch_id)
    return made, roster


def head(of: Lane, now: float = NOW, flying: tuple[int, ...] = ()) -> tuple[int | None, float]:
    return of.head(now, flying, 1.0)


def test_a_refresh_is_a_better_lane_than_that_of_new_watches_and_has_a_name_of_its_own() -> None:
    assert NONE < NEW < REFRESH
    assert [BY[value] for value in (NONE, NEW, REFRESH)] == ["single", "single", "refresh"]


def test_the_first_that_came_is_the_head() -> None:
    made, _ = lane(5, 3)
    made.join(5)
    made.join(99)
    assert head(made) == (5, NOW)


def test_one_in_flight_is_passed_over_and_keeps_its_place() -> None:
    made, _ = lane(5, 3)
    assert head(made, flying=(5,)) == (3, NOW)
    assert head(made, flying=(5, 3)) == (None, inf)
    assert head(made) == (5, NOW)


def test_one_that_does_not_go_first_any_more_is_forgotten() -> None:
    made, roster = lane(5, 3, 4, 6)
    roster.drop(5)
    for batch_id in (3, 6):
        row = roster.row(batch_id)
        assert row is not None
        roster.first[row] = NONE if batch_id == 3 else REFRESH
    assert head(made) == (4, NOW)
    roster.drop(4)
    assert head(made) == (None, inf)


def test_one_taken_off_in_the_middle_is_passed_over() -> None:
    made, roster = lane(5, 3, 4)
    row = roster.row(3)
    assert row is not None
    roster.first[row] = NONE
    assert head(made, flying=(5,)) == (4, NOW)


def test_it_is_told_when_the_first_of_them_has_rested() -> None:
    made, roster = lane()
    for batch_id, waited in ((1, 0.25), (2, 0.75)):
        roster.put(seen_watch(VALIDATING, batch_id=batch_id))
        row = roster.row(batch_id)
        assert row is not None
        roster.tried[row] = NOW - waited
        made.join(batch_id)
    assert head(made) == (None, NOW + 0.25)
    assert head(made, NOW + 0.25) == (2, NOW + 0.25)


def test_what_came_to_nothing_goes_back_to_the_head_unless_it_stands_in_a_better_lane() -> None:
    made, roster = lane(5, 3)
    row = roster.row(5)
    assert row is not None
    roster.first[row] = NONE
    assert head(made) == (3, NOW)
    made.rejoin(5)
    made.rejoin(99)
    assert head(made) == (5, NOW)
    roster.first[row] = REFRESH
    made.rejoin(5)
    assert head(made) == (3, NOW)
    assert roster.first[row] == REFRESH


def test_a_long_lane_is_not_looked_through_to_its_end() -> None:
    made, _ = lane(*range(1, SCANNED + 2))
    assert head(made, flying=tuple(range(1, SCANNED + 1))) == (None, inf)
    assert head(made, flying=tuple(range(1, SCANNED))) == (SCANNED, NOW)


def test_one_that_joins_twice_stands_there_once_and_one_that_comes_back_goes_to_the_head() -> None:
    made, roster = lane()
    for batch_id in range(1, SCANNED + 1):
        roster.put(fresh(batch_id))
        made.join(batch_id)
        made.join(batch_id)
    assert head(made, flying=tuple(range(1, SCANNED))) == (SCANNED, NOW)
    made.rejoin(7)
    assert head(made) == (7, NOW)
