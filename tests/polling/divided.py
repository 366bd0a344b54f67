"""Two replicas among fakes, each with a part of one account; or one that has both."""

import asyncio
from collections.abc import Awaitable
from typing import Self, TypeVar

import pytest

from tests.fakes import Ear, Errands, FakeClock, FakeUpstream, StillClock, settle_down
from tests.polling.replicas import Listener
from tests.talking_store import TalkingStore
from watcher.core.account import Account
from watcher.core.model import Watch
from watcher.core.news import News
from watcher.core.parts import Part, parts_of
from watcher.core.schedule import Pace
from watcher.core.transitions import Rules
from watcher.polling.desk import Desk
from watcher.polling.following import Polling
from watcher.polling.hearing import ends_of
from watcher.polling.parting import OfPart
from watcher.polling.poller import Poller
from watcher.polling.standing import Rates
from watcher.ports import Lease

T = TypeVar("T")
OF = 2
ONE, TWO = parts_of("default", OF)
FIRST = next(broadcast for broadcast in range(1, 100) if ONE.lists(broadcast))
SECOND = next(broadcast for broadcast in range(1, 100) if TWO.lists(broadcast))
IN_ONE = [batch for batch in range(1, 100) if ONE.lists(batch)]
"""Batches that the first part polls as long as their broadcasts are not known."""
IN_TWO = [batch for batch in range(1, 100) if TWO.lists(batch)]


class Replica:
    """A process that polls some of the parts, five requests a second in all. Its pollers stand still until they are stepped."""

    def __init__(self, name: str, store: TalkingStore, clock: FakeClock, *parts: Part, account: Account) -> None:
        self.ear = Ear()
        self.clock = clock
        self.store = store.beside(name)
        self.errands = Errands()
        self.polling = Polling(
            {}, store=self.store, clock=clock, tell=self.tell, rates={"default": 5.0}, divided={"default": OF}
        )
        self.desk = Desk(self.polling, store=self.store)
        self.upstreams = {part: FakeUpstream(clock, rate=2.5) for part in parts}
        self.pollers = {part: self._poller(part, account) for part in parts}

    def tell(self, news: News) -> None:
        self.ear(news)
        self.polling.hear(news)

    def _poller(self, part: Part, account: Account) -> Poller:
        held = self.store.held(Lease(share=part.share, epoch=1))
        return Poller(
            account,
            rates=Rates(rate=2.5, concurrency=2),
            pace=Pace(),
            rules=Rules(),
            upstream=self.upstreams[part],
            store=held,
            accounts=OfPart(part, held),
            clock=self.clock,
            tell=self.tell,
            errand=self.errands,
            part=part,
            moved=self.polling.moved,
        )

    async def begin(self) -> None:
        await self.errands.__aenter__()
        for part, poller in self.pollers.items():
            await self.polling.admit(part.share, poller, self.store.held(Lease(share=part.share, epoch=1)))
            await poller.load()
        self.listener = Listener(self.polling, self.store, self.clock, self.errands, await ends_of(self.store))
        self.listener.hearing.listen(self.polling.hear)

    async def step(self, part: Part, times: int = 1) -> None:
        for _ in range(times):
            await self.pollers[part].step()
            await settle_down()

    def has(self, part: Part) -> list[int]:
        """The batches that the part polls."""
        roster = self.pollers[part].roster
        return sorted(roster.batch_id[roster.live].tolist())


class Divided:
    """Enter it to load the watches. `one` has the first part, `two` the second; or, where it is `alone`, `one` has both."""

    def __init__(self, *watches: Watch, alone: bool = False, account: Account | None = None) -> None:
        self.clock = StillClock()
        self.store = TalkingStore(self.clock)
        self.store.put(*watches)
        account = account or Account(name="default", credentials="mine", proven=True)
        self.one = Replica("one", self.store, self.clock, *((ONE, TWO) if alone else (ONE,)), account=account)
        self.two = self.one if alone else Replica("two", self.store, self.clock, TWO, account=account)

    async def __aenter__(self) -> Self:
        for each in self.each:
            await each.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in self.each:
            await each.errands.__aexit__()

    @property
    def each(self) -> list[Replica]:
        return list(dict.fromkeys((self.one, self.two)))

    async def hear(self) -> None:
        for _ in range(2):
            for each in self.each:
                await each.listener.hearing.read()
                await settle_down()

    async def answered(self, question: Awaitable[T]) -> T:
        """What came of a question, which the other replica is asked."""
        asked = asyncio.ensure_future(question)
        await settle_down()
        await self.hear()
        assert asked.done()
        return await asked

    @property
    def polled(self) -> tuple[list[int], list[int]]:
        return self.one.has(ONE), self.two.has(TWO)


both_ways = pytest.mark.parametrize("alone", [True, False])
"""Both parts at one replica, and at one each."""
