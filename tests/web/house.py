"""The interface on a real socket, with a real store, a following that polls nothing, and a subscribing that sends nothing."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes import NOON, Ear, FakeClock
from tests.fakes_subscribing import FakeSubscribing
from watcher.core.model import Batch, Key, LastLook, Seen
from watcher.core.transitions import Rules, learn
from watcher.ports import (
    AccountView,
    Broadcast,
    BroadcastView,
    BroadcastWish,
    Change,
    Check,
    Eta,
    Explanation,
    Followed,
    FollowedBroadcast,
    Length,
    Lengths,
    Store,
    Wish,
)
from watcher.store.sqlite import open_store
from watcher.web.server import make_app, serve

LENGTHS = Lengths(
    ends=52,
    sizes=(
        Length(smallest=1001, largest=3162, ends=41.3125, p50=4.1875, p90=30.0625),
        Length(smallest=3163, largest=10_000, ends=9.46, p50=None, p90=None),
        Length(smallest=None, largest=None, ends=10.5, p50=0.25, p90=86_400.0),
    ),
)
"""What every account has learnt here."""


class FakeFollowing:
    """Follows in the store only. What is known of looks is what the test says."""

    def __init__(self, store: Store, clock: FakeClock, accounts: Sequence[str]) -> None:
        self.accounts: Sequence[str] = tuple(accounts)
        self.last: dict[Key, LastLook] = {}
        self.next: dict[Key, datetime] = {}
        self.asked: list[Sequence[Wish]] = []
        self.etas: dict[Key, Eta] = {}
        self.explanations: dict[Key, Explanation] = {}
        self.held: dict[str, Any] = {}
        self.views: dict[tuple[str, int], BroadcastView] = {}
        self.silent = False
        self._store = store
        self._clock = clock

    async def follow(self, wishes: Sequence[Wish]) -> list[Followed]:
        self.asked.append(wishes)
        return await self._store.follow(wishes, self._clock.now())

    async def stop(self, key: Key) -> bool:
        return await self._store.stop(key)

    async def follow_broadcast(self, wish: BroadcastWish) -> FollowedBroadcast:
        followed = await self._store.follow_broadcast(wish, self._clock.now())
        self._see(followed.broadcast)
        return followed

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        stopped = await self._store.stop_broadcast(account, broadcast_id)
        for each in await self._store.broadcasts(account):
            self._see(each)
        return stopped

    def _see(self, broadcast: Broadcast) -> None:
        place = (broadcast.account, broadcast.broadcast_id)
        self.views[place] = replace(self.views.get(place, BroadcastView(broadcast=broadcast)), broadcast=broadcast)

    def broadcast(self, account: str, broadcast_id: int) -> BroadcastView | None:
        return None if self.silent else self.views.get((account, broadcast_id))

    def next_look(self, key: Key) -> datetime | None:
        return self.next.get(key)

    def last_look(self, key: Key) -> LastLook | None:
        return self.last.get(key)

    def eta(self, key: Key) -> Eta | None:
        return self.etas.get(key)

    def explain(self, key: Key) -> Explanation | None:
        return self.explanations.get(key)

    def lengths(self, account: str) -> Lengths:
        assert account in self.accounts
        return LENGTHS

    def view(self, account: str) -> AccountView:
        view = AccountView(
            name=account,
            condition="throttled",
            reason="CallFire answered 429",
            until=NOON + timedelta(seconds=9),
            rate=5.0,
            effective_rate=2.5,
            in_flight=1,
            open=3,
            overdue=2,
            last_step=NOON,
        )
        return replace(view, **self.held)


class FakeHealth:
    """As well as the test says."""

    def __init__(self) -> None:
        self.alive: list[Check] = [Check(name="loop", ok=True, detail="turned 0.1 s ago")]
        self.readiness: list[Check] | Exception = [Check(name="store", ok=True, data={"version": 1})]

    def live(self) -> Sequence[Check]:
        return self.alive

    async def ready(self) -> Sequence[Check]:
        if isinstance(self.readiness, Exception):
            raise self.readiness
        return self.readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A response as a whole."""

    status: int
    headers: dict[str, str]
    body: bytes
    json: Any = None


@dataclass(slots=True, kw_only=True)
class House:
    """The interface and what is behind it."""

    url: str
    app: web.Application
    session: aiohttp.ClientSession
    store: Any
    following: FakeFollowing
    subscribing: FakeSubscribing
    health: FakeHealth
    clock: FakeClock
    ear: Ear
    seen: dict[Key, int] = field(default_factory=dict)

    async def ask(self, method: str, path: str, **how: Any) -> Answered:
        async with self.session.request(method, self.url + path, **how) as response:
            body = await response.read()
            shown = await response.json(content_type=None) if "json" in response.content_type and body else None
            return Answered(status=response.status, headers=dict(response.headers), body=body, json=shown)

    async def see(self, batch_id: int, *statuses: str, account: str = "default", **batch: Any) -> None:
        """The batch is seen in each status, two seconds apart."""
        key = Key(account, batch_id)
        for status in statuses:
            stored = await self.store.watch(key)
            asked = self.clock.turn(seconds=2)
            look = Seen(
                asked=asked,
                answered=asked + timedelta(milliseconds=120),
                batch=Batch(id=batch_id, status=status, **batch),
            )
            learnt = learn(stored, look, Rules())
            assert await self.store.commit(Change(watch=learnt.watch, version=stored.version, events=learnt.events))


def no_metrics(accept: str) -> tuple[bytes, str]:
    """Metrics that say what they were asked for."""
    return accept.encode(), "text/plain; version=0.0.4; charset=utf-8"


@asynccontextmanager
async def open_house(
    *,
    accounts: Sequence[str] = ("default",),
    token: str | None = None,
    store: Any = None,
    subscribing: Any = None,
    timeout: timedelta = timedelta(seconds=15),
) -> AsyncIterator[House]:
    """The interface at a free port of 127.0.0.1."""
    clock, ear, health = FakeClock(), Ear(), FakeHealth()
    async with open_store(None, tell=ear, clock=clock) as real:
        kept = store or real
        following = FakeFollowing(kept, clock, accounts)
        subscribing = subscribing or FakeSubscribing(clock)
        app = make_app(
            store=kept,
            following=following,
            subscribing=subscribing,
            health=health,
            metrics_render=no_metrics,
            token=token,
            clock=clock,
            version="1.2.3",
            timeout=timeout,
            tell=ear,
        )
        async with serve(app, host="127.0.0.1", port=0) as url, aiohttp.ClientSession() as session:
            yield House(
                url=url,
                app=app,
                session=session,
                store=kept,
                following=following,
                subscribing=subscribing,
                health=health,
                clock=clock,
                ear=ear,
            )
