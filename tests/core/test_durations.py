"""How likely a batch is to have ended between two ages, and what a look at it is worth."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from watcher.core.durations import PRECISION, SHAPE, TINY, Floats, scale_free_hazard, waiting_until_worth, worth

YEARS = 10 * 365 * 86400.0
AGES = st.floats(0, YEARS) | st.floats(0, 100)


def array(*values: float) -> Floats:
    return np.array(values)


def worth_at(age: float, waited: float) -> float:
    ages = array(age)
    return float(worth(array(waited), scale_free_hazard(ages, ages + waited))[0])


def test_the_hazard_is_scale_free() -> None:
    ages_then, ages_now = array(0, 9, 99, 0), array(9, 99, 999, 999)
    expected = array(1, 1, 1, 3) * SHAPE * math.log(10)
    np.testing.assert_allclose(scale_free_hazard(ages_then, ages_now), expected, rtol=1e-12)


def test_no_time_no_hazard() -> None:
    np.testing.assert_array_equal(scale_free_hazard(array(0, 5, YEARS), array(0, 5, YEARS)), array(0, 0, 0))


@given(AGES, AGES, AGES)
def test_hazards_add_up(one: float, two: float, three: float) -> None:
    young, middle, old = (array(age) for age in sorted((one, two, three)))
    whole = scale_free_hazard(young, old)
    parts = scale_free_hazard(young, middle) + scale_free_hazard(middle, old)
    np.testing.assert_allclose(parts, whole, rtol=1e-6, atol=1e-12)


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


@given(AGES, AGES, AGES)
def test_worth_only_grows_with_waiting(age: float, one: float, other: float) -> None:
    less, more = sorted((one, other))
    few, many = worth_at(age, less), worth_at(age, more)
    assert 0 <= few <= many * (1 + 1e-6) + 1e-12
    assert many <= more


@given(AGES, AGES, AGES)
def test_a_look_at_a_younger_batch_is_worth_more_after_the_same_waiting(
    one: float, other: float, waited: float
) -> None:
    young, old = sorted((one, other))
    assert worth_at(young, waited) >= worth_at(old, waited) * (1 - 1e-6) - 1e-12


def test_there_is_no_step_where_the_formula_gives_way_to_its_limit() -> None:
    below, above = worth(array(1.0, 1.0), array(TINY * 0.999999, TINY * 1.000001))
    assert above == pytest.approx(below, rel=1e-5)


@given(AGES, st.floats(0.001, 50), st.floats(1, 86400))
def test_waiting_reaches_its_target_and_not_much_later_than_it_could(age: float, target: float, most: float) -> None:
    (wait,) = waiting_until_worth(array(age), target, most)
    assert 0 <= wait <= most
    if wait < most:
        assert worth_at(age, wait) >= target
    assume(wait > 2 * PRECISION)
    assert worth_at(age, wait - 2 * PRECISION) < target


def test_waiting_is_worked_out_for_each_by_itself() -> None:
    ages = array(0, 10, 1000, 1e9)
    waits = waiting_until_worth(ages, 0.1, 300.0)
    alone = [waiting_until_worth(array(age), 0.1, 300.0)[0] for age in ages]
    np.testing.assert_array_equal(waits, alone)
    assert list(waits) == sorted(waits)
    assert waits[-1] == 300.0
