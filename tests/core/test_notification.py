"""What people read of an event: short, plain, and never with markup of somebody else's making."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.core.message import body_of
from watcher.core.model import EVENT_TYPES, Event
from watcher.core.notification import ACTED_ON, Notification, notification_of
from watcher.core.samples import SAMPLE_TYPES, sample

GOLDEN = Path(__file__).with_name("notifications.txt")
BATCH = json.loads(body_of(sample("batch.active", NOON, endpoint_id="oncall")))
MARKUP = set("<>&@#[]*`~|\\")


def told(event_type: str, /, *, is_test: bool = False, **more: Any) -> Notification:
    """Of a sample of that type, with that in its data."""
    body = json.loads(body_of(sample(event_type, NOON, endpoint_id="oncall")))
    return notification_of(json.dumps({**body, "data": {**body["data"], **more}}).encode(), sample=is_test)


def golden() -> Iterator[str]:
    """All types, as the file has them."""
    for event_type in SAMPLE_TYPES:
        notification = told(event_type)
        yield f"## {event_type} ({notification.mood})\n{notification.title}\n\n{notification.text}\n"


def test_what_is_said_of_each_type_is_what_was_agreed() -> None:
    assert "\n".join(golden()) == GOLDEN.read_text()


def test_what_people_are_told_of_by_default_are_types_that_there_are() -> None:
    assert set(ACTED_ON) < set(EVENT_TYPES)


def test_a_sample_says_that_it_is_one() -> None:
    notification = notification_of(body_of(sample("batch.errors", NOON, endpoint_id="oncall")), sample=True)
    assert notification.title == "Test: Batch 13 has errors: Sample"
    assert notification.text.startswith("This is a test, nothing has happened.\n")
    assert told("batch.errors", is_test=True, name="x" * 60).title == f"Test: Batch 13 has errors: {'x' * 31}…"


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"remaining": 10}, "“Sample”, account default, broadcast 14, 6198 contacts (10 to go)."),
        ({"size": 1, "remaining": 1}, "“Sample”, account default, broadcast 14, 1 contact."),
        ({"size": None, "broadcast_id": None, "name": None}, "Account default."),
        ({"size": 0, "remaining": 0}, "“Sample”, account default, broadcast 14, 0 contacts."),
        ({"size": 0, "remaining": 3}, "“Sample”, account default, broadcast 14, 0 contacts (3 to go)."),
        ({"remaining": None}, "“Sample”, account default, broadcast 14, 6198 contacts."),
        ({"window": {"after": None, "by": "2026-11-23T12:00:00.000Z"}}, "Seen at 2026-11-23 12:00:00 UTC."),
        ({"window": None}, "Seen at 2026-11-23 12:00:00 UTC."),
        (
            {"window": {"after": "2026-11-23T11:59:57.500Z", "by": "2026-11-23T12:00:00.000Z"}},
            "Since 2026-11-23 12:00:00 UTC, or up to 3s before.",
        ),
        (
            {"window": {"after": "2026-11-23T13:59:59+02:00", "by": "2026-11-23T14:00:02+02:00"}},
            "Since 2026-11-23 12:00:02 UTC, or up to 3s before.",
        ),
        ({"correlation_id": "order 9"}, "correlation id: order 9"),
        ({"correlation_id": ""}, "correlation id: "),
        ({"labels": {"team": "north"}}, "team: north"),
        (
            {"labels": {"team": "north", "run": "7"}, "correlation_id": "order 9"},
            "correlation id: order 9, team: north, run: 7",
        ),
    ],
)
def test_of_a_batch_it_says_what_is_known(more: dict[str, Any], line: str) -> None:
    assert line in told("batch.active", **more).text.splitlines()


def test_an_active_batch_that_is_disabled_reaches_nobody() -> None:
    notification = told("batch.active", enabled=False)
    assert (notification.title, notification.mood) == ("Batch 13 is active, but disabled: Sample", "warning")
    lines = notification.text.splitlines()
    assert lines[0] == "Its contacts are validated."
    assert lines[-1] == "To do: enable the batch at CallFire: until then nobody is reached."
    assert told("batch.active", enabled=None) == told("batch.active")


def test_a_refused_account_of_which_no_more_is_known_is_told_all_the_same() -> None:
    text = told("account.refused", reason=None, next_probe=None).text
    assert text.startswith("CallFire does not accept its login: none of its batches is looked at.\n")


def test_of_a_type_that_a_newer_version_made_the_least_is_said() -> None:
    event = Event(
        type="batch.resting",
        at=NOON,
        account="default",
        batch_id=13,
        number=1,
        data={"account": "default", "batch_id": 13},
    )
    assert notification_of(body_of(event)) == Notification(
        title="An event: batch.resting",
        text="The event batch.resting happened.\nAccount default.\nSeen at 2026-11-23 12:00:00 UTC.",
        mood="info",
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<b>*API* 14</b>", "‹b›∗API∗ 14‹/b›"),
        ("@everyone [win](https://evil.example)", "＠everyone (win)(https: //evil.example)"),
        ("two\r\nBcc: lines\u2028and \x1b[31mcolours", "two Bcc: lines and (31mcolours"),
        ("api_14 __loud__ _soft_", "api_14 ‗‗loud‗‗ ‗soft‗"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        (f"{'x' * 58} {'y' * 9}", "x" * 58 + "…"),
    ],
)
def test_a_name_from_outside_is_no_markup(name: str, shown: str) -> None:
    assert f"“{shown}”, account default" in told("batch.active", name=name).text


LONG = "x" * 200


def shortened(most: int) -> str:
    return "x" * (most - 1) + "…"


@pytest.mark.parametrize(
    ("event_type", "more", "part"),
    [
        ("batch.unknown", {"status": LONG}, f"is {shortened(20)}: Sample"),
        ("batch.stuck", {"status": LONG}, f"\n{shortened(20)} from 2026-11-23 11:30:00 UTC on, for 30m."),
        ("batch.active", {"name": LONG}, f"“{shortened(60)}”, account default"),
        ("batch.active", {"account": LONG}, f"account {shortened(30)}, broadcast 14"),
        ("batch.active", {"labels": {LONG: LONG}}, f"{shortened(30)}: {shortened(40)}"),
        ("batch.active", {"correlation_id": LONG}, f"correlation id: {shortened(60)}"),
        ("account.recovered", {"account": LONG}, f"Account {shortened(30)} is well again"),
        ("account.refused", {"reason": LONG}, f"its login ({shortened(60)}): none"),
        ("endpoint.recovered", {"endpoint": LONG}, f"Endpoint {shortened(30)} is well again"),
        ("endpoint.failing", {"reason": LONG}, f"Why: {shortened(100)}.\n"),
        (
            "delivery.exhausted",
            {"event_type": LONG, "event_id": LONG},
            f"{shortened(30)} ({shortened(80)}) was given up",
        ),
        ("ping", {"endpoint": LONG}, f"of the endpoint {shortened(60)} arrive here."),
    ],
)
def test_what_others_named_leaves_room_for_the_rest(event_type: str, more: dict[str, Any], part: str) -> None:
    notification = told(event_type, **more)
    assert part in f"{notification.title}\n{notification.text}"


def test_the_name_of_a_type_that_a_newer_version_made_leaves_room_too() -> None:
    body = {"type": LONG, "timestamp": NOON.isoformat(), "data": {}}
    assert notification_of(json.dumps(body).encode()) == Notification(
        title=f"An event: {shortened(40)}",
        text=f"The event {shortened(40)} happened.\nSeen at 2026-11-23 12:00:00 UTC.",
        mood="info",
    )


@pytest.mark.parametrize(
    ("event_type", "more", "title"),
    [
        ("batch.active", {"name": None}, "Batch 13 is active"),
        ("batch.unknown", {"status": None}, "Batch 13 is no status: Sample"),
        ("batch.active", {"name": "x" * 39}, f"Batch 13 is active: {'x' * 39}"),
        ("batch.active", {"name": "x" * 40}, f"Batch 13 is active: {'x' * 38}…"),
    ],
)
def test_a_title_says_as_much_as_is_known_and_has_room(event_type: str, more: dict[str, Any], title: str) -> None:
    assert told(event_type, **more).title == title


def test_a_text_is_cut_where_it_is_too_long() -> None:
    text = told("batch.active", labels={str(number): "x" * 40 for number in range(10)}).text
    assert (len(text), text[-2:]) == (399, "x…")


def test_a_reason_is_told_of_an_endpoint_that_fails_and_not_where_there_is_none() -> None:
    assert told("endpoint.failing", reason=None).text.startswith("What is sent to it is not accepted.\n")


@given(
    st.sampled_from([each for each in EVENT_TYPES if each.startswith(("batch.", "watch."))]),
    st.text(max_size=300),
    st.integers(1, 2**63 - 1),
    st.dictionaries(st.text(max_size=100), st.text(max_size=300), max_size=20),
    st.none() | st.text(max_size=300),
    st.booleans(),
)
def test_it_is_short_and_plain_whatever_others_wrote(
    event_type: str, name: str, batch_id: int, labels: dict[str, str], correlation_id: str | None, is_test: bool
) -> None:
    more = {"name": name, "batch_id": batch_id, "labels": labels, "correlation_id": correlation_id, "status": name}
    notification = told(event_type, is_test=is_test, **more)
    assert 0 < len(notification.title) < 60
    assert 0 < len(notification.text) < 400
    assert not MARKUP & set(notification.title + notification.text)
    assert notification.title.isprintable()
    assert all(line.isprintable() for line in notification.text.split("\n"))


def test_it_says_for_how_long_a_batch_is_stuck() -> None:
    since = (NOON - timedelta(hours=2, milliseconds=-1)).isoformat()
    assert "VALIDATING from 2026-11-23 10:00:00 UTC on, for 2h." in told("batch.stuck", since=since).text
