"""A hand-written stand-in for the port Store, in memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tests.fakes import FakeClock
from watcher.core.account import AccountRecord
from watcher.core.broadcasts import Broadcast
from watcher.core.message import body_of, event_id
from watcher.core.model import (
    BroadcastKind,
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
from watcher.core.outbox import Outcome, Settlement, subscribers
from watcher.core.wishes import BroadcastWish, FollowedBroadcast
from watcher.ports import AccountChange, Change, Committed, EventQuery, Followed, Owed, StoreError, WatchQuery, Wish
from watcher.store.wishes import grant, grant_broadcast

STATES = {"done": DeliveryState.DONE, "dead": DeliveryState.DEAD, "held": DeliveryState.HELD}


class FakeStore:
    """The port Store in memory.

    An operation named in `failing` raises StoreError and does nothing; the next one named in `gates` waits for its gate
    before it does anything. `meanwhile` holds, by operation, what happens once between the doing of it and its answer.
    `done` counts what was done.
    """

    alive = True

    def __init__(self, clock: FakeClock, endpoints: Sequence[Endpoint] = ()) -> None:
        self.watches: dict[Key, Watch] = {}
        self.records: dict[str, AccountRecord] = {}
        self.kept_broadcasts: dict[tuple[str, int], Broadcast] = {}
        self.learnt_records: dict[str, bytes] = {}
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

    def put_endpoints(self, *endpoints: Endpoint) -> None:
        """As if they had come to be so meanwhile."""
        self._endpoints |= {endpoint.id: endpoint for endpoint in endpoints}

    async def follow(self, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
        await self._do("follow")
        followed: list[Followed] = []
        for wish in wishes:
            followed.append(grant(self.watches.get(wish.key), wish, now))
            self.put(followed[-1].watch)
        await self._answer("follow")
        return followed

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
            committed = self._record(change.events)
            self.put(replace(change.watch, version=change.version + 1))
        await self._answer("commit")
        return committed

    async def save_looks(self, account: str, looks: Sequence[LastLook]) -> None:
        await self._do("save_looks")
        for look in looks:
            key = Key(account, look.batch_id)
            watch = self.watches.get(key)
            if watch is not None and (watch.asked is None or look.asked > watch.asked):
                self.watches[key] = replace(
                    watch,
                    asked=look.asked,
                    answered=look.answered,
                    looks=look.looks,
                    size=look.size,
                    remaining=look.remaining,
                )
        await self._answer("save_looks")

    async def follow_broadcast(self, wish: BroadcastWish, now: datetime) -> FollowedBroadcast:
        await self._do("follow_broadcast")
        place = (wish.account, wish.broadcast_id)
        followed = grant_broadcast(self.kept_broadcasts.get(place), wish, now)
        self.kept_broadcasts[place] = followed.broadcast
        await self._answer("follow_broadcast")
        return followed

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        await self._do("stop_broadcast")
        broadcast = self.kept_broadcasts.get((account, broadcast_id))
        stopped = broadcast is not None and broadcast.followed
        if broadcast is not None:
            self.kept_broadcasts[account, broadcast_id] = replace(broadcast, followed=False)
        await self._answer("stop_broadcast")
        return stopped

    async def broadcasts(self, account: str) -> list[Broadcast]:
        await self._do("broadcasts")
        return [each for (owner, _), each in sorted(self.kept_broadcasts.items()) if owner == account]

    async def note_kind(self, account: str, broadcast_id: int, kind: BroadcastKind | None) -> None:
        await self._do("note_kind")
        place = (account, broadcast_id)
        if kind is not None or place in self.kept_broadcasts:
            made = Broadcast(account=account, broadcast_id=broadcast_id, opened=self._clock.now())
            self.kept_broadcasts[place] = replace(self.kept_broadcasts.get(place, made), kind=kind)
        await self._answer("note_kind")

    async def save_learnt(self, account: str, record: bytes, now: datetime) -> None:
        await self._do("save_learnt")
        self.learnt_records[account] = record
        await self._answer("save_learnt")

    async def learnt(self, account: str) -> bytes | None:
        await self._do("learnt")
        return self.learnt_records.get(account)

    async def account(self, name: str) -> AccountRecord | None:
        await self._do("account")
        return self.records.get(name)

    async def save_account(self, change: AccountChange) -> Committed:
        await self._do("save_account")
        committed = self._record(change.events)
        self.records[change.record.name] = change.record
        await self._answer("save_account")
        return committed

    def _record(self, events: Sequence[Event]) -> Committed:
        ids = [*(each.id for each in self.log), *(event_id("test", event) for event in events)]
        if len(set(ids)) < len(ids):
            raise StoreError(f"one of {ids} is there already")
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
        named = {endpoint.id: replace(endpoint, secrets=()) for endpoint in endpoints}
        for known in list(self._endpoints.values()):
            if known.id not in named:
                self._endpoints[known.id] = replace(known, state=EndpointState.REMOVED)
                self._turn_over(known.id, DeliveryState.PENDING, DeliveryState.HELD)
            elif known.url == named[known.id].url:
                state = EndpointState.ACTIVE if known.disabled_reason is None else EndpointState.DISABLED
                self._endpoints[known.id] = replace(
                    named[known.id],
                    state=state,
                    disabled_reason=known.disabled_reason,
                    paused_until=known.paused_until,
                )
                if known.state is not state is EndpointState.ACTIVE:
                    self._owe_again(known.id)
            else:
                self._endpoints[known.id] = named[known.id]
                self._owe_again(known.id)
        self._endpoints = dict(sorted((named | self._endpoints).items()))

    def _owe_again(self, endpoint_id: str) -> None:
        self._turn_over(endpoint_id, DeliveryState.HELD, DeliveryState.PENDING)
        for each in self.deliveries.values():
            if each.endpoint_id == endpoint_id and each.state is DeliveryState.PENDING:
                self.deliveries[each.id] = replace(each, due=min(each.due, self._clock.now()))

    async def endpoints(self) -> list[Endpoint]:
        await self._do("endpoints")
        return list(self._endpoints.values())

    async def claim(self, room: Mapping[str, int], *, token: str, now: datetime, until: datetime) -> list[Delivery]:
        await self._do("claim")
        claimed: list[Delivery] = []
        for endpoint_id, most in room.items():
            endpoint = self._endpoints.get(endpoint_id)
            if endpoint is None:
                continue
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
        return sorted((each for each in due if self._is_free(each.id, now)), key=lambda each: (each.due, each.id))

    def _is_free(self, delivery_id: int, now: datetime) -> bool:
        return delivery_id not in self.claims or self.claims[delivery_id][1] <= now

    async def settle(self, settlement: Settlement, *, token: str) -> Outcome | None:
        await self._do("settle")
        if self.claims.get(settlement.delivery_id, ("",))[0] != token:
            return None
        del self.claims[settlement.delivery_id]
        self.settlements.append(settlement)
        before = self.deliveries[settlement.delivery_id]
        endpoint = self._endpoints[settlement.endpoint_id]
        state = STATES.get(settlement.outcome, DeliveryState.PENDING)
        if state is DeliveryState.PENDING and endpoint.state is not EndpointState.ACTIVE:
            state = DeliveryState.HELD
        self.deliveries[before.id] = replace(
            before, state=state, attempts=settlement.attempts, due=settlement.due or before.due
        )
        if settlement.pause_until is not None:
            until = max(settlement.pause_until, endpoint.paused_until or settlement.pause_until)
            endpoint = replace(endpoint, paused_until=until)
        if settlement.disable is not None and endpoint.state is EndpointState.ACTIVE:
            endpoint = replace(endpoint, state=EndpointState.DISABLED, disabled_reason=settlement.disable)
            self._turn_over(endpoint.id, DeliveryState.PENDING, DeliveryState.HELD)
        self._endpoints[endpoint.id] = endpoint
        return "held" if state is DeliveryState.HELD else settlement.outcome

    def _turn_over(self, endpoint_id: str, before: DeliveryState, after: DeliveryState) -> None:
        """All the endpoint's deliveries of one state come into another."""
        for each in self.deliveries.values():
            if each.endpoint_id == endpoint_id and each.state is before:
                self.deliveries[each.id] = replace(each, state=after)

    async def release(self, token: str) -> int:
        await self._do("release")
        mine = [delivery_id for delivery_id, (holder, _) in self.claims.items() if holder == token]
        for delivery_id in mine:
            del self.claims[delivery_id]
        return len(mine)

    async def owed(self) -> list[Owed]:
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
                )
            )
        return owed

    async def ping(self) -> None:
        await self._do("ping")
