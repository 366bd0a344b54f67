"""How likely a batch is to have finished between two ages: never less than nothing, and what the rates say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.hazard import (
    AGES,
    SIZES,
    STEP,
    UNKNOWN,
    Bins,
    Floats,
    Hazard,
    Sight,
    scale_free,
    size_bin,
)

YEARS = 10 * 365 * 86400.0
PLACES = st.floats(0, YEARS) | st.floats(0, 100)
BINS = st.integers(0, UNKNOWN)


def array(*values: float) -> Floats:
    return np.array(values)


def bins(*values: int) -> Bins:
    return np.array(values, np.int16)


def uneven() -> Hazard:
    """One in which no two bins are alike."""
    return Hazard(np.exp(np.random.default_rng(3).normal(-0.5, 1.5, (SIZES + 1, AGES))))


def test_before_anything_is_known_the_hazard_is_scale_free_whatever_the_size() -> None:
    then, now = array(0, 9, 99, 0), array(9, 99, 999, 999)
    expected = array(1, 1, 1, 3) * 0.7 * math.log(10)
    for size in range(UNKNOWN + 1):
        np.testing.assert_allclose(scale_free().between(bins(*[size] * 4), then, now), expected, rtol=1e-12)


@given(BINS, PLACES)
def test_the_hazard_is_that_of_the_formula_word_by_word(size: int, age: float) -> None:
    hazard = uneven()
    left, total = math.log1p(age), 0.0
    for age_bin in range(AGES):
        width = min(STEP, left) if age_bin < AGES - 1 else left
        total += float(hazard.rates[size, age_bin]) * width
        left -= width
    assert float(hazard.until(bins(size), array(age))[0]) == pytest.approx(total, rel=1e-9, abs=1e-9)


@given(BINS, PLACES, PLACES, PLACES)
def test_hazards_add_up_and_are_never_negative(size: int, one: float, two: float, three: float) -> None:
    hazard = uneven()
    young, middle, old = (array(age) for age in sorted((one, two, three)))
    of = bins(size)
    whole, parts = (
        hazard.between(of, young, old),
        hazard.between(of, young, middle) + hazard.between(of, middle, old),
    )
    np.testing.assert_allclose(parts, whole, rtol=1e-9, atol=1e-9)
    assert (hazard.between(of, young, middle) >= 0).all()
    assert hazard.between(of, old, old)[0] == 0


@given(BINS, PLACES, st.floats(1e-3, 5))
def test_the_age_at_which_so_much_is_met_is_found(size: int, then: float, more: float) -> None:
    hazard = uneven()
    age = hazard.age_when(size, then, more)
    assert age >= then * (1 - 1e-9)
    if age < 1e20:
        met = float(hazard.between(bins(size), array(then), array(age))[0])
        assert met == pytest.approx(more, rel=1e-5, abs=1e-6)


@given(st.lists(st.tuples(BINS, PLACES), min_size=1, max_size=8), st.floats(1e-3, 5))
def test_the_ages_of_many_are_found_at_once_as_each_by_itself(batches: list[tuple[int, float]], more: float) -> None:
    hazard = uneven()
    found = hazard.ages_when(bins(*(size for size, _ in batches)), array(*(then for _, then in batches)), more)
    each = [hazard.age_when(size, then, more) for size, then in batches]
    np.testing.assert_allclose(found, each, rtol=1e-6, atol=1e-6)


def test_an_age_that_is_never_reached_is_long_but_finite() -> None:
    assert scale_free().age_when(0, YEARS, 1e9) == pytest.approx(math.expm1(60))
    assert scale_free().ages_when(bins(0), array(YEARS), 1e9).tolist() == [pytest.approx(math.expm1(60))]


def test_sizes_go_by_half_decades_and_those_not_known_by_themselves() -> None:
    ends = [3, 10, 31, 100, 316, 1000, 3162, 10_000, 31_622, 100_000, 316_227, 1_000_000, 3_162_277]
    for number, last in enumerate(ends):
        assert (size_bin(last), size_bin(last + 1)) == (number, number + 1)
    assert [size_bin(size) for size in (1, 10**12, 0, None, -1)] == [0, 13, UNKNOWN, UNKNOWN, UNKNOWN]


def test_there_are_five_bins_of_age_for_each_fourfold_of_it() -> None:
    hazard = scale_free()
    assert (hazard.sizes, hazard.ages, hazard.step) == (15, 64, math.log(2) / 2.5)


def test_what_is_printed_is_what_it_was_made_of() -> None:
    assert [word for word in ("rates", "step", "_edges", "_steps") if f"{word}=" in repr(scale_free())] == [
        "rates",
        "step",
    ]


def test_how_much_is_known_is_nothing_where_nobody_says_so() -> None:
    assert scale_free().known_of(3) == 0.0
    assert Hazard(scale_free().rates, known=[float(n) for n in range(UNKNOWN + 1)]).known_of(3) == 3.0


def test_other_bins_of_age_do_as_well() -> None:
    hazard = Hazard(np.array([[1.0, 2.0]]), step=0.5)
    age = array(math.expm1(0.25), math.expm1(0.5), math.expm1(2.0))
    np.testing.assert_allclose(hazard.until(bins(0, 0, 0), age), [0.25, 0.5, 0.5 + 1.5 * 2.0])
    assert hazard.ages == 2


def test_a_look_that_told_of_one_bin_counts_by_itself() -> None:
    assert Sight(3, 10.0, 20.0, ended=True) == Sight(size=3, then=10.0, now=20.0, ended=True, again=False)
