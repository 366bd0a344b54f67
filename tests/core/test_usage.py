"""What was used of a budget lately, and what it brought."""

import pytest

from watcher.core.usage import SLOT, SLOTS, Usage

BEGIN = 1_000_000_000.0


def steady(seconds: float, *, rate: int = 2, looks: int = 0) -> Usage:
    """So many requests a second since the beginning, each for so many looks."""
    usage = Usage(BEGIN)
    for number in range(int(seconds * rate)):
        now = BEGIN + number / rate
        usage.sent(now)
        if looks:
            usage.polled(now)
        for _ in range(looks):
            usage.looked()
    return usage


def test_what_is_used_is_the_rate_of_the_last_minute() -> None:
    assert steady(300).used(BEGIN + 299.9) == pytest.approx(2.0, rel=0.01)
    assert steady(300, rate=5).used(BEGIN + 299.9) == pytest.approx(5.0, rel=0.01)


def test_before_a_minute_is_over_it_is_the_rate_since_the_beginning() -> None:
    assert steady(20).used(BEGIN + 20) == 2.0
    assert steady(1).used(BEGIN + 1) == 2 / SLOT  # what came together in a moment is no rate


def test_what_was_used_before_the_last_minute_counts_no_more() -> None:
    usage = steady(30)
    assert usage.used(BEGIN + 60) > 0
    assert usage.used(BEGIN + 90) == 0.0


def test_a_request_counts_for_a_minute_and_its_looks_for_five() -> None:
    usage = Usage(BEGIN - 1000.0)
    usage.sent(BEGIN)
    usage.polled(BEGIN)
    usage.looked()
    counted = [usage.used(BEGIN + seconds) for seconds in (0.0, 4.0, 59.9, 60.0)]
    assert counted == [1 / 55, 1 / 59, pytest.approx(1 / 59.9), 0.0]
    assert [usage.looks_per_request(BEGIN + seconds) for seconds in (0.0, 299.9, 300.0)] == [1.0, 1.0, None]


def test_a_request_that_shows_many_batches_brings_so_many_looks() -> None:
    assert steady(60, looks=1).looks_per_request(BEGIN + 60) == 1.0
    assert steady(60, looks=50).looks_per_request(BEGIN + 60) == 50.0


def test_where_nothing_was_asked_within_five_minutes_nobody_knows_what_it_brings() -> None:
    assert Usage(BEGIN).looks_per_request(BEGIN) is None
    assert steady(10).looks_per_request(BEGIN + 10) is None  # something was sent, but no look asked for
    usage = steady(10, looks=3)
    assert usage.looks_per_request(BEGIN + 299) == 3.0
    assert usage.looks_per_request(BEGIN + 310) is None


def test_a_look_without_a_request_counts_nowhere() -> None:
    usage = Usage(BEGIN)
    usage.looked()
    usage.polled(BEGIN)
    assert usage.looks_per_request(BEGIN) == 0.0


def test_what_is_told_late_counts_as_now_and_no_more_than_five_minutes_are_kept() -> None:
    usage = steady(900, rate=1, looks=1)
    usage.sent(BEGIN)
    assert len(usage._slots) == SLOTS
    assert usage._slots[-1][1:] == [6, 5, 5]
