"""How an account stands is kept once, also where the store does not say whether it did; a pause lasts as long as it was to."""

from datetime import datetime, timedelta

import pytest

from tests.fakes import FAILS, REFUSES, FakeClock, Reply, shows
from tests.polling.world import World, unseen
from watcher.core.answers import Kind
from watcher.ports import UnknownOutcome


async def lose_the_answer() -> None:
    raise UnknownOutcome("whether it was done is not known")


async def test_what_was_kept_of_an_account_without_our_knowing_is_not_told_twice_and_holds_nothing_up() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, REFUSES, REFUSES, REFUSES, shows("VALIDATING"))
        world.store.meanwhile["save_account"] = lose_the_answer
        await world.step_until(lambda: world.store.done["save_account"] == 1)
        await world.poller.resume()
        await world.step_until(lambda: len(world.told) == 3)
        assert world.told == [("account.refused", 1), ("account.recovered", 2), ("batch.validating", 1)]
        assert world.store.records["default"].refused is False


async def test_what_was_not_kept_of_an_account_without_our_knowing_is_kept_later() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, REFUSES)
        world.store.meanwhile["save_account"] = lose_the_answer
        await world.step_until(lambda: world.store.done["save_account"] == 1)
        world.store.log.clear()
        world.store.records.clear()
        await world.poller.standing.save()
        assert world.told == [("account.refused", 1)]
        assert world.store.records["default"].refused is True


class SetClock(FakeClock):
    """One that somebody sets, and another that goes on as it did."""

    def __init__(self, *, draw: float = 0.0) -> None:
        super().__init__(draws=(draw,))
        self.ahead = timedelta(0)

    def monotonic(self) -> float:
        return (self.now() - self.ahead).timestamp()

    def set(self, by: timedelta) -> None:
        self.ahead += by
        self.turn(seconds=by.total_seconds())


WAIT = Reply(kind=Kind.THROTTLED, outcome="429", retry_after=timedelta(minutes=10))
SETTINGS = (timedelta(days=1), timedelta(hours=-1), timedelta(seconds=40), timedelta(0))


@pytest.mark.parametrize("by", SETTINGS)
@pytest.mark.parametrize(("reply", "minutes"), [(WAIT, 10), (REFUSES, 15)])
async def test_a_pause_lasts_as_long_as_it_was_to_however_the_clock_is_set_meanwhile(
    by: timedelta, reply: Reply, minutes: int
) -> None:
    clock = SetClock()
    async with World(unseen(1), clock=clock) as world:
        asked = 3 if reply is REFUSES else 1
        world.upstream.script(1, *[reply] * asked, shows("VALIDATING"))
        await world.step_until(lambda: len(world.upstream.asked) == asked)
        began = clock.monotonic()
        await world.step_for(60.0)
        clock.set(by)
        await world.step_until(lambda: len(world.upstream.asked) > asked)
        assert minutes * 60 <= clock.monotonic() - began < minutes * 60 + 16


@pytest.mark.parametrize("by", SETTINGS)
@pytest.mark.parametrize(("reply", "first", "minutes"), [(REFUSES, 3, 60), (FAILS, 5, 0.15)])
async def test_a_probe_that_fails_brings_the_next_pause_however_the_clock_was_set_in_the_last_one(
    by: timedelta, reply: Reply, first: int, minutes: float
) -> None:
    """Set back, it was taken for an answer to what was asked before the trouble began."""
    clock = SetClock(draw=0.9)
    async with World(unseen(1), clock=clock) as world:
        world.upstream.script(1, *[reply] * (first + 1), shows("VALIDATING"))
        await world.step_until(lambda: len(world.upstream.asked) == first)
        clock.set(by)
        await world.step_until(lambda: len(world.upstream.asked) == first + 1, most=1000)
        began = clock.monotonic()
        await world.step_until(lambda: len(world.upstream.asked) > first + 1, most=1000)
        assert clock.monotonic() - began >= minutes * 60


async def test_a_pause_that_was_moved_with_the_clock_is_kept_so() -> None:
    """A restart goes by what is kept."""
    clock = SetClock()
    async with World(unseen(1), clock=clock) as world:
        world.upstream.script(1, WAIT)
        await world.step_until(lambda: "default" in world.store.records)
        before = world.store.records["default"].probe_at
        clock.set(timedelta(days=1))
        await world.step()
        await world.poller.standing.save()
        assert world.store.records["default"].probe_at == moved(before, timedelta(days=1))


def moved(at: datetime | None, by: timedelta) -> datetime:
    assert at is not None
    return at + by
