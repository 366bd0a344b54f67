"""What looks have told of durations: it comes to the law they follow, fades, and outlives a restart."""

import json
import math
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import after, fresh, seen, seen_watch
from tests.fakes import NOON
from watcher.core.hazard import AGES, SHAPE, SIZES, STEP, UNKNOWN, Floats, Sight, size_bin
from watcher.core.learnt import HALF_LIFE, LENT, MEMORY, LearntHazard, sights_of
from watcher.core.model import ACTIVE, VALIDATING

NOW = NOON.timestamp()
WEEK = 7 * 86_400.0


def taught(*sights: Sight, now: float = NOW) -> LearntHazard:
    learnt = LearntHazard()
    for sight in sights:
        learnt.saw(sight)
    learnt.settle(now)
    return learnt


def lives(scale: float, count: int, size: int = 5, every: float = 2.0, seed: int = 1) -> list[Sight]:
    """Exponential durations with that mean, looked at every so many seconds until the end is seen."""
    dice = np.random.default_rng(seed)
    sights = []
    for ends in dice.exponential(scale, count):
        age = 0.0
        while age < ends:
            sights.append(Sight(size=size, then=age, now=age + every, ended=age + every >= ends))
            age += every
    return sights


# What is learnt


def test_before_anything_was_seen_it_is_scale_free() -> None:
    learnt = LearntHazard()
    assert not learnt.settle(NOW)
    assert (learnt.hazard.rates == SHAPE).all()
    assert (learnt.seen_ends, learnt.known(3)) == (0.0, 0.0)


def test_the_hazard_comes_to_the_law_that_the_ends_follow() -> None:
    learnt = taught(*lives(20.0, 700))
    bins = np.array([5] * 3, np.int16)
    young, old = np.array([0.0, 5.0, 20.0]), np.array([5.0, 20.0, 40.0])
    np.testing.assert_allclose(learnt.hazard.between(bins, young, old), (old - young) / 20.0, rtol=0.3)
    assert learnt.seen_ends == 700


def test_what_was_seen_shows_once_it_is_settled() -> None:
    learnt = LearntHazard()
    learnt.saw(Sight(size=3, then=1.0, now=2.0, ended=True))
    assert learnt.known(3) == 0.0
    assert learnt.settle(NOW)
    assert learnt.known(3) == pytest.approx(1.0, rel=0.01)
    assert not learnt.settle(NOW)


def test_many_looks_are_counted_before_it_is_settled_and_are_news_all_the_same() -> None:
    learnt = LearntHazard()
    for _ in range(256):
        learnt.saw(Sight(size=3, then=1.0, now=2.0, ended=False))
    assert learnt.exposure.sum() > 0
    assert learnt.settle(NOW)


def test_sights_of_no_time_or_from_a_clock_that_went_back_tell_nothing() -> None:
    learnt = LearntHazard()
    nan = math.nan
    for then, now in ((5.0, 5.0), (5.0, 4.0), (-2.0, 4.0), (nan, 4.0), (4.0, nan)):
        learnt.saw(Sight(size=3, then=then, now=now, ended=True))
    assert not learnt.settle(NOW)


def test_an_end_is_counted_once_however_long_it_was_not_looked_at() -> None:
    learnt = taught(Sight(size=3, then=0.0, now=1e9, ended=True))
    assert learnt.ends.sum() == pytest.approx(0.5 ** (1 / MEMORY))
    assert np.isfinite(learnt.hazard.rates).all()


def test_neighbouring_sizes_are_lent_to_but_not_the_unknown_one() -> None:
    learnt = taught(*[Sight(size=SIZES - 1, then=1.0, now=2.0, ended=True)] * 30)
    assert [learnt.known(size) for size in (SIZES - 1, SIZES - 2, SIZES - 3, UNKNOWN)] == pytest.approx(
        [30.0, 30.0 * LENT, 0.0, 0.0], rel=0.05
    )


@given(
    st.lists(
        st.tuples(st.integers(0, UNKNOWN), st.floats(0, 1e9), st.floats(0, 1e9), st.booleans()), min_size=1, max_size=30
    ),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=4),
)
def test_rates_are_always_above_nothing_and_never_nan(
    sights: list[tuple[int, float, float, bool]], moments: list[float]
) -> None:
    learnt = LearntHazard(now=NOW)
    for moment in moments:
        for size, then, took, ended in sights:
            learnt.saw(Sight(size=size, then=then, now=then + took, ended=ended))
        learnt.settle(NOW + moment)
        assert np.isfinite(learnt.hazard.rates).all()
        assert (learnt.hazard.rates > 0).all()
        assert all(0 <= learnt.known(size) < math.inf for size in range(UNKNOWN + 1))


def by_hand(sights: list[Sight], rates: Floats) -> tuple[Floats, Floats]:
    """Ends and exposure by bin of size and of age, each sight by itself; an end is where it most probably was by those rates."""
    ends, exposure = np.zeros((SIZES + 1, AGES)), np.zeros((SIZES + 1, AGES))
    for sight in sights:
        unfinished, chances, spans, within = 1.0, [], [], []
        for age in range(AGES):
            upper = math.inf if age == AGES - 1 else (age + 1) * STEP
            span = max(min(math.log1p(sight.now), upper) - max(math.log1p(sight.then), age * STEP), 0.0)
            step = rates[sight.size, age] * span
            spans.append(span)
            chances.append(unfinished * (1 - math.exp(-step)))
            within.append(0.5 if step < 1e-4 else 1 / step - 1 / (math.exp(step) - 1))
            unfinished *= math.exp(-step)
        later = 1.0
        for age, span in enumerate(spans):
            chance = chances[age] / sum(chances) if sight.ended else 0.0
            later -= chance
            ends[sight.size, age] += chance
            exposure[sight.size, age] += span * (later + chance * within[age])
    return ends, exposure


def lent(counted: Floats, size: int, age: int, ages: float = 1 / 2) -> float:
    """With a third of what neighbouring sizes have, where the size is known, and that share of neighbouring ages."""
    sizes = [near for near in (size - 1, size + 1) if size != UNKNOWN and 0 <= near < SIZES]
    column = counted[size] + sum((counted[near] / 3 for near in sizes), np.zeros(AGES))
    return float(column[age] + ages * sum(column[near] for near in (age - 1, age + 1) if 0 <= near < AGES))


def scattered(seed: int, count: int = 100) -> list[Sight]:
    """Of all sizes and ages, also beyond the last bin, long and short, some ended, some told of two bins."""
    dice = np.random.default_rng(seed)
    sights = []
    for _ in range(count):
        then, took = np.exp(dice.uniform(0, 18, 2)) - 1
        ended, again = dice.uniform(size=2) < 0.4
        sights.append(Sight(int(dice.integers(SIZES + 1)), then, then + took + 1e-9, bool(ended), bool(again)))
    return [*sights, Sight(SIZES - 1, 0.0, 1e8, ended=True), Sight(0, 0.0, 1e-6, ended=True)]


def test_ends_and_exposure_rates_and_what_is_known_are_as_worked_out_one_by_one() -> None:
    """On the first day by the law without a scale, on the next by what was learnt, faded for a day and by each end."""
    ends, exposure, rates = np.zeros((SIZES + 1, AGES)), np.zeros((SIZES + 1, AGES)), np.full((SIZES + 1, AGES), 0.7)
    learnt = LearntHazard(now=NOW)
    for day in (1, 2):
        sights = scattered(seed=day)
        for sight in sights:
            learnt.saw(sight)
        learnt.settle(NOW + day * 86_400)
        more_ends, more_exposure = by_hand(sights, rates)
        by_ends = 0.5 ** (sum(sight.ended and not sight.again for sight in sights) / 700)
        by_time = 0.5 ** (1 / 7)
        ends = (ends + more_ends) * by_ends * by_time
        exposure = (exposure * by_ends + more_exposure) * by_time
        np.testing.assert_allclose(learnt.ends, ends, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(learnt.exposure, exposure, rtol=1e-6, atol=1e-12)
        rates = np.array(
            [
                [(lent(ends, size, age) + 0.1) / (lent(exposure, size, age) + 0.1 / 0.7) for age in range(AGES)]
                for size in range(SIZES + 1)
            ]
        )
        np.testing.assert_allclose(learnt.hazard.rates, rates, rtol=1e-6)
        known = [sum(lent(ends, size, age, ages=0.0) for age in range(AGES)) for size in range(SIZES + 1)]
        assert [learnt.known(size) for size in range(SIZES + 1)] == pytest.approx(known)


# Fading


def test_what_was_learnt_counts_half_after_the_half_life() -> None:
    learnt = taught(*[Sight(size=3, then=1.0, now=2.0, ended=True)] * 40)
    before = learnt.known(3)
    learnt.saw(Sight(size=9, then=1.0, now=2.0, ended=False))
    learnt.settle(NOW + HALF_LIFE)
    assert learnt.known(3) == pytest.approx(before / 2)


def test_nothing_fades_before_the_first_time_it_is_settled() -> None:
    learnt = taught(Sight(size=3, then=1.0, now=2.0, ended=True), now=NOW)
    assert learnt.known(3) == pytest.approx(1.0, rel=0.01)


def test_what_was_learnt_counts_half_after_so_many_more_ends() -> None:
    learnt = taught(*[Sight(size=3, then=1.0, now=2.0, ended=True)] * 40)
    before = learnt.known(3)
    for _ in range(round(MEMORY)):
        learnt.saw(Sight(size=9, then=1.0, now=2.0, ended=True))
    learnt.settle(NOW)
    assert learnt.known(3) == pytest.approx(before / 2, rel=0.02)
    assert learnt.seen_ends == 40 + round(MEMORY)


def test_a_clock_that_goes_back_fades_nothing() -> None:
    learnt = taught(*[Sight(size=3, then=1.0, now=2.0, ended=True)] * 40)
    before = learnt.known(3)
    learnt.saw(Sight(size=9, then=1.0, now=2.0, ended=False))
    learnt.settle(NOW - WEEK)
    assert learnt.known(3) == before


# What a look tells


def test_a_later_look_tells_what_happened_since_the_last() -> None:
    watch = seen_watch(VALIDATING, at=after(seconds=10), size=50)
    look = seen(ACTIVE, after(seconds=20), size=60)
    assert sights_of(watch, look, ended=True) == (Sight(size=size_bin(50), then=10.0, now=20.0, ended=True),)
    moved = seen(VALIDATING, after(seconds=20), size=60)
    assert sights_of(watch, moved, ended=False) == (Sight(size=size_bin(50), then=10.0, now=19.8, ended=False),)


def test_a_watch_of_which_nobody_knows_when_it_was_made_was_born_when_it_was_opened() -> None:
    watch = replace(seen_watch(VALIDATING, at=after(seconds=10)), created=None, opened=after(seconds=4))
    assert sights_of(watch, seen(ACTIVE, after(seconds=20)), ended=True) == (
        Sight(size=UNKNOWN, then=6.0, now=16.0, ended=True),
    )


@pytest.mark.parametrize(
    ("made", "opened", "seen_at", "then", "now"),
    [
        (after(seconds=-5), NOON, after(seconds=10), 15.0, 25.0),
        (after(seconds=5), NOON, after(seconds=10), 10.0, 20.0),
        (NOON, NOON, NOON, 0.0, 20.0),
        (None, after(seconds=15), after(seconds=10), 0.0, 5.0),
    ],
    ids=["before it was followed", "by a clock that is ahead", "seen at once", "followed again since it was seen"],
)
def test_a_batch_was_born_when_it_was_made_or_followed_and_is_no_younger_than_that(
    made: datetime | None, opened: datetime, seen_at: datetime, then: float, now: float
) -> None:
    watch = replace(seen_watch(VALIDATING, at=seen_at), created=made, opened=opened)
    ended = seen(ACTIVE, after(seconds=20))
    assert sights_of(watch, ended, ended=True) == (Sight(size=UNKNOWN, then=then, now=now, ended=True),)


def test_a_first_look_by_a_clock_that_is_ahead_tells_of_the_time_since_it_was_followed() -> None:
    look = seen(VALIDATING, after(seconds=5), created=after(seconds=3))
    assert sights_of(fresh(), look, ended=False) == (Sight(size=UNKNOWN, then=0.0, now=4.8, ended=False),)


def test_an_end_at_the_first_look_was_before_it_was_answered() -> None:
    look = seen(ACTIVE, after(seconds=5), created=NOON, size=50)
    assert sights_of(fresh(), look, ended=True) == (
        Sight(size=size_bin(50), then=0.0, now=5.0, ended=True),
        Sight(size=UNKNOWN, then=0.0, now=5.0, ended=True, again=True),
    )


def test_the_first_look_tells_of_the_unknown_size_and_of_the_one_that_it_shows() -> None:
    look = seen(VALIDATING, after(seconds=5), created=after(seconds=-60), size=50)
    assert sights_of(fresh(), look, ended=False) == (
        Sight(size=size_bin(50), then=60.0, now=64.8, ended=False),
        Sight(size=UNKNOWN, then=60.0, now=64.8, ended=False, again=True),
    )
    ended = LearntHazard()
    for each in sights_of(fresh(), seen(ACTIVE, after(seconds=5), created=after(seconds=0), size=50), ended=True):
        ended.saw(each)
    ended.settle(NOON.timestamp())
    assert (ended.seen_ends, round(float(ended.ends.sum()), 2)) == (1.0, 2.0)
    assert sights_of(fresh(), seen(VALIDATING, after(seconds=5)), ended=False) == (
        Sight(size=UNKNOWN, then=0.0, now=4.8, ended=False),
    )


@pytest.mark.parametrize(
    ("made", "tells"),
    [
        (timedelta(seconds=2), True),
        (timedelta(seconds=-5), True),
        (timedelta(seconds=-5.1), False),
        (timedelta(seconds=-60), False),
        (None, False),
    ],
)
def test_one_that_had_ended_when_it_was_first_seen_tells_only_if_it_was_followed_from_its_beginning(
    made: timedelta | None, tells: bool
) -> None:
    look = seen(ACTIVE, after(seconds=5), created=None if made is None else NOON + made)
    assert (sights_of(fresh(), look, ended=True) == ()) is not tells


# Restarts


def test_what_was_learnt_outlives_a_restart() -> None:
    learnt = taught(*lives(20.0, 300), *[Sight(size=UNKNOWN, then=0.0, now=9.0, ended=False)] * 9)
    again = LearntHazard.from_record(learnt.to_record(), NOW)
    np.testing.assert_allclose(again.hazard.rates, learnt.hazard.rates, rtol=1e-3)
    assert again.seen_ends == learnt.seen_ends
    assert again.known(5) == pytest.approx(learnt.known(5), rel=1e-3)
    assert not again.settle(NOW)


def test_a_record_is_small_and_has_in_it_what_nobody_settled() -> None:
    learnt = taught(*lives(20.0, 300))
    learnt.saw(Sight(size=9, then=0.0, now=9.0, ended=True))
    record = learnt.to_record()
    assert len(record) < 10_000
    told = json.loads(record)
    assert (told["version"], told["at"], told["seen_ends"]) == (1, NOW, 301)
    assert any(size == 9 and ends > 0 for size, _, ends, _ in told["bins"])
    assert json.loads(LearntHazard().to_record())["bins"] == []


def test_fading_goes_on_from_when_it_was_stored() -> None:
    learnt = taught(*[Sight(size=3, then=1.0, now=2.0, ended=True)] * 40)
    record = learnt.to_record()
    assert LearntHazard.from_record(record, NOW + WEEK).known(3) == pytest.approx(learnt.known(3) / 2, rel=1e-3)
    back = LearntHazard.from_record(record, NOW - WEEK)
    assert back.known(3) == pytest.approx(learnt.known(3), rel=1e-3)
    back.saw(Sight(size=9, then=1.0, now=2.0, ended=False))
    back.settle(NOW)
    assert back.known(3) == pytest.approx(learnt.known(3) / 2, rel=1e-3)


def test_what_has_faded_to_nothing_is_not_recorded() -> None:
    learnt = taught(Sight(size=3, then=1.0, now=2.0, ended=True))
    learnt.saw(Sight(size=9, then=1.0, now=2.0, ended=False))
    learnt.settle(NOW + 40 * HALF_LIFE)
    assert json.loads(learnt.to_record())["bins"] == []


GOOD = {"version": 1, "at": NOW, "seen_ends": 7, "bins": [[3, 4, 1.0, 2.0]]}


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"7",
        b"[" * 100_000,
        b"9" * 6000,
        *(
            json.dumps(GOOD | change).encode()
            for change in (
                {"version": 2},
                {"version": None},
                {"at": "noon"},
                {"at": math.nan},
                {"at": None},
                {"seen_ends": -1},
                {"seen_ends": math.inf},
                {"bins": 7},
                {"bins": [[1, 2, 3]]},
                {"bins": [[1, 2, 3, "x"]]},
                {"bins": [[1, 2, 3, math.nan]]},
                {"bins": [[1, 2, -3, 1]]},
                {"bins": [[SIZES + 1, 2, 3, 1]]},
                {"bins": [[1, AGES, 3, 1]]},
                {"bins": [[1, 2, 1e15, 1]]},
                {"seen_ends": 1e15},
                {"bins": {"a": 1}},
            )
        ),
    ],
)
def test_a_damaged_or_newer_record_is_as_good_as_none(record: bytes) -> None:
    learnt = LearntHazard.from_record(record, NOW)
    assert (learnt.hazard.rates == SHAPE).all()
    assert (learnt.ends.sum(), learnt.exposure.sum(), learnt.seen_ends) == (0.0, 0.0, 0.0)
    learnt.saw(Sight(size=3, then=1.0, now=2.0, ended=True))
    assert learnt.settle(NOW + WEEK)
    assert learnt.known(3) == pytest.approx(0.5, rel=0.01)


def test_a_record_may_be_of_very_little_or_of_very_much() -> None:
    little = LearntHazard.from_record(json.dumps(GOOD | {"seen_ends": 0, "bins": [[0, 0, 0.5, 0.0]]}).encode(), NOW)
    assert (little.ends[0, 0], little.ends.sum(), little.exposure.sum(), little.seen_ends) == (0.5, 0.5, 0.0, 0.0)
    much = LearntHazard.from_record(json.dumps(GOOD | {"bins": [[1, 2, 9e14, 1]]}).encode(), NOW)
    assert (much.ends[1, 2], much.exposure[1, 2], much.seen_ends) == (9e14, 1.0, 7.0)


def test_a_record_is_json_without_spaces_and_says_that_nothing_was_counted_yet() -> None:
    assert LearntHazard().to_record() == b'{"version":1,"at":0.0,"seen_ends":0,"bins":[]}'


@given(st.binary(max_size=50), st.integers(0, 100))
def test_no_record_is_an_error(noise: bytes, at: int) -> None:
    good = json.dumps(GOOD).encode()
    assert np.isfinite(LearntHazard.from_record(good[:at] + noise + good[at + len(noise) :], NOW).hazard.rates).all()
