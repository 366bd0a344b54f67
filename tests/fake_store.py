"""A hand-written stand-in for the port Store, in memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tests.fakes import FakeClock
from watcher.core.account import AccountRecord
from watcher.core.message import body_of, event_id
from watcher.core.model import (
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Event,
    Key,
    LastLook,
    Recorded,
    State,
    Watch,
)
from watcher.core.outbox import Settlement, subscribers
from watcher.ports import AccountChange, Change, Committed, EventQuery, Followed, Owed, StoreError, WatchQuery, Wish


class FakeStore:
    """The port Store in memory.

    An operation named in `failing` raises StoreError and does nothing; the next one named in `gates` waits for its gate
    before it does anything. `meanwhile` holds, by operation, what happens once between the doing of it and its answer.
    `done` counts what was done.
    """

    def __init__(self, clock: FakeClock, endpoints: Sequence[Endpoint] = ()) -> None:
        self.watches: dict[Key, Watch] = {}
        self.records: dict[str, AccountRecord] = {}
        self.log: list[Recorded] = []
        self.deliveries: dict[int, Delivery] = {}
        self.claims: dict[int, tuple[str, datetime]] = {}
        self.settlements: list[Settlement] = []
        self.failing: set[str] = set()
        self.gates: dict[str, asyncio.Event] = {}
        self.meanwhile: dict[str, Callable[[], Awaitable[object]]] = {}
        self.done: Counter[str] = Counter()
        self._clock = clock
        self._endpoints = {endpoint.id: replace(endpoint, secrets=()) for endpoint in endpoints}

    async def _do(self, operation: str) -> None:
        await asyncio.sleep(0)
        gate = self.gates.pop(operation, None)
        if gate is not None:
            await gate.wait()
        if operation in self.failing:
            raise StoreError(f"{operation}: the disk is full")
        self.done[operation] += 1

    async def _answer(self, operation: str) -> None:
        happens = self.meanwhile.pop(operation, None)
        if happens is not None:
            await happens()

    def put(self, *watches: Watch) -> None:
        """As if they had been stored before."""
        self.watches |= {watch.key: watch for watch in watches}

    async def follow(self, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
        await self._do("follow")
        followed = [self._follow(wish, now) for wish in wishes]
        await self._answer("follow")
        return followed

    def _follow(self, wish: Wish, now: datetime) -> Followed:
        known = self.watches.get(wish.key)
        if known is not None and known.state is State.OPEN:
            return Followed(what="known", watch=known)
        if known is None:
            watch = Watch(account=wish.key.account, batch_id=wish.key.batch_id, opened=now, labels=wish.labels or {})
        else:
            watch = replace(known, state=State.OPEN, opened=now, version=known.version + 1)
        self.watches[wish.key] = watch
        return Followed(what="created" if known is None else "reopened", watch=watch)

    async def stop(self, key: Key) -> bool:
        await self._do("stop")
        watch = self.watches.get(key)
        stopped = watch is not None and watch.state is not State.STOPPED
        if watch is not None and stopped:
            self.watches[key] = replace(watch, state=State.STOPPED, version=watch.version + 1)
        await self._answer("stop")
        return stopped

    async def watch(self, key: Key) -> Watch | None:
        await self._do("watch")
        watch = self.watches.get(key)
        await self._answer("watch")
        return watch

    async def open_watches(self, account: str) -> AsyncIterator[Sequence[Watch]]:
        await self._do("open_watches")
        watches = [each for each in self.watches.values() if each.account == account and each.state is State.OPEN]
        for start in range(0, len(watches), 2):
            yield watches[start : start + 2]

    async def find(self, query: WatchQuery) -> list[Watch]:
        await self._do("find")
        return [
            watch
            for key, watch in sorted(self.watches.items())
            if watch.state is not State.STOPPED
            and (query.accounts is None or watch.account in query.accounts)
            and query.status in (None, watch.status)
            and query.final in (None, watch.final)
            and (query.after is None or key > query.after)
        ][: query.limit]

    async def tally(self, account: str) -> dict[tuple[str, str | None], int]:
        await self._do("tally")
        tally = Counter((str(each.state), each.status) for each in self.watches.values() if each.account == account)
        await self._answer("tally")
        return dict(tally)

    async def commit(self, change: Change) -> Committed | None:
        await self._do("commit")
        stored = self.watches.get(change.watch.key)
        committed = None
        if stored is not None and stored.version == change.version:
            self.watches[change.watch.key] = replace(change.watch, version=change.version + 1)
            committed = self._record(change.events)
        await self._answer("commit")
        return committed

    async def save_looks(self, account: str, looks: Sequence[LastLook]) -> None:
        await self._do("save_looks")
        for look in looks:
            key = Key(account, look.batch_id)
            watch = self.watches[key]
            if watch.asked is None or look.asked > watch.asked:
                self.watches[key] = replace(
                    watch,
                    asked=look.asked,
                    answered=look.answered,
                    looks=look.looks,
                    size=look.size,
                    remaining=look.remaining,
                )
        await self._answer("save_looks")

    async def account(self, name: str) -> AccountRecord | None:
        await self._do("account")
        return self.records.get(name)

    async def save_account(self, change: AccountChange) -> Committed:
        await self._do("save_account")
        self.records[change.record.name] = change.record
        committed = self._record(change.events)
        await self._answer("save_account")
        return committed

    def _record(self, events: Sequence[Event]) -> Committed:
        recorded = [self._recorded(event) for event in events]
        return Committed(events=recorded, deliveries=[self._owe(event) for event in recorded])

    def _recorded(self, event: Event) -> Recorded:
        recorded = Recorded(
            position=len(self.log) + 1,
            id=event_id("test", event),
            type=event.type,
            at=event.at,
            account=event.account,
            batch_id=event.batch_id,
            number=event.number,
            body=body_of(event),
        )
        if recorded.id in {each.id for each in self.log}:
            raise StoreError(f"{recorded.id} is there already")
        self.log.append(recorded)
        return recorded

    def _owe(self, event: Recorded) -> int:
        owed = subscribers(list(self._endpoints.values()), event.type, event.account)
        now = self._clock.now()
        for endpoint in owed:
            number = len(self.deliveries) + 1
            self.deliveries[number] = Delivery(
                id=number,
                endpoint_id=endpoint.id,
                position=event.position,
                event_id=event.id,
                event_type=event.type,
                body=event.body,
                created=now,
                due=now,
                state=DeliveryState.PENDING if endpoint.state is EndpointState.ACTIVE else DeliveryState.HELD,
            )
        return len(owed)

    async def events(self, query: EventQuery) -> list[Recorded]:
        await self._do("events")
        return [
            event
            for event in self.log
            if event.position > query.after
            and (not query.types or event.type in query.types)
            and query.account in (None, event.account)
            and query.batch_id in (None, event.batch_id)
        ][: query.limit]

    async def settle_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        await self._do("settle_endpoints")
        self._endpoints = {endpoint.id: replace(endpoint, secrets=()) for endpoint in endpoints}

    async def endpoints(self) -> list[Endpoint]:
        await self._do("endpoints")
        return list(self._endpoints.values())

    async def claim(self, room: Mapping[str, int], *, token: str, now: datetime, until: datetime) -> list[Delivery]:
        await self._do("claim")
        claimed: list[Delivery] = []
        for endpoint_id, most in room.items():
            endpoint = self._endpoints[endpoint_id]
            paused = endpoint.paused_until is not None and endpoint.paused_until > now
            if endpoint.state is EndpointState.ACTIVE and not paused:
                claimed += self._due(endpoint_id, now)[:most]
        self.claims |= {delivery.id: (token, until) for delivery in claimed}
        await self._answer("claim")
        return claimed

    def _due(self, endpoint_id: str, now: datetime) -> list[Delivery]:
        due = [
            each
            for each in self.deliveries.values()
            if each.endpoint_id == endpoint_id and each.state is DeliveryState.PENDING and each.due <= now
        ]
        free = [each for each in due if each.id not in self.claims or self.claims[each.id][1] <= now]
        return sorted(free, key=lambda each: (each.due, each.id))

    async def settle(self, settlement: Settlement, *, token: str) -> bool:
        await self._do("settle")
        if self.claims.get(settlement.delivery_id, ("",))[0] != token:
            return False
        del self.claims[settlement.delivery_id]
        self.settlements.append(settlement)
        before = self.deliveries[settlement.delivery_id]
        states = {"retried": "pending", "returned": "pending"}
        self.deliveries[before.id] = replace(
            before,
            state=DeliveryState(states.get(settlement.outcome, settlement.outcome)),
            attempts=settlement.attempts,
            due=settlement.due or before.due,
        )
        endpoint = self._endpoints[settlement.endpoint_id]
        if settlement.pause_until is not None:
            endpoint = replace(endpoint, paused_until=settlement.pause_until)
        if settlement.disable is not None:
            endpoint = replace(endpoint, state=EndpointState.DISABLED, disabled_reason=settlement.disable)
        self._endpoints[endpoint.id] = endpoint
        return True

    async def release(self, token: str) -> int:
        await self._do("release")
        mine = [delivery_id for delivery_id, (holder, _) in self.claims.items() if holder == token]
        for delivery_id in mine:
            del self.claims[delivery_id]
        return len(mine)

    async def owed(self, now: datetime) -> list[Owed]:
        await self._do("owed")
        owed: list[Owed] = []
        for endpoint_id in self._endpoints:
            pending = [
                each
                for each in self.deliveries.values()
                if each.endpoint_id == endpoint_id and each.state is DeliveryState.PENDING
            ]
            owed.append(
                Owed(
                    endpoint_id=endpoint_id,
                    pending=len(pending),
                    oldest=min((each.created for each in pending), default=None),
                    next_due=min((each.due for each in pending if each.id not in self.claims), default=None),
                )
            )
        return owed

    async def ping(self) -> None:
        await self._do("ping")
