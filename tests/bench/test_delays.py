"""What the schedule is for: in virtual time, where every run gives the same figures, so that they can be held to a bound.

A slice of `bench_schedule`, by one draw of each load: that is up to a tenth heavier or lighter than the mean of many, so delays
are held against those of scripts with the same batches.
"""

from functools import cache

import pytest

from tests.bench.bench_schedule import POLLING
from tests.bench.loads import SEED, Drawn, draw, joined

SEVERAL = range(SEED, SEED + 4)
LOAD = "100, 2/s"


draw_once = cache(draw)


def drawn(load: str, strategy: str) -> Drawn:
    return draw_once(load, strategy, SEED)


def several(load: str, strategy: str) -> Drawn:
    """As `drawn`, of several draws."""
    return joined([draw_once(load, strategy, seed) for seed in SEVERAL])


def backoff(load: str) -> float:
    """The mean delay with the better of the two."""
    return min(drawn(load, name).mean for name in ("backoff x1.5", "backoff x2"))


@pytest.mark.parametrize("name", ["every 10 s", "round robin", "scale-free", "learnt", "oracle", "learnt + pages"])
def test_delays_are_to_those_of_backoff_as_in_the_table_or_less(name: str) -> None:
    assert drawn(LOAD, name).mean / backoff(LOAD) <= 1.1 * POLLING[LOAD, name][0] / POLLING[LOAD, "backoff x2"][0]


def test_what_is_learnt_comes_close_to_knowing_the_law() -> None:
    assert drawn(LOAD, "learnt").mean <= 1.2 * drawn(LOAD, "oracle").mean


def test_without_pages_ends_are_noticed_in_three_quarters_of_the_time_that_the_better_backoff_takes() -> None:
    assert drawn(LOAD, "learnt").mean <= 0.75 * backoff(LOAD)


def test_with_pages_it_is_a_seventh_also_for_the_daemon_that_must_find_them() -> None:
    assert drawn(LOAD, "learnt + pages").mean <= 0.15 * backoff(LOAD)
    daemon, script = (several(LOAD, name) for name in ("daemon", "backoff x2"))
    assert daemon.mean <= 0.15 * script.mean


def test_a_quiet_account_is_asked_for_little() -> None:
    daemon = drawn("10, 5/s", "daemon")
    assert daemon.requests <= 0.2 * 5 * 20 * 60
    assert daemon.mean <= 0.4 * drawn("10, 5/s", "backoff x1.5").mean


def test_who_is_in_a_hurry_is_no_later_than_a_script_that_lists_pages_all_the_time_and_asks_less() -> None:
    daemon, script = (several("100", name) for name in ("daemon, eager", "listing pages"))
    assert daemon.mean <= 0.9 * script.mean
    assert daemon.requests <= 0.95 * script.requests


def test_where_the_budget_binds_it_is_earlier_than_scripts_at_the_usual_settings_too() -> None:
    for name in ("daemon", "daemon, eager"):
        daemon = drawn("1000", name)
        assert daemon.mean <= 0.75 * drawn("1000", "listing pages").mean
        assert daemon.mean <= 0.05 * drawn("1000", "backoff x1.5, a task a batch").mean
        assert daemon.mean <= 0.08 * drawn("1000", "backoff x1.5").mean


def test_every_strategy_is_held_to_the_same_ends() -> None:
    counts = {len(drawn(LOAD, name).outcome.delays) for name in ("backoff x1.5", "learnt", "learnt + pages", "daemon")}
    assert len(counts) == 1
    assert min(counts) > 1000


def test_half_of_the_ends_come_before_the_one_moment_that_was_foretold_and_nine_in_ten_before_the_other() -> None:
    daemon = drawn(LOAD, "daemon")
    assert daemon.foretold > 250
    assert 0.45 <= daemon.half / daemon.foretold <= 0.55
    assert 0.85 <= daemon.most / daemon.foretold <= 0.95
