"""What the schedule is for: in virtual time, where every run gives the same figures, so that they can be held to a bound."""

import numpy as np

from tests.bench.bench_delays import side_by_side
from tests.bench.virtual import Every, play, workload


def test_a_hundred_in_flight_at_five_a_second_are_noticed_in_three_quarters_of_the_time_backoff_takes() -> None:
    outcomes = side_by_side(100, 5.0)
    worth, backoff = outcomes["worth"], outcomes["backoff x1.5"]
    assert len(worth.delays) == len(backoff.delays) > 3000
    assert worth.mean <= 0.75 * backoff.mean
    assert worth.p95 <= 0.75 * backoff.p95
    assert worth.requests <= 3 * 20 * 60 * 5


def test_where_the_budget_is_scarce_it_is_not_behind_backoff_either() -> None:
    outcomes = side_by_side(100, 2.0)
    assert outcomes["worth"].mean <= outcomes["backoff x1.5"].mean
    assert outcomes["worth"].requests <= 3 * 20 * 60 * 2


def test_the_opponents_are_what_they_claim_to_be() -> None:
    """Two batches at one request a second: in turns, each is asked about every other second."""
    batches = workload(1, in_flight=5, seconds=60.0)[:2]
    outcome = play(Every(1.0), batches, rate=1.0, seconds=600.0)
    assert len(outcome.delays) == sum(batch.ends <= 600 for batch in batches)
    assert np.all((outcome.delays >= 0) & (outcome.delays <= 2.0))
