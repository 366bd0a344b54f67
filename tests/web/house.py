"""The interface on a real socket, with a real store, a following that polls nothing, and a subscribing that sends nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any

import aiohttp
from aiohttp import web

from tests.fake_planning import FakePlanning
from tests.fake_submitting import FakeSubmitting
from tests.fakes import NOON, Ear, FakeClock
from tests.fakes_subscribing import FakeSubscribing
from tests.web.conformance import check
from watcher.core.attention import Band, band_of
from watcher.core.model import Batch, Key, LastLook, Seen, Watch
from watcher.core.streamrank import StreamRank
from watcher.core.transitions import Rules, learn
from watcher.core.wishes import UNSET, Unset
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
    NotAnswered,
    PastLooks,
    Soonest,
    Store,
    Wish,
)
from watcher.store.sqlite import open_store
from watcher.web.server import make_app, serve
from watcher.web.streams import Streams
from watcher.web.waiting import Waiters

LENGTHS = Lengths(
    ends=52,
    sizes=(
        Length(smallest=1001, largest=3162, ends=41.3125, p50=4.1875, p90=30.0625),
        Length(smallest=3163, largest=10_000, ends=9.46, p50=None, p90=None),
        Length(smallest=None, largest=None, ends=10.5, p50=0.25, p90=86_400.0),
    ),
)
"""What every account has learnt here."""


RANK = StreamRank(change_yes=2, change_no=6, change_percentage=25.0, last_run="2026-11-23T12:00:00.000Z", days_run=1)
"""What polling every account costs here, and being told of changes instead."""


class FakeFollowing:
    """Follows in the store only. What is known of looks is what the test says."""

    def __init__(self, store: Store, clock: FakeClock, accounts: Sequence[str]) -> None:
        self.accounts: Sequence[str] = tuple(accounts)
        self.last: dict[Key, LastLook] = {}
        self.next: dict[Key, datetime] = {}
        self.asked: list[Sequence[Wish]] = []
        self.etas: dict[Key, Eta] = {}
        self.late: dict[str, Sequence[int]] = {}
        self.refreshed: list[Key] = []
        self.looks: dict[Key, asyncio.Future[bool]] = {}
        self.resumed: list[str] = []
        self.explanations: dict[Key, Explanation] = {}
        self.past: dict[Key, PastLooks] = {}
        self.held: dict[str, Any] = {}
        self.views: dict[tuple[str, int], BroadcastView] = {}
        self.known: dict[Key, Watch] = {}
        self.silent = False
        self.away: dict[str, Soonest] = {}
        self.acquainted: list[Key] = []
        self.unanswered = False
        self._store = store
        self._clock = clock

    async def follow(self, wishes: Sequence[Wish]) -> list[Followed]:
        self.asked.append(wishes)
        followed = await self._store.follow(wishes, self._clock.now())
        self.known |= {each.watch.key: each.watch for each in followed}
        return followed

    async def stop(self, key: Key) -> bool:
        self.known.pop(key, None)
        return await self._store.stop(key)

    async def relabel(
        self, key: Key, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None = UNSET
    ) -> Watch | None:
        return await self._store.relabel(key, labels, correlation_id)

    def is_here(self, account: str) -> bool:
        return account not in self.away

    async def refresh(self, key: Key) -> "asyncio.Future[bool] | None":
        self.refreshed.append(key)
        return self.looks.get(key)

    async def resume(self, account: str) -> None:
        self.resumed.append(account)

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

    async def broadcasts(self, account: str, broadcast_ids: Sequence[int]) -> Mapping[int, BroadcastView]:
        places = [(account, each) for each in broadcast_ids if (account, each) in self.views and not self.silent]
        return {place[1]: self.views[place] for place in places}

    def next_look(self, key: Key) -> datetime | None:
        return self.next.get(key)

    def last_look(self, key: Key) -> LastLook | None:
        return self.last.get(key)

    async def past_looks(self, key: Key) -> PastLooks:
        self._must_answer()
        assert key.account in self.accounts
        return self.past.get(key, PastLooks(looks=(), since=NOON))

    def _must_answer(self) -> None:
        if self.unanswered:
            raise NotAnswered("whoever polls account 'default' did not answer within 2 s")

    async def acquaint(self, watches: Sequence[Watch]) -> None:
        self.acquainted += [watch.key for watch in watches if watch.account in self.away]

    async def soonest_elsewhere(
        self, accounts: Sequence[str], most: int, *, status: str | None = None, final: bool | None = None
    ) -> Mapping[str, Soonest]:
        return {account: self.away[account] for account in accounts if account in self.away}

    async def overdue(self, account: str) -> Sequence[int]:
        return self.late.get(account, ())

    def eta(self, key: Key) -> Eta | None:
        return self.etas.get(key)

    def soonest(
        self,
        account: str,
        most: int,
        *,
        status: str | None = None,
        final: bool | None = None,
        among: Sequence[int] | None = None,
    ) -> Soonest:
        named = [
            (self.etas[key].p50.timestamp() if key in self.etas else inf, key.batch_id)
            for key, watch in self.known.items()
            if key.account == account
            and band_of(watch) is Band.OPEN
            and status in (None, watch.status)
            and final in (None, watch.final)
            and (among is None or key.batch_id in among)
        ]
        return Soonest(total=len(named), first=tuple(sorted(named)[:most]))

    async def explain(self, key: Key) -> Explanation | None:
        self._must_answer()
        return self.explanations.get(key)

    async def lengths(self, account: str) -> Lengths:
        assert account in self.accounts
        return LENGTHS

    async def streamrank(self, account: str) -> StreamRank:
        assert account in self.accounts
        return RANK

    async def view(self, account: str) -> AccountView:
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
            used=1.25,
            looks_per_request=8.0,
            change_percentage=25.0,
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
    headers: Mapping[str, str]
    body: bytes
    json: Any = None


@dataclass(slots=True, kw_only=True)
class House:
    """The interface and what is behind it."""

    url: str
    app: web.Application
    streams: Streams
    waiters: Waiters
    session: aiohttp.ClientSession
    store: Any
    following: FakeFollowing
    subscribing: FakeSubscribing
    submitting: FakeSubmitting
    planning: FakePlanning
    health: FakeHealth
    clock: FakeClock
    ear: Ear
    seen: dict[Key, int] = field(default_factory=dict)

    async def ask(self, method: str, path: str, **how: Any) -> Answered:
        async with self.session.request(method, self.url + path, **how) as response:
            body = await response.read()
            shown = await response.json(content_type=None) if _is_document(response.content_type) and body else None
            sent = response.request_info.url.raw_path_qs  # the client leaves out steps such as «.»
            await check(self.app, method, sent, response.status, response.headers, body)
            if response.content_type == "application/problem+json" and shown:
                request_id = shown.pop("request_id")
                assert request_id == response.headers["X-Request-Id"] or "Idempotency-Replayed" in response.headers
            return Answered(status=response.status, headers=response.headers, body=body, json=shown)

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
            self.following.known[key] = learnt.watch


def _is_document(media: str) -> bool:
    return media.endswith("json") and not media.endswith("ndjson")


def bearer(token: str) -> dict[str, str]:
    """The header that bears a token."""
    return {"Authorization": f"Bearer {token}"}


async def listed(house: House, query: str = "") -> list[tuple[str, int]]:
    """Account and batch id of the watches that are listed."""
    answer = await house.ask("GET", f"/v1/watches{query}")
    assert answer.status == 200, answer.json
    return [(item["account"], item["batch_id"]) for item in answer.json["items"]]


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
    clock: FakeClock | None = None,
    submitting_as: type[FakeSubmitting] = FakeSubmitting,
    places: int = 3,
) -> AsyncIterator[House]:
    """The interface at a free port of 127.0.0.1. So many may listen to streams at once, and as many wait."""
    clock, ear, health = clock or FakeClock(), Ear(), FakeHealth()
    async with open_store(None, tell=ear, clock=clock) as real:
        kept = store or real
        following = FakeFollowing(kept, clock, accounts)
        subscribing = subscribing or FakeSubscribing(clock)
        submitting = submitting_as(kept)
        planning = FakePlanning()
        streams = Streams(store=kept, following=following, subscribing=subscribing, clock=clock, tell=ear, most=places)
        waiters = Waiters(clock=clock, most=places)
        app = make_app(
            store=kept,
            following=following,
            subscribing=subscribing,
            submitting=submitting,
            planning=planning,
            health=health,
            metrics_render=no_metrics,
            token=token,
            clock=clock,
            version="1.2.3",
            timeout=timeout,
            tell=ear,
            streams=streams,
            waiters=waiters,
        )
        async with serve(app, host="127.0.0.1", port=0) as url, aiohttp.ClientSession() as session:
            yield House(
                url=url,
                app=app,
                streams=streams,
                waiters=waiters,
                session=session,
                store=kept,
                following=following,
                subscribing=subscribing,
                submitting=submitting,
                planning=planning,
                health=health,
                clock=clock,
                ear=ear,
            )
