"""Two replicas among fakes: one polls the account, the other hears of it and is asked about it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

from tests.fakes import Ear, Errands, FakeClock, StillClock, settle_down
from tests.polling.world import World
from tests.talking_store import TalkingStore
from watcher.core.model import Watch
from watcher.polling.desk import Desk
from watcher.polling.following import Polling
from watcher.polling.hearing import Ends, Hearing, ends_of
from watcher.ports import Clock, WordKind

T = TypeVar("T")


class Listener:
    """A replica's hearing: what it told whoever waits there is in `ear`, and which kinds were to be heeded in `heeded`."""

    def __init__(self, polling: Polling, store: TalkingStore, clock: Clock, errands: Errands, begin: Ends) -> None:
        self.ear = Ear()
        self.heeded: list[WordKind] = []
        kinds: tuple[WordKind, ...] = ("endpoint", "token", "freed")
        self.hearing = Hearing(
            polling,
            store=store,
            clock=clock,
            errand=errands,
            begin=begin,
        )
        self.hearing.listen(self.ear)
        for kind in kinds:
            self.hearing.heed(kind, self._heed(kind))

    def _heed(self, kind: WordKind) -> Callable[[], Awaitable[None]]:
        async def heed() -> None:
            self.heeded.append(kind)

        return heed


class Replicas:
    """Enter it to load the watches into the owner's poller. `owner` polls account default, `other` nothing."""

    def __init__(self, *watches: Watch, clock: FakeClock | None = None, **world: Any) -> None:
        self.clock = clock or FakeClock()
        self.store = TalkingStore(self.clock)
        self.there = self.store.beside("two")
        self.owner = World(*watches, clock=self.clock, store=self.store, **world)
        self.errands = Errands()
        self.ear = Ear()
        self.waiting = StillClock()
        self.other = Polling(
            {}, store=self.there, clock=self.waiting, tell=self.ear, rates={"default": 5.0, "nobodys": 2.0}
        )
        self.desk = Desk(self.other, store=self.there)

    async def __aenter__(self) -> Self:
        await self.owner.__aenter__()
        await self.errands.__aenter__()
        begin = await ends_of(self.store)
        self.at_owner = Listener(self.owner.polling, self.store, self.clock, self.owner.errands, begin)
        self.at_other = Listener(self.other, self.there, self.waiting, self.errands, begin)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.errands.__aexit__()
        await self.owner.__aexit__()

    async def hear(self) -> None:
        """Each reads what there is."""
        for listener in (self.at_owner, self.at_other):
            await listener.hearing.read()
            await settle_down()

    async def answered(self, question: Awaitable[T]) -> T:
        """What came of a question that one asks at the other replica."""
        asked = asyncio.ensure_future(question)
        await settle_down()
        await self.hear()
        assert asked.done()
        return await asked
