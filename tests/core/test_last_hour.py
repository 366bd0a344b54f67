"""An endpoint's last hour, minute by minute."""

from datetime import timedelta

import pytest

from tests.fakes import NOON
from watcher.core.last_hour import LastHour, Minutes, untold

BEGIN = NOON.timestamp()


def test_where_nothing_was_sent_nothing_happened_since_the_beginning() -> None:
    nothing = LastHour(since=NOON, done=(0,), failed=(0,), p50=(None,), p95=(None,))
    assert untold(BEGIN, BEGIN + 59) == nothing
    assert untold(BEGIN + 59, BEGIN + 59) == nothing
    later = untold(BEGIN, BEGIN + 150)
    assert (later.since, later.done, later.p95) == (NOON, (0, 0, 0), (None, None, None))


def test_attempts_are_counted_in_their_minute() -> None:
    minutes = Minutes(BEGIN)
    for second, failed in ((0, False), (59.9, True), (60, False), (61, False), (185, True)):
        minutes.count(BEGIN + second, 0.1, failed=failed)
    told = minutes.told(BEGIN + 190)
    assert told.since == NOON
    assert (told.done, told.failed) == ((1, 2, 0, 0), (1, 0, 0, 1))
    assert [each is None for each in told.p50] == [False, False, True, False]


def test_what_is_older_than_an_hour_is_forgotten() -> None:
    minutes = Minutes(BEGIN)
    minutes.count(BEGIN, 0.1, failed=False)
    minutes.count(BEGIN + 60, 0.1, failed=True)
    told = minutes.told(BEGIN + 60 * 60)
    assert told.since == NOON + timedelta(minutes=1)
    assert told.failed == (1,) + 59 * (0,)
    assert sum(told.done) == 0
    assert minutes.told(BEGIN + 86_400) == untold(BEGIN, BEGIN + 86_400)


def test_after_a_long_silence_the_next_attempt_stands_alone() -> None:
    minutes = Minutes(BEGIN)
    for minute in range(60):
        minutes.count(BEGIN + 60 * minute, 0.1, failed=False)
    assert minutes.told(BEGIN + 59 * 60).done == 60 * (1,)
    minutes.count(BEGIN + 10 * 3600, 0.1, failed=False)
    assert minutes.told(BEGIN + 10 * 3600).done == (*59 * (0,), 1)


def test_what_is_told_late_counts_as_now() -> None:
    minutes = Minutes(BEGIN)
    minutes.count(BEGIN + 120, 0.1, failed=False)
    minutes.count(BEGIN, 0.1, failed=False)
    assert minutes.told(BEGIN + 120).done == (0, 0, 2)


@pytest.mark.parametrize("seconds", [0.001, 0.0042, 0.08, 0.5, 3.3, 14.0, 30.0])
def test_a_time_that_all_took_is_told_to_about_a_tenth(seconds: float) -> None:
    minutes = Minutes(BEGIN)
    for _ in range(101):
        minutes.count(BEGIN, seconds, failed=False)
    told = minutes.told(BEGIN)
    assert told.p50[0] == pytest.approx(seconds, rel=0.13)
    assert told.p95[0] == pytest.approx(seconds, rel=0.25)


def test_half_and_nineteen_in_twenty_were_over_within_what_is_told() -> None:
    minutes = Minutes(BEGIN)
    for number in range(1, 1001):
        minutes.count(BEGIN, number / 1000, failed=number % 10 == 0)
    told = minutes.told(BEGIN)
    assert (told.done, told.failed) == ((900,), (100,))
    assert told.p50[0] == pytest.approx(0.5, rel=0.05)
    assert told.p95[0] == pytest.approx(0.95, rel=0.05)


def test_times_are_told_between_the_limits_of_their_class_by_their_place_among_its_attempts() -> None:
    minutes = Minutes(BEGIN)
    for took in (0.001, 0.00125, 0.00125, 0.00125, 0.0015, 29.0, 40.0):
        minutes.count(BEGIN, took, failed=False)
    told = minutes.told(BEGIN)
    assert (told.p50, told.p95) == ((0.0013,), (35.8732,))


def test_one_attempt_is_half_of_them_and_all() -> None:
    minutes = Minutes(BEGIN)
    minutes.count(BEGIN, 0.1, failed=False)
    told = minutes.told(BEGIN)
    assert told.p50 == told.p95
    assert told.p50[0] == pytest.approx(0.1, rel=0.25)


def test_an_endpoint_takes_12_kilobytes_however_much_it_is_sent() -> None:
    minutes = Minutes(BEGIN)
    for number in range(10_000):
        minutes.count(BEGIN + number, number / 1000, failed=number % 2 == 0)
    assert len(minutes._counts) * minutes._counts.itemsize < 12_000
