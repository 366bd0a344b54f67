"""What needs a person, why, and in which order watches are shown to one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.core.making import after, fresh
from tests.fakes import NOON
from watcher.core.attention import (
    Attention,
    Band,
    Standing,
    attention_of,
    band_of,
    in_order,
    needs_person,
    standing_of,
)
from watcher.core.endpoint import Endpoint, EndpointState
from watcher.core.health import FAILING_AT, Health
from watcher.core.model import Key, State, Watch


@pytest.mark.parametrize(
    ("state", "status", "stuck_told", "expected"),
    [
        (State.OPEN, None, 0, None),
        (State.OPEN, "NEW", 0, None),
        (State.OPEN, "VALIDATING", 0, None),
        (State.OPEN, "VALIDATING", 1, "stuck"),
        (State.OPEN, "ODD", 0, "unknown_status"),
        (State.OPEN, "ODD", 1, "unknown_status"),
        (State.OPEN, "", 0, "unknown_status"),
        (State.OPEN, "ERRORS", 0, "errors"),
        (State.OPEN, "ACTIVE", 0, None),
        (State.SETTLED, "ACTIVE", 0, None),
        (State.SETTLED, "ERRORS", 0, "errors"),
        (State.SETTLED, "SOURCE_ERROR", 0, "source_error"),
        (State.MISSING, None, 0, "missing"),
        (State.MISSING, "ERRORS", 0, "missing"),
        (State.EXPIRED, "VALIDATING", 2, "expired"),
        (State.EXPIRED, "ODD", 0, "expired"),
        (State.STOPPED, "ERRORS", 1, None),
    ],
)
def test_it_is_said_why_a_watch_needs_a_person(
    state: State, status: str | None, stuck_told: int, expected: Attention | None
) -> None:
    assert attention_of(replace(fresh(), state=state, status=status, stuck_told=stuck_told)) == expected


def test_a_watch_is_in_the_band_of_what_needs_a_person_of_what_is_open_or_of_the_rest() -> None:
    open_ = replace(fresh(), status="NEW")
    assert band_of(open_) is Band.OPEN
    assert band_of(replace(open_, stuck_told=1)) is Band.NEEDS
    assert band_of(replace(open_, state=State.SETTLED, status="ACTIVE")) is Band.REST


def test_bands_are_kept_as_the_numbers_in_whose_order_they_are_shown() -> None:
    assert [(band.name, band.value) for band in Band] == [("NEEDS", 0), ("OPEN", 1), ("REST", 2)]


def watch(batch_id: int, state: State, status: str | None, minutes: int | None, account: str = "a") -> Watch:
    since = None if minutes is None else after(minutes=minutes)
    return Watch(account=account, batch_id=batch_id, opened=NOON, state=state, status=status, since=since)


def test_the_newest_trouble_comes_first_then_what_ends_soonest_then_what_ended_last() -> None:
    watches = [
        watch(1, State.SETTLED, "ACTIVE", 1),
        watch(2, State.SETTLED, "ACTIVE", 2),
        watch(3, State.SETTLED, "ACTIVE", 2),
        watch(4, State.OPEN, "NEW", 9),
        watch(5, State.OPEN, None, None),
        watch(5, State.OPEN, None, None, account="b"),
        watch(6, State.OPEN, "VALIDATING", 0),
        watch(7, State.MISSING, None, None),
        watch(8, State.SETTLED, "ERRORS", 3),
        watch(9, State.EXPIRED, "NEW", 4),
    ]
    standings = {each.key: standing_of(each) for each in watches}
    assert standings[Key("a", 8)] == Standing(Band.NEEDS, after(minutes=3))
    ordered = in_order(standings, {Key("a", 4): 200.0, Key("a", 6): 100.0})
    assert [(key.account, key.batch_id) for key in ordered] == [
        *(("a", batch_id) for batch_id in (9, 8, 7)),
        *(("a", batch_id) for batch_id in (6, 4, 5)),
        ("b", 5),
        *(("a", batch_id) for batch_id in (2, 3, 1)),
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, False),
        ({"paused_until": NOON + timedelta(minutes=1)}, False),
        ({"state": EndpointState.DISABLED}, True),
        ({"health": Health(failures_in_a_row=FAILING_AT - 1, failing_since=NOON)}, False),
        ({"health": Health(failures_in_a_row=FAILING_AT, failing_since=NOON)}, True),
        ({"health": Health(opened=1)}, True),
    ],
)
def test_an_endpoint_needs_a_person_where_nothing_reaches_it(changed: dict[str, object], expected: bool) -> None:
    endpoint = Endpoint(id="hook", url="https://example.com/")
    assert needs_person(replace(endpoint, **changed)) is expected  # type: ignore[arg-type]
