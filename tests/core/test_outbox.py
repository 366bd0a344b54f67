"""Who is owed an event, and what an attempt leads to: webhooks.md's table, row by row."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.core.model import Attempt, Delivery, DeliveryState, Endpoint, EndpointState
from watcher.core.outbox import (
    BUSY_DELAY,
    DELAYS,
    RETRY_AFTER_LEAST,
    RETRY_AFTER_MOST,
    Outcome,
    Settlement,
    settle,
    subscribers,
    wants,
)

TOOK = timedelta(seconds=2)
ENDED = NOON + TOOK
SECONDS_5 = timedelta(seconds=5)


def delivery(attempts: int = 0) -> Delivery:
    return Delivery(
        id=4,
        endpoint_id="default",
        position=9,
        event_id="evt_ab_default_13_3",
        event_type="batch.active",
        body=b"{}",
        created=NOON,
        due=NOON,
        attempts=attempts,
        state=DeliveryState.PENDING,
    )


def attempt(code: int | None = None, error: str | None = None, retry_after: timedelta | None = None) -> Attempt:
    return Attempt(at=NOON, took=TOOK, code=code, error=error, retry_after=retry_after)


def settlement(
    outcome: Outcome,
    of: Attempt,
    *,
    attempts: int = 1,
    due: datetime | None = None,
    pause_until: datetime | None = None,
    disable: str | None = None,
) -> Settlement:
    return Settlement(
        delivery_id=4,
        endpoint_id="default",
        outcome=outcome,
        attempts=attempts,
        settled=ENDED,
        attempt=of,
        due=due,
        pause_until=pause_until,
        disable=disable,
    )


# Who is owed what.


@pytest.mark.parametrize(
    ("types", "event_type", "wanted"),
    [
        ((), "batch.active", True),
        (("*",), "account.refused", True),
        (("batch.active",), "batch.active", True),
        (("batch.active",), "batch.errors", False),
        (("batch.active", "batch.errors"), "batch.errors", True),
        (("batch.*",), "batch.errors", True),
        (("batch.*",), "account.refused", False),
        (("batch.*",), "batch", False),
        (("batch.*",), "batchlike.active", False),
        (("batch",), "batch.active", False),
        (("*.active",), "batch.active", False),
    ],
)
def test_an_endpoint_wants_the_types_of_its_filter(types: tuple[str, ...], event_type: str, wanted: bool) -> None:
    assert wants(Endpoint(id="a", url="https://a.example", types=types), event_type, "default") is wanted


@pytest.mark.parametrize(
    ("accounts", "wanted"), [((), True), (("default",), True), (("other",), False), (("other", "default"), True)]
)
def test_an_endpoint_wants_the_accounts_of_its_filter(accounts: tuple[str, ...], wanted: bool) -> None:
    endpoint = Endpoint(id="a", url="https://a.example", types=("batch.*",), accounts=accounts)
    assert wants(endpoint, "batch.active", "default") is wanted
    assert wants(endpoint, "account.refused", "default") is False


def test_subscribers_are_those_who_want_it_disabled_ones_too_but_not_those_that_were_removed() -> None:
    everything = Endpoint(id="a", url="https://a.example")
    disabled = Endpoint(id="b", url="https://b.example", state=EndpointState.DISABLED)
    other = Endpoint(id="c", url="https://c.example", accounts=("other",))
    removed = Endpoint(id="d", url="https://d.example", state=EndpointState.REMOVED)
    assert subscribers([everything, disabled, other, removed], "batch.active", "default") == [everything, disabled]


# What follows from an attempt.


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_accepted_is_done(code: int) -> None:
    tried = attempt(code)
    assert settle(delivery(attempts=10), tried, 0.5) == settlement("done", tried, attempts=11)


def test_gone_disables_the_endpoint_and_keeps_the_event() -> None:
    tried = attempt(410)
    assert settle(delivery(), tried, 0.5) == settlement("held", tried, disable="the receiver answered 410 Gone")


@pytest.mark.parametrize("code", [429, 503])
def test_a_pause_that_is_asked_for_pauses_the_endpoint_and_costs_no_attempt(code: int) -> None:
    tried = attempt(code, retry_after=timedelta(seconds=40))
    until = ENDED + timedelta(seconds=40)
    assert settle(delivery(attempts=3), tried, 0.0) == settlement(
        "returned", tried, attempts=3, due=until, pause_until=until
    )


def test_a_pause_has_an_end() -> None:
    assert settle(delivery(), attempt(429, retry_after=timedelta(hours=25)), 0.0).due == ENDED + RETRY_AFTER_MOST


@pytest.mark.parametrize("asked", [timedelta(seconds=-5), timedelta(0), RETRY_AFTER_LEAST - timedelta(microseconds=1)])
@pytest.mark.parametrize(("code", "delay"), [(429, BUSY_DELAY), (503, SECONDS_5)])
def test_a_pause_of_less_than_a_second_is_none_and_the_attempt_counts(
    asked: timedelta, code: int, delay: timedelta
) -> None:
    tried = attempt(code, retry_after=asked)
    assert settle(delivery(), tried, 0.0) == settlement("retried", tried, due=ENDED + delay)
    assert settle(delivery(attempts=10), tried, 0.0) == settlement("dead", tried, attempts=11)


@pytest.mark.parametrize("code", [200, 404, 500])
def test_only_a_busy_receiver_may_ask_for_a_pause(code: int) -> None:
    assert settle(delivery(), attempt(code, retry_after=timedelta(hours=1)), 0.0).pause_until is None


@pytest.mark.parametrize("code", [429, 502, 504])
def test_a_busy_receiver_is_given_at_least_a_minute(code: int) -> None:
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


@pytest.mark.parametrize("error", ["too_large", "bad_url"])
def test_what_no_attempt_can_mend_is_dead_at_once(error: str) -> None:
    tried = attempt(error=error)
    assert settle(delivery(), tried, 0.5) == settlement("dead", tried)


def test_an_answer_counts_for_more_than_an_error_beside_it() -> None:
    assert settle(delivery(), attempt(200, error="too_large"), 0.5).outcome == "done"
    assert settle(delivery(), attempt(500, error="too_large"), 0.5).outcome == "retried"


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
