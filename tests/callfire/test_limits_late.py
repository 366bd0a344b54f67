"""The budget where requests leave later than their tokens, in time that is turned: what connecting, and a loop that stands still,
may do to the moments when requests are written."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.faults.times import VirtualLoop, played
from watcher.callfire.limits import Budget

RATE: Final = 8.0
PERIOD: Final = 1 / RATE
NOISE: Final = 0.02
"""Of a period: the throttle sleeps a little too long rather than too short."""
WAITS: Final = st.one_of(st.just(0.0), st.floats(0.0, PERIOD), st.floats(0.0, 20 * PERIOD))


class Sent(NamedTuple):
    """When a request had its token, and when it was written, in periods."""

    given: float
    written: float


def sent(connecting: Sequence[float], stalls: Sequence[tuple[float, float]] = (), owners: int = 1) -> list[Sent]:
    """One request for each token, that connects for so many seconds; at some moments the loop stands still for some time. Each of
    the owners in turn has all of them, and is killed soon after its last token."""
    loop = VirtualLoop()
    out: list[Sent] = []

    async def ask(budget: Budget, late: float, alive: list[bool]) -> None:
        given = loop.time() / PERIOD
        await asyncio.sleep(late)
        await budget.on_time()
        if alive[0]:
            out.append(Sent(given, loop.time() / PERIOD))

    def stand_still(seconds: float) -> None:
        loop.passed += seconds

    async def story() -> None:
        for at, seconds in stalls:
            loop.call_later(at, stand_still, seconds)
        async with asyncio.TaskGroup() as group:
            for number in range(1, owners + 1):
                budget, alive = Budget(RATE), [True]
                for late in connecting:
                    await budget.token()
                    group.create_task(ask(budget, late, alive), name="request")
                if number < owners:
                    await asyncio.sleep(PERIOD / 4)
                    alive[0] = False

    played(story(), loop)
    return out


def too_many(out: Sequence[Sent]) -> float:
    """By how many requests the worst of all windows is over what the rate allows. Any may have one, by the moment it begins."""
    times = [each.written for each in out]
    return max(
        last - first + 1 - (times[last] - times[first]) for last in range(len(times)) for first in range(last + 1)
    )


@given(
    st.lists(WAITS, min_size=1, max_size=30),
    st.lists(st.tuples(st.floats(0.0, 40 * PERIOD), WAITS), max_size=4),
    st.integers(1, 3),
)
def test_no_window_has_more_than_one_and_a_half_too_many_however_late_they_leave(
    connecting: list[float], stalls: list[tuple[float, float]], owners: int
) -> None:
    """Which leaves half a period to the way to CallFire, also where owners were killed in between."""
    assert too_many(sent(connecting, stalls, owners)) <= 1.5 + 1e-6


@given(WAITS, st.lists(st.floats(0.0, PERIOD / 2), min_size=20, max_size=20))
def test_connecting_that_takes_about_as_long_each_time_costs_no_requests(always: float, more: list[float]) -> None:
    """Half a period comes and goes, and nobody waits for it."""
    for number, each in enumerate(sent([always + each for each in more])):
        late = (always + more[number]) / PERIOD
        assert each == pytest.approx((1 + number, 1 + number + late), abs=(number + 1) * NOISE)


def test_what_piled_up_goes_out_before_there_are_other_tokens() -> None:
    """Ten requests connect at the same moment, and those after them at once: none of these waits any more."""
    out = sent([*((10 - number) * PERIOD for number in range(10)), *[0.0] * 30])
    assert [each for each in out[12:] if each.written - each.given > NOISE] == []
    assert out[-1].written - out[0].written == pytest.approx(38.5, abs=40 * NOISE)
    assert too_many(out) == pytest.approx(1.5, abs=NOISE)


def test_a_loop_that_stood_still_lets_what_it_held_up_out_one_by_one() -> None:
    out = sent([2.5 * PERIOD] * 12, [(6.1 * PERIOD, 5 * PERIOD)])
    assert len(out) == 12
    assert too_many(out) == pytest.approx(1.5, abs=NOISE)


def test_a_late_one_goes_out_at_once_where_no_other_did_meanwhile() -> None:
    assert sent([20 * PERIOD]) == [pytest.approx((1, 21), abs=2 * NOISE)]
