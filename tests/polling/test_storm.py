"""A CallFire that allows a third of what is configured: the poller finds that out once, and then leaves it in peace.

In virtual time, with the real poller; how long answers take, and other ways to count, are in the benchmark of the same name.
"""

from datetime import datetime, timedelta

import pytest

from tests.fake_store import FakeStore
from tests.fakes import NOON, FakeClock, FakeUpstream, Reply, shows
from tests.limiters import UNTOLD, FixedWindow, Limiter, SlidingWindow, TokenBucket
from tests.polling.world import PROVEN, World, validating
from watcher.core.account import recall
from watcher.core.answers import Answer, Kind
from watcher.core.news import RateLearnt
from watcher.core.schedule import Pace

GREEDY = Pace(worth=0.0, min_interval=0.0)
"""Whatever may be asked is asked."""
WATCHES = [validating(number) for number in range(1, 31)]


class Limited(FakeUpstream):
    """CallFire behind a limiter; everything stays VALIDATING."""

    def __init__(self, clock: FakeClock, limiter: Limiter, *, rate: float) -> None:
        super().__init__(clock, rate=rate)
        self.limiter = limiter
        self.refused: list[datetime] = []

    async def look(self, batch_id: int) -> Answer:
        now = self.clock.now()
        verdict = self.limiter.ask((now - NOON).total_seconds())
        if verdict is None:
            self.script(batch_id, shows("VALIDATING"))
        else:
            self.refused.append(now)
            wait = None if verdict == UNTOLD else timedelta(seconds=verdict)
            self.script(batch_id, Reply(kind=Kind.THROTTLED, outcome="429", retry_after=wait))
        return await super().look(batch_id)

    def share_refused(self, since: datetime) -> float:
        """Of the requests sent from then on."""
        sent = sum(at >= since for at, _ in self.asked)
        return sum(at >= since for at in self.refused) / sent


def world_of(upstream: Limited, store: FakeStore | None = None) -> World:
    record = None if store is None else store.records["default"]
    account = PROVEN if record is None else recall("default", "mine", record)
    watches = WATCHES if store is None else []
    return World(*watches, account=account, pace=GREEDY, clock=upstream.clock, store=store, upstream=upstream)


STORMS: dict[str, tuple[float, float, Limiter]] = {
    "any second, as the simulator counts": (6.0, 2.0, SlidingWindow(2.0, seconds=1.0)),
    "any ten seconds": (5.0, 1.7, SlidingWindow(1.7, seconds=10.0)),
    "a bucket": (5.0, 5 / 3, TokenBucket(5 / 3, burst=8.0)),
    "a bucket that does not say when": (9.0, 3.0, TokenBucket(3.0, burst=15.0, retry_after=UNTOLD)),
    "every ten seconds": (5.0, 1.7, FixedWindow(1.7, seconds=10.0)),
}


@pytest.mark.parametrize("storm", STORMS)
async def test_what_is_allowed_is_found_in_five_minutes_kept_to_and_not_learnt_again_after_a_restart(
    storm: str,
) -> None:
    configured, allowed, limiter = STORMS[storm]
    clock = FakeClock(draws=(0.1, 0.7, 0.4))
    upstream = Limited(clock, limiter, rate=configured)
    async with world_of(upstream) as world:
        await world.step_for(300)
        settled = clock.now()
        for _ in range(20):
            assert world.poller.view().effective_rate == pytest.approx(allowed, rel=0.1)
            await world.step_for(60)
        assert upstream.share_refused(settled) < 0.02
        first = next(news for news in world.ear.heard if isinstance(news, RateLearnt))
        assert (first.previous, first.configured, first.reason) == (configured, configured, "lowered")
    again = Limited(clock, limiter, rate=configured)
    async with world_of(again, world.store) as world:
        restarted = clock.now()
        assert world.poller.view().effective_rate == pytest.approx(allowed, rel=0.1)
        for _ in range(5):
            await world.step_for(60)
            assert world.poller.view().effective_rate == pytest.approx(allowed, rel=0.1)
        assert again.share_refused(restarted) < 0.02
        assert next(news.reason for news in world.ear.heard if isinstance(news, RateLearnt)) == "kept"


async def test_a_limit_that_is_lifted_is_noticed_within_half_an_hour() -> None:
    clock = FakeClock()
    upstream = Limited(clock, TokenBucket(5 / 3, burst=3.0), rate=5.0)
    async with world_of(upstream) as world:
        await world.step_for(600)
        upstream.limiter.limit(1000.0)
        await world.step_for(1800)
        assert world.poller.view().effective_rate == 5.0
        last = world.ear.of(RateLearnt)[-1]
        assert isinstance(last, RateLearnt)
        assert (last.rate, last.configured, last.reason) == (5.0, 5.0, "restored")
        await world.step_for(70)
        assert world.store.records["default"].learnt_rate is None


async def test_a_limit_that_halves_is_followed() -> None:
    clock = FakeClock()
    upstream = Limited(clock, SlidingWindow(4.0, seconds=1.0), rate=12.0)
    async with world_of(upstream) as world:
        await world.step_for(600)
        upstream.limiter.limit(2.0)
        halved = clock.now()
        await world.step_for(300)
        assert world.poller.view().effective_rate == pytest.approx(2.0, rel=0.1)
        assert upstream.share_refused(halved) < 0.05
        settled = clock.now()
        await world.step_for(1200)
        assert upstream.share_refused(settled) < 0.02
