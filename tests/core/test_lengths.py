"""How long validation takes, in figures."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.hazard import SIZES, UNKNOWN, Sight, size_bin
from watcher.core.learnt import LearntHazard
from watcher.core.lengths import ENOUGH, Length, Lengths, contacts, lengths


def taught(*sights: Sight) -> LearntHazard:
    """What has seen these."""
    learnt = LearntHazard()
    for sight in sights:
        learnt.saw(sight)
    learnt.settle(0.0)
    return learnt


def ends(size: int | None, *ages: float) -> list[Sight]:
    """Batches of that size that ended at those ages, seen to within a tenth of a second."""
    return [
        each
        for age in ages
        for each in (
            Sight(size_bin(size), 0.0, age - 0.05, ended=False),
            Sight(size_bin(size), age - 0.05, age + 0.05, ended=True),
        )
    ]


def test_nothing_seen_is_nothing_said() -> None:
    assert lengths(LearntHazard()) == Lengths(ends=0, sizes=())


def test_a_size_with_few_ends_is_shown_without_figures_and_one_with_enough_has_them() -> None:
    few, many = ends(50, *([4.0] * 3)), ends(2000, *([4.0] * 40))
    shown = lengths(taught(*few, *many))
    small, large = shown.sizes
    assert shown.ends == 43
    assert small == Length(smallest=32, largest=100, ends=small.ends, p50=None, p90=None)
    assert (large.smallest, large.largest) == (1001, 3162)
    assert [small.ends, large.ends] == pytest.approx([3, 40], rel=0.05)
    assert large.p50 is not None
    assert large.p90 is not None
    assert 3.0 < large.p50 < 5.0 < large.p90 < 12.0


def test_figures_are_near_those_of_the_law_behind_them() -> None:
    random = np.random.default_rng(7)
    durations = random.lognormal(np.log(30.0), 0.8, 600)
    (of_size,) = lengths(taught(*ends(200, *durations.tolist()))).sizes
    assert of_size.p50 == pytest.approx(30.0, rel=0.15)
    assert of_size.p90 == pytest.approx(30.0 * exp(0.8 * 1.2816), rel=0.2)


def test_figures_are_those_of_even_chances_and_of_one_in_ten_from_the_creation_on() -> None:
    learnt = taught(*ends(200, *([4.0] * 20)))
    (of_size,) = lengths(learnt).sizes
    size = size_bin(200)
    assert (of_size.p50, of_size.p90) == tuple(learnt.hazard.age_when(size, 0.0, log(of)) for of in (2, 10))


def test_ten_ends_are_enough_for_figures_and_a_twentieth_of_one_is_the_last_that_is_remembered() -> None:
    learnt = taught(*ends(200, *([4.0] * 20)))
    learnt.ends[:] = 0.0
    for size, known in ((1, 10.0), (2, 9.99), (3, 0.05), (4, 0.049)):
        learnt.ends[size, 3] = known
    shown = lengths(learnt).sizes
    assert [(each.ends, each.p50 is not None) for each in shown] == [(10.0, True), (9.99, False), (0.05, False)]


def test_the_unknown_size_comes_last_and_without_a_number_of_contacts() -> None:
    shown = lengths(taught(*ends(None, *([9.0] * 20)), *ends(5_000_000, *([9.0] * 20))))
    assert [(each.smallest, each.largest) for each in shown.sizes] == [(3_162_278, None), (None, None)]


def test_what_has_faded_away_is_not_shown_but_for_how_many_there_were() -> None:
    learnt = taught(*ends(200, *([5.0] * 20)))
    learnt.saw(Sight(size_bin(2), 0.0, 1.0, ended=False))
    learnt.settle(70 * 86_400.0)
    assert lengths(learnt) == Lengths(ends=20, sizes=())


@given(st.integers(1, 10**8))
def test_every_size_lies_within_the_contacts_of_its_bin(size: int) -> None:
    smallest, largest = contacts(size_bin(size))
    assert smallest is not None
    assert smallest <= size
    assert largest is None or size <= largest


def test_bins_begin_where_the_one_before_ends() -> None:
    edges = [contacts(size) for size in range(SIZES)]
    assert edges[0] == (1, 3)
    assert [smallest for smallest, _ in edges[1:]] == [largest + 1 for _, largest in edges[:-1] if largest is not None]
    assert edges[-1][1] is None
    assert contacts(UNKNOWN) == (None, None)
    assert all(size_bin(smallest) == size for size, (smallest, _) in enumerate(edges))


@given(st.lists(st.tuples(st.integers(0, SIZES), st.floats(0, 1e8), st.floats(0, 1e8), st.booleans()), max_size=60))
def test_whatever_was_seen_the_figures_are_in_order(seen: list[tuple[int, float, float, bool]]) -> None:
    for each in lengths(taught(*(Sight(*one) for one in seen))).sizes:
        assert (each.p50 is None) == (each.p90 is None) == (each.ends < ENOUGH)
        if each.p50 is not None and each.p90 is not None:
            assert 0.0 < each.p50 <= each.p90 < float("inf")
