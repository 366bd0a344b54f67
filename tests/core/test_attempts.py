"""How long the answer to a failed attempt is held back, and when there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.attempts import WITH_ALL, WITH_ONE, Failures, Patience, failed, is_beyond, pause_after, retry_after

FIVE = Patience(most=5, seconds=10.0)


def after(*moments: float) -> Failures:
    failures = Failures()
    for moment in moments:
        failures = failed(failures, FIVE, moment)
    return failures


def test_with_one_address_ten_a_minute_are_borne_and_with_all_two_hundred() -> None:
    assert (Patience(most=10, seconds=60.0), Patience(most=200, seconds=60.0)) == (WITH_ONE, WITH_ALL)
    assert Failures() == Failures(count=0.0, at=0.0)


def test_the_pause_doubles_and_stays_within_its_bound() -> None:
    assert [pause_after(Failures(count=count)) for count in (0, 1, 2, 3, 5, 6, 100)] == [
        *(0.1, 0.1, 0.2, 0.4, 1.6, 2.0, 2.0),
    ]


def test_as_many_as_may_come_at_once_are_borne_and_one_more_is_not() -> None:
    assert not is_beyond(after(*[0.0] * 5), FIVE)
    assert is_beyond(after(*[0.0] * 6), FIVE)


def test_what_is_beyond_does_not_add_up() -> None:
    assert after(*[0.0] * 6) == after(*[0.0] * 600) == Failures(count=6.0, at=0.0)


def test_attempts_are_forgotten_in_time() -> None:
    assert after(*[0.0] * 5, 2.0) == Failures(count=5.0, at=2.0)
    assert after(*[0.0] * 5, 100.0) == Failures(count=1.0, at=100.0)
    assert after(5.0, 3.0) == Failures(count=2.0, at=3.0)  # a clock that went back forgets nothing


@pytest.mark.parametrize(("count", "wanted"), [(6.0, 4), (5.0, 2), (4.5, 1), (0.0, 1)])
def test_when_to_try_again_is_when_one_more_is_borne(count: float, wanted: int) -> None:
    assert retry_after(Failures(count=count), FIVE) == wanted


@given(st.integers(1, 50), st.integers(0, 24).map(lambda eighths: eighths / 8))
def test_who_waits_as_told_is_borne(failures: int, apart: float) -> None:
    moments = [number * apart for number in range(failures)]
    last = after(*moments)
    assert not is_beyond(failed(last, FIVE, last.at + retry_after(last, FIVE)), FIVE)
