"""A sample of every type looks like the real event of that type."""

from datetime import timedelta

import pytest

from tests.core.making import seen, seen_watch
from tests.fakes import NOON
from watcher.core.message import instant
from watcher.core.model import EVENT_TYPES, OPERATOR_TYPES, VALIDATING, Event
from watcher.core.samples import SAMPLE_TYPES, sample
from watcher.core.transitions import Rules, learn

KEYS = [
    *("account", "batch_id", "broadcast_id", "name", "number", "status", "previous_status", "skipped", "final"),
    *("expected", "size", "remaining", "enabled", "window", "labels", "correlation_id"),
]
"""Of every event about a watch, in the promised order."""
OCCURRENCES = {"batch.missing", "batch.stuck", "batch.unstuck", "watch.expired"}


def data_of(event_type: str) -> dict[str, object]:
    return dict(sample(event_type, NOON, endpoint_id="shop").data)


def test_there_is_one_of_every_type_and_one_ping() -> None:
    assert set(SAMPLE_TYPES) == {"ping", *EVENT_TYPES}
    for event_type in SAMPLE_TYPES:
        event = sample(event_type, NOON, endpoint_id="shop")
        assert (event.type, event.at, event.number >= 0) == (event_type, NOON, True)


@pytest.mark.parametrize("event_type", [each for each in EVENT_TYPES if each.startswith(("batch.", "watch."))])
def test_one_of_a_watch_has_the_documented_keys_in_their_order(event_type: str) -> None:
    assert list(data_of(event_type)) == KEYS + (["since"] if event_type in OCCURRENCES else [])


def test_a_transition_is_exactly_what_a_look_makes_of_a_watch() -> None:
    watch = seen_watch(VALIDATING, at=NOON - timedelta(seconds=2), number=2, broadcast_id=14, name="Sample")
    look = seen("ACTIVE", NOON, size=6198, remaining=6198, enabled=True)
    (real,) = learn(watch, look, Rules()).events
    assert sample("batch.active", NOON, endpoint_id="shop") == real


@pytest.mark.parametrize(
    ("event_type", "status", "previous", "final", "expected", "number", "lasts"),
    [
        ("batch.new", "NEW", None, False, True, 1, None),
        ("batch.validating", "VALIDATING", "NEW", False, True, 3, None),
        ("batch.active", "ACTIVE", "VALIDATING", True, True, 3, None),
        ("batch.errors", "ERRORS", "VALIDATING", True, True, 3, None),
        ("batch.source_error", "SOURCE_ERROR", "VALIDATING", True, True, 3, None),
        ("batch.unknown", "SAMPLE", "VALIDATING", False, False, 3, None),
        ("batch.missing", "NEW", "NEW", False, False, 3, timedelta(minutes=1)),
        ("batch.stuck", "VALIDATING", "VALIDATING", False, False, 3, timedelta(minutes=30)),
        ("batch.unstuck", "VALIDATING", "VALIDATING", False, False, 4, timedelta(minutes=35)),
        ("watch.expired", "VALIDATING", "VALIDATING", False, False, 3, timedelta(days=7)),
    ],
)
def test_it_says_what_such_an_event_says(
    event_type: str,
    status: str,
    previous: str | None,
    final: bool,
    expected: bool,
    number: int,
    lasts: timedelta | None,
) -> None:
    since = {} if lasts is None else {"since": instant(NOON - lasts)}
    assert data_of(event_type) == {
        "account": "default",
        "batch_id": 13,
        "broadcast_id": 14,
        "name": "Sample",
        "number": number,
        "status": status,
        "previous_status": previous,
        "skipped": [],
        "final": final,
        "expected": expected,
        "size": 6198,
        "remaining": 6198,
        "enabled": True,
        "window": {
            "after": None if previous is None else instant(NOON - timedelta(seconds=2)),
            "by": instant(NOON),
        },
        "labels": {},
        "correlation_id": None,
        **since,
    }
    event = sample(event_type, NOON, endpoint_id="shop")
    assert (event.account, event.batch_id, event.number, event.endpoint) == ("default", 13, number, None)


def test_those_of_an_account_tell_a_refusal_and_its_end() -> None:
    refused = {"account": "default", "number": 1, "reason": "CallFire answered 401"}
    assert data_of("account.refused") == refused | {"next_probe": NOON + timedelta(minutes=15)}
    assert sample("account.refused", NOON, endpoint_id="shop").account == "default"
    assert sample("account.recovered", NOON, endpoint_id="shop").account == "default"
    assert data_of("account.recovered") == {"account": "default", "number": 2, "reason": None, "next_probe": None}


def test_those_of_an_endpoint_tell_of_another_one() -> None:
    since, disables = instant(NOON - timedelta(minutes=5)), instant(NOON + timedelta(days=5, minutes=-5))
    head = {"endpoint": "another", "number": 1}
    assert data_of("endpoint.failing") == head | {
        "reason": "the receiver answered 503",
        "failures_in_a_row": 4,
        "failing_since": since,
        "disables_at": disables,
        "code": 503,
        "error": None,
    }
    assert data_of("endpoint.disabled") == head | {
        "reason": "the receiver answered 410 Gone",
        "failures_in_a_row": 4,
        "failing_since": since,
        "disables_at": None,
        "code": 410,
        "error": None,
    }
    assert data_of("endpoint.recovered") == head | {
        "reason": "the receiver answered 204",
        "failures_in_a_row": 0,
        "failing_since": None,
        "disables_at": None,
        "code": 204,
        "error": None,
    }
    assert data_of("delivery.exhausted") == head | {
        "reason": "the receiver answered 503",
        "delivery": 1,
        "event_id": "evt_sample_default_13_3",
        "event_type": "batch.active",
        "attempts": 11,
        "code": 503,
        "error": None,
    }
    for event_type in OPERATOR_TYPES:
        event = sample(event_type, NOON, endpoint_id="shop")
        assert (event.endpoint, event.account, event.batch_id) == ("another", "", None)


def test_a_ping_says_whom_it_is_for() -> None:
    assert sample("ping", NOON, endpoint_id="shop") == Event(
        type="ping", at=NOON, account="", batch_id=None, number=0, data={"endpoint": "shop"}, endpoint="shop"
    )
