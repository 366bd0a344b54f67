"""The simulation of the log: what it must come to where that is known, and that the formula says the same."""

from dataclasses import replace
from functools import partial

import pytest

from tests.scaling.figures import MEASURED, Figures, Group
from tests.scaling.simulating import Cores, EndOfLog, World, as_fast_as_they_can, as_they_come
from tests.scaling.sizing import log_of

LOCK: Figures = replace(MEASURED, group=Group(theirs=(0.0, 0.0), ours=(0.0, 0.0), locked=(0.009, 0.001), flush=0.009))
"""Nothing takes time but the lock: nine milliseconds for the disk, and one for each change."""


def test_one_replica_commits_group_after_group() -> None:
    played = as_fast_as_they_can(1, at_once=11, cores=2, seconds=10.0, figures=LOCK)
    assert played.changes == pytest.approx(11 / 0.020, rel=0.01)
    assert played.together == 11
    assert [played.p50, played.p95, played.p99] == [pytest.approx(0.020)] * 3
    assert played.busy == pytest.approx(1.0, rel=0.01)


def test_replicas_commit_one_after_another() -> None:
    played = as_fast_as_they_can(4, at_once=11, cores=2, seconds=10.0, figures=LOCK)
    assert played.changes == pytest.approx(11 / 0.020, rel=0.01)
    assert played.p50 == pytest.approx(4 * 0.020)


def test_work_beside_the_lock_is_done_by_all_at_once_where_there_are_cores() -> None:
    beside = replace(LOCK, group=Group(theirs=(0.0, 0.0), ours=(0.06, 0.0), locked=(0.009, 0.001), flush=0.009))
    alone = as_fast_as_they_can(1, at_once=11, cores=4, seconds=20.0, figures=beside)
    four = as_fast_as_they_can(4, at_once=11, cores=4, seconds=20.0, figures=beside)
    short = as_fast_as_they_can(4, at_once=11, cores=1, seconds=20.0, figures=beside)
    assert alone.changes == pytest.approx(11 / 0.080, rel=0.02)
    assert four.changes == pytest.approx(4 * 11 / 0.080, rel=0.02)
    assert short.changes == pytest.approx(11 / 0.071, rel=0.02)  # one core, which is not needed while the disk is


@pytest.mark.parametrize(
    ("changes", "replicas"), [(10.0, 2), (30.0, 4), (200.0, 4), (500.0, 4), (500.0, 32), (900.0, 8)]
)
def test_the_formula_of_the_log_says_what_comes_of_it(changes: float, replicas: int) -> None:
    played = as_they_come(replicas, changes=changes, cores=16, seconds=120.0, figures=LOCK)
    said = log_of(changes, replicas, LOCK)
    assert played.changes == pytest.approx(changes, rel=0.1)
    assert played.busy == pytest.approx(said.busy, rel=0.15)
    assert played.together == pytest.approx(said.together, rel=0.15)
    assert played.p50 == pytest.approx(said.waits, rel=0.3)


def test_the_same_seed_plays_the_same() -> None:
    twice = [as_they_come(4, changes=100.0, cores=2, seconds=5.0, seed=3) for _ in range(2)]
    assert twice[0] == twice[1]
    assert twice[0] != as_they_come(4, changes=100.0, cores=2, seconds=5.0, seed=4)


def test_a_core_is_had_in_turns() -> None:
    world, ended = World(), list[tuple[str, float]]()
    cores = Cores(world, 1)
    cores.work(0.010, lambda: ended.append(("long", world.now)))
    cores.work(0.002, lambda: ended.append(("short", world.now)))
    world.run(1.0)
    assert [(name, round(at, 9)) for name, at in ended] == [("short", 0.004), ("long", 0.012)]
    assert cores.worked == pytest.approx(0.012)


def test_a_core_that_is_half_somebody_elses_takes_twice_the_time() -> None:
    world, ended = World(), list[float]()
    Cores(world, 1, free=0.5).work(0.010, lambda: ended.append(round(world.now, 9)))
    world.run(1.0)
    assert ended == [0.020]


def test_the_end_of_the_log_is_locked_in_the_order_of_those_who_wait() -> None:
    world, order = World(), list[int]()
    log = EndOfLog(world)

    def take(number: int) -> None:
        order.append(number)
        world.after(0.01, log.unlock)

    for number in range(3):
        log.lock(partial(take, number))
    world.run(1.0)
    assert order == [0, 1, 2]
    assert log.busy == pytest.approx(0.03)
