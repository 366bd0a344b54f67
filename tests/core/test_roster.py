"""The hot state: rows and their reuse, looks that show nothing new, and what the store does not have yet."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import RULES, after, fresh, learnt, missing, seen, seen_watch, unanswered
from tests.fakes import NOON
from watcher.core.hazard import UNKNOWN, Sight, size_bin
from watcher.core.model import ACTIVE, ERRORS, NEW, VALIDATING, Batch, LastLook, Seen, State, Watch
from watcher.core.opened import columns_of
from watcher.core.roster import ABSENT, NEVER, NOWHERE, Roster, looked_for_on, pages_of
from watcher.core.transitions import learn


def roster(*watches: Watch, capacity: int = 64) -> Roster:
    made = Roster(RULES, capacity)
    for watch in watches:
        made.put(watch)
    return made


def columns(of: Roster, batch_id: int) -> dict[str, object]:
    """All that is kept of a watch."""
    row = of.row(batch_id)
    assert row is not None
    kept = {name: column[row].item() for name, column in vars(of).items() if isinstance(column, np.ndarray)}
    # NaN is not equal to itself; "to be worked out anew" is
    return {name: None if value != value else value for name, value in kept.items()}


def full_watch(batch_id: int = 13) -> Watch:
    """One that has something to leave behind in every column."""
    return seen_watch(
        "PAUSED",
        batch_id=batch_id,
        at=after(minutes=5),
        created=after(hours=-2),
        size=10,
        remaining=7,
        enabled=True,
        looks=9,
        missing_count=2,
        missing_since=NOON,
        aside_until=after(hours=1),
        stuck_told=2,
        stuck_last=after(minutes=3),
    )


# Rows


def test_a_watch_is_there_from_put_to_drop() -> None:
    made = roster(fresh(1), fresh(2))
    made.drop(1)
    made.drop(1)
    made.drop(99)
    assert (len(made), 1 in made, 2 in made, made.row(1)) == (1, False, True, None)
    assert int(made.live.sum()) == 1


def test_putting_a_watch_again_keeps_its_row() -> None:
    made = roster(fresh(1), fresh(2))
    assert made.put(fresh(1)) == made.row(1)
    assert len(made) == 2


def test_it_grows_and_keeps_what_it_has() -> None:
    made = roster(capacity=2)
    before = {}
    for batch_id in range(1, 40):
        made.put(seen_watch(NEW, batch_id=batch_id, size=batch_id, looks=batch_id))
        before[batch_id] = columns(made, batch_id)
    assert {batch_id: columns(made, batch_id) for batch_id in before} == before
    assert len({made.row(batch_id) for batch_id in before}) == len(made) == 39
    assert len(made.batch_id) == 64


def test_rows_are_used_again_before_it_grows() -> None:
    made = roster(*(fresh(n) for n in range(1, 9)), capacity=8)
    for n in range(1, 100):
        made.drop(n)
        made.put(fresh(n + 8))
    assert (len(made), len(made.batch_id)) == (8, 8)


def test_a_new_watch_inherits_nothing_from_the_row_it_gets() -> None:
    used = roster(full_watch(13), capacity=1)
    used.note(seen("PAUSED", after(minutes=6)))
    used.attempt(13, after(hours=3))
    used.due[0], used.first[0], used.page[0], used.broadcast[0] = 12345.0, 2, 7, used.place_of(70)
    used.drop(13)
    used.put(fresh(14))
    assert columns(used, 14) == columns(roster(fresh(14), capacity=1), 14)
    assert (used.last_look(14), used.take_unsaved()) == (None, [])
    assert not used.note(seen("PAUSED", after(minutes=7), batch_id=14))


def test_the_columns_say_what_the_watch_says() -> None:
    made = roster(full_watch())
    assert columns(made, 13) == {
        "batch_id": 13,
        "born": after(hours=-2).timestamp(),
        "tried": after(minutes=5).timestamp(),
        "asked": after(minutes=5).timestamp(),
        "answered": after(minutes=5).timestamp(),
        "mind": (after(minutes=3) + RULES.stuck_repeat).timestamp(),
        "due": None,
        "aside": after(hours=1).timestamp(),
        "size": 10,
        "size_bin": 1,
        "broadcast": NOWHERE,
        "page": NOWHERE,
        "first": 0,
        "remaining": 7,
        "looks": 9,
        "status": 6,
        "enabled": 1,
        "doubted": True,
        "lacks": 3,  # name and broadcast
        "stuck": True,
        "live": True,
    }


def test_a_watch_nobody_looked_at_was_born_when_it_was_opened_and_never_tried() -> None:
    made = roster(fresh())
    kept = columns(made, 13)
    assert (kept["born"], kept["tried"], kept["asked"]) == (NOON.timestamp(), NEVER, NEVER)
    assert made.last_look(13) is None


def test_a_batch_is_not_younger_than_the_watch_whatever_callfires_clock_says() -> None:
    made = roster(seen_watch(NEW, created=after(minutes=5)))
    assert columns(made, 13)["born"] == NOON.timestamp()


def test_when_it_was_last_tried_never_goes_back() -> None:
    made = roster(seen_watch(NEW))
    made.put(seen_watch(NEW), tried=after(seconds=9))
    made.attempt(13, after(seconds=5))
    made.put(seen_watch(NEW, at=after(seconds=7)))
    assert columns(made, 13)["tried"] == after(seconds=9).timestamp()
    made.attempt(13, after(seconds=11))
    made.attempt(99, after(seconds=11))
    assert columns(made, 13)["tried"] == after(seconds=11).timestamp()
    made.note(seen(NEW, after(seconds=10)))
    assert columns(made, 13)["tried"] == after(seconds=11).timestamp()
    made.note(seen(NEW, after(seconds=20)))
    assert columns(made, 13)["tried"] == after(seconds=19.8).timestamp()


def test_every_change_has_the_schedule_work_out_anew_when_it_is_due() -> None:
    made = roster(seen_watch(NEW), capacity=1)
    for change in (
        lambda: made.put(seen_watch(NEW)),
        lambda: made.attempt(13, after(seconds=5)),
        lambda: made.note(seen(NEW, after(seconds=10))),
    ):
        made.due[0] = 12345.0
        change()
        assert np.isnan(made.due[0])


# Looks that show nothing new


def test_an_unchanged_look_is_noted() -> None:
    watch = seen_watch(VALIDATING, size=10, remaining=10, enabled=True)
    made = roster(watch)
    look = Seen(
        asked=after(seconds=4),
        answered=after(seconds=4.25),
        batch=Batch(id=13, status=VALIDATING, size=12, remaining=11, enabled=True),
    )
    assert made.note(look)
    assert made.last_look(13) == LastLook(
        batch_id=13, asked=after(seconds=4), answered=after(seconds=4.25), looks=2, size=12, remaining=11
    )
    assert made.overlay(watch) == learn(watch, look, RULES).watch


def test_what_an_unchanged_look_leaves_out_stays() -> None:
    made = roster(seen_watch(VALIDATING, size=10, remaining=10, enabled=True))
    assert made.note(seen(VALIDATING, after(seconds=4)))
    noted = made.last_look(13)
    assert noted is not None
    assert (noted.size, noted.remaining) == (10, 10)


@pytest.mark.parametrize(
    ("watch", "look"),
    [
        (fresh(), seen(NEW, after(seconds=4))),
        (seen_watch(NEW), seen(VALIDATING, after(seconds=4))),
        (seen_watch(NEW), seen("PAUSED", after(seconds=4))),
        (seen_watch("PAUSED"), seen("HALTED", after(seconds=4))),
        (seen_watch("PAUSED"), seen(NEW, after(seconds=4))),
        (seen_watch(NEW, at=after(seconds=5)), seen(NEW, after(seconds=4))),
        (seen_watch(NEW), seen(NEW, after(minutes=15))),
        (seen_watch(VALIDATING, stuck_told=5, stuck_last=NOON), seen(VALIDATING, after(days=7))),
        (seen_watch(NEW, missing_count=1, missing_since=NOON), seen(NEW, after(seconds=4))),
        (seen_watch(NEW, refused_count=1), seen(NEW, after(seconds=4))),
        (seen_watch(NEW, aside_until=after(hours=1)), seen(NEW, after(seconds=4))),
        (seen_watch(NEW, enabled=True), seen(NEW, after(seconds=4), enabled=False)),
        (seen_watch(NEW), seen(NEW, after(seconds=4), enabled=False)),
        (seen_watch(NEW), seen(NEW, after(seconds=4), name="API 14")),
        (seen_watch(NEW, name="API 14"), seen(NEW, after(seconds=4), broadcast_id=14)),
        (seen_watch(NEW, created=None), seen(NEW, after(seconds=4), created=NOON)),
        (seen_watch(ACTIVE), seen(ACTIVE, after(seconds=4))),
        (seen_watch(NEW, batch_id=14), seen(NEW, after(seconds=4))),
    ],
    ids=[
        "first sight",
        "another status",
        "a new word",
        "another new word",
        "a word become known",
        "overtaken",
        "stuck",
        "expired",
        "was missing",
        "was refused",
        "was set aside",
        "disabled",
        "disabled, not known before",
        "a name, not known before",
        "a broadcast, not known before",
        "when it was created, not known before",
        "followed again",
        "not followed",
    ],
)
def test_where_learn_must_decide_nothing_is_noted(watch: Watch, look: Seen) -> None:
    made = roster(watch)
    before = columns(made, watch.batch_id)
    assert not made.note(look)
    assert columns(made, watch.batch_id) == before
    assert made.take_unsaved() == []


def test_a_look_asked_for_at_the_very_moment_of_the_last_one_is_noted() -> None:
    made = roster(seen_watch(NEW, at=after(seconds=5)))
    assert made.note(Seen(asked=after(seconds=5), answered=after(seconds=6), batch=Batch(id=13, status=NEW)))


def test_nothing_and_none_left_is_another_thing_than_not_known() -> None:
    made = roster(seen_watch(VALIDATING, size=0, remaining=0))
    last = LastLook(batch_id=13, asked=NOON, answered=NOON, looks=1, size=0, remaining=0)
    assert made.last_look(13) == last
    made.put(seen_watch(VALIDATING))
    assert made.last_look(13) == replace(last, size=None, remaining=None)


MOMENTS = st.integers(-3600, 9 * 86400).map(lambda seconds: after(seconds=seconds))
WORDS = st.sampled_from([NEW, VALIDATING, ACTIVE, ERRORS, "PAUSED", "HALTED"])
COUNTS = st.none() | st.integers(0, 2**63 - 1)


@st.composite
def sights(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Seen:
    asked = draw(MOMENTS | st.integers(0, 3000).map(lambda seconds: after(seconds=seconds)))
    return Seen(
        asked=asked,
        answered=asked + timedelta(microseconds=draw(st.integers(0, 15_000_000))),
        batch=Batch(
            id=13,
            status=draw(words),
            size=draw(COUNTS),
            remaining=draw(COUNTS),
            enabled=draw(st.none() | st.booleans()),
        ),
    )


STRIKES = st.sampled_from([unanswered(after(minutes=1), refused=True), unanswered(after(minutes=1), unfit=True)])


@given(
    st.lists(sights() | STRIKES | st.sampled_from([missing(after(minutes=3))]), max_size=4),
    st.booleans(),
    st.lists(sights(st.sampled_from([NEW, VALIDATING, ACTIVE, "PAUSED"])), max_size=8),
)
def test_what_is_noted_is_what_learn_would_have_made_of_it(life: list[Seen], again: bool, looks: list[Seen]) -> None:
    """Whenever a look is noted, `learn` would have told nothing, and the overlaid watch is the very one it gives."""
    watch = learnt(fresh(), *life).watch
    if again:
        watch = replace(watch, state=State.OPEN, opened=after(hours=1))
    if watch.state is not State.OPEN:
        return
    made = roster(watch)
    believed = watch
    for look in looks:
        result = learn(believed, look, RULES)
        if made.note(look):
            assert (result.events, result.result) == ((), "unchanged")
            believed = result.watch
            assert made.overlay(watch) == believed
        assert made.overlay(watch) == believed


def test_the_overlay_of_a_watch_that_is_not_open_or_was_never_seen_is_the_watch() -> None:
    made = roster(fresh(1))
    for watch in (fresh(1), fresh(2)):
        assert made.overlay(watch) is watch


def test_a_stored_watch_that_others_looked_at_more_often_is_newer() -> None:
    made = roster(seen_watch(NEW, looks=4))
    stored = seen_watch(NEW, looks=6, at=after(minutes=1), size=5)
    assert made.overlay(stored) is stored


def test_a_stored_time_from_the_future_does_not_outdo_the_present() -> None:
    """The machine's clock was set back before a restart; the poller takes the watch in as asked for now."""
    stored = seen_watch(NEW, at=after(hours=5))
    made = roster(replace(stored, asked=NOON, answered=NOON))
    assert made.overlay(stored) == replace(stored, asked=NOON, answered=NOON)


# What the store does not have yet


def look_at(*batch_ids: int, seconds: float = 4) -> list[Seen]:
    return [seen(NEW, after(seconds=seconds), batch_id=batch_id) for batch_id in batch_ids]


def noted(of: Roster, *batch_ids: int) -> list[LastLook]:
    return [look for batch_id in batch_ids if (look := of.last_look(batch_id)) is not None]


def test_noted_looks_are_taken_once_to_be_saved() -> None:
    made = roster(*(seen_watch(NEW, batch_id=n) for n in (1, 2, 3)))
    assert all(made.note(look) for look in look_at(1, 3))
    assert sorted(made.take_unsaved(), key=lambda look: look.batch_id) == noted(made, 1, 3)
    assert made.take_unsaved() == []


def test_given_back_looks_are_taken_again_as_they_then_are() -> None:
    made = roster(*(seen_watch(NEW, batch_id=n) for n in (1, 2, 3)))
    assert all(made.note(look) for look in look_at(1, 2, 3))
    taken = made.take_unsaved()
    made.drop(2)
    assert all(made.note(look) for look in look_at(1, seconds=9))
    made.give_back_unsaved(taken)
    assert sorted(made.take_unsaved(), key=lambda look: look.batch_id) == noted(made, 1, 3)
    assert noted(made, 1)[0].answered == after(seconds=9)


def test_what_was_committed_or_dropped_need_not_be_saved() -> None:
    made = roster(*(seen_watch(NEW, batch_id=n) for n in (1, 2)))
    assert all(made.note(look) for look in look_at(1, 2))
    made.put(seen_watch(VALIDATING, batch_id=1))
    made.drop(2)
    assert made.take_unsaved() == []


def test_time_alone_makes_something_of_a_watch_from_a_moment_on() -> None:
    made = roster(seen_watch(NEW))
    assert [made.minds(13, after(minutes=minutes)) for minutes in (14, 15)] == [False, True]
    assert not made.minds(14, after(days=99))


def test_a_watch_that_is_told_to_expire_is_minded_from_then_on_and_keeps_what_was_seen_of_it() -> None:
    watch = seen_watch(VALIDATING)
    made = roster(watch)
    assert made.note(seen(VALIDATING, after(seconds=5)))
    before = made.last_look(13)
    made.remind(replace(watch, version=2, expires=after(minutes=1)))
    made.remind(replace(watch, batch_id=14, expires=after(seconds=30)))
    assert [made.minds(13, after(seconds=seconds)) for seconds in (59, 60)] == [False, True]
    assert (made.last_look(13), 14 in made) == (before, False)
    assert made.take_unsaved() == [before]
    assert made.note(seen(VALIDATING, after(minutes=1))) is None


# What a look tells of durations


def test_an_unchanged_look_tells_that_the_batch_was_unfinished_all_the_time() -> None:
    made = roster(seen_watch(VALIDATING, at=after(seconds=5), size=50))
    look = seen(VALIDATING, after(seconds=20), size=5000)
    assert made.note(look) == pytest.approx(Sight(size=size_bin(50), then=5.0, now=19.8, ended=False))
    sight = Sight(size=size_bin(5000), then=19.8, now=39.8, ended=False)
    assert made.note(seen(VALIDATING, after(seconds=40))) == pytest.approx(sight)
    just_made = roster(seen_watch(VALIDATING)).note(look)
    assert just_made == pytest.approx(Sight(size=UNKNOWN, then=0.0, now=19.8, ended=False))


def test_a_size_that_was_not_known_moves_the_watch_to_its_bin() -> None:
    made = roster(seen_watch(VALIDATING))
    assert columns(made, 13)["size_bin"] == UNKNOWN
    made.note(seen(VALIDATING, after(seconds=4), size=0))
    assert columns(made, 13)["size_bin"] == UNKNOWN
    made.note(seen(VALIDATING, after(seconds=8), size=300))
    assert columns(made, 13)["size_bin"] == size_bin(300)


# Broadcasts


def test_a_broadcast_keeps_its_place_until_it_is_forgotten() -> None:
    made = roster(seen_watch(NEW, batch_id=1, broadcast_id=70), seen_watch(NEW, batch_id=2, broadcast_id=71))
    assert (made.place_of(70), made.place_of(71), made.place_of(70)) == (0, 1, 0)
    assert (made.broadcasts, made.take_new_places(), made.take_new_places()) == ([70, 71], [0, 1], [])
    made.drop(1)
    assert made.forget_broadcast(0)
    assert not made.forget_broadcast(0)
    assert made.broadcasts_in_use() == 1
    assert (made.place_of(72), made.take_new_places(), made.broadcasts) == (0, [0], [72, 71])
    assert made.place_of(70) == 2


def test_open_watches_of_a_broadcast_are_counted() -> None:
    made = roster(*(seen_watch(NEW, batch_id=n, broadcast_id=70 + n % 2) for n in range(1, 6)), fresh(9))
    made.drop(1)
    assert [made.count_of(each) for each in (70, 71, 72)] == [2, 2, 0]


def test_what_a_listing_told_of_the_broadcast_stays_where_no_answer_says_otherwise() -> None:
    made = roster(seen_watch(NEW))
    made.broadcast[0], made.page[0] = made.place_of(70), 4
    made.put(seen_watch(VALIDATING))
    assert (columns(made, 13)["broadcast"], columns(made, 13)["page"]) == (0, 4)
    made.put(seen_watch(VALIDATING, broadcast_id=70))
    assert (columns(made, 13)["broadcast"], columns(made, 13)["page"]) == (0, 4)
    made.put(seen_watch(VALIDATING, broadcast_id=71))
    assert (columns(made, 13)["broadcast"], columns(made, 13)["page"]) == (1, NOWHERE)


def test_where_a_watch_is_taken_in_anew_with_another_broadcast_its_page_is_not_known() -> None:
    made = roster(seen_watch(NEW, broadcast_id=70))
    made.page[0] = 4
    made.take_in(columns_of([seen_watch(NEW, broadcast_id=70)]), NOON)
    assert columns(made, 13)["page"] == 4
    made.take_in(columns_of([seen_watch(NEW, broadcast_id=71)]), NOON)
    assert (columns(made, 13)["broadcast"], columns(made, 13)["page"]) == (1, NOWHERE)


def test_not_looked_for_yet_is_another_thing_than_not_there_and_than_any_page() -> None:
    assert len({NOWHERE, ABSENT, *range(3), *(looked_for_on(page) for page in range(3))}) == 8


def test_a_page_on_which_one_is_looked_for_is_a_page_too() -> None:
    column = np.array([NOWHERE, ABSENT, 0, 7, looked_for_on(0), looked_for_on(7)], np.int32)
    assert pages_of(column).tolist() == [NOWHERE, NOWHERE, 0, 7, 0, 7]
    assert pages_of(column[:4]).tolist() == [NOWHERE, NOWHERE, 0, 7]


def test_a_large_roster_grows_by_half() -> None:
    made = Roster(RULES, capacity=65_536)
    made._used = 65_536
    assert made._take_row() == 65_536
    assert len(made.batch_id) == 65_536 * 3 // 2


# Counts


def test_watches_are_counted_by_status() -> None:
    words = [NEW, NEW, VALIDATING, "PAUSED", "HALTED", "PAUSED", ACTIVE]
    made = roster(fresh(90), *(seen_watch(word, batch_id=n) for n, word in enumerate(words, start=1)))
    made.drop(1)
    assert made.by_status() == {"unseen": 1, "new": 1, "validating": 1, "unknown": 3}


def test_nothing_is_counted_where_there_is_nothing() -> None:
    assert roster().by_status() == {"unseen": 0, "new": 0, "validating": 0, "unknown": 0}
    assert roster().stuck_count() == 0


def test_stuck_watches_are_counted_until_they_move_or_leave() -> None:
    stuck = [seen_watch(NEW, batch_id=n, stuck_told=1, stuck_last=after(minutes=15)) for n in (1, 2, 3)]
    made = roster(*stuck, seen_watch(NEW, batch_id=4))
    assert made.stuck_count() == 3
    made.drop(1)
    made.put(seen_watch(VALIDATING, batch_id=2))
    assert made.stuck_count() == 1
