"""What a look is worth, and when it will be worth so much."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.durations import PRECISION, SHARE, TINY, Places, waiting_until, worth, worth_of_new
from watcher.core.hazard import AGES, SIZES, UNKNOWN, Floats, Hazard, scale_free

YEARS = 10 * 365 * 86400.0
PLACES = st.floats(0, YEARS) | st.floats(0, 100)


def array(*values: float) -> Floats:
    return np.array(values)


def worth_at(age: float, waited: float, hazard: Hazard | None = None) -> float:
    met = (hazard or scale_free()).between(np.array([UNKNOWN], np.int16), array(age), array(age + waited))
    return float(worth(array(waited), met)[0])


@pytest.mark.parametrize(
    ("waited", "hazard", "expected"),
    [
        (10.0, 0.0, 0.0),
        (0.0, 3.0, 0.0),
        (10.0, 1.0, 10 * math.exp(-1)),
        (10.0, 2.0, 10 * (1 - (1 - math.exp(-2)) / 2)),
        (10.0, 1e9, 10.0),
    ],
)
def test_the_worth_of_a_look_is_that_of_the_formula(waited: float, hazard: float, expected: float) -> None:
    assert float(worth(array(waited), array(hazard))[0]) == pytest.approx(expected, rel=1e-8)


@given(st.floats(0, YEARS), st.floats(1e-15, 1e-4))
def test_for_a_small_hazard_the_worth_is_half_of_waiting_times_hazard(waited: float, hazard: float) -> None:
    assert float(worth(array(waited), array(hazard))[0]) == pytest.approx(waited * hazard / 2, rel=1e-4)


@given(st.floats(0, YEARS), st.floats(0, 1e6))
def test_worth_is_never_negative_nor_more_than_was_waited_nor_nan(waited: float, hazard: float) -> None:
    assert 0 <= float(worth(array(waited), array(hazard))[0]) <= waited


@given(PLACES, PLACES, PLACES)
def test_worth_only_grows_with_waiting(age: float, one: float, other: float) -> None:
    less, more = sorted((one, other))
    few, many = worth_at(age, less), worth_at(age, more)
    assert 0 <= few <= many * (1 + 1e-6) + 1e-12
    assert many <= more


@given(PLACES, PLACES, PLACES)
def test_before_anything_is_known_a_look_at_a_younger_batch_is_worth_more(
    one: float, other: float, waited: float
) -> None:
    young, old = sorted((one, other))
    assert worth_at(young, waited) >= worth_at(old, waited) * (1 - 1e-6) - 1e-12


def test_there_is_no_step_where_the_formula_gives_way_to_its_limit() -> None:
    below, above = worth(array(1.0, 1.0), array(TINY * 0.999999, TINY * 1.000001))
    assert above == pytest.approx(below, rel=1e-5)


def test_new_batches_are_worth_half_the_square_of_the_wait_for_a_day_at_most() -> None:
    found = worth_of_new(array(0.0, 0.5, 0.5, 2.0), array(0.0, 0.0, 20.0, -1e9), 10.0)
    assert found.tolist() == [0.0, 25.0, 0.0, 86_400.0**2]


def waits(ages: Floats, target: float, most: float, hazard: Hazard) -> Floats:
    bins = np.full(len(ages), UNKNOWN, np.int16)

    def after(waited: Floats, at: Places) -> Floats:
        met = hazard.until(bins[at, None], ages[at, None] + waited) - hazard.until(bins[at], ages[at])[:, None]
        return worth(waited, np.maximum(met, 0.0))

    return waiting_until(after, len(ages), target, most)


HAZARDS = [scale_free(), Hazard(np.exp(np.random.default_rng(5).normal(-0.5, 1.5, (SIZES + 1, AGES))))]


@given(PLACES, st.floats(0.001, 50), st.floats(1, 86400), st.sampled_from(HAZARDS))
def test_waiting_reaches_its_target_and_not_much_later_than_it_could(
    age: float, target: float, most: float, hazard: Hazard
) -> None:
    (wait,) = waits(array(age), target, most, hazard)
    assert 0 <= wait <= most
    if wait < most:
        assert worth_at(age, wait, hazard) >= target * (1 - 1e-9)
    late = 1.1 * (PRECISION + SHARE * wait)
    if wait > late:
        assert worth_at(age, wait - late, hazard) < target


def test_waiting_is_worked_out_for_each_by_itself() -> None:
    ages = array(0, 10, 1000, 1e9)
    found = waits(ages, 0.1, 300.0, scale_free())
    alone = [waits(array(age), 0.1, 300.0, scale_free())[0] for age in ages]
    np.testing.assert_array_equal(found, alone)
    assert list(found) == sorted(found)
    assert found[-1] == 300.0


def test_what_is_worth_it_already_does_not_wait() -> None:
    def steps(waited: Floats, at: Places) -> Floats:
        return np.where(waited >= array(0.0, 7.0, 1e9)[at, None], 1.0, 0.0)

    zero, seven, never = waiting_until(steps, 3, 1.0, 100.0)
    assert (zero, never) == (0.0, 100.0)
    assert 7.0 <= seven <= 7.0 + PRECISION + SHARE * 7.0
    assert len(waiting_until(steps, 0, 1.0, 100.0)) == 0


def test_a_few_rounds_are_enough_for_very_many() -> None:
    ages, rounds = np.geomspace(1.0, 1e6, 200), []
    bins = np.full(len(ages), UNKNOWN, np.int16)
    hazard = scale_free()

    def after(waited: Floats, at: Places) -> Floats:
        rounds.append(waited.size)
        return worth(
            waited, hazard.until(bins[at, None], ages[at, None] + waited) - hazard.until(bins[at], ages[at])[:, None]
        )

    waiting_until(after, len(ages), 0.1, 300.0)
    assert len(rounds) <= 3


def test_a_wait_that_is_found_at_the_first_look_is_no_longer_than_that() -> None:
    def soon(waited: Floats, at: Places) -> Floats:
        return np.where(waited >= 0.0005, 1.0, 0.0)

    assert waiting_until(soon, 1, 1.0, 10.0) == pytest.approx([0.001])


SCALES = (0.01, 0.02, 0.1, 1.0, 7.0, 40.0, 250.0)
"""Seconds after which what is worth more and more is worth 1."""


@pytest.mark.parametrize(
    ("most", "degree", "at_once", "later"),
    [
        (300.0, 0.5, 17, 16),
        (300.0, 1.0, 17, 20),
        (300.0, 2.0, 15, 20),
        (300.0, 3.0, 17, 21),
        (86400.0, 0.5, 27, 19),
        (86400.0, 1.0, 27, 21),
        (86400.0, 2.0, 18, 24),
        (86400.0, 3.0, 23, 24),
    ],
)
def test_where_the_worth_is_a_power_of_the_waiting_few_rounds_find_when(
    most: float, degree: float, at_once: int, later: int
) -> None:
    assert sum(rounds_of(scale, degree, most, begins=0.0) for scale in SCALES) <= at_once
    assert sum(rounds_of(scale, degree, most, begins=5.0) for scale in SCALES[2:6]) <= later


def rounds_of(scale: float, degree: float, most: float, *, begins: float) -> int:
    """How often it is asked what waiting is worth, where that is nothing at first and then so many powers of it."""
    rounds = 0

    def after(waited: Floats, _: Places) -> Floats:
        nonlocal rounds
        rounds += 1
        value: Floats = (np.maximum(waited - begins, 0.0) / scale) ** degree
        return value

    waiting_until(after, 1, 1.0, most)
    return rounds
