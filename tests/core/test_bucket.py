"""Token buckets: what an endpoint with a rate may be sent, and when the next."""

from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.bucket import SLACK, Bucket, allowed, filled, full, taken, wait


@pytest.mark.parametrize(("rate", "burst"), [(0.1, 1.0), (1.0, 1.0), (2.5, 2.5), (50.0, 50.0)])
def test_a_bucket_begins_with_the_tokens_of_a_second_and_with_one_at_least(rate: float, burst: float) -> None:
    assert full(rate, 7.0) == Bucket(rate=rate, burst=burst, tokens=burst, at=7.0)


def test_what_is_taken_flows_in_again_at_the_rate_and_no_more_than_the_burst_stays() -> None:
    bucket = taken(full(4.0, 0.0), 4)
    assert bucket == Bucket(rate=4.0, burst=4.0, tokens=0.0, at=0.0)
    assert filled(bucket, 0.5) == Bucket(rate=4.0, burst=4.0, tokens=2.0, at=0.5)
    assert filled(bucket, 3600.0) == Bucket(rate=4.0, burst=4.0, tokens=4.0, at=3600.0)


def test_a_clock_that_goes_back_fills_nothing_and_gives_no_time_twice() -> None:
    bucket = taken(full(4.0, 100.0), 4)
    assert filled(bucket, 100.0) == filled(bucket, 40.0) == bucket
    assert filled(filled(filled(bucket, 100.5), 40.0), 100.75).tokens == 3.0


def test_the_wait_is_until_there_is_a_whole_token() -> None:
    empty = taken(full(4.0, 0.0), 4)
    assert wait(empty) == 0.25
    assert wait(filled(empty, 0.125)) == 0.125
    assert wait(taken(empty, 2)) == 0.75
    assert wait(filled(empty, 0.25)) == wait(full(4.0, 0.0)) == 0.0


def test_the_wait_is_never_so_short_that_a_clock_would_not_move() -> None:
    nearly = Bucket(rate=1.0, burst=1.0, tokens=nextafter(1.0, 0.0), at=1e6)
    assert wait(nearly) == 1e-6
    assert filled(nearly, nearly.at + wait(nearly)).tokens == 1.0


RATES = st.floats(0.01, 1_000)
STEPS = st.lists(st.tuples(st.floats(-5, 60), st.integers(0, 2_000)), max_size=40)


@given(rate=RATES, steps=STEPS)
def test_over_no_span_is_more_sent_than_the_rate_and_one_burst_allow(
    rate: float, steps: list[tuple[float, int]]
) -> None:
    """Whoever takes whole tokens as often as it likes, from a clock that jumps as it likes."""
    bucket, now, latest = full(rate, 0.0), 0.0, 0.0
    sent: list[tuple[float, int]] = []
    for passed, wished in steps:
        now += passed
        latest = max(latest, now)
        bucket = filled(bucket, now)
        count = min(wished, int(bucket.tokens))
        bucket = taken(bucket, count)
        sent.append((latest, count))
    for first, (since, _) in enumerate(sent):
        together = 0
        for until, count in sent[first:]:
            together += count
            assert together <= rate * (until - since) + max(rate, 1.0) + 1e-6


@given(rate=RATES, taking=st.integers(0, 50), now=st.floats(0, 1e7), passed=st.floats(0, 2))
def test_whoever_waits_as_told_has_a_token_after_two_waits_at_most(
    rate: float, taking: int, now: float, passed: float
) -> None:
    bucket = filled(taken(full(rate, now), taking), now + passed)
    waits = 0
    while (seconds := wait(bucket)) > 0:
        waits += 1
        bucket = filled(bucket, bucket.at + seconds)
    assert bucket.tokens >= 1.0
    assert waits <= 2
    assert seconds < inf


@pytest.mark.parametrize(
    ("rate", "ahead", "count"),
    [
        (4.0, -9.0, 4),
        (4.0, 0.0, 4),
        (4.0, 0.5, 2),
        (4.0, 1.0 - 0.25, 1),
        (4.0, 1.0, 0),
        (4.0, 9.0, 0),
        (0.1, -9.0, 1),
        (0.1, 10.0, 0),
        (50.0, 0.0, 50 + 5),
    ],
)
def test_what_is_shared_lets_a_seconds_worth_through_and_one_at_least(rate: float, ahead: float, count: int) -> None:
    assert allowed(100.0 + ahead, 100.0, rate) == count


@given(
    rate=st.floats(0.001, 1000.0),
    waits=st.lists(st.floats(0.0, 30.0), min_size=1, max_size=50),
)
def test_who_takes_all_that_is_allowed_stays_within_the_rate(rate: float, waits: list[float]) -> None:
    now = arrival = 1000.0
    sent = 0
    for seconds in waits:
        now += seconds
        count = allowed(arrival, now, rate)
        arrival = max(arrival, now) + count / rate
        sent += count
    assert sent <= max(rate, 1.0) + (sum(waits) + SLACK) * rate + 1e-3
