"""Moments as people say them."""

from datetime import timedelta

import pytest

from tests.fakes import NOON
from watcher.cli.times import relative, second


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (timedelta(milliseconds=-999), "now"),
        (timedelta(milliseconds=999), "now"),
        (timedelta(seconds=-1), "1 s ago"),
        (timedelta(seconds=-59.9), "59 s ago"),
        (timedelta(seconds=60), "in 1 min"),
        (timedelta(minutes=-59), "59 min ago"),
        (timedelta(hours=47), "in 47 h"),
        (timedelta(hours=-48), "2 d ago"),
        (timedelta(days=400), "in 400 d"),
    ],
)
def test_how_far_a_moment_is_is_said_in_one_unit(after: timedelta, said: str) -> None:
    assert relative((NOON + after).isoformat(), NOON) == said


def test_no_moment_is_none() -> None:
    assert relative(None, NOON) is None
    assert second(None) is None
    assert second("2026-11-23T12:00:00.123Z") == "2026-11-23 12:00:00"
