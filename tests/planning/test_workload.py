"""Batches for a play: as many, as large and as slow as was asked for."""

from itertools import pairwise

import numpy as np
import pytest

from watcher.core.hazard import SIZES, UNKNOWN, Sight, scale_free
from watcher.core.learnt import LearntHazard
from watcher.planning.workload import (
    COUNTED,
    USUAL,
    Law,
    at_once,
    learnt_durations,
    learnt_sizes,
    sizes_of,
    steady,
    usual_durations,
)


def dice() -> np.random.Generator:
    return np.random.default_rng(7)


def test_the_same_seed_draws_the_same_batches_and_another_draws_others() -> None:
    assert steady(1, in_flight=5, seconds=300) == steady(1, in_flight=5, seconds=300)
    assert steady(1, in_flight=5, seconds=300) != steady(2, in_flight=5, seconds=300)


def test_sizes_are_lognormal_within_10_and_a_million() -> None:
    sizes = sizes_of(dice(), 20_000, 3000, 1.8)
    assert np.median(sizes) == pytest.approx(3000, rel=0.05)
    assert sizes.min() == 10
    assert sizes.max() <= 1e6


def test_durations_grow_with_the_size_and_that_share_is_stuck() -> None:
    few, many = (usual_durations(dice(), np.full(20_000, size)) for size in (10.0, 1e5))
    assert np.median(few) == pytest.approx(2.0, rel=0.05)
    assert np.median(many) == pytest.approx(53.0, rel=0.05)
    stuck = usual_durations(dice(), np.full(5_000, 10.0), 1.0)
    assert stuck.min() >= 1800
    assert stuck.max() <= 7200


def test_as_many_arrive_as_are_in_flight_by_littles_law() -> None:
    batches = steady(1, in_flight=100, seconds=3600)
    assert USUAL.mean_duration() == pytest.approx(93, abs=1)
    assert len(batches) == pytest.approx(100 / USUAL.mean_duration() * 3600, rel=0.05)
    assert all(0 <= one.begins <= other.begins <= 3600 for one, other in pairwise(batches))


def test_one_that_takes_for_ever_counts_no_more_than_so_long() -> None:
    law = Law(takes=lambda _, sizes, __: np.full(len(sizes), 1e9))
    assert law.mean_duration() == pytest.approx(COUNTED)


def test_batches_come_at_once_or_evenly_and_share_broadcasts() -> None:
    law = Law(per_broadcast=2, takes=lambda _, sizes, begins: begins + 1)
    assert {each.begins for each in at_once(1, count=5)} == {0.0}
    spread = at_once(1, count=4, seconds=8.0, law=law)
    assert [each.begins for each in spread] == [0.0, 2.0, 4.0, 6.0]
    assert [each.ends for each in spread] == [1.0, 5.0, 9.0, 13.0]
    assert [each.broadcast_id for each in spread] == [1, 1, 2, 2]
    assert [each.batch_id for each in spread] == [1, 2, 3, 4]


def test_durations_of_a_hazard_are_distributed_as_it_says() -> None:
    """The scale-free one: a share of (a + 1) ** -0.7 is unfinished at age a."""
    takes = learnt_durations(scale_free())(dice(), np.array([0.0, 100.0] * 10_000), np.zeros(20_000))
    for age in (1.0, 10.0, 100.0):
        assert (takes > age).mean() == pytest.approx((age + 1) ** -0.7, abs=0.012)


def seen(*sights: Sight) -> LearntHazard:
    learnt = LearntHazard(now=0.0)
    for sight in sights:
        learnt.saw(sight)
    learnt.settle(0.0)
    return learnt


def test_sizes_come_as_often_as_ends_of_them_were_seen() -> None:
    ends = (
        [Sight(UNKNOWN, 0.0, 3.0, True)] * 50
        + [Sight(2, 0.0, 3.0, True)] * 30
        + [Sight(SIZES - 1, 0.0, 3.0, True)] * 10
    )
    draw = learnt_sizes(seen(*ends))
    assert draw is not None
    sizes = draw(dice(), 4000)
    small = (sizes >= 11) & (sizes <= 31)
    assert small.mean() == pytest.approx(0.75, abs=0.03)
    assert sizes[~small].min() > 3e6


def test_where_no_size_was_ever_shown_none_is_in_the_play_either() -> None:
    draw = learnt_sizes(seen(Sight(UNKNOWN, 0.0, 3.0, True)))
    assert draw is not None
    assert draw(dice(), 10).tolist() == [0.0] * 10


def test_nothing_seen_says_nothing_of_sizes() -> None:
    assert learnt_sizes(LearntHazard(now=0.0)) is None
