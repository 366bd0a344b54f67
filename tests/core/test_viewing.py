"""Which watches belong to a page, and how they are counted."""

from dataclasses import replace

import pytest

from tests.fakes import NOON
from watcher.core.asking import BandQuery, WatchQuery
from watcher.core.attention import Band
from watcher.core.model import Key, State, Watch
from watcher.core.viewing import Sight, belongs, counted

WATCH = Watch(
    account="west",
    batch_id=13,
    opened=NOON,
    status="VALIDATING",
    broadcast_id=14,
    stuck_told=1,
    labels={"team": "north", "city": "Oslo"},
)


@pytest.mark.parametrize(
    "sight",
    [
        Sight(),
        Sight(accounts=("east", "west")),
        Sight(status="VALIDATING"),
        Sight(state=State.OPEN),
        Sight(final=False),
        Sight(stuck=True),
        Sight(broadcast_id=14),
        Sight(labels=frozenset({("team", "north"), ("city", "Oslo")})),
        Sight(q="osl"),
    ],
)
def test_a_watch_belongs_where_everything_applies(sight: Sight) -> None:
    assert belongs(WATCH, sight)


@pytest.mark.parametrize(
    "sight",
    [
        Sight(accounts=("east",)),
        Sight(accounts=()),
        Sight(status="ACTIVE"),
        Sight(state=State.SETTLED),
        Sight(final=True),
        Sight(stuck=False),
        Sight(broadcast_id=13),
        Sight(labels=frozenset({("team", "north"), ("city", "Bergen")})),
        Sight(labels=frozenset({("street", "x")})),
        Sight(q="berg"),
    ],
)
def test_a_watch_does_not_belong_where_one_thing_does_not_apply(sight: Sight) -> None:
    assert not belongs(WATCH, sight)


def test_a_watch_that_nobody_follows_belongs_nowhere_and_one_that_ended_is_not_stuck() -> None:
    assert not belongs(replace(WATCH, state=State.STOPPED), Sight())
    assert belongs(replace(WATCH, state=State.SETTLED), Sight(stuck=False))


def test_an_open_watch_that_was_never_told_to_be_stuck_is_not() -> None:
    well = replace(WATCH, stuck_told=0)
    assert [belongs(well, Sight(stuck=stuck)) for stuck in (False, True)] == [True, False]


def test_the_store_is_asked_for_what_belongs() -> None:
    sight = Sight(
        accounts=("west",),
        status="NEW",
        state=State.OPEN,
        final=False,
        stuck=False,
        broadcast_id=14,
        labels=frozenset({("team", "north")}),
        q="ab",
    )
    assert sight.query(Key("west", 3), 7) == WatchQuery(
        accounts=("west",),
        status="NEW",
        state=State.OPEN,
        final=False,
        stuck=False,
        broadcast_id=14,
        labels={"team": "north"},
        q="ab",
        after=Key("west", 3),
        limit=7,
    )


def test_the_store_is_asked_for_a_window_of_a_band() -> None:
    sight = Sight(accounts=("west",), status="NEW", state=State.OPEN, final=False, order="attention", offset=3)
    assert sight.band(Band.NEEDS, 5, 7) == BandQuery(
        band=Band.NEEDS, accounts=("west",), status="NEW", state=State.OPEN, final=False, offset=5, limit=7
    )


def test_where_nothing_is_said_the_first_thousand_are_seen_and_none_of_a_band_asked_for() -> None:
    assert Sight() == Sight(labels=frozenset(), order="key", offset=0, limit=1000)
    assert Sight().band(Band.REST) == BandQuery(band=Band.REST, offset=0, limit=0)


def test_a_sight_is_narrow_where_more_is_asked_for_than_bands_know_of() -> None:
    wide = (Sight(), Sight(accounts=("west",), status="NEW", state=State.OPEN, final=False, offset=9, limit=9))
    narrow = (Sight(q="x"), Sight(labels=frozenset({("a", "b")})), Sight(broadcast_id=1), Sight(stuck=False))
    assert [sight.narrow for sight in (*wide, *narrow)] == [False, False, True, True, True, True]


@pytest.mark.parametrize(
    ("sight", "shows_open", "shows_rest"),
    [
        (Sight(), True, True),
        (Sight(state=State.OPEN), True, False),
        (Sight(state=State.SETTLED), False, True),
        (Sight(state=State.MISSING), False, False),
        (Sight(status="NEW"), True, False),
        (Sight(status="ACTIVE"), True, True),
        (Sight(final=True), True, True),
        (Sight(final=False), True, False),
    ],
)
def test_it_is_known_which_bands_can_have_what_is_wanted(sight: Sight, shows_open: bool, shows_rest: bool) -> None:
    assert (sight.shows_open, sight.shows_rest) == (shows_open, shows_rest)


def test_watches_are_counted_by_status_or_by_how_they_ended() -> None:
    tally = {
        ("stopped", "NEW"): 7,
        ("open", None): 1,
        ("open", "VALIDATING"): 2,
        ("settled", "ACTIVE"): 3,
        ("open", "ACTIVE"): 4,
        ("missing", "NEW"): 5,
        ("expired", None): 6,
    }
    assert counted(tally) == {"active": 7, "expired": 6, "missing": 5, "unseen": 1, "validating": 2}
