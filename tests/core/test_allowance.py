"""What 429s, and their absence, teach about the rate that CallFire allows."""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.core.allowance import (
    HELD_FIRST,
    HELD_MOST,
    HOLD,
    LEAST,
    SETTLES,
    Allowance,
    LearntRate,
    clean,
    in_flight_most,
    is_held,
    learnt_rate,
    recalled,
    throttled,
)

FRESH = Allowance(configured=5.0, rate=5.0, since=NOON)
FAR = datetime(9998, 12, 31, tzinfo=UTC).replace(tzinfo=None)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def refused(
    allowance: Allowance, at: float, *, asked: float | None = None, accepted: int = 0, pause: float | None = None
) -> Allowance:
    """After a 429 at that moment, to what was asked then where nothing else is said."""
    return throttled(
        allowance,
        asked=after(at if asked is None else asked),
        answered=after(at),
        accepted=accepted,
        pause=None if pause is None else timedelta(seconds=pause),
    )


def used(allowance: Allowance, at: float, *, seconds: float = 15.0, share: float = 1.0) -> Allowance:
    """After so many seconds without a 429, in which that share of the rate was used."""
    return clean(allowance, now=after(at), seconds=seconds, accepted=math.ceil(allowance.rate * seconds * share))


def used_until(allowance: Allowance, begin: float, end: float) -> Allowance:
    """Fully, in stretches of 15 seconds."""
    for stretch in range(int((end - begin) / 15.0)):
        allowance = used(allowance, begin + 15.0 * (stretch + 1))
    return allowance


# Falling


def test_the_first_429_halves_the_rate_and_is_the_wall() -> None:
    lowered = refused(FRESH, 1.0, accepted=3)
    assert lowered == Allowance(
        configured=5.0,
        rate=2.5,
        since=after(1),
        wall=5.0,
        halved=after(1),
        probe_at=after(1) + HELD_FIRST,
    )


def test_what_was_asked_before_the_rate_was_lowered_does_not_count_again() -> None:
    lowered = refused(FRESH, 1.0, accepted=3)
    for accepted in (1, 5):
        counted = replace(lowered, accepted=accepted, pardons=accepted * 0.005)
        assert refused(lowered, 40.0, asked=0.9, accepted=accepted) == counted


def test_it_halves_at_most_once_in_thirty_seconds() -> None:
    lowered = refused(FRESH, 1.0)
    for at in range(2, 31):
        lowered = refused(lowered, float(at), accepted=1)
        assert lowered.rate == 2.5
    assert refused(lowered, 31.0, accepted=1, pause=60.0).rate < 2.5
    assert refused(refused(FRESH, 1.0), 31.0).rate == 1.25


def test_a_wall_that_was_hit_again_while_nothing_is_accepted_halves_once_in_thirty_seconds_and_stays_where_it_was() -> (
    None
):
    lowered = refused(FRESH, 1.0, pause=3600.0)
    assert refused(lowered, 20.0) == lowered
    again = refused(lowered, 3601.0, pause=3600.0)
    assert (again.rate, again.wall) == (1.25, 5.0)


def test_it_falls_to_no_less_than_a_tenth_a_second() -> None:
    lowered = FRESH
    for number in range(20):
        lowered = refused(lowered, 40.0 * (number + 1))
    assert lowered.rate == LEAST == 0.1


def test_what_is_configured_below_a_tenth_a_second_does_not_fall() -> None:
    slow = Allowance(configured=0.02, rate=0.02, since=NOON)
    lowered = refused(slow, 100.0)
    assert lowered.rate == 0.02
    assert used(lowered, 800.0) == replace(lowered, accepted=1, pardons=0.005)


def test_after_a_stretch_the_average_of_what_was_accepted_says_how_far_to_fall() -> None:
    """At 4 a second 3 were accepted on the average: the truth lies between the two."""
    lowered = refused(replace(FRESH, rate=4.0, wall=5.0), 100.0, accepted=300, pause=10.0)
    assert lowered.rate == pytest.approx(math.sqrt(3.0 * 4.0))
    assert (lowered.wall, lowered.sure, lowered.halved) == (4.0, 3.0, None)


@pytest.mark.parametrize("accepted", [10, 64, 100])
def test_it_falls_by_half_at_most_whatever_the_average_was(accepted: int) -> None:
    lowered = refused(replace(FRESH, rate=4.0, wall=5.0), 100.0, accepted=accepted)
    assert (lowered.rate, lowered.sure, lowered.halved) == (2.0, accepted / 100, after(100))


def test_fewer_than_eight_that_were_accepted_mean_nothing() -> None:
    slow = replace(FRESH, rate=0.25, wall=0.5)
    few, enough = (refused(slow, 100.0, accepted=accepted, pause=10.0) for accepted in (7, 8))
    assert (few.rate, few.sure) == (0.125, 0.0)
    assert enough.rate == pytest.approx(math.sqrt(0.08 * 0.25))
    assert enough.sure == 0.08


def test_a_rate_that_was_almost_right_falls_a_little() -> None:
    lowered = refused(FRESH, 600.0, accepted=2990, pause=10.0)
    assert lowered.rate == pytest.approx(HOLD * 5.0)
    assert (lowered.failed, lowered.probe_at) == (0, after(600) + HELD_FIRST)


def test_a_held_rate_that_is_refused_did_not_try_the_wall() -> None:
    held = replace(FRESH, rate=HOLD * 2.5, wall=2.5, probe_at=after(900), failed=2)
    assert refused(held, 600.0, accepted=1400, pause=10.0).failed == 0


def test_if_the_guess_is_refused_at_once_it_falls_to_what_is_sure() -> None:
    guess = refused(replace(FRESH, rate=4.0, wall=5.0), 100.0, accepted=250, pause=10.0)
    assert guess.rate == pytest.approx(math.sqrt(2.5 * 4.0))
    assert refused(guess, 110.0) == guess
    for accepted in (1, 20):
        sure = refused(guess, 110.0, accepted=accepted)
        assert sure.rate == pytest.approx(HOLD * 2.5)
        assert (sure.wall, sure.sure) == (guess.rate, 0.0)


def test_what_is_sure_is_worth_a_try_up_to_where_the_rate_would_be_held() -> None:
    just = replace(FRESH, rate=2.0, wall=2.5, sure=HOLD * 2.0)
    assert refused(just, 10.0, accepted=5, pause=10.0).rate == HOLD * just.sure
    assert refused(replace(just, sure=2.0), 10.0, accepted=5, pause=10.0).rate == 1.0
    assert refused(replace(just, rate=1.0, sure=1.0), 10.0, accepted=5, pause=10.0).rate == 0.5


def test_if_even_that_is_refused_at_once_the_limit_is_another_one_and_the_rate_halves() -> None:
    sure = refused(FRESH, 600.0, accepted=2990, pause=10.0)
    lowered = refused(sure, 605.0, accepted=5)
    assert lowered.rate == sure.rate / 2
    assert refused(lowered, 608.0, accepted=1).rate == lowered.rate


# Pardon


def test_one_429_among_two_hundred_requests_changes_nothing() -> None:
    assert refused(FRESH, 60.0, accepted=200, pause=1.0) == replace(FRESH, accepted=200, pardons=0.0)
    assert refused(FRESH, 60.0, accepted=1000).rate == 5.0


def test_the_next_one_soon_after_does() -> None:
    pardoned = refused(FRESH, 60.0, accepted=1000)
    assert refused(pardoned, 61.0, accepted=3).rate < 5.0


def test_a_long_pause_is_not_pardoned() -> None:
    assert refused(FRESH, 60.0, accepted=1000, pause=5.0).rate == 5.0
    assert refused(FRESH, 60.0, accepted=1000, pause=5.1).rate < 5.0


# Growing


def test_nothing_grows_in_the_first_thirty_seconds() -> None:
    lowered = refused(FRESH, 0.0)
    assert used(lowered, 29.9).rate == 2.5
    assert used(lowered, 30.0).rate > 2.5


def test_far_from_the_wall_it_grows_by_a_tenth_of_what_is_configured_a_minute() -> None:
    lowered = used(replace(refused(FRESH, 0.0), rate=1.0, wall=5.0), 60.0, seconds=60.0)
    assert lowered.rate == pytest.approx(1.5)


def test_near_the_wall_it_grows_by_half_of_what_is_missing_in_thirty_seconds() -> None:
    near = used(replace(FRESH, rate=2.0, wall=2.2, probe_at=after(600)), 60.0, seconds=30.0)
    assert near.rate == pytest.approx(math.sqrt(2.0 * 2.2))


def test_it_is_held_just_below_the_wall_until_it_may_be_tried_again() -> None:
    lowered = used_until(replace(refused(FRESH, 0.0), rate=2.0, wall=2.5), 30.0, 590.0)
    assert lowered.rate == HOLD * 2.5
    assert is_held(lowered)
    assert used(lowered, 599.9).rate == HOLD * 2.5
    assert used(lowered, 600.0).rate == pytest.approx(HOLD * 2.5 * 1.01)
    trying = used_until(lowered, 600.0, 660.0)
    assert trying.rate == pytest.approx(HOLD * 2.5 * 1.01**4)


def test_the_limit_counts_as_found_within_a_hundredth_of_where_the_rate_is_held() -> None:
    held = replace(FRESH, rate=0.99 * HOLD * 2.5, wall=2.5)
    assert [is_held(each) for each in (held, replace(held, rate=2.37), FRESH)] == [True, False, False]


def test_a_wall_that_is_passed_by_a_tenth_is_forgotten_with_what_was_sure() -> None:
    passing = replace(FRESH, rate=2.19, wall=2.0, sure=1.5, probe_at=NOON)
    assert used(passing, 60.0) == replace(
        passing, rate=2.19 * (1.0 + 0.04 / 60 * 15.0), wall=None, sure=0.0, accepted=33, pardons=33 * 0.005
    )


def test_when_all_that_is_configured_is_reached_it_is_as_if_nothing_had_been() -> None:
    nearly = replace(FRESH, rate=4.9, wall=5.0 / HOLD, sure=4.0, halved=NOON, probe_at=after(900), failed=1)
    assert used(nearly, 700.0, seconds=600.0) == replace(FRESH, accepted=2940, pardons=1.0)


def test_each_time_the_wall_was_tried_in_vain_it_is_held_longer() -> None:
    held = replace(refused(FRESH, 0.0), rate=HOLD * 2.5, wall=2.5)
    trying = used_until(held, 0.0, 660.0)
    failed = refused(trying, 661.0, accepted=10, pause=10.0)
    assert failed.rate == pytest.approx(HOLD * 2.5, rel=0.05)
    assert (failed.failed, failed.probe_at) == (1, after(661) + timedelta(minutes=15))


def test_a_wall_that_is_passed_is_forgotten_and_all_is_as_before_within_half_an_hour() -> None:
    grown = replace(refused(FRESH, 0.0), rate=HOLD * 5 / 3, wall=5 / 3, probe_at=after(900), failed=3)
    grown = used_until(grown, 0.0, 1800.0)
    assert grown == replace(FRESH, accepted=grown.accepted, pardons=1.0)


def test_where_there_is_no_wall_any_more_it_grows_by_a_tenth_a_minute() -> None:
    passed = replace(FRESH, rate=2.0, wall=None)
    assert used(passed, 60.0, seconds=60.0).rate == pytest.approx(2.2)
    assert refused(passed, 60.0).failed == 0  # halved: it was not the wall that was tried


def test_what_is_not_used_proves_nothing() -> None:
    """An account that asks for less than it may is not limited by it."""
    lowered = refused(FRESH, 0.0)
    assert used(lowered, 60.0, share=0.7).rate == 2.5
    assert used(lowered, 60.0, share=0.8).rate > 2.5
    assert clean(lowered, now=after(60), seconds=32.0, accepted=59).rate == 2.5
    assert clean(lowered, now=after(60), seconds=32.0, accepted=60).rate > 2.5
    assert clean(lowered, now=after(60), seconds=1.0, accepted=2).rate > 2.5


def test_a_clock_that_went_back_makes_nothing_grow() -> None:
    assert clean(replace(FRESH, rate=2.0), now=after(60), seconds=-10.0, accepted=20).rate == 2.0


# Kept


def test_nothing_is_kept_where_nothing_was_learnt() -> None:
    assert recalled(5.0, None, NOON) == FRESH
    assert learnt_rate(FRESH) is None


def test_what_was_learnt_holds_after_a_restart_and_its_first_429_is_pardoned() -> None:
    kept = LearntRate(rate=1.6, wall=1.7, probe_at=after(100))
    again = recalled(5.0, kept, NOON)
    assert again == Allowance(configured=5.0, rate=1.6, since=NOON, wall=1.7, probe_at=after(100), pardons=1.0)
    assert learnt_rate(again) == kept
    assert refused(again, 1.0).rate == 1.6


def test_less_is_configured_than_was_learnt() -> None:
    for configured in (1.0, 1.6):
        again = recalled(configured, LearntRate(rate=1.6, wall=1.7), NOON)
        assert again == Allowance(configured=configured, rate=configured, since=NOON)


def test_more_is_configured_than_before_and_it_may_grow_there() -> None:
    again = recalled(20.0, LearntRate(rate=1.6, wall=1.7, probe_at=NOON), NOON)
    assert again.rate == 1.6
    assert used_until(again, 0.0, 3600.0).rate == 20.0


def test_a_time_to_try_again_that_is_missing_or_too_far_away_is_brought_near() -> None:
    for probe_at in (None, after(1e6)):
        assert recalled(5.0, LearntRate(rate=1.6, wall=1.7, probe_at=probe_at), NOON).probe_at == NOON + HELD_MOST


@pytest.mark.parametrize(
    "odd",
    [
        LearntRate(rate=math.nan),
        LearntRate(rate=0.0),
        LearntRate(rate=-1.0),
        LearntRate(rate=math.inf),
        LearntRate(rate=1.0, wall=math.nan),
        LearntRate(rate=1.0, wall=0.0),
    ],
)
def test_what_is_no_figure_was_not_learnt(odd: LearntRate) -> None:
    assert recalled(5.0, odd, NOON) == FRESH


# In flight


@pytest.mark.parametrize(
    ("rate", "latency", "most"),
    [(5.0, 0.04, 2), (5.0, 2.0, 20), (0.1, 2.0, 2), (5.0, 15.0, 64), (1e6, 0.01, 64), (5.0, 0.31, 4), (5.0, 1e308, 64)],
)
def test_in_flight_may_be_twice_what_the_rate_needs_at_that_latency(rate: float, latency: float, most: int) -> None:
    assert in_flight_most(64, rate, latency) == most
    assert in_flight_most(1, rate, latency) == 1


@given(
    st.integers(1, 1000), st.floats(1e-4, 1e6), st.floats(0, 1e9), st.sampled_from(["rate", "latency", "concurrency"])
)
def test_more_of_anything_lets_no_fewer_fly(concurrency: int, rate: float, latency: float, more: str) -> None:
    before = in_flight_most(concurrency, rate, latency)
    assert min(concurrency, 2) <= before <= concurrency
    factors = {name: 2 if name == more else 1 for name in ("rate", "latency", "concurrency")}
    assert before <= in_flight_most(
        concurrency * factors["concurrency"], rate * factors["rate"], latency * factors["latency"]
    )


# Whatever happens


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A 429, or a stretch without, so many seconds after the last (or before: a clock that goes back)."""

    refused: bool
    seconds: float
    accepted: int
    late: float
    pause: float | None


happenings = st.lists(
    st.builds(
        Happening,
        refused=st.booleans(),
        seconds=st.one_of(st.floats(0, 200), st.floats(-1e5, 1e6)),
        accepted=st.one_of(st.integers(0, 300), st.integers(-5, 10**9)),
        late=st.floats(-100, 100),
        pause=st.one_of(st.none(), st.floats(0, 4000)),
    ),
    max_size=40,
)
learnts = st.one_of(
    st.none(),
    st.builds(
        LearntRate,
        rate=st.floats(),
        wall=st.one_of(st.none(), st.floats()),
        probe_at=st.one_of(
            st.none(),
            st.datetimes(max_value=FAR).map(lambda at: at.replace(tzinfo=UTC)),
        ),
    ),
)


@given(st.floats(1e-4, 1e6), learnts, happenings)
@example(1e-4, LearntRate(rate=5e-5, wall=5e-324), [])
def test_the_rate_stays_within_its_bounds_and_moves_only_the_right_way(
    configured: float, learnt: LearntRate | None, happened: list[Happening]
) -> None:
    now = NOON
    allowance = recalled(configured, learnt, now)
    halved: list[datetime] = []
    for each in happened:
        now += timedelta(seconds=each.seconds)
        before = allowance
        if each.refused:
            asked, pause = now - timedelta(seconds=each.late), each.pause
            allowance = throttled(
                before,
                asked=asked,
                answered=now,
                accepted=each.accepted,
                pause=None if pause is None else timedelta(seconds=pause),
            )
            assert before.rate / 2 <= allowance.rate <= before.rate
            assert asked >= before.since or allowance.rate == before.rate
            if allowance.halved is not None and allowance.halved != before.halved:
                halved.append(now)
        else:
            allowance = clean(before, now=now, seconds=each.seconds, accepted=each.accepted)
            assert allowance.rate >= before.rate
        assert min(LEAST, configured) <= allowance.rate <= configured
        assert 0.0 <= allowance.pardons <= 1.0
        assert 0.0 <= allowance.sure < math.inf
        assert allowance.wall is None or 0.0 < allowance.wall < math.inf
        assert allowance.accepted >= 0
        kept = learnt_rate(allowance)
        assert kept is None or recalled(configured, kept, now).rate == allowance.rate
    for sooner, later in pairwise(halved):
        assert later - sooner >= SETTLES or later < sooner
