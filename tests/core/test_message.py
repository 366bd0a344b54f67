"""Ids and bodies of events: what subscribers get to see."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import RULES, after, fresh, learnt, missing, seen, seen_watch, unanswered
from tests.fakes import NOON
from watcher.core.message import MAX_BODY, account_of, body_of, event_id, instant
from watcher.core.model import ACTIVE, NEW, VALIDATING, Event, Watch
from watcher.core.transitions import learn

KEYS = [
    "account",
    "batch_id",
    "broadcast_id",
    "name",
    "number",
    "status",
    "previous_status",
    "skipped",
    "final",
    "expected",
    "size",
    "remaining",
    "enabled",
    "window",
    "labels",
    "correlation_id",
]


def event(batch_id: int | None = 13, number: int = 1, account: str = "default", **data: object) -> Event:
    return Event(type="batch.new", at=NOON, account=account, batch_id=batch_id, number=number, data=data)


def operator_event(endpoint: str, number: int) -> Event:
    return replace(event(batch_id=None, number=number, account=""), type="endpoint.failing", endpoint=endpoint)


def test_ids_are_made_of_origin_account_batch_and_number_or_of_origin_endpoint_and_number() -> None:
    assert event_id("k3v9", event(batch_id=13, number=3)) == "evt_k3v9_default_13_3"
    assert event_id("k3v9", event(batch_id=None, number=3)) == "acc_k3v9_default_3"
    assert event_id("k3v9", operator_event("billing", 3)) == "ept_k3v9_billing_3"


Place = tuple[str, str, int | None, int]
"""About what an event is (an endpoint, or an account), its name, the batch, the number."""
NAMES = st.text("ABab01_-", min_size=1, max_size=6)
NUMBERS = st.integers(1, 12) | st.integers(1, 10**6)
PLACES = st.tuples(
    st.just("account"), NAMES, st.none() | st.integers(1, 12) | st.integers(1, 2**63 - 1), NUMBERS
) | st.tuples(st.just("endpoint"), NAMES, st.none(), NUMBERS)


def event_at(place: Place) -> Event:
    what, name, batch_id, number = place
    if what == "endpoint":
        return operator_event(name, number)
    return event(account=name, batch_id=batch_id, number=number)


@given(PLACES, PLACES)
def test_two_events_never_share_an_id_and_no_id_has_a_dot(one: Place, other: Place) -> None:
    """Also where names are made of the very signs that ids are put together with."""
    ids = [event_id("k3v9", event_at(place)) for place in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)
    assert not any("." in each for each in ids)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 11, 23, 9, 0, 4, 213000, tzinfo=UTC), "2026-11-23T09:00:04.213Z"),
        (datetime(2026, 11, 23, 9, 0, 4, 213999, tzinfo=UTC), "2026-11-23T09:00:04.213Z"),
        (datetime(2026, 11, 23, 9, 0, 4, tzinfo=UTC), "2026-11-23T09:00:04.000Z"),
        (datetime(2026, 11, 23, 11, 0, 4, tzinfo=timezone(timedelta(hours=2))), "2026-11-23T09:00:04.000Z"),
    ],
)
def test_instants_are_rfc_3339_in_utc_with_milliseconds(at: datetime, text: str) -> None:
    assert instant(at) == text


def test_a_body_is_compact_json_of_type_timestamp_and_data() -> None:
    told = event(name='"Ä" 🚀', size=None, expected=True, window={"by": after(seconds=4.2134)})
    assert (
        body_of(told)
        == (
            '{"type":"batch.new","timestamp":"2026-11-23T12:00:00.000Z",'
            '"data":{"name":"\\"Ä\\" 🚀","size":null,"expected":true,"window":{"by":"2026-11-23T12:00:04.213Z"}}}'
        ).encode()
    )


def test_a_body_has_at_most_a_quarter_of_a_mebibyte() -> None:
    assert MAX_BODY == 262_144


def test_half_a_surrogate_pair_in_a_name_spoils_no_body() -> None:
    assert json.loads(body_of(event(name="cut \ud83d here")))["data"] == {"name": "cut ? here"}


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="timedelta has no place in an event"):
        body_of(event(took=timedelta(seconds=1)))


def every_kind_of_event() -> list[Event]:
    """All that a watch can tell, from as many lives as it takes."""
    lives = [
        learnt(fresh(), seen(NEW, after(seconds=1)), seen(NEW, after(minutes=20)), seen(VALIDATING, after(minutes=21))),
        learnt(fresh(), seen("PAUSED", after(seconds=1)), seen("ERRORS", after(seconds=2))),
        learnt(fresh(), seen("SOURCE_ERROR", after(seconds=1))),
        learnt(fresh(), seen(ACTIVE, after(seconds=1))),
        learnt(fresh(), missing(after(minutes=3), gone=True)),
        learnt(fresh(), unanswered(after(days=8))),
    ]
    return [event for life in lives for event in life.events]


def test_all_kinds_of_events_of_a_watch_are_tried_here() -> None:
    assert {event.type for event in every_kind_of_event()} == {
        "batch.new",
        "batch.validating",
        "batch.active",
        "batch.errors",
        "batch.source_error",
        "batch.unknown",
        "batch.missing",
        "batch.stuck",
        "batch.unstuck",
        "watch.expired",
    }


@pytest.mark.parametrize("event", every_kind_of_event(), ids=lambda event: event.type)
def test_every_event_of_a_watch_has_the_promised_keys_in_their_order(event: Event) -> None:
    body = json.loads(body_of(event))
    assert list(body) == ["type", "timestamp", "data"]
    occurrence = event.type in ("batch.missing", "batch.stuck", "batch.unstuck", "watch.expired")
    assert list(body["data"]) == ([*KEYS, "since"] if occurrence else KEYS)
    assert list(body["data"]["window"]) == ["after", "by"]


@given(
    st.builds(
        lambda name, labels, word: replace(fresh(), name=name, labels=labels, correlation_id=word),
        st.none() | st.text(),
        st.dictionaries(st.text(), st.text(), max_size=3),
        st.none() | st.text(),
    ),
    st.text(min_size=1),
)
def test_a_body_says_what_the_event_says_whatever_the_words(watch: Watch, status: str) -> None:
    (told,) = learn(watch, seen(status, after(seconds=1)), RULES).events
    assert json.loads(body_of(told)) == {"type": told.type, "timestamp": "2026-11-23T12:00:01.000Z", "data": told.data}


def test_an_event_does_not_change_with_the_labels_it_was_made_from() -> None:
    labels = {"team": "red"}
    (told,) = learn(seen_watch(NEW, labels=labels), seen(ACTIVE, after(seconds=1)), RULES).events
    labels["team"] = "blue"
    assert told.data["labels"] == {"team": "red"}


@pytest.mark.parametrize("account", ["default", "my_own_account", "_", "", "a-1_2_3"])
def test_an_id_of_a_batchs_event_names_its_account(account: str) -> None:
    event = Event(type="batch.active", at=NOON, account=account, batch_id=13, number=2, data={})
    assert account_of(event_id("origin01", event)) == account
    assert account_of(event_id("origin01", replace(event, batch_id=None))) is None
    assert account_of(event_id("origin01", replace(event, endpoint="a_b_c_d"))) is None


@pytest.mark.parametrize("text", ["", "evt", "evt_", "evt_origin01_13", "evt_1"])
def test_what_is_no_id_names_no_account(text: str) -> None:
    assert account_of(text) is None
