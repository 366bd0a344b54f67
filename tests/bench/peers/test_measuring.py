"""Of a run that is written down by hand: each figure is what it says."""

import math

import pytest

from tests.bench.peers.measuring import Measured, Noted, interval, measured, most
from watcher.planning.workload import Validation


def test_each_figure_of_a_run_is_what_it_says() -> None:
    noted = Noted(
        ends={1: 100.0, 2: 101.0, 3: 102.0, 4: 103.0},
        told=[(2, 103.0), (1, 101.0), (2, 104.0), (9, 105.0), (4, 102.5), (2, 106.0)],
        asked=[100.0, 100.5, 101.0, 170.0],
    )
    expected = Measured(delays=[-0.5, 1.0, 2.0], lost=1, early=1, twice=2, requests=4, second=2, minute=3)
    assert measured(noted) == expected
    assert expected.mean == pytest.approx(2.5 / 3)
    assert (expected.quantile(0.5), expected.quantile(1.0)) == (1.0, 2.0)


def test_what_tells_nothing_has_no_delays() -> None:
    silent = measured(Noted(ends={1: 100.0}, told=[], asked=[]))
    assert silent == Measured(delays=[], lost=1, early=0, twice=0, requests=0, second=0, minute=0)
    assert math.isnan(silent.mean)
    assert math.isnan(silent.quantile(0.5))


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([1.0, 2.0, 3.0], 1, id="evenly spaced"),
        pytest.param([1.0, 1.99, 2.0, 2.5, 2.98, 9.0], 4, id="the middle of them close together"),
    ],
)
def test_the_most_within_a_second_counts_no_two_that_are_a_second_apart(moments: list[float], expected: int) -> None:
    assert most(moments, 1.0) == expected


def batches(count: int, seconds: float) -> list[Validation]:
    """All there from the first moment on."""
    return [Validation(batch_id=n, broadcast_id=1, begins=0.0, ends=seconds, size=1) for n in range(count)]


def test_the_interval_is_the_shortest_that_keeps_to_the_budget() -> None:
    assert interval(batches(48, 600.0), rate=5.0, least=1) == 10
    assert interval(batches(53, 600.0), rate=5.0, least=1) == 11


def test_a_light_load_has_the_least_interval_that_is_allowed() -> None:
    assert interval(batches(2, 600.0), rate=5.0, least=3) == 3
