"""Who is owed an event, what an attempt leads to, and what it means for its endpoint: webhooks.md's table, row by row."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import after
from tests.fakes import NOON
from watcher.core.endpoint import Attempt, Delivery, DeliveryState, Endpoint, EndpointState, Subject
from watcher.core.health import Health, Trial, Verdict
from watcher.core.message import body_of
from watcher.core.model import OPERATOR_TYPES, Event
from watcher.core.outbox import (
    BUSY_DELAY,
    DELAYS,
    RETRY_AFTER_LEAST,
    RETRY_AFTER_MOST,
    Outcome,
    Settlement,
    lane_of,
    reason_of,
    settle,
    subscribers,
    told_of,
    trial_of,
)

TOOK = timedelta(seconds=2)
ENDED = NOON + TOOK
SECONDS_5 = timedelta(seconds=5)


def delivery(attempts: int = 0, event_type: str = "batch.active") -> Delivery:
    return Delivery(
        id=4,
        endpoint_id="default",
        position=9,
        event_id="evt_ab_default_13_3",
        event_type=event_type,
        body=b"{}",
        created=NOON,
        due=NOON,
        attempts=attempts,
        state=DeliveryState.PENDING,
    )


def attempt(
    code: int | None = None,
    error: str | None = None,
    retry_after: timedelta | None = None,
    detail: str | None = None,
) -> Attempt:
    return Attempt(at=NOON, took=TOOK, code=code, error=error, detail=detail, retry_after=retry_after)


def settlement(
    outcome: Outcome,
    of: Attempt,
    *,
    before: int = 0,
    attempts: int | None = None,
    due: datetime | None = None,
    pause_until: datetime | None = None,
) -> Settlement:
    return Settlement(
        delivery=delivery(before),
        outcome=outcome,
        attempts=before + 1 if attempts is None else attempts,
        settled=ENDED,
        attempt=of,
        due=due,
        pause_until=pause_until,
    )


# Who is owed what, and in which order.


def test_subscribers_are_those_who_want_it_disabled_ones_too_but_not_those_that_were_removed() -> None:
    everything = Endpoint(id="a", url="https://a.example")
    disabled = Endpoint(id="b", url="https://b.example", state=EndpointState.DISABLED)
    other = Endpoint(id="c", url="https://c.example", accounts=("other",))
    removed = Endpoint(id="d", url="https://d.example", state=EndpointState.REMOVED)
    endpoints = [everything, disabled, other, removed]
    assert subscribers(endpoints, Subject(type="batch.active", account="default")) == [everything, disabled]
    assert subscribers(endpoints, Subject(type="endpoint.failing", endpoint="a")) == [disabled]


def test_subscribers_are_told_in_the_order_of_their_names_whichever_came_first() -> None:
    """An endpoint that was removed and made anew has no other place than before, nor after a restart."""
    later, first = (Endpoint(id=name, url=f"https://{name}.example") for name in ("b", "a"))
    assert subscribers([later, first], Subject(type="batch.active", account="default")) == [first, later]


def test_an_event_of_a_batch_keeps_its_turn_among_those_of_its_batch_and_of_no_other() -> None:
    ordered = Endpoint(id="a", url="https://a.example", ordering="batch")
    events: list[dict[str, object]] = [
        {"account": "default", "batch_id": 13, "endpoint": None},
        {"account": "default", "batch_id": 14, "endpoint": None},
        {"account": "other", "batch_id": 13, "endpoint": None},
        {"account": "default", "batch_id": None, "endpoint": None},
        {"account": "", "batch_id": None, "endpoint": "b"},
        {"account": "", "batch_id": None, "endpoint": "c"},
    ]
    lanes = ["default/13/", "default/14/", "other/13/", "default//", "//b", "//c"]
    assert [lane_of(ordered, event) for event in events] == lanes
    assert lane_of(Endpoint(id="a", url="https://a.example"), events[0]) is None


# What follows from an attempt.


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_accepted_is_done(code: int) -> None:
    tried = attempt(code)
    assert settle(delivery(attempts=10), tried, 0.5) == settlement("done", tried, before=10, attempts=11)


def test_gone_keeps_the_event_and_there_are_no_more_attempts() -> None:
    tried = attempt(410, retry_after=timedelta(seconds=40))
    assert settle(delivery(), tried, 0.5) == settlement("held", tried)
    assert settle(delivery(attempts=10), tried, 0.5) == settlement("held", tried, before=10)


@pytest.mark.parametrize("code", [429, 503])
def test_a_pause_that_is_asked_for_pauses_the_endpoint_and_costs_no_attempt(code: int) -> None:
    tried = attempt(code, retry_after=timedelta(seconds=40))
    until = ENDED + timedelta(seconds=40)
    assert settle(delivery(attempts=3), tried, 0.0) == settlement(
        "returned", tried, before=3, attempts=3, due=until, pause_until=until
    )


def test_a_pause_of_a_second_is_the_shortest() -> None:
    assert timedelta(seconds=1) == RETRY_AFTER_LEAST
    settled = settle(delivery(), attempt(503, retry_after=RETRY_AFTER_LEAST), 0.0)
    assert settled.pause_until == ENDED + timedelta(seconds=1)


def test_a_pause_has_an_end() -> None:
    assert timedelta(hours=24) == RETRY_AFTER_MOST
    assert settle(delivery(), attempt(429, retry_after=timedelta(hours=25)), 0.0).due == ENDED + RETRY_AFTER_MOST


@pytest.mark.parametrize("asked", [timedelta(seconds=-5), timedelta(0), RETRY_AFTER_LEAST - timedelta(microseconds=1)])
@pytest.mark.parametrize(("code", "delay"), [(429, BUSY_DELAY), (503, SECONDS_5)])
def test_a_pause_of_less_than_a_second_is_none_and_the_attempt_counts(
    asked: timedelta, code: int, delay: timedelta
) -> None:
    tried = attempt(code, retry_after=asked)
    assert settle(delivery(), tried, 0.0) == settlement("retried", tried, due=ENDED + delay)
    assert settle(delivery(attempts=10), tried, 0.0) == settlement("dead", tried, before=10)


@pytest.mark.parametrize("code", [200, 404, 500, 502, 504])
def test_only_a_busy_receiver_may_ask_for_a_pause(code: int) -> None:
    assert settle(delivery(), attempt(code, retry_after=timedelta(hours=1)), 0.0).pause_until is None


@pytest.mark.parametrize("code", [429, 502, 504])
def test_a_busy_receiver_is_given_at_least_a_minute(code: int) -> None:
    assert timedelta(seconds=60) == BUSY_DELAY
    tried = attempt(code)
    assert settle(delivery(), tried, 0.0) == settlement("retried", tried, due=ENDED + BUSY_DELAY)
    assert settle(delivery(attempts=2), tried, 0.0).due == ENDED + DELAYS[2]


@pytest.mark.parametrize(
    "tried",
    [
        *(attempt(code) for code in (101, 199, 300, 301, 307, 400, 401, 403, 404, 405, 500, 501, 503, 599)),
        *(attempt(error=error) for error in ("dns", "connect", "tls", "timeout", "reset", "bad_answer", "no_secret")),
    ],
)
def test_everything_else_is_tried_again(tried: Attempt) -> None:
    assert settle(delivery(), tried, 0.0) == settlement("retried", tried, due=ENDED + SECONDS_5)


@pytest.mark.parametrize(("error", "seconds"), [("proxy", 60), ("files", 5)])
def test_where_a_proxy_fails_or_no_file_is_left_the_endpoint_is_left_alone_and_it_costs_no_attempt(
    error: str, seconds: int
) -> None:
    tried = attempt(error=error)
    until = ENDED + timedelta(seconds=seconds)
    for before in (0, 10):
        assert settle(delivery(before), tried, 0.0) == settlement(
            "returned", tried, before=before, attempts=before, due=until, pause_until=until
        )
    assert settle(delivery(), tried, 0.5).due == ENDED + timedelta(seconds=seconds * 1.1)


@pytest.mark.parametrize("error", ["too_large", "bad_url", "refused"])
def test_what_no_attempt_can_mend_is_dead_at_once(error: str) -> None:
    tried = attempt(error=error)
    assert settle(delivery(), tried, 0.5) == settlement("dead", tried)


def test_an_answer_counts_for_more_than_an_error_beside_it() -> None:
    assert settle(delivery(), attempt(200, error="too_large"), 0.5).outcome == "done"
    assert settle(delivery(), attempt(500, error="too_large"), 0.5).outcome == "retried"


def test_attempts_are_at_the_times_of_the_table() -> None:
    hours = [timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)]
    minutes = [timedelta(minutes=minutes) for minutes in (5, 30)]
    assert [timedelta(seconds=5), timedelta(seconds=30), *minutes, *hours] == list(DELAYS)


def test_there_are_eleven_attempts_over_75_hours() -> None:
    tried = attempt(500)
    delays: list[timedelta] = []
    attempts, outcome = 0, "retried"
    while outcome == "retried":
        settled = settle(delivery(attempts), tried, 0.0)
        attempts, outcome = settled.attempts, settled.outcome
        delays.append((settled.due or ENDED) - ENDED)
    assert (attempts, outcome) == (11, "dead")
    assert delays == [*DELAYS, timedelta(0)]
    assert sum(delays, timedelta(0)) == timedelta(hours=75, minutes=35, seconds=35)


def test_other_delays_may_be_given() -> None:
    tried = attempt(500)
    assert settle(delivery(), tried, 0.0, delays=[timedelta(seconds=1)]).due == ENDED + timedelta(seconds=1)
    assert settle(delivery(attempts=1), tried, 0.0, delays=[timedelta(seconds=1)]).outcome == "dead"
    assert settle(delivery(), tried, 0.0, delays=[]).outcome == "dead"


DRAWS = st.floats(0, 1, exclude_max=True)


@given(attempts=st.integers(0, 9), draw=DRAWS)
def test_chance_makes_a_delay_longer_by_up_to_a_fifth_and_never_shorter(attempts: int, draw: float) -> None:
    due = settle(delivery(attempts), attempt(500), draw).due
    assert due is not None
    assert DELAYS[attempts] <= due - ENDED <= DELAYS[attempts] * 1.2


@given(
    asked=st.timedeltas(RETRY_AFTER_LEAST, RETRY_AFTER_MOST),
    draw=DRAWS,
    code=st.sampled_from([429, 503]),
    attempts=st.integers(0, 10),
)
def test_nothing_is_sent_earlier_than_the_receiver_asked(
    asked: timedelta, draw: float, code: int, attempts: int
) -> None:
    settled = settle(delivery(attempts), attempt(code, retry_after=asked), draw)
    assert settled.due is not None
    assert settled.due == settled.pause_until
    assert settled.due >= ENDED + asked
    assert settled == replace(settled, outcome="returned", attempts=attempts)


def test_how_much_longer_chance_makes_what_is_waited_for() -> None:
    waits = (attempt(500), attempt(429, retry_after=timedelta(seconds=40)), attempt(error="proxy"))
    dues = [settle(delivery(), tried, 0.5).due for tried in waits]
    assert dues == [ENDED + timedelta(seconds=seconds) for seconds in (5.5, 41, 66)]


# What it means for the endpoint.


def trial(
    verdict: Verdict, reason: str, *, exhausted: bool = False, gone: bool = False, refused: bool = False
) -> Trial:
    return Trial(
        began=NOON, ended=ENDED, verdict=verdict, reason=reason, exhausted=exhausted, gone=gone, refused=refused
    )


def trial_after(tried: Attempt, attempts: int = 0) -> Trial:
    return trial_of(settle(delivery(attempts), tried, 0.5))


@pytest.mark.parametrize(
    ("tried", "meant"),
    [
        (attempt(204), trial("good", "the receiver answered 204")),
        (attempt(410), trial("neither", "the receiver answered 410 Gone", gone=True)),
        (attempt(302), trial("bad", "the receiver answered 302")),
        (attempt(429, retry_after=SECONDS_5), trial("neither", "the receiver answered 429")),
        (attempt(503, retry_after=SECONDS_5), trial("neither", "the receiver answered 503")),
        (attempt(429), trial("bad", "the receiver answered 429")),
        (attempt(503), trial("bad", "the receiver answered 503")),
        (attempt(404), trial("bad", "the receiver answered 404")),
        (attempt(500, error="refused"), trial("bad", "the receiver answered 500")),
        (attempt(error="timeout"), trial("bad", "timeout")),
        (attempt(error="tls", detail="it is for b.example"), trial("bad", "tls: it is for b.example")),
        (
            attempt(error="refused", detail="10.0.0.1 is private"),
            trial("bad", "refused: 10.0.0.1 is private", refused=True, exhausted=True),
        ),
        (attempt(error="bad_url"), trial("bad", "bad_url", refused=True, exhausted=True)),
        (attempt(error="proxy"), trial("neither", "proxy")),
        (attempt(error="files"), trial("neither", "files")),
        (attempt(error="no_secret"), trial("neither", "no_secret")),
        (attempt(error="too_large"), trial("neither", "too_large", exhausted=True)),
    ],
)
def test_an_endpoint_is_blamed_for_what_its_receiver_did_and_for_nothing_else(tried: Attempt, meant: Trial) -> None:
    assert trial_after(tried) == meant


def test_the_last_attempt_of_an_event_says_so() -> None:
    assert trial_after(attempt(500), attempts=9) == trial("bad", "the receiver answered 500")
    assert trial_after(attempt(500), attempts=10) == trial("bad", "the receiver answered 500", exhausted=True)
    assert trial_after(attempt(200), attempts=10) == trial("good", "the receiver answered 200")
    assert trial_after(attempt(error="no_secret"), attempts=10) == trial("neither", "no_secret", exhausted=True)


@pytest.mark.parametrize("event_type", OPERATOR_TYPES)
@pytest.mark.parametrize("tried", [attempt(200), attempt(410), attempt(500), attempt(error="refused")])
def test_a_delivery_of_an_operator_event_is_a_quiet_one(tried: Attempt, event_type: str) -> None:
    loud = trial_of(settle(delivery(), tried, 0.5))
    assert trial_of(settle(delivery(event_type=event_type), tried, 0.5)) == replace(loud, quiet=True)


def test_a_settlement_names_its_delivery_its_endpoint_and_what_caused_the_attempt() -> None:
    settled = settle(replace(delivery(), cause="recovery"), attempt(200), 0.5)
    assert (settled.delivery_id, settled.endpoint_id, settled.cause) == (4, "default", "recovery")


# What operators are told.

FAILING = Health(failures_in_a_row=4, failing_since=after(minutes=-2), failed=4)


def told(kind: str, health: Health, settled: Settlement) -> Event:
    return told_of(kind, "default", 7, health, settled)


def operator_event(kind: str, **data: object) -> Event:
    whole = {"endpoint": "default", "number": 7, **data}
    return Event(type=kind, at=ENDED, account="", batch_id=None, number=7, data=whole, endpoint="default")


def test_failing_says_since_when_how_often_and_when_it_ends() -> None:
    event = told("endpoint.failing", FAILING, settle(delivery(3), attempt(500), 0.5))
    assert event == operator_event(
        "endpoint.failing",
        reason="the receiver answered 500",
        failures_in_a_row=4,
        failing_since="2026-11-23T11:58:00.000Z",
        disables_at="2026-11-28T11:58:00.000Z",
        code=500,
        error=None,
    )
    assert body_of(event) == (
        b'{"type":"endpoint.failing","timestamp":"2026-11-23T12:00:02.000Z","data":{"endpoint":"default","number":7,'
        b'"reason":"the receiver answered 500","failures_in_a_row":4,"failing_since":"2026-11-23T11:58:00.000Z",'
        b'"disables_at":"2026-11-28T11:58:00.000Z","code":500,"error":null}}'
    )


def test_disabled_says_what_ended_it() -> None:
    assert told("endpoint.disabled", Health(alarmed=True), settle(delivery(), attempt(410), 0.5)) == operator_event(
        "endpoint.disabled",
        reason="the receiver answered 410 Gone",
        failures_in_a_row=0,
        failing_since=None,
        disables_at=None,
        code=410,
        error=None,
    )


def test_disabled_for_failing_too_long_says_how_long_and_how_often() -> None:
    lost = Health(failures_in_a_row=21, failing_since=after(days=-6), failed=21, exhausted=2, alarmed=True)
    assert told("endpoint.disabled", lost, settle(delivery(10), attempt(error="timeout"), 0.5)) == operator_event(
        "endpoint.disabled",
        reason="nothing succeeded for 6 days, 21 attempts failed; the last: timeout",
        failures_in_a_row=21,
        failing_since="2026-11-17T12:00:00.000Z",
        disables_at=None,
        code=None,
        error="timeout",
    )


def test_recovered_says_with_which_answer() -> None:
    assert told("endpoint.recovered", Health(), settle(delivery(), attempt(204), 0.5)) == operator_event(
        "endpoint.recovered",
        reason="the receiver answered 204",
        failures_in_a_row=0,
        failing_since=None,
        disables_at=None,
        code=204,
        error=None,
    )


def test_exhausted_names_the_delivery_and_its_event() -> None:
    settled = settle(delivery(10), attempt(error="dns", detail="no such host"), 0.5)
    assert told("delivery.exhausted", FAILING, settled) == operator_event(
        "delivery.exhausted",
        reason="dns: no such host",
        delivery=4,
        event_id="evt_ab_default_13_3",
        event_type="batch.active",
        attempts=11,
        code=None,
        error="dns",
    )


def test_what_came_of_an_attempt_is_told_in_words_without_secrets() -> None:
    kept = replace(attempt(500, error="reset"), answer=b"hunter22", location="https://me:hunter22@b.example")
    assert reason_of(kept) == "the receiver answered 500"
