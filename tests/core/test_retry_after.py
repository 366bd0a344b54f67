"""Retry-After: both forms, and everything that is neither."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.core.retry_after import retry_after

YEARS_10 = timedelta(days=3650)


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("0", timedelta(0)),
        ("7", timedelta(seconds=7)),
        (" 120 ", timedelta(seconds=120)),
        ("1.5", timedelta(seconds=1.5)),
        ("3.", timedelta(seconds=3)),
        ("9" * 400, YEARS_10),
        ("Mon, 23 Nov 2026 12:00:10 GMT", timedelta(seconds=10)),
        ("Monday, 23-Nov-26 12:00:10 GMT", timedelta(seconds=10)),  # RFC 850
        ("Mon Nov 23 12:00:10 2026", timedelta(seconds=10)),  # asctime
        ("Mon, 23 Nov 2026 14:00:10 +0200", timedelta(seconds=10)),
        ("Mon, 23 Nov 2026 12:00:10 -0000", timedelta(seconds=10)),
        ("Mon, 23 Nov 2026 11:59:59 GMT", timedelta(0)),
        ("Mon, 01 Jan 0001 00:00:00 +2359", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", YEARS_10),
    ],
)
def test_both_forms_are_read(value: str, pause: timedelta) -> None:
    assert retry_after(value, NOON) == pause


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "soon",
        "-5",
        "+5",
        "1e3",
        "inf",
        "nan",
        "0x10",
        "5 seconds",
        "٣",
        "Mon, 32 Nov 2026 12:00:10 GMT",
        "Mon, 23 Nov 2026 25:00:00 GMT",
        "Mon, 23 Nov 99999 12:00:10 GMT",
        "Mon, 23 Nov 2026 12:00:10 +9999",
        ",",
        "\0",
    ],
)
def test_what_is_neither_is_ignored(value: str | None) -> None:
    assert retry_after(value, NOON) is None


@given(st.integers(-4_000_000_000, 4_000_000_000))
def test_a_date_is_waited_for_and_not_longer(seconds: int) -> None:
    date = format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)
    assert retry_after(date, NOON) == timedelta(seconds=min(max(seconds, 0), YEARS_10.total_seconds()))


@pytest.mark.parametrize(
    ("date", "pause"),
    [
        ("Mon, 23 Nov 2026 11:55:00 GMT", 360),  # their clock is behind ours
        ("Mon, 23 Nov 2026 12:00:50 GMT", 10),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 0),
        ("yesterday", 60),
    ],
)
def test_a_date_is_held_against_the_clock_that_it_was_made_by(date: str, pause: int) -> None:
    until = "Mon, 23 Nov 2026 12:01:00 GMT"
    assert retry_after(until, NOON, date) == timedelta(seconds=pause)
    assert retry_after("5", NOON, date) == timedelta(seconds=5)


@given(st.text(max_size=50), st.text(max_size=50))
def test_nothing_makes_it_fail(value: str, date: str) -> None:
    pause = retry_after(value, NOON, date)
    assert pause is None or timedelta(0) <= pause <= YEARS_10
