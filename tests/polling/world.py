"""One account's poller among fakes, and all that it was told to follow."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self

from tests.fake_store import FakeStore
from tests.fakes import NOON, Ear, Errands, FakeClock, FakeUpstream, come_to_rest
from watcher.core.account import Account
from watcher.core.model import VALIDATING, Key, Watch
from watcher.core.schedule import Pace
from watcher.core.submissions import Caution
from watcher.core.transitions import Rules
from watcher.polling.following import Polling
from watcher.polling.poller import Poller
from watcher.polling.standing import Rates

UNKNOWN = Account(name="default", credentials="mine")
PROVEN = replace(UNKNOWN, proven=True)


def unseen(batch_id: int, **fields: object) -> Watch:
    """A watch that was never looked at: it goes first."""
    return replace(Watch(account="default", batch_id=batch_id, opened=NOON), **fields)  # type: ignore[arg-type]


def validating(batch_id: int, *, seen: datetime = NOON, **fields: object) -> Watch:
    """A watch whose batch was seen VALIDATING, at noon where nothing else is said."""
    return unseen(
        batch_id,
        **{"version": 1, "number": 1, "status": VALIDATING, "since": seen, "asked": seen, "answered": seen, "looks": 1}
        | fields,
    )


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class World:
    """Enter it to load the watches into the poller; leave it to cancel what still flies. Five tokens a second."""

    def __init__(
        self,
        *watches: Watch,
        account: Account = PROVEN,
        concurrency: int = 4,
        pace: Pace | None = None,
        rules: Rules | None = None,
        clock: FakeClock | None = None,
        store: FakeStore | None = None,
        upstream: FakeUpstream | None = None,
        caution: Caution | None = None,
    ) -> None:
        self.clock = clock or FakeClock()
        self.ear = Ear()
        self.store = store or FakeStore(self.clock)
        self.store.put(*watches)
        self.upstream = upstream or FakeUpstream(self.clock)
        self.errands = Errands()
        self.poller = Poller(
            account,
            rates=Rates(rate=self.upstream.effective_rate, concurrency=concurrency),
            pace=pace or Pace(),
            rules=rules or Rules(),
            upstream=self.upstream,
            store=self.store,
            accounts=self.store,
            clock=self.clock,
            tell=self.ear,
            errand=self.errands,
            caution=caution,
        )
        self.polling = Polling({"default": self.poller}, store=self.store, clock=self.clock, tell=self.ear)

    async def __aenter__(self) -> Self:
        await self.errands.__aenter__()
        await self.poller.load()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.errands.__aexit__()

    async def step(self, times: int = 1) -> None:
        """So many steps, and after each whatever can happen without time passing."""
        for _ in range(times):
            await self.poller.step()
            await come_to_rest()

    async def step_until(self, reached: Callable[[], bool], most: int = 200) -> None:
        """Steps until it is so; fails where it does not become so."""
        for _ in range(most):
            if reached():
                return
            await self.step()
        raise AssertionError("it did not come to that")

    async def step_for(self, seconds: float) -> None:
        """Steps until so much time has passed."""
        end = self.clock.now() + timedelta(seconds=seconds)
        await self.step_until(lambda: self.clock.now() >= end, most=10_000)

    def stored(self, batch_id: int) -> Watch:
        return self.store.watches[Key("default", batch_id)]

    @property
    def told(self) -> list[tuple[str, int]]:
        """Type and number of all events that were committed, in order."""
        return [(event.type, event.number) for event in self.store.log]
