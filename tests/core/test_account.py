"""What each answer means for the account: the right half of polling.md's table, and the pauses that follow from it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.core.account import (
    Account,
    AccountRecord,
    Condition,
    Heeded,
    heed,
    recall,
    record_of,
    resume,
    room,
)
from watcher.core.allowance import LearntRate
from watcher.core.answers import Answer, Kind
from watcher.core.model import Batch, Event

FRESH = Account(name="default", credentials="abc")
OUTCOMES = {
    Kind.SEEN: "200",
    Kind.GARBAGE: "bad_body",
    Kind.UNFIT: "400",
    Kind.UNAUTHORIZED: "401",
    Kind.FORBIDDEN: "403",
    Kind.NOT_FOUND: "404",
    Kind.GONE: "410",
    Kind.THROTTLED: "429",
    Kind.FAILED: "503",
    Kind.UNASKED: "files",
}
WELL = [Kind.SEEN, Kind.UNFIT, Kind.NOT_FOUND, Kind.GONE]
SECOND = timedelta(seconds=1)


def answer(
    kind: Kind,
    *,
    asked: datetime = NOON,
    answered: datetime | None = None,
    batch_id: int = 13,
    retry_after: timedelta | None = None,
    detail: str | None = None,
) -> Answer:
    return Answer(
        batch_id=batch_id,
        asked=asked,
        answered=answered or asked + SECOND,
        kind=kind,
        outcome=OUTCOMES[kind],
        batch=Batch(id=batch_id, status="NEW") if kind is Kind.SEEN else None,
        retry_after=retry_after,
        detail=detail,
    )


@dataclass(slots=True)
class Story:
    """An account that one answer after another is heeded for, each asked as soon as it may be."""

    account: Account = FRESH
    now: datetime = NOON
    draw: float = 0.5
    events: list[Event] = field(default_factory=list)

    def hear(self, *kinds: Kind, batch_id: int = 13, retry_after: timedelta | None = None) -> "Story":
        for kind in kinds:
            self.now = max(self.now, self.account.until or self.now)
            self.take(answer(kind, asked=self.now, batch_id=batch_id, retry_after=retry_after))
            self.now += SECOND
        return self

    def take(self, given: Answer) -> Heeded:
        heeded = heed(self.account, given, self.draw)
        self.account = heeded.account
        self.events += heeded.events
        return heeded

    @property
    def pause(self) -> timedelta:
        """How long from the last answer until the next request."""
        return (self.account.until or self.now) - self.now


def told(story: Story) -> list[str]:
    return [event.type for event in story.events]


# In order.


@pytest.mark.parametrize("kind", WELL)
def test_an_answer_that_only_an_account_in_order_gets_proves_the_login(kind: Kind) -> None:
    assert heed(FRESH, answer(kind), 0.5) == Heeded(account=replace(FRESH, proven=True))


def test_a_good_answer_forgets_all_trouble_but_not_the_number_of_the_last_event() -> None:
    troubled = replace(
        FRESH,
        condition=Condition.DOWN,
        reason="5 failures in a row",
        since=NOON,
        until=NOON + SECOND,
        number=4,
        refusals_in_a_row=2,
        forbidden_batch=7,
        failures_in_a_row=5,
        garbled=frozenset({1, 2}),
        downs=3,
        throttles=2,
    )
    well = heed(troubled, answer(Kind.SEEN, asked=NOON + 2 * SECOND), 0.5)
    assert well == Heeded(account=Account(name="default", credentials="abc", proven=True, number=4))


@pytest.mark.parametrize(
    ("account", "untroubled"),
    [
        (replace(FRESH, proven=True), True),
        (replace(FRESH, proven=True, number=4, since=NOON, reason="…"), True),
        (FRESH, False),
        (replace(FRESH, proven=True, condition=Condition.THROTTLED), False),
        (replace(FRESH, proven=True, until=NOON), False),
        (replace(FRESH, proven=True, forbidden_batch=7), False),
        (replace(FRESH, proven=True, garbled=frozenset({7})), False),
        (replace(FRESH, proven=True, refusals_in_a_row=1), False),
        (replace(FRESH, proven=True, refusals=1), False),
        (replace(FRESH, proven=True, failures_in_a_row=1), False),
        (replace(FRESH, proven=True, downs=1), False),
        (replace(FRESH, proven=True, throttles=1), False),
    ],
)
def test_a_good_answer_leaves_the_very_same_account_where_there_is_nothing_to_forget(
    account: Account, untroubled: bool
) -> None:
    assert account.untroubled is untroubled
    assert (heed(account, answer(Kind.SEEN), 0.5).account is account) is untroubled


def test_conditions_go_by_the_words_that_metrics_and_the_interface_tell() -> None:
    assert [condition.value for condition in Condition] == ["ok", "throttled", "down", "refused", "paused"]


def test_an_account_of_which_only_the_name_is_known_is_in_order_and_its_login_not_proven() -> None:
    assert asdict(Account(name="default")) == {
        "name": "default",
        "credentials": "",
        "condition": Condition.OK,
        "reason": "",
        "since": None,
        "until": None,
        "proven": False,
        "number": 0,
        "learnt_rate": None,
        "refusals_in_a_row": 0,
        "forbidden_batch": None,
        "refusals": 0,
        "failures_in_a_row": 0,
        "garbled": frozenset(),
        "downs": 0,
        "throttles": 0,
    }
    assert asdict(AccountRecord(name="default")) == {
        "name": "default",
        "refused": False,
        "reason": "",
        "refusals": 0,
        "probe_at": None,
        "credentials": "",
        "number": 0,
        "learnt_rate": None,
    }


# Room.


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (FRESH, 1),
        (replace(FRESH, proven=True), 8),
        (replace(FRESH, proven=True, refusals_in_a_row=1), 1),
        (replace(FRESH, proven=True, failures_in_a_row=4), 8),
        *((replace(FRESH, proven=True, condition=each), 1) for each in Condition if each is not Condition.OK),
    ],
)
def test_one_request_at_a_time_until_the_login_is_proven_and_in_trouble(account: Account, expected: int) -> None:
    assert room(account, 8) == expected


# Refused.


def test_a_wrong_password_is_tried_three_times_and_told_once() -> None:
    story = Story()
    story.hear(Kind.UNAUTHORIZED, Kind.UNAUTHORIZED)
    assert (story.account.condition, story.events, story.pause) == (Condition.OK, [], timedelta(0))
    assert room(story.account, 8) == 1
    story.hear(Kind.UNAUTHORIZED)
    until = story.now + timedelta(minutes=15)
    assert story.account == replace(
        FRESH,
        condition=Condition.REFUSED,
        reason="CallFire answered 401",
        since=story.now,
        until=until,
        number=1,
        refusals_in_a_row=3,
        refusals=1,
    )
    assert story.events == [
        Event(
            type="account.refused",
            at=story.now,
            account="default",
            batch_id=None,
            number=1,
            data={"account": "default", "number": 1, "reason": "CallFire answered 401", "next_probe": until},
        )
    ]


def test_the_reason_is_callfires_own() -> None:
    story = Story()
    for _ in range(3):
        story.take(answer(Kind.UNAUTHORIZED, detail="bad login"))
    assert story.account.reason == "CallFire answered 401: bad login"


def test_a_refusal_that_answers_several_requests_in_flight_is_told_once() -> None:
    story = Story(account=replace(FRESH, proven=True))
    for number in range(8):
        story.take(answer(Kind.UNAUTHORIZED, answered=NOON + number * SECOND + SECOND))
    assert told(story) == ["account.refused"]
    assert story.account.until == NOON + 3 * SECOND + timedelta(minutes=15)
    assert story.account.proven is False


def test_a_good_answer_ends_the_row() -> None:
    story = Story().hear(Kind.UNAUTHORIZED, Kind.UNAUTHORIZED, Kind.SEEN, Kind.UNAUTHORIZED, Kind.UNAUTHORIZED)
    assert (story.account.condition, story.account.refusals_in_a_row) == (Condition.OK, 2)


@pytest.mark.parametrize("between", [Kind.FAILED, Kind.GARBAGE, Kind.THROTTLED])
def test_no_other_answer_ends_the_row(between: Kind) -> None:
    story = Story().hear(Kind.UNAUTHORIZED, between, Kind.UNAUTHORIZED, between, Kind.UNAUTHORIZED)
    assert story.account.condition is Condition.REFUSED


def test_probes_that_are_refused_come_ever_later_and_are_not_told() -> None:
    story = Story().hear(*[Kind.UNAUTHORIZED] * 3)
    pauses = [story.pause]
    for _ in range(4):
        before = record_of(story.account)
        story.hear(Kind.UNAUTHORIZED)
        pauses.append(story.pause)
        assert record_of(story.account) != before  # so that it is kept
    assert pauses == [timedelta(minutes=15), *(timedelta(hours=hours) for hours in (1, 6, 6, 6))]
    assert told(story) == ["account.refused"]
    assert story.account.number == 1


@pytest.mark.parametrize("kind", WELL)
def test_a_probe_that_is_accepted_recovers_the_account(kind: Kind) -> None:
    story = Story().hear(Kind.UNAUTHORIZED, Kind.UNAUTHORIZED, Kind.UNAUTHORIZED, kind)
    assert story.account == replace(FRESH, proven=True, number=2)
    assert story.events[1:] == [
        Event(
            type="account.recovered",
            at=story.now,
            account="default",
            batch_id=None,
            number=2,
            data={"account": "default", "number": 2, "reason": None, "next_probe": None},
        )
    ]


@pytest.mark.parametrize("condition", [Condition.REFUSED, Condition.DOWN])
def test_an_account_in_trouble_that_is_resumed_may_be_probed_at_once_and_is_still_in_trouble(
    condition: Condition,
) -> None:
    account = Account(name="default", condition=condition, reason="why", until=NOON + 900 * SECOND, refusals=2, downs=1)
    resumed = resume(account)
    assert resumed == replace(account, until=None)
    assert resume(resumed) is resumed
    assert room(resumed, 4) == 1


def test_a_paused_account_that_is_resumed_is_asked_again() -> None:
    account = Account(
        name="default", condition=Condition.PAUSED, reason="by hand", until=NOON + 900 * SECOND, proven=True
    )
    assert resume(account) == Account(name="default", proven=True)


@pytest.mark.parametrize("condition", [Condition.OK, Condition.THROTTLED])
def test_a_pause_that_callfire_wants_is_not_ended_by_resuming(condition: Condition) -> None:
    account = Account(name="default", condition=condition, until=NOON + 9 * SECOND)
    assert resume(account) is account


@pytest.mark.parametrize("kind", [Kind.FAILED, Kind.GARBAGE, Kind.THROTTLED])
def test_a_probe_without_an_answer_leaves_the_refusal_and_is_repeated_after_the_same_pause(kind: Kind) -> None:
    story = Story().hear(*[Kind.UNAUTHORIZED] * 4)  # the first probe was refused: an hour
    for _ in range(3):
        story.hear(kind)
        assert (story.account.condition, story.pause) == (Condition.REFUSED, timedelta(hours=1))
        assert story.account.since == story.now
    assert told(story) == ["account.refused"]


def test_a_refusal_from_elsewhere_whose_probe_fails_waits_the_first_pause() -> None:
    story = Story(account=recall("default", "abc", AccountRecord(name="default", refused=True, credentials="abc")))
    story.hear(Kind.FAILED)
    assert (story.account.condition, story.pause) == (Condition.REFUSED, timedelta(minutes=15))


@pytest.mark.parametrize("kind", list(Kind))
def test_what_was_asked_before_the_refusal_does_not_end_it_nor_shorten_its_pause(kind: Kind) -> None:
    story = Story().hear(*[Kind.UNAUTHORIZED] * 3)
    before = story.account
    heeded = story.take(answer(kind, asked=NOON, answered=story.now + SECOND))
    assert heeded == Heeded(account=before)


def test_a_pause_asked_for_before_the_refusal_lengthens_it() -> None:
    story = Story(draw=0.0).hear(*[Kind.UNAUTHORIZED] * 3)
    since = story.account.since
    story.take(answer(Kind.SEEN, answered=story.now, retry_after=timedelta(minutes=30)))
    assert story.account.condition is Condition.REFUSED
    assert (story.account.since, story.pause) == (since, timedelta(minutes=30))


def test_a_good_answer_with_a_pause_recovers_and_pauses() -> None:
    story = Story(draw=0.0).hear(*[Kind.UNAUTHORIZED] * 3).hear(Kind.SEEN, retry_after=timedelta(seconds=30))
    assert told(story) == ["account.refused", "account.recovered"]
    assert (story.account.condition, story.account.proven, story.pause) == (
        Condition.THROTTLED,
        True,
        timedelta(seconds=30),
    )


# Forbidden: the batch, or the login?


def test_one_batch_that_is_forbidden_again_and_again_is_the_batchs_trouble() -> None:
    story = Story().hear(*[Kind.FORBIDDEN] * 10)
    assert (story.account.condition, story.account.refusals_in_a_row) == (Condition.OK, 0)


def test_different_batches_forbidden_in_a_row_are_the_logins_trouble() -> None:
    story = Story()
    for batch_id in (1, 2, 3):
        story.hear(Kind.FORBIDDEN, batch_id=batch_id)
    assert (story.account.condition, story.account.refusals_in_a_row) == (Condition.OK, 2)
    story.hear(Kind.FORBIDDEN, batch_id=1)
    assert (story.account.condition, story.account.reason) == (Condition.REFUSED, "CallFire answered 403")
    assert told(story) == ["account.refused"]


def test_a_batch_seen_in_between_clears_the_login() -> None:
    story = Story()
    for batch_id in range(1, 10):
        story.hear(Kind.FORBIDDEN, batch_id=batch_id).hear(Kind.SEEN, batch_id=100)
    assert (story.account.condition, story.account.refusals_in_a_row) == (Condition.OK, 0)


def test_refusals_of_both_kinds_count_together() -> None:
    story = Story().hear(Kind.UNAUTHORIZED).hear(Kind.FORBIDDEN, batch_id=1).hear(Kind.FORBIDDEN, batch_id=2)
    assert story.account.refusals_in_a_row == 2
    story.hear(Kind.UNAUTHORIZED)
    assert story.account.condition is Condition.REFUSED


def test_a_probe_that_is_forbidden_is_refused_whatever_its_batch() -> None:
    story = Story().hear(*[Kind.UNAUTHORIZED] * 3).hear(Kind.FORBIDDEN, batch_id=99)
    assert (story.account.condition, story.pause) == (Condition.REFUSED, timedelta(hours=1))


@pytest.mark.parametrize("kind", [Kind.UNAUTHORIZED, Kind.FORBIDDEN])
@pytest.mark.parametrize("condition", [Condition.DOWN, Condition.THROTTLED])
def test_a_refusal_is_an_answer_and_ends_a_pause_that_was_waited_out(kind: Kind, condition: Condition) -> None:
    paused = replace(
        FRESH, condition=condition, reason="…", since=NOON, until=NOON + SECOND, failures_in_a_row=5, downs=1
    )
    after = heed(paused, answer(kind, asked=NOON + SECOND), 0.5).account
    assert (after.condition, after.reason, after.until, after.failures_in_a_row) == (Condition.OK, "", None, 0)
    early = heed(paused, answer(kind, asked=NOON - SECOND), 0.5).account
    assert (early.condition, early.until, early.failures_in_a_row) == (condition, NOON + SECOND, 5)


# Throttled.


@pytest.mark.parametrize(
    ("asked", "draw", "pause"),
    [
        (timedelta(seconds=30), 0.0, timedelta(seconds=30)),
        (timedelta(seconds=30), 0.5, timedelta(seconds=31.5)),
        (timedelta(0), 0.0, timedelta(seconds=1)),
        (timedelta(hours=3), 0.0, timedelta(hours=1)),
    ],
)
def test_a_pause_that_is_asked_for_freezes_the_account(asked: timedelta, draw: float, pause: timedelta) -> None:
    heeded = heed(FRESH, answer(Kind.THROTTLED, retry_after=asked), draw)
    assert heeded == Heeded(
        account=replace(
            FRESH,
            condition=Condition.THROTTLED,
            reason="CallFire answered 429",
            since=NOON + SECOND,
            until=NOON + SECOND + pause,
            throttles=1,
        )
    )


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.THROTTLED])
def test_any_answer_may_ask_for_a_pause(kind: Kind) -> None:
    after = heed(FRESH, answer(kind, retry_after=timedelta(seconds=30)), 0.0).account
    assert (after.condition, after.until) == (Condition.THROTTLED, NOON + timedelta(seconds=31))
    assert after.proven is (kind in WELL)
    assert after.refusals_in_a_row == (kind is Kind.UNAUTHORIZED)


def test_a_third_refusal_with_a_pause_longer_than_its_own_keeps_to_the_longer() -> None:
    story = Story(draw=0.0).hear(Kind.UNAUTHORIZED, Kind.UNAUTHORIZED)
    story.hear(Kind.UNAUTHORIZED, retry_after=timedelta(minutes=20))
    assert (story.account.condition, story.pause) == (Condition.REFUSED, timedelta(minutes=20))
    assert story.events[0].data["next_probe"] == story.account.until


def test_without_a_pause_named_it_is_drawn_from_ever_more_up_to_a_minute() -> None:
    story = Story(draw=0.5)
    pauses = []
    for _ in range(8):
        story.hear(Kind.THROTTLED)
        pauses.append(story.pause.total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_being_throttled_for_days_is_survived() -> None:
    story = Story(account=replace(FRESH, throttles=5000))
    assert story.hear(Kind.THROTTLED).pause == timedelta(seconds=30)


def test_several_requests_in_flight_that_are_throttled_count_once() -> None:
    story = Story(account=replace(FRESH, proven=True))
    for _ in range(5):
        story.take(answer(Kind.THROTTLED))
    assert (story.account.throttles, story.account.until) == (1, NOON + 2 * SECOND)


def test_of_several_pauses_the_longest_counts() -> None:
    story = Story(draw=0.0)
    for seconds in (10, 60, 5):
        story.take(answer(Kind.THROTTLED, retry_after=timedelta(seconds=seconds)))
    assert story.account.until == NOON + timedelta(seconds=61)


def test_a_good_answer_asked_for_before_the_pause_does_not_end_it() -> None:
    story = Story().hear(Kind.THROTTLED, retry_after=timedelta(seconds=30))
    before = story.account
    assert story.take(answer(Kind.SEEN, answered=story.now)) == Heeded(account=before)


def test_a_good_answer_after_the_pause_ends_it() -> None:
    story = Story().hear(Kind.THROTTLED, Kind.THROTTLED, Kind.SEEN)
    assert story.account == replace(FRESH, proven=True)


# Down.


def test_five_failures_in_a_row_are_down() -> None:
    story = Story(account=replace(FRESH, proven=True)).hear(*[Kind.FAILED] * 4)
    assert (story.account.condition, story.pause) == (Condition.OK, timedelta(0))
    story.hear(Kind.FAILED)
    assert story.account == replace(
        FRESH,
        proven=True,
        condition=Condition.DOWN,
        reason="5 failures in a row, the last 503",
        since=story.now,
        until=story.now + timedelta(seconds=2.5),
        failures_in_a_row=5,
        downs=1,
    )
    assert story.events == []


@pytest.mark.parametrize("between", [*WELL, Kind.UNAUTHORIZED, Kind.FORBIDDEN, Kind.THROTTLED])
def test_an_answer_in_between_ends_the_row_of_failures(between: Kind) -> None:
    story = Story().hear(*[Kind.FAILED] * 4).hear(between).hear(*[Kind.FAILED] * 4)
    assert story.account.failures_in_a_row == 4
    assert story.account.condition is not Condition.DOWN


def test_one_probe_at_a_time_each_after_twice_the_pause_up_to_a_quarter_of_an_hour() -> None:
    story = Story(draw=1.0).hear(*[Kind.FAILED] * 5)
    pauses = [story.pause.total_seconds()]
    for _ in range(9):
        story.hear(Kind.FAILED)
        pauses.append(story.pause.total_seconds())
        assert room(story.account, 8) == 1
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


def test_being_down_for_days_is_survived() -> None:
    story = Story(account=replace(FRESH, condition=Condition.DOWN, downs=5000), draw=1.0)
    assert story.hear(Kind.FAILED).pause == timedelta(minutes=15)


def test_a_probe_that_is_answered_ends_it() -> None:
    assert Story().hear(*[Kind.FAILED] * 8).hear(Kind.SEEN).account == replace(FRESH, proven=True)


@pytest.mark.parametrize("kind", [Kind.FAILED, Kind.GARBAGE])
def test_failures_of_what_was_asked_before_it_was_down_do_not_make_it_worse(kind: Kind) -> None:
    story = Story().hear(*[Kind.FAILED] * 5)
    before = story.account
    assert story.take(answer(kind, answered=story.now + SECOND)) == Heeded(account=before)


def test_a_failure_of_what_was_asked_in_the_very_moment_makes_it_worse() -> None:
    down = replace(FRESH, condition=Condition.DOWN, since=NOON, downs=1)
    assert heed(down, answer(Kind.FAILED, asked=NOON), 0.5).account.downs == 2


def test_an_answer_to_what_was_asked_before_it_was_down_is_a_sign_of_life() -> None:
    story = Story().hear(*[Kind.FAILED] * 5)
    story.take(answer(Kind.SEEN, answered=story.now + SECOND))
    assert story.account.condition is Condition.OK


def test_answers_without_sense_about_five_batches_are_down() -> None:
    story = Story()
    for batch_id in (1, 2, 3, 4, 4, 4, 4, 4):
        story.hear(Kind.GARBAGE, batch_id=batch_id)
    assert (story.account.condition, story.account.garbled) == (Condition.OK, frozenset({1, 2, 3, 4}))
    story.hear(Kind.GARBAGE, batch_id=5)
    assert (story.account.condition, story.account.reason) == (
        Condition.DOWN,
        "answers about 5 batches made no sense",
    )
    story.hear(Kind.GARBAGE, batch_id=5)
    assert (story.account.condition, story.account.downs) == (Condition.DOWN, 2)


def test_one_batch_without_sense_does_no_harm() -> None:
    story = Story().hear(*[Kind.GARBAGE] * 20)
    assert (story.account.condition, story.pause) == (Condition.OK, timedelta(0))


def test_a_good_answer_forgets_the_batches_without_sense() -> None:
    story = Story()
    for batch_id in range(1, 20):
        if batch_id % 4 == 0:
            story.hear(Kind.SEEN)
        story.hear(Kind.GARBAGE, batch_id=batch_id)
    assert story.account.condition is Condition.OK


# Paused by an operator.


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("retry_after", [None, timedelta(seconds=5)])
def test_what_still_comes_in_does_not_end_an_operators_pause(kind: Kind, retry_after: timedelta | None) -> None:
    paused = replace(FRESH, condition=Condition.PAUSED, failures_in_a_row=4, refusals_in_a_row=2)
    assert heed(paused, answer(kind, retry_after=retry_after), 0.5) == Heeded(account=paused)


# Over a restart.


def test_an_account_nothing_is_known_of_is_fresh() -> None:
    assert recall("default", "abc", None) == FRESH


def test_an_account_in_order_comes_back_in_order_and_must_prove_itself_again() -> None:
    record = record_of(replace(FRESH, proven=True, number=2))
    assert record == AccountRecord(name="default", credentials="abc", number=2)
    assert recall("default", "abc", record) == replace(FRESH, number=2)


def test_an_outage_does_not_outlive_the_process() -> None:
    story = Story().hear(*[Kind.FAILED] * 5)
    assert recall("default", "abc", record_of(story.account)) == FRESH


def test_a_pause_that_callfire_wants_outlives_the_process() -> None:
    """Or a daemon that is restarted again and again would ask again and again."""
    paused = heed(FRESH, answer(Kind.THROTTLED, retry_after=timedelta(hours=1)), 0.0).account
    again = recall("default", "abc", record_of(paused))
    assert again == replace(
        FRESH, condition=Condition.THROTTLED, reason="CallFire answered 429", until=NOON + SECOND + timedelta(hours=1)
    )
    over = answer(Kind.SEEN, asked=NOON + timedelta(hours=2))
    assert record_of(heed(again, over, 0.5).account) == record_of(FRESH)


@pytest.mark.parametrize("kind", [Kind.SEEN, Kind.UNAUTHORIZED])
def test_an_answer_to_what_was_asked_in_the_moment_when_the_pause_began_does_not_end_it(kind: Kind) -> None:
    paused = heed(replace(FRESH, proven=True), answer(Kind.THROTTLED, retry_after=timedelta(hours=1)), 0.0).account
    assert paused.since is not None
    after = heed(paused, answer(kind, asked=paused.since + timedelta(microseconds=50)), 0.5).account
    assert (after.condition, after.until) == (Condition.THROTTLED, paused.until)


def test_a_refusal_outlives_the_process_with_its_pause() -> None:
    story = Story().hear(*[Kind.UNAUTHORIZED] * 4)
    again = recall("default", "abc", record_of(story.account))
    assert again == replace(
        FRESH,
        condition=Condition.REFUSED,
        reason="CallFire answered 401",
        until=story.now + timedelta(hours=1),
        refusals=2,
        number=1,
    )
    later = Story(account=again, now=story.now).hear(Kind.UNAUTHORIZED)
    assert (later.account.condition, later.pause, later.events) == (Condition.REFUSED, timedelta(hours=6), [])


def test_other_credentials_are_probed_once_and_at_once() -> None:
    refused = Story().hear(*[Kind.UNAUTHORIZED] * 5)
    again = recall("default", "xyz", record_of(refused.account))
    assert (again.condition, again.until, again.credentials) == (Condition.REFUSED, None, "xyz")
    assert room(again, 8) == 1
    still = Story(account=again, now=refused.now).hear(Kind.UNAUTHORIZED)
    assert (still.account.condition, still.pause, still.events) == (Condition.REFUSED, timedelta(minutes=15), [])
    assert record_of(still.account).credentials == "xyz"
    well = Story(account=again, now=refused.now).hear(Kind.SEEN)
    assert (well.account.condition, told(well), well.account.number) == (Condition.OK, ["account.recovered"], 2)


# Whatever comes.

DRAWS = st.floats(0, 1, exclude_max=True)
PAUSES = st.none() | st.timedeltas(timedelta(0), timedelta(hours=2))
ANSWERS = st.builds(
    lambda kind, asked, took, batch_id, pause: answer(
        kind,
        asked=NOON + asked * SECOND,
        answered=NOON + (asked + took) * SECOND,
        batch_id=batch_id,
        retry_after=pause,
    ),
    st.sampled_from(list(Kind)),
    st.integers(0, 100),
    st.integers(0, 15),
    st.integers(1, 6),
    PAUSES,
)


def by_time(answers: Iterable[Answer]) -> list[Answer]:
    return sorted(answers, key=lambda each: each.answered)


@given(st.lists(ANSWERS, max_size=30).map(by_time), DRAWS)
def test_nothing_is_asked_earlier_than_retry_after_says(answers: list[Answer], draw: float) -> None:
    account = FRESH
    for each in answers:
        account = heed(account, each, draw).account
        if each.retry_after is not None:
            assert account.until is not None
            assert account.until >= each.answered + min(each.retry_after, timedelta(hours=1))


@given(st.lists(ANSWERS, max_size=40).map(by_time), DRAWS)
def test_refused_and_recovered_are_told_in_turns_and_numbered_without_gaps(answers: list[Answer], draw: float) -> None:
    story = Story(draw=draw)
    for each in answers:
        before = story.account
        heeded = story.take(each)
        was, now = before.condition is Condition.REFUSED, story.account.condition is Condition.REFUSED
        assert bool(heeded.events) == (was != now)
        if was != now:
            assert record_of(story.account) != record_of(before)
    turns = ["account.refused", "account.recovered"] * len(answers)
    assert told(story) == turns[: len(story.events)]
    assert [event.number for event in story.events] == list(range(1, len(story.events) + 1))
    assert story.account.number == len(story.events)


@given(st.lists(st.sampled_from(list(Kind)), max_size=40), DRAWS)
def test_refused_takes_three_refusals_without_a_good_answer_in_between(kinds: list[Kind], draw: float) -> None:
    story = Story(draw=draw)
    row = 0
    for kind in kinds:
        before = story.account.condition
        story.hear(kind, batch_id=13)
        row = 0 if kind in WELL else row + (kind is Kind.UNAUTHORIZED)
        if before is not Condition.REFUSED:
            assert (story.account.condition is Condition.REFUSED) == (row == 3)


@given(
    st.lists(st.sampled_from([kind for kind in Kind if kind is not Kind.UNASKED]), max_size=40),
    DRAWS,
    st.integers(0, 39),
)
def test_a_refused_account_is_asked_once_a_quarter_of_an_hour_whatever_its_probes_bring_and_over_restarts(
    kinds: list[Kind], draw: float, restart: int
) -> None:
    story = Story(draw=draw)
    for number, kind in enumerate(kinds):
        story.hear(kind)
        if number == restart:
            story.account = recall("default", "abc", record_of(story.account))
        if story.account.condition is Condition.REFUSED:
            assert story.pause >= timedelta(minutes=15)


# The learnt rate.


@pytest.mark.parametrize("condition", Condition)
def test_the_learnt_rate_is_kept_whatever_becomes_of_the_account(condition: Condition) -> None:
    learnt = LearntRate(rate=1.6, wall=1.7, probe_at=NOON)
    account = replace(FRESH, condition=condition, learnt_rate=learnt)
    for kind in Kind:
        after = heed(account, answer(kind, asked=NOON + 3600 * SECOND), 0.5).account
        assert record_of(after).learnt_rate == learnt
        assert recall("default", "abc", record_of(after)).learnt_rate == learnt


def test_other_credentials_keep_the_learnt_rate() -> None:
    """It belongs to the account, and more often the password alone is another one; the wall is tried again soon."""
    record = AccountRecord(name="default", credentials="old", learnt_rate=LearntRate(rate=1.6, wall=1.7))
    assert recall("default", "new", record).learnt_rate == LearntRate(rate=1.6, wall=1.7)
