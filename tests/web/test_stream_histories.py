"""Over any history of events, of clients that come, break off and come again, of a store that fails now and then, and of old
events that are deleted, each client gets each event it wants once and in order, or is told of the gap that it is in."""

import asyncio
import contextlib

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fake_store import FakeStore
from tests.fakes import FakeClock, settle_down
from tests.telemetry.every_news import changed
from tests.web.hearing import Hearer
from tests.web.house import House, open_house
from watcher.core.model import Key, Recorded
from watcher.core.recovering import Cutoffs, Forgotten
from watcher.ports import Wish
from watcher.web.event_stream import SLICE

WANTED = ("", "type=batch.new", "label=team:north")
LARGE = "x" * (SLICE // 2)
"""So that an event or two are written at once."""


class Follower:
    """A client that comes again with the last id it has, as often as it is told to, and keeps what it got."""

    def __init__(self, house: House, query: str) -> None:
        self.got: list[int] = []
        self.gaps: set[int] = set()
        self.last = 0
        self._house = house
        self._query = query
        self._task: asyncio.Task[None] | None = None

    def come(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name="follower")

    async def leave(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _listen(self) -> None:
        headers = {"Last-Event-ID": str(self.last)}
        with contextlib.suppress(aiohttp.ClientError, asyncio.IncompleteReadError):
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self._house.url}/v1/events/stream?{self._query}", headers=headers) as response,
            ):
                if response.status != 200:  # the store failed just then
                    return
                hearer = Hearer(response)
                while True:
                    event = await hearer.next()
                    if event.event == "error":
                        return
                    if event.event == "gap":
                        self.gaps.update(range(event.data["from"], event.data["to"] + 1))
                    elif event.data is not None:
                        self.got.append(event.data["position"])
                    self.last = event.id if event.id is not None else self.last


STEPS = st.one_of(
    st.tuples(st.just("happen"), st.integers(1, 3)),
    st.tuples(st.just("go_on"), st.integers(0, 30)),
    st.tuples(st.just("come"), st.integers(0, 2)),
    st.tuples(st.just("leave"), st.integers(0, 2)),
    st.tuples(st.just("fail"), st.integers(0, 30)),
    st.tuples(st.just("forget"), st.integers(0, 2)),
    st.tuples(st.just("turns"), st.integers(1, 40)),
)


class Day:
    """What happens, step by step: each begins while what was begun before may still be under way."""

    def __init__(self, house: House, store: FakeStore) -> None:
        self.followers = [Follower(house, query) for query in WANTED]
        self._house = house
        self._store = store
        self.log: list[Recorded] = []  # also what is deleted later
        self._steps: list[asyncio.Task[None]] = []
        self._batches = 0

    async def happen(self, events: int) -> None:
        for _ in range(events):
            self._batches += 1
            labels = {"team": "north", "more": LARGE} if self._batches % 2 else None
            wish = Wish(key=Key("default", self._batches), labels=labels)
            await self._store.follow([wish], self._house.clock.now())
            await self._house.see(self._batches, "NEW", "ACTIVE")
        self.log += [event for event in self._store.log if event not in self.log]

    async def forget(self, left: int) -> None:
        """All events but for so many of the newest; the loop is not days behind."""
        await self.go_on(0)
        await asyncio.gather(*self._steps)
        if len(self._store.log) > left:
            cutoff = self._store.log[-left].at if left else self._house.clock.now()
            await self._store.forget(Cutoffs(events=cutoff, deliveries=cutoff, broadcasts=cutoff), Forgotten(), 10_000)

    async def go_on(self, turns: int) -> None:
        if not self._steps or self._steps[-1].done():
            self._house.streams.hear(changed())
            self._steps.append(asyncio.create_task(self._house.streams.events.step(), name="step"))
        await settle_down(turns)

    async def fail(self, turns: int) -> None:
        self._store.failing.add("events")
        await self.go_on(turns)
        self._store.failing.clear()

    async def come(self, number: int) -> None:
        self.followers[number].come()

    async def leave(self, number: int) -> None:
        await self.followers[number].leave()

    async def turns(self, turns: int) -> None:
        await settle_down(turns)

    async def end(self) -> None:
        """All come again, and hear up to the end of the log."""
        await asyncio.gather(*self._steps)
        last = (await self._store.log_span()).last
        while any(each.last < last for each in self.followers):
            for each in self.followers:
                each.come()
            await settle_down()
            await self._house.streams.events.step()
        for each in self.followers:
            await each.leave()


async def live(history: list[tuple[str, int]]) -> None:
    store = FakeStore(FakeClock())
    async with asyncio.timeout(60), open_house(store=store) as house:
        day = Day(house, store)
        for name, much in history:
            await getattr(day, name)(much)
        await day.end()
        wanted = [
            [event.position for event in day.log],
            [event.position for event in day.log if event.type == "batch.new"],
            [event.position for event in day.log if b'"team"' in event.body],
        ]
        for follower, positions in zip(day.followers, wanted, strict=True):
            got = set(follower.got)
            assert follower.got == [position for position in positions if position in got]
            assert set(positions) - got <= follower.gaps


@settings(deadline=None, max_examples=25)
@given(st.lists(STEPS, max_size=25))
def test_every_client_gets_every_event_once_and_in_order(history: list[tuple[str, int]]) -> None:
    asyncio.run(live(history))
