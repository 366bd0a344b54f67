"""What endpoints want: their filters, sign by sign."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import RULES, after, seen, seen_watch
from tests.fakes import NOON
from watcher.core.endpoint import (
    CONCURRENCY_MOST,
    ID,
    RATE_LEAST,
    RATE_MOST,
    TIMEOUT_LEAST,
    TIMEOUT_MOST,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Ordering,
    Secrets,
    SigningKey,
    Subject,
    covers,
    most_at_once,
    shown_url,
    subject_of,
    subject_of_data,
    wants,
)
from watcher.core.health import Health
from watcher.core.model import ACTIVE, EVENT_TYPES, NEW, OPERATOR_TYPES, Event
from watcher.core.transitions import learn

BATCH = Subject(type="batch.active", account="default", broadcast_id=14, labels={"team": "red", "tier": "1"})
ACCOUNT = Subject(type="account.refused", account="default")
OPERATOR = Subject(type="endpoint.failing", endpoint="other")


def endpoint(**fields: Any) -> Endpoint:
    return Endpoint(id="e", url="https://a.example", **fields)


@pytest.mark.parametrize(
    ("pattern", "event_type", "covered"),
    [
        ("*", "account.refused", True),
        ("batch.active", "batch.active", True),
        ("batch.active", "batch.errors", False),
        ("batch.*", "batch.errors", True),
        ("batch.*", "account.refused", False),
        ("batch.*", "batch", False),
        ("batch.*", "batchlike.active", False),
        ("batch", "batch.active", False),
        ("*.active", "batch.active", False),
        ("", "batch.active", False),
    ],
)
def test_a_pattern_names_one_type_or_all_of_a_kind_or_all(pattern: str, event_type: str, covered: bool) -> None:
    assert covers(pattern, event_type) is covered


def test_every_type_is_covered_by_itself_by_its_kind_and_by_no_other() -> None:
    for event_type in EVENT_TYPES:
        kind = event_type.partition(".")[0]
        assert covers(f"{kind}.*", event_type)
        assert [other for other in EVENT_TYPES if covers(other, event_type)] == [event_type]


@pytest.mark.parametrize("subject", [BATCH, ACCOUNT, OPERATOR], ids=lambda subject: subject.type)
def test_an_endpoint_without_a_filter_wants_everything(subject: Subject) -> None:
    assert wants(endpoint(), subject)


@pytest.mark.parametrize(
    ("filters", "batch", "account", "operator"),
    [
        ({"types": ("batch.*",)}, True, False, False),
        ({"types": ("batch.errors", "batch.active")}, True, False, False),
        ({"types": ("batch.errors",)}, False, False, False),
        ({"types": ("account.*", "endpoint.*")}, False, True, True),
        ({"types": ("*",)}, True, True, True),
        ({"accounts": ("default",)}, True, True, False),
        ({"accounts": ("other", "default")}, True, True, False),
        ({"accounts": ("other",)}, False, False, False),
        ({"accounts": ("",)}, False, False, False),
        ({"broadcasts": (14,)}, True, False, False),
        ({"broadcasts": (13, 14)}, True, False, False),
        ({"broadcasts": (13,)}, False, False, False),
        ({"labels": {"team": "red"}}, True, False, False),
        ({"labels": {"team": "red", "tier": "1"}}, True, False, False),
        ({"labels": {"team": "red", "tier": "2"}}, False, False, False),
        ({"labels": {"team": "red", "colour": "red"}}, False, False, False),
        ({"types": ("batch.*",), "accounts": ("other",)}, False, False, False),
        ({"types": ("*",), "accounts": ("default",), "broadcasts": (14,), "labels": {"tier": "1"}}, True, False, False),
    ],
)
def test_what_a_filter_asks_for_must_be_there_and_all_of_it(
    filters: Mapping[str, Any], batch: bool, account: bool, operator: bool
) -> None:
    wanting = endpoint(**filters)
    assert [wants(wanting, subject) for subject in (BATCH, ACCOUNT, OPERATOR)] == [batch, account, operator]


@pytest.mark.parametrize("event_type", OPERATOR_TYPES)
def test_nobody_is_told_about_itself(event_type: str) -> None:
    assert not wants(endpoint(), Subject(type=event_type, endpoint="e"))
    assert not wants(endpoint(types=(event_type,)), Subject(type=event_type, endpoint="e"))
    assert wants(endpoint(types=(event_type,)), Subject(type=event_type, endpoint="f"))


def test_filters_look_at_what_the_body_says() -> None:
    watch = seen_watch(NEW, broadcast_id=14, labels={"team": "red"})
    (event,) = learn(watch, seen(ACTIVE, after(seconds=1)), RULES).events
    assert subject_of(event) == Subject(type="batch.active", account="default", broadcast_id=14, labels={"team": "red"})


def test_an_event_about_an_endpoint_has_no_account_whatever_its_body_says() -> None:
    told = Event(
        type="endpoint.failing", at=NOON, account="", batch_id=None, number=1, data={"account": "default"}, endpoint="f"
    )
    assert subject_of(told) == Subject(type="endpoint.failing", endpoint="f")


@pytest.mark.parametrize(
    "data",
    [{}, {"account": None, "broadcast_id": None, "labels": None}, {"account": 1, "broadcast_id": "14", "labels": []}],
)
def test_what_a_body_does_not_say_is_not_there(data: Mapping[str, object]) -> None:
    assert subject_of_data("batch.new", data) == Subject(type="batch.new")


WORDS = st.sampled_from(["a", "b", ""])
NAMES = st.dictionaries(WORDS, WORDS, max_size=2)


@given(
    wanting=st.builds(
        endpoint,
        types=st.lists(st.sampled_from([*EVENT_TYPES, "batch.*", "*"]), max_size=2).map(tuple),
        accounts=st.lists(WORDS, max_size=2).map(tuple),
        broadcasts=st.lists(st.integers(1, 3), max_size=2).map(tuple),
        labels=NAMES,
    ),
    subject=st.builds(
        Subject,
        type=st.sampled_from(EVENT_TYPES),
        account=st.none() | WORDS,
        broadcast_id=st.none() | st.integers(1, 3),
        labels=NAMES,
        endpoint=st.none() | st.sampled_from(["e", "f"]),
    ),
)
def test_each_part_of_a_filter_only_ever_narrows(wanting: Endpoint, subject: Subject) -> None:
    parts = [
        endpoint(types=wanting.types),
        endpoint(accounts=wanting.accounts),
        endpoint(broadcasts=wanting.broadcasts),
        endpoint(labels=wanting.labels),
    ]
    assert wants(wanting, subject) == all(wants(part, subject) for part in parts)


def test_a_key_signs_up_to_its_end() -> None:
    lasting, ending, ended = (
        SigningKey(key=b"l"),
        SigningKey(key=b"e", until=after(seconds=1)),
        SigningKey(key=b"x", until=NOON),
    )
    secrets = Secrets(keys=(lasting, ending, ended))
    assert secrets.signing(NOON) == (lasting, ending)
    assert secrets.signing(after(seconds=1)) == (lasting,)
    assert Secrets().signing(NOON) == ()


@pytest.mark.parametrize(
    ("ordering", "concurrency", "most"), [("none", None, 4), ("none", 9, 9), ("batch", None, 1), ("batch", 9, 1)]
)
def test_how_many_are_under_way_at_once_is_the_endpoints_word_or_what_is_usual(
    ordering: Ordering, concurrency: int | None, most: int
) -> None:
    assert most_at_once(ordering, concurrency, 4) == most


# How one is set up, and what is kept and shown of it.


def test_an_endpoint_of_which_only_the_address_is_said_gets_every_event_as_it_is() -> None:
    assert endpoint() == Endpoint(
        id="e",
        url="https://a.example",
        kept_by="api",
        description="",
        types=(),
        accounts=(),
        broadcasts=(),
        labels={},
        timeout=timedelta(seconds=15),
        concurrency=None,
        rate=None,
        ordering="none",
        form="plain",
        secrets=Secrets(keys=(), headers={}, authorization=None, apprise_url=None),
        created=None,
        version=0,
        state=EndpointState.ACTIVE,
        disabled_reason=None,
        paused_until=None,
        health=Health(),
        number=0,
    )
    assert SigningKey(key=b"k") == SigningKey(scheme="v1", key=b"k", until=None)


def test_states_are_called_what_the_interface_calls_them() -> None:
    assert [str(state) for state in EndpointState] == ["active", "disabled", "removed"]
    assert [str(state) for state in DeliveryState] == ["pending", "done", "dead", "held"]


def test_the_bounds_of_what_may_be_set_up_are_as_they_are_said() -> None:
    assert (timedelta(seconds=1), timedelta(seconds=30)) == (TIMEOUT_LEAST, TIMEOUT_MOST)
    assert (CONCURRENCY_MOST, RATE_LEAST, RATE_MOST) == (1000, 0.001, 100_000)


@pytest.mark.parametrize(
    ("name", "fits"), [("Az_0-9", True), ("a" * 64, True), ("a" * 65, False), ("", False), ("a b", False), ("ü", False)]
)
def test_an_endpoint_is_called_by_letters_digits_dashes_and_underscores(name: str, fits: bool) -> None:
    assert (ID.fullmatch(name) is not None) is fits


def test_people_are_told_where_the_address_is_an_apprise_one_of_which_the_service_alone_is_shown() -> None:
    shown = shown_url("Discord://4174216298:JHMHI8qBe7bk2ZwO5U711o3dV_js@host")
    assert shown == "apprise:discord://…"
    assert (replace(endpoint(), url=shown).kind, endpoint().kind) == ("apprise", "webhook")


def test_nothing_secret_is_in_what_is_printed() -> None:
    key = SigningKey(key=b"hush")
    secrets = Secrets(keys=(key,), headers={"X-Key": "hush"}, authorization="hush", apprise_url="tgram://hush")
    delivery = Delivery(
        id=4, endpoint_id="e", position=9, event_id="evt", event_type="t", body=b"hush", created=NOON, due=NOON
    )
    printed = [
        repr(each)
        for each in (key, secrets, replace(endpoint(), url="https://a.example/hush", secrets=secrets), delivery)
    ]
    assert not any("hush" in each for each in printed)
    assert printed[1] == "Secrets(1 keys, …)"
    assert "secrets" not in printed[2]
    assert "url" not in printed[2]


def test_a_delivery_begins_pending_and_by_schedule() -> None:
    begun = Delivery(
        id=4, endpoint_id="e", position=9, event_id="evt", event_type="t", body=b"{}", created=NOON, due=NOON
    )
    assert begun == replace(begun, attempts=0, state=DeliveryState.PENDING, cause="schedule")


@pytest.mark.parametrize(
    ("code", "accepted"), [(None, False), (199, False), (200, True), (299, True), (300, False), (500, False)]
)
def test_an_attempt_is_accepted_by_any_2xx(code: int | None, accepted: bool) -> None:
    assert Attempt(at=NOON, took=timedelta(0), code=code).accepted is accepted


def test_what_is_for_traces_alone_makes_no_other_attempt_of_it() -> None:
    attempt = Attempt(at=NOON, took=timedelta(0), code=200)
    assert (attempt.server, attempt.traceparent, attempt.answer) == ("", "", b"")
    assert replace(attempt, server="https://a.example", traceparent="00-1-2-01") == attempt


def test_what_came_later_is_of_a_greater_edition_whichever_version_it_has() -> None:
    former, latter = endpoint(created=NOON, version=5), endpoint(created=NOON + timedelta(days=31))
    assert endpoint().edition < endpoint(version=1).edition < former.edition < latter.edition
    assert latter.edition == endpoint(created=NOON + timedelta(days=31), number=3).edition
