"""How people write spans of time."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.spans import LONGEST, span_of, span_text


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0),
        (0.1, 0.1),
        (300, 300),
        ("300", 300),
        ("1.5", 1.5),
        ("500ms", 0.5),
        ("15s", 15),
        ("5m", 300),
        ("5min", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("7d", 604800),
        (" 7D ", 604800),
        ("0.5h", 1800),
        ("3650d", 3650 * 86_400),
        (3650 * 86_400, 3650 * 86_400),
    ],
)
def test_a_span_is_a_number_of_seconds_or_text(value: object, seconds: float) -> None:
    assert span_of(value) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", [True, None, -1, float("nan"), timedelta(1), "", " ", "5x", "m", "-5m", "5 m 3", "1e3", "1.1234567s", [5]]
)
def test_what_is_no_span_is_refused_with_how_to_write_one(value: object) -> None:
    with pytest.raises(ValueError, match=r"^write seconds as a number, or "):
        span_of(value)


@pytest.mark.parametrize("value", [float("inf"), 1e12, 10**400, "3651d", "999999999d" * 2, "999999999"])
def test_what_is_too_long_is_refused_with_the_longest(value: object) -> None:
    with pytest.raises(ValueError, match=r"^write one of 3650 days at most$"):
        span_of(value)


@given(st.timedeltas(min_value=timedelta(0), max_value=LONGEST))
def test_a_span_written_reads_back_the_same(span: timedelta) -> None:
    assert span_of(span_text(span)) == span


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.1, "0.1s"), (90, "1m30s"), (3600, "1h"), (604800, "7d"), (100, "1m40s")]
)
def test_a_span_is_written_shortly(seconds: float, text: str) -> None:
    assert span_text(timedelta(seconds=seconds)) == text
