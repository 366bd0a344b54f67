"""What a look makes of a watch, row by row of polling.md's table, and what must hold over any sequence of looks."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import RULES, after, fresh, learnt, missing, seen, seen_watch, told, unanswered
from tests.fakes import NOON
from watcher.core.model import (
    ACTIVE,
    ERRORS,
    KNOWN_STATUSES,
    NEW,
    SOURCE_ERROR,
    VALIDATING,
    Batch,
    Event,
    Look,
    Missing,
    Seen,
    State,
    Unanswered,
    Watch,
)
from watcher.core.transitions import TRANSITIONS, Rules, is_known, learn, next_occurrence

SOON = after(seconds=30)

# previous status, status, event, skipped, expected, settled
TABLE = [
    (None, NEW, "batch.new", [], True, False),
    (None, VALIDATING, "batch.validating", [], True, False),
    (None, ACTIVE, "batch.active", [], True, True),
    (None, ERRORS, "batch.errors", [], True, True),
    (None, SOURCE_ERROR, "batch.source_error", [], True, True),
    (None, "PAUSED", "batch.unknown", [], False, False),
    (NEW, VALIDATING, "batch.validating", [], True, False),
    (NEW, ACTIVE, "batch.active", [VALIDATING], True, True),
    (NEW, ERRORS, "batch.errors", [VALIDATING], True, True),
    (NEW, SOURCE_ERROR, "batch.source_error", [], True, True),
    (NEW, "PAUSED", "batch.unknown", [], False, False),
    (VALIDATING, NEW, "batch.new", [], False, False),
    (VALIDATING, ACTIVE, "batch.active", [], True, True),
    (VALIDATING, ERRORS, "batch.errors", [], True, True),
    (VALIDATING, SOURCE_ERROR, "batch.source_error", [], True, True),
    (VALIDATING, "PAUSED", "batch.unknown", [], False, False),
    ("PAUSED", NEW, "batch.new", [], False, False),
    ("PAUSED", VALIDATING, "batch.validating", [], False, False),
    ("PAUSED", ACTIVE, "batch.active", [], False, True),
    ("PAUSED", ERRORS, "batch.errors", [], False, True),
    ("PAUSED", SOURCE_ERROR, "batch.source_error", [], False, True),
    ("PAUSED", "HALTED", "batch.unknown", [], False, False),
    *[
        # Followed again after the end, and found to have gone back or over to another end.
        (ended, status, f"batch.{status.lower()}" if status in KNOWN_STATUSES else "batch.unknown", [], False, settled)
        for ended in (ACTIVE, ERRORS, SOURCE_ERROR)
        for status, settled in (
            (NEW, False),
            (VALIDATING, False),
            (ACTIVE, True),
            (ERRORS, True),
            (SOURCE_ERROR, True),
            ("PAUSED", False),
        )
        if status != ended
    ],
]


def test_the_table_is_complete() -> None:
    """Every pair of a status and another one, known or not, is in the table above; no expected one is left out."""
    words = {*KNOWN_STATUSES, "PAUSED"}
    pairs = {(previous, status) for previous in {None, *words} for status in words if previous != status}
    assert {(previous, status) for previous, status, *_ in TABLE} == pairs | {("PAUSED", "HALTED")}
    assert {(previous, status) for previous, status, _, _, expected, _ in TABLE if expected} == set(TRANSITIONS)


@pytest.mark.parametrize(("previous", "status", "kind", "skipped", "expected", "settled"), TABLE)
def test_a_transition_is_told_as_the_table_says(
    previous: str | None, status: str, kind: str, skipped: list[str], expected: bool, settled: bool
) -> None:
    watch = fresh() if previous is None else seen_watch(previous, number=4)
    result = learn(watch, seen(status, SOON), RULES)
    number = 1 if previous is None else 5
    assert result.result == "changed"
    assert told(result) == [(kind, number)]
    data = result.events[0].data
    assert {key: data[key] for key in ("previous_status", "status", "skipped", "expected", "final", "number")} == {
        "previous_status": previous,
        "status": status,
        "skipped": skipped,
        "expected": expected,
        "final": settled,
        "number": number,
    }
    assert (result.watch.state, result.watch.status, result.watch.since, result.watch.number) == (
        State.SETTLED if settled else State.OPEN,
        status,
        SOON,
        number,
    )


def test_a_transition_is_told_in_full() -> None:
    watch = seen_watch(
        VALIDATING,
        number=2,
        at=after(seconds=2),
        name="API 14",
        broadcast_id=14,
        labels={"team": "red"},
        correlation_id="order 7",
    )
    look = Seen(
        asked=after(seconds=4),
        answered=after(seconds=4.213),
        batch=Batch(id=13, status=ACTIVE, created=NOON, size=6198, remaining=6198, enabled=True),
    )
    result = learn(watch, look, RULES)
    assert result.watch == replace(
        watch,
        number=3,
        state=State.SETTLED,
        status=ACTIVE,
        since=after(seconds=4.213),
        size=6198,
        remaining=6198,
        enabled=True,
        asked=after(seconds=4),
        answered=after(seconds=4.213),
        looks=2,
    )
    assert result.events == (
        Event(
            type="batch.active",
            at=after(seconds=4.213),
            account="default",
            batch_id=13,
            number=3,
            data={
                "account": "default",
                "batch_id": 13,
                "broadcast_id": 14,
                "name": "API 14",
                "number": 3,
                "status": "ACTIVE",
                "previous_status": "VALIDATING",
                "skipped": [],
                "final": True,
                "expected": True,
                "size": 6198,
                "remaining": 6198,
                "enabled": True,
                "window": {"after": "2026-11-23T12:00:02.000Z", "by": "2026-11-23T12:00:04.213Z"},
                "labels": {"team": "red"},
                "correlation_id": "order 7",
            },
        ),
    )


def test_an_occurrence_says_the_same_of_the_watch_and_since_when() -> None:
    watch = seen_watch(VALIDATING, at=after(seconds=2), name="API 14", labels={"team": "red"})
    result = learn(watch, missing(after(minutes=5), gone=True), RULES)
    assert result.watch == replace(watch, state=State.MISSING, number=2)
    assert [event.data for event in result.events] == [
        {
            "account": "default",
            "batch_id": 13,
            "broadcast_id": None,
            "name": "API 14",
            "number": 2,
            "status": "VALIDATING",
            "previous_status": "VALIDATING",
            "skipped": [],
            "final": False,
            "expected": False,
            "size": None,
            "remaining": None,
            "enabled": None,
            "window": {"after": "2026-11-23T12:00:02.000Z", "by": "2026-11-23T12:05:00.000Z"},
            "labels": {"team": "red"},
            "correlation_id": None,
            "since": "2026-11-23T12:00:02.000Z",
        }
    ]


def test_an_unchanged_look_narrows_the_window_of_the_transition_to_come() -> None:
    result = learnt(
        fresh(), seen(NEW, after(seconds=1)), seen(NEW, after(seconds=9)), seen(VALIDATING, after(seconds=20))
    )
    assert [event.data["window"] for event in result.events] == [
        {"after": None, "by": "2026-11-23T12:00:01.000Z"},
        {"after": "2026-11-23T12:00:08.800Z", "by": "2026-11-23T12:00:20.000Z"},
    ]


def test_a_look_in_vain_does_not_narrow_the_window() -> None:
    result = learnt(
        seen_watch(NEW), unanswered(after(seconds=5)), missing(after(seconds=6)), seen(VALIDATING, after(seconds=7))
    )
    assert [event.data["window"] for event in result.events] == [
        {"after": "2026-11-23T12:00:00.000Z", "by": "2026-11-23T12:00:07.000Z"}
    ]


@pytest.mark.parametrize(
    "look",
    [
        Seen(asked=after(seconds=4), answered=after(seconds=60), batch=Batch(id=13, status=NEW)),
        Seen(asked=after(seconds=4), answered=after(seconds=60), batch=Batch(id=13, status=ACTIVE)),
        Missing(asked=after(seconds=4), answered=after(minutes=30), gone=True),
        Unanswered(asked=after(seconds=4), answered=after(days=30), reason="403", refused=True),
    ],
    ids=lambda look: type(look).__name__,
)
def test_an_overtaken_answer_is_dropped(look: Look) -> None:
    """Asked for before the last look that saw the batch: whatever it says, and however late it comes."""
    watch = seen_watch(VALIDATING, at=after(seconds=5))
    result = learn(watch, look, RULES)
    assert result.watch is watch
    assert (result.events, result.result) == ((), "overtaken")


def test_a_look_asked_for_at_the_very_moment_of_the_last_one_counts() -> None:
    watch = seen_watch(VALIDATING, at=after(seconds=5))
    look = Seen(asked=after(seconds=5), answered=after(seconds=6), batch=Batch(id=13, status=ACTIVE))
    assert told(learn(watch, look, RULES)) == [("batch.active", 2)]


@pytest.mark.parametrize("state", [state for state in State if state is not State.OPEN])
def test_a_watch_that_is_not_open_stays_as_it_is(state: State) -> None:
    watch = seen_watch(VALIDATING, state=state)
    for look in (seen(ACTIVE, after(hours=1)), missing(after(hours=1), gone=True), unanswered(after(days=9))):
        result = learn(watch, look, RULES)
        assert result.watch is watch
        assert (result.events, result.result) == ((), "overtaken")


def test_what_an_answer_leaves_out_stays_as_it_was() -> None:
    watch = seen_watch(
        VALIDATING, name="API 14", broadcast_id=14, size=6198, remaining=6000, enabled=False, created=after(hours=-1)
    )
    assert learn(watch, seen(VALIDATING, SOON), RULES).watch == replace(
        watch, asked=SOON - timedelta(seconds=0.2), answered=SOON, looks=2
    )


def test_what_an_answer_shows_is_taken_over() -> None:
    watch = seen_watch(VALIDATING, name="API 14", broadcast_id=14, size=6198, remaining=6000, enabled=True)
    look = seen(
        VALIDATING, SOON, name="", broadcast_id=15, size=0, remaining=0, enabled=False, created=after(minutes=-1)
    )
    result = learn(watch, look, RULES)
    assert (result.events, result.result) == ((), "unchanged")
    assert result.watch == replace(
        watch,
        name="",
        broadcast_id=15,
        size=0,
        remaining=0,
        enabled=False,
        created=after(minutes=-1),
        asked=look.asked,
        answered=SOON,
        looks=2,
    )


@pytest.mark.parametrize("status", [ACTIVE, ERRORS, SOURCE_ERROR])
def test_a_settled_watch_that_is_followed_again_and_found_unchanged_settles_silently(status: str) -> None:
    watch = seen_watch(status, number=3, opened=after(days=20))
    result = learn(watch, seen(status, after(days=20, seconds=1)), RULES)
    assert (result.watch.state, result.watch.number, result.events, result.result) == (
        State.SETTLED,
        3,
        (),
        "unchanged",
    )


def test_a_settled_watch_never_expires_nor_gets_stuck() -> None:
    watch = seen_watch(ACTIVE, stuck_told=0)
    result = learn(watch, seen(ACTIVE, after(days=8)), RULES)
    assert (result.watch.state, result.events) == (State.SETTLED, ())
    assert learn(seen_watch(VALIDATING), seen(ACTIVE, after(days=8)), RULES).watch.state is State.SETTLED


@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(days=60)])
def test_a_watch_expires_when_it_was_said_to_and_not_when_all_others_do(age: timedelta) -> None:
    watch = seen_watch("PAUSED", stuck_told=9, stuck_last=NOON, expires=NOON + age)
    assert next_occurrence(watch, RULES) == NOON + age
    before = learn(watch, seen("PAUSED", NOON + age - timedelta(milliseconds=1)), RULES)
    assert (before.watch.state, before.events) == (State.OPEN, ())
    ended = learn(watch, seen("PAUSED", NOON + age), RULES)
    assert (ended.watch.state, told(ended)) == (State.EXPIRED, [("watch.expired", 2)])


@pytest.mark.parametrize("look", [missing(after(minutes=1)), unanswered(after(minutes=1))])
def test_a_watch_expires_whatever_the_look_at_that_moment_came_to(look: Look) -> None:
    ended = learn(seen_watch(NEW, expires=after(minutes=1)), look, RULES)
    assert (ended.watch.state, told(ended)) == (State.EXPIRED, [("watch.expired", 2)])


def test_what_settles_as_it_expires_is_settled() -> None:
    result = learn(seen_watch(VALIDATING, expires=after(minutes=1)), seen(ACTIVE, after(hours=1)), RULES)
    assert (result.watch.state, told(result)) == (State.SETTLED, [("batch.active", 2)])


# Stuck


def test_new_is_stuck_fifteen_minutes_after_creation_whenever_it_was_first_seen() -> None:
    watch = learnt(fresh(), seen(NEW, after(minutes=10), created=NOON)).watch
    assert learn(watch, seen(NEW, after(minutes=14, seconds=59)), RULES).events == ()
    assert told(learn(watch, seen(NEW, after(minutes=15)), RULES)) == [("batch.stuck", 2)]


def test_new_is_measured_from_first_sight_where_creation_is_not_known() -> None:
    watch = learnt(fresh(), seen(NEW, after(minutes=10))).watch
    assert next_occurrence(watch, RULES) == after(minutes=25)


@pytest.mark.parametrize("created", [after(minutes=40), datetime.max.replace(tzinfo=NOON.tzinfo)])
def test_a_creation_that_is_yet_to_come_does_not_put_stuck_off(created: datetime) -> None:
    watch = learnt(fresh(), seen(NEW, after(minutes=1), created=created)).watch
    assert next_occurrence(watch, RULES) == after(minutes=16)


@pytest.mark.parametrize("status", [VALIDATING, "PAUSED"])
def test_other_statuses_are_stuck_thirty_minutes_after_first_sight(status: str) -> None:
    watch = learnt(fresh(), seen(status, after(minutes=10), created=NOON)).watch
    assert learn(watch, seen(status, after(minutes=39, seconds=59)), RULES).events == ()
    stuck = learn(watch, seen(status, after(minutes=40)), RULES)
    assert (told(stuck), stuck.result) == ([("batch.stuck", 2)], "unchanged")


@pytest.mark.parametrize("watch", [seen_watch(NEW, since=None), seen_watch(ACTIVE), replace(fresh(), since=NOON)])
def test_where_no_status_is_known_to_last_there_is_only_the_expiry_to_come(watch: Watch) -> None:
    assert next_occurrence(watch, RULES) == after(days=7)


def test_stuck_is_told_once_and_four_times_more_every_six_hours() -> None:
    rules = Rules(max_age=timedelta(days=30))
    moments = [after(minutes=minute) for minute in range(1, 60 * 24 * 3, 7)]
    result = learnt(seen_watch(VALIDATING), *(seen(VALIDATING, moment) for moment in moments), rules=rules)
    assert [event.type for event in result.events] == ["batch.stuck"] * 5
    assert [event.number for event in result.events] == [2, 3, 4, 5, 6]
    first, *others = [event.at for event in result.events]
    assert first == next(moment for moment in moments if moment >= after(minutes=30))
    gaps = [late - early for early, late in zip([first, *others], others, strict=False)]
    assert all(timedelta(hours=6) <= gap < timedelta(hours=6, minutes=7) for gap in gaps)
    assert result.watch.stuck_told == 5
    assert next_occurrence(result.watch, rules) == after(days=30)


def test_after_a_long_silence_stuck_is_told_once_and_not_caught_up_with() -> None:
    watch = seen_watch(NEW)
    result = learnt(watch, seen(NEW, after(days=2)), seen(NEW, after(days=2, seconds=1)))
    assert told(result) == [("batch.stuck", 2)]


def test_unstuck_comes_before_the_transition_and_both_are_numbered_in_order() -> None:
    watch = seen_watch(NEW, stuck_told=2, stuck_last=after(hours=7), number=3)
    result = learn(watch, seen(ACTIVE, after(hours=8)), RULES)
    assert told(result) == [("batch.unstuck", 4), ("batch.active", 5)]
    unstuck, moved = (event.data for event in result.events)
    assert (unstuck["status"], unstuck["number"], unstuck["since"]) == (NEW, 4, "2026-11-23T12:00:00.000Z")
    assert (moved["status"], moved["previous_status"], moved["number"]) == (ACTIVE, NEW, 5)
    assert (result.watch.stuck_told, result.watch.stuck_last) == (0, None)


def test_after_moving_on_a_batch_can_be_stuck_anew() -> None:
    watch = seen_watch(NEW, stuck_told=5, stuck_last=after(hours=30), number=6)
    result = learnt(watch, seen(VALIDATING, after(hours=31)), seen(VALIDATING, after(hours=31, minutes=30)))
    assert told(result) == [("batch.unstuck", 7), ("batch.validating", 8), ("batch.stuck", 9)]


# Missing


@pytest.mark.parametrize("at", [NOON, after(minutes=1, seconds=59)])
def test_within_two_minutes_a_404_counts_for_nothing(at: datetime) -> None:
    watch = fresh()
    result = learn(watch, missing(at), RULES)
    assert result.watch is watch
    assert (result.events, result.result) == ((), "missing")


def test_a_404_after_two_minutes_sets_the_watch_aside_for_half_the_span() -> None:
    result = learn(fresh(), missing(after(minutes=2)), RULES)
    assert (result.watch, result.events, result.result) == (
        replace(fresh(), missing_since=after(minutes=2), missing_count=1, aside_until=after(minutes=7)),
        (),
        "missing",
    )


def test_three_404s_over_ten_minutes_end_the_watch() -> None:
    watch = seen_watch(NEW)
    looks = [missing(after(minutes=minutes)) for minutes in (3, 8, 13)]
    two = learnt(watch, *looks[:2])
    assert (two.watch.state, two.watch.missing_count, two.events) == (State.OPEN, 2, ())
    result = learnt(watch, *looks)
    assert told(result) == [("batch.missing", 2)]
    assert (result.watch.state, result.watch.aside_until, result.result) == (State.MISSING, None, "missing")


def test_many_404s_in_less_than_ten_minutes_do_not() -> None:
    result = learnt(seen_watch(NEW), *(missing(after(minutes=3, seconds=second)) for second in range(590)))
    assert (result.watch.state, result.events) == (State.OPEN, ())
    assert told(learn(result.watch, missing(after(minutes=13)), RULES)) == [("batch.missing", 2)]


def test_two_404s_far_apart_do_not() -> None:
    result = learnt(seen_watch(NEW), missing(after(minutes=3)), missing(after(hours=3)))
    assert (result.watch.state, result.events) == (State.OPEN, ())


def test_one_404_is_enough_where_the_rules_say_so() -> None:
    rules = Rules(missing_count=1, missing_span=timedelta(0))
    assert told(learnt(seen_watch(NEW), missing(after(minutes=3)), rules=rules)) == [("batch.missing", 2)]


@pytest.mark.parametrize(("count", "minutes"), [(1, 10), (2, 10), (3, 5), (6, 2)])
def test_the_404s_that_are_asked_for_are_spread_over_the_span(count: int, minutes: int) -> None:
    result = learn(fresh(), missing(after(minutes=3)), Rules(missing_count=count))
    assert result.watch.aside_until == after(minutes=3 + minutes)


def test_a_410_ends_the_watch_at_once() -> None:
    result = learn(fresh(), missing(after(seconds=1), gone=True), RULES)
    assert told(result) == [("batch.missing", 1)]
    assert result.watch.state is State.MISSING


def test_a_sight_in_between_forgives() -> None:
    looks = (missing(after(minutes=3)), missing(after(minutes=8)), seen(NEW, after(minutes=9)))
    result = learnt(seen_watch(NEW), *looks, missing(after(minutes=14)))
    assert (result.watch.missing_count, result.watch.missing_since, result.events) == (1, after(minutes=14), ())


def test_silence_in_between_does_not_forgive() -> None:
    looks = (missing(after(minutes=3)), unanswered(after(minutes=5)), missing(after(minutes=8)))
    assert told(learnt(seen_watch(NEW), *looks, missing(after(minutes=13)))) == [("batch.missing", 2)]


# Unanswered


def test_an_unanswered_look_leaves_the_watch_as_it_is() -> None:
    watch = seen_watch(NEW)
    result = learn(watch, unanswered(SOON), RULES)
    assert result.watch is watch
    assert (result.events, result.result) == ((), "unanswered")


def test_an_unfit_request_sets_the_watch_aside_for_an_hour() -> None:
    watch = seen_watch(NEW)
    result = learn(watch, unanswered(SOON, unfit=True), RULES)
    assert (result.watch, result.events) == (replace(watch, aside_until=SOON + timedelta(hours=1)), ())


def test_refusals_set_the_watch_aside_for_longer_and_longer_but_never_over_an_hour() -> None:
    watch, pauses = seen_watch(NEW), []
    for strike in range(1, 12):
        watch = learn(watch, unanswered(SOON, refused=True), RULES).watch
        assert watch.refused_count == strike
        assert watch.aside_until is not None
        pauses.append((watch.aside_until - SOON) / timedelta(minutes=1))
    assert pauses == [1, 5, 25, *[60] * 8]


def test_a_sight_takes_refusals_and_setting_aside_back() -> None:
    watch = seen_watch(NEW, refused_count=3, aside_until=after(hours=1))
    result = learn(watch, seen(NEW, SOON), RULES)
    assert (result.watch.refused_count, result.watch.aside_until) == (0, None)


# Expired


@pytest.mark.parametrize(
    ("look", "result"),
    [
        (seen(VALIDATING, after(days=7)), "unchanged"),
        (missing(after(days=7)), "missing"),
        (unanswered(after(days=7)), "unanswered"),
        (unanswered(after(days=7), unfit=True), "unanswered"),
        (unanswered(after(days=7), refused=True), "unanswered"),
    ],
)
def test_a_watch_expires_after_seven_days_whatever_comes_of_the_look(look: Look, result: str) -> None:
    watch = seen_watch(VALIDATING, stuck_told=5, stuck_last=after(days=2), number=7)
    learnt = learn(watch, look, RULES)
    assert told(learnt) == [("watch.expired", 8)]
    assert (learnt.watch.state, learnt.watch.aside_until, learnt.result) == (State.EXPIRED, None, result)


def test_a_watch_does_not_expire_before() -> None:
    watch = seen_watch(VALIDATING, stuck_told=5, stuck_last=after(days=2))
    assert learn(watch, seen(VALIDATING, after(days=7, seconds=-1)), RULES).events == ()


def test_it_is_opening_that_counts_not_the_first_time() -> None:
    watch = seen_watch(VALIDATING, opened=after(days=5), stuck_told=5, stuck_last=after(days=2))
    assert learn(watch, seen(VALIDATING, after(days=11)), RULES).events == ()


def test_a_transition_at_the_last_moment_is_told_before_the_expiry() -> None:
    result = learn(seen_watch(NEW), seen(VALIDATING, after(days=7)), RULES)
    assert told(result) == [("batch.validating", 2), ("watch.expired", 3)]
    assert (result.watch.state, result.watch.status, result.result) == (State.EXPIRED, VALIDATING, "changed")


def test_stuck_and_expired_can_come_together() -> None:
    result = learn(seen_watch(VALIDATING), seen(VALIDATING, after(days=7)), RULES)
    assert told(result) == [("batch.stuck", 2), ("watch.expired", 3)]


def test_a_batch_that_was_never_seen_expires_too() -> None:
    result = learn(fresh(), unanswered(after(days=7)), RULES)
    assert told(result) == [("watch.expired", 1)]
    assert (result.events[0].data["status"], result.events[0].data["since"]) == (None, None)
    assert result.events[0].data["window"] == {"after": None, "by": "2026-11-30T12:00:00.000Z"}


def test_known_words_are_the_documented_ones() -> None:
    assert [word for word in (*KNOWN_STATUSES, "PAUSED", "active", "") if is_known(word)] == list(KNOWN_STATUSES)


# What must hold over any sequence of looks

WORDS = st.sampled_from([*KNOWN_STATUSES, "PAUSED", "HALTED"])
MOMENTS = st.integers(min_value=-3600 * 1000, max_value=9 * 86400 * 1000).map(lambda ms: after(seconds=ms / 1000))
TRIPS = st.integers(min_value=0, max_value=15000).map(lambda ms: timedelta(milliseconds=ms))
COUNTS = st.none() | st.integers(min_value=0, max_value=2**31 - 1)


@st.composite
def looks(draw: st.DrawFn) -> Look:
    asked = draw(MOMENTS)
    answered = asked + draw(TRIPS)
    match draw(st.sampled_from(["seen", "seen", "seen", "missing", "unanswered"])):
        case "missing":
            return Missing(asked=asked, answered=answered, gone=draw(st.sampled_from([False, False, False, True])))
        case "unanswered":
            refused, unfit = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
            return Unanswered(asked=asked, answered=answered, reason="500", refused=refused, unfit=unfit)
    batch = Batch(
        id=13,
        status=draw(WORDS),
        created=draw(st.none() | MOMENTS),
        size=draw(COUNTS),
        remaining=draw(COUNTS),
        enabled=draw(st.none() | st.booleans()),
    )
    return Seen(asked=asked, answered=answered, batch=batch)


def reopened(watch: Watch, at: datetime) -> Watch:
    return replace(
        watch, state=State.OPEN, opened=at, stuck_told=0, stuck_last=None, missing_count=0, missing_since=None
    )


@given(st.lists(looks() | MOMENTS, max_size=30))
def test_numbers_run_from_one_without_a_gap_whatever_is_seen_in_whatever_order(steps: list[Look | datetime]) -> None:
    """Times go forward and back; a moment among the looks is when somebody follows the batch again."""
    watch = fresh()
    events: list[Event] = []
    for step in steps:
        if isinstance(step, datetime):
            watch = reopened(watch, step)
            continue
        result = learn(watch, step, RULES)
        assert all(event.batch_id == 13 and event.data["number"] == event.number for event in result.events)
        if result.result == "overtaken":
            assert result.watch is watch
        if watch.state is not State.OPEN:
            assert (result.watch, result.events) == (watch, ())  # what ended stays ended
        if watch.asked is not None and result.watch.asked is not None:
            assert result.watch.asked >= watch.asked
        events += result.events
        watch = result.watch
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert watch.number == len(events)


@given(st.lists(looks(), max_size=30))
def test_each_transition_goes_on_where_the_last_one_ended(steps: list[Look]) -> None:
    """Told statuses form one chain, and no two in a row are the same: nothing is told twice, nothing is left out."""
    status: str | None = None
    watch = fresh()
    for step in steps:
        result = learn(watch, step, RULES)
        watch = result.watch
        for event in result.events:
            assert event.data["previous_status"] == status
            if event.type.startswith("batch.") and event.type.split(".")[1] not in ("missing", "stuck", "unstuck"):
                assert event.data["status"] != status
            status = str(event.data["status"]) if event.data["status"] is not None else None
        assert watch.status == status


@given(st.lists(looks(), max_size=12), TRIPS, st.integers(min_value=0, max_value=9 * 86400))
def test_before_the_next_occurrence_an_unchanged_look_tells_nothing(
    steps: list[Look], trip: timedelta, wait: int
) -> None:
    watch = learnt(fresh(), *steps).watch
    if watch.state is not State.OPEN or watch.status is None or watch.asked is None:
        return
    occurrence = next_occurrence(watch, RULES)
    look = Seen(
        asked=watch.asked + timedelta(seconds=wait),
        answered=watch.asked + timedelta(seconds=wait) + trip,
        batch=Batch(id=13, status=watch.status),
    )
    result = learn(watch, look, RULES)
    assert bool(result.events) == (look.answered >= occurrence)
