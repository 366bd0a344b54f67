"""The budget: tokens are never closer than the rate allows, whatever the machine is busy with."""

import asyncio
import math
import time

import pytest

from tests.chaos.faults.times import VirtualLoop, in_turned_time, played
from watcher.callfire.limits import Budget, NotOurs

Taken = tuple[float, float]
"""When a token was asked for, and when it was there: it was handed out somewhere in between."""


async def tokens(budget: Budget, count: int) -> list[Taken]:
    taken = []
    for _ in range(count):
        asked = time.monotonic()
        await budget.token()
        taken.append((asked, time.monotonic()))
    return taken


@pytest.mark.parametrize(("rate", "count"), [(2000.0, 200), (400.0, 40), (50.0, 8), (12.5, 3)])
async def test_no_window_has_more_than_the_rate_allows_and_one(rate: float, count: int) -> None:
    """Exact on any machine: a token that is noticed late makes the window it is counted in longer, not shorter."""
    taken = await tokens(Budget(rate), count)
    for first in range(count):
        for last in range(first, count):
            window = taken[last][1] - taken[first][0]
            assert last - first + 1 <= rate * window + 1 + 1e-6


async def test_the_first_token_of_a_new_owner_comes_a_period_later() -> None:
    """What the last owner spent is not known."""
    [(asked, there)] = await tokens(Budget(20), 1)
    assert there - asked >= 1 / 20


@pytest.mark.parametrize("rate", [20.0, 600.0])
async def test_a_new_owners_period_begins_when_it_became_that(rate: float) -> None:
    """So that it can load what there is meanwhile: who asks later than a period after it gets a token at once."""
    budget = Budget(rate)
    await budget.token()
    owned = time.monotonic()
    budget.own(lambda: True)
    [(_, there)] = await tokens(budget, 1)
    assert there - owned >= 1 / rate
    budget.own(lambda: True)
    await asyncio.sleep(1.5 / rate)
    assert await budget.token(within=0.0)


@in_turned_time
async def test_tokens_that_nobody_took_are_not_saved_up() -> None:
    budget = Budget(50)
    await budget.token()
    await asyncio.sleep(0.1)
    taken = await tokens(budget, 3)
    assert taken[-1][1] - taken[0][0] >= 2 / 50


def test_a_slow_budget_waits_without_polling() -> None:
    """A token every ten seconds, waited for in one sleep: the loop has nothing to do meanwhile. The throttle looks once more."""
    loop = VirtualLoop()
    assert played(Budget(0.1).token(), loop)
    assert loop.passed == pytest.approx(10, abs=0.01)
    assert loop.leaps == 2


@in_turned_time
async def test_a_cancelled_wait_costs_no_token() -> None:
    budget = Budget(5)
    began = time.monotonic()
    await budget.token()
    waiting = asyncio.create_task(budget.token())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await budget.token()
    assert 2 / 5 <= time.monotonic() - began < 3 / 5


async def test_the_spacing_holds_with_more_waiters_too() -> None:
    budget = Budget(100)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(budget.token(), name=f"waiter {number}")
    assert time.monotonic() - began >= 6 / 100


@in_turned_time
async def test_another_rate_counts_from_the_next_token_on() -> None:
    budget = Budget(400)
    await budget.token()
    budget.rate = 5
    assert budget.rate == 5
    slow, again = await tokens(budget, 2)
    assert again[1] - slow[0] >= 1 / 5
    budget.rate = 400
    quick, again = await tokens(budget, 2)
    assert again[1] - quick[0] < 1 / 5


@pytest.mark.parametrize(
    "rates", [(40.0, 400.0), (400.0, 40.0), (40.0, 400.0, 40.0), (400.0, 40.0, 400.0), (1000.0, 50.0)]
)
async def test_between_two_tokens_lies_a_period_of_the_highest_rate_since_the_first(rates: tuple[float, ...]) -> None:
    """A rate that is raised right after a token lets no burst out, nor does one that is lowered and raised again."""
    budget = Budget(rates[0])
    await budget.token()
    taken = await tokens(budget, 1)
    in_force = [rates[0]]
    for rate in rates[1:] * 3:
        budget.rate = rate
        in_force.append(rate)
        taken += await tokens(budget, 1)
    for (asked, _), (_, there), before, now in zip(taken, taken[1:], in_force, in_force[1:], strict=False):
        assert there - asked >= 1 / max(before, now) - 1e-6


def test_a_rate_that_is_lowered_while_one_waits_makes_the_wait_longer_without_polling() -> None:
    async def lowered(budget: Budget) -> bool:
        await budget.token()
        waiting = asyncio.create_task(budget.token(), name="token")
        await asyncio.sleep(0.01)
        budget.rate = 5
        return await waiting

    loop = VirtualLoop()
    assert played(lowered(Budget(20)), loop)
    assert loop.passed == pytest.approx(1 / 20 + 1 / 5, abs=0.01)
    assert loop.leaps == 6


@in_turned_time
async def test_a_rate_that_is_lowered_while_one_waits_does_not_wear_out_the_patience() -> None:
    budget = Budget(20)
    await budget.token()
    waiting = asyncio.create_task(budget.token(0.1), name="token")
    await asyncio.sleep(0.01)
    budget.rate = 1
    assert not await waiting


async def test_a_new_owner_waits_a_period_of_the_rate_in_force_which_may_be_less_than_what_is_configured() -> None:
    budget = Budget(100)
    budget.rate = 10
    [(asked, there)] = await tokens(budget, 1)
    assert there - asked >= 1 / 10 - 1e-3


async def test_a_rate_beyond_what_is_possible_costs_next_to_nothing() -> None:
    """A turn of the loop for each token, or none where its time has come by then; and no timer."""
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn)

    budget, loop = Budget(1e6), asyncio.get_running_loop()
    await budget.token()
    loop.call_soon(turn)
    for _ in range(2000):
        await budget.token()
    assert turns <= 2000


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="requests a second above 0"):
        Budget(rate)
    budget = Budget(1)
    with pytest.raises(ValueError, match="requests a second above 0"):
        budget.rate = rate
    assert budget.rate == 1


async def test_a_new_owner_waits_a_period_though_the_budget_was_used_before() -> None:
    """What another process spent meanwhile is not known."""
    budget = Budget(20)
    await budget.token()
    await asyncio.sleep(1 / 20)
    budget.own(lambda: True)
    [(asked, there)] = await tokens(budget, 1)
    assert there - asked >= 1 / 20


async def test_what_may_be_anothers_by_now_is_not_sent() -> None:
    budget = Budget(1000)
    ours = [True, False]
    budget.own(lambda: ours.pop(0))
    await budget.on_time()
    with pytest.raises(NotOurs):
        await budget.on_time()
