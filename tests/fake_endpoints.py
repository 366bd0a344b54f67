"""The part of the fake store that keeps endpoints, the log, and what they are owed, in memory."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from tests.fakes import FakeClock
from watcher.core.asking import Owed
from watcher.core.endpoint import (
    AttemptRecord,
    Cause,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Secrets,
    Subject,
    subject_of,
)
from watcher.core.message import body_of, event_id
from watcher.core.model import Event, Recorded
from watcher.core.outbox import subscribers
from watcher.ports import Committed, StoreError
from watcher.store import standing


class FakeEndpoints:
    """The port Endpoints in memory, with the log and the deliveries. `kept_endpoints` has the removed ones too.

    An operation named in `failing` raises StoreError and does nothing; the next one named in `gates` waits for its gate
    before it does anything. `meanwhile` holds, by operation, what happens once between the doing of it and its answer.
    `done` counts what was done.
    """

    def __init__(self, clock: FakeClock, endpoints: Sequence[Endpoint] = ()) -> None:
        self.log: list[Recorded] = []
        self.kept_endpoints: dict[str, Endpoint] = {}
        self.kept_deliveries: dict[int, Delivery] = {}
        self.attempts: dict[int, list[AttemptRecord]] = {}
        self.failing: set[str] = set()
        self.gates: dict[str, asyncio.Event] = {}
        self.meanwhile: dict[str, Callable[[], Awaitable[object]]] = {}
        self.done: Counter[str] = Counter()
        self._clock = clock
        self._subjects: dict[int, Subject] = {}
        self._positions = count(1)
        self._numbers = count(1)
        self.put_endpoints(*endpoints)

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

    def put_endpoints(self, *endpoints: Endpoint) -> None:
        """As if they had come to be so meanwhile."""
        for each in endpoints:
            self.kept_endpoints[each.id] = each if each.kept_by == "api" else replace(each, secrets=Secrets())

    # The log, and who is owed what

    def _record(self, events: Sequence[Event]) -> Committed:
        ids = [*(each.id for each in self.log), *(event_id("test", event) for event in events)]
        if len(set(ids)) < len(ids):
            raise StoreError(f"one of {ids} is there already")
        recorded = [self._recorded(event) for event in events]
        return Committed(events=recorded, deliveries=[self._owe(event) for event in recorded])

    def _recorded(self, event: Event) -> Recorded:
        recorded = Recorded(
            position=next(self._positions),
            id=event_id("test", event),
            type=event.type,
            at=event.at,
            account=event.account,
            batch_id=event.batch_id,
            number=event.number,
            body=body_of(event),
            endpoint=event.endpoint,
        )
        self.log.append(recorded)
        self._subjects[recorded.position] = subject_of(event)
        return recorded

    def _owe(self, event: Recorded) -> int:
        owed = subscribers(list(self.kept_endpoints.values()), self._subjects[event.position])
        for endpoint in owed:
            self._make(endpoint, event, self._clock.now(), "schedule")
        return len(owed)

    def _make(self, endpoint: Endpoint, event: Recorded, now: datetime, cause: Cause) -> None:
        number = next(self._numbers)
        self.kept_deliveries[number] = Delivery(
            id=number,
            endpoint_id=endpoint.id,
            position=event.position,
            event_id=event.id,
            event_type=event.type,
            body=event.body,
            created=now,
            due=now,
            state=DeliveryState.PENDING if endpoint.state is EndpointState.ACTIVE else DeliveryState.HELD,
            cause=cause,
        )

    def _owed(self, endpoint_id: str, *states: DeliveryState) -> list[Delivery]:
        """The endpoint's deliveries that are in one of the states."""
        return [
            each for each in self.kept_deliveries.values() if each.endpoint_id == endpoint_id and each.state in states
        ]

    def _hold(self, endpoint_id: str) -> None:
        for each in self._owed(endpoint_id, DeliveryState.PENDING):
            self.kept_deliveries[each.id] = replace(each, state=DeliveryState.HELD)

    def _owe_again(self, endpoint_id: str, now: datetime, *states: DeliveryState) -> None:
        for each in self._owed(endpoint_id, *states):
            self.kept_deliveries[each.id] = replace(each, state=DeliveryState.PENDING, due=min(each.due, now))

    # Endpoints

    def _known(self, endpoint_id: str) -> Endpoint | None:
        known = self.kept_endpoints.get(endpoint_id)
        return None if known is None or known.state is EndpointState.REMOVED else known

    async def settle_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        await self._do("settle_endpoints")
        now = self._clock.now()
        ids = {endpoint.id for endpoint in endpoints}
        for known in list(self.kept_endpoints.values()):
            if known.id not in ids and known.kept_by == "settings":
                self.kept_endpoints[known.id] = standing.disabled(known, standing.NOT_NAMED)
                self._hold(known.id)
        for wanted in endpoints:
            before = self.kept_endpoints.get(wanted.id)
            self.kept_endpoints[wanted.id] = standing.named(wanted, before, now)
            if before is not None and standing.resumes(wanted, before):
                self._owe_again(wanted.id, now, DeliveryState.HELD, DeliveryState.PENDING)
        await self._answer("settle_endpoints")

    async def endpoints(self) -> list[Endpoint]:
        await self._do("endpoints")
        return [each for _, each in sorted(self.kept_endpoints.items()) if each.state is not EndpointState.REMOVED]

    async def endpoint(self, endpoint_id: str) -> Endpoint | None:
        await self._do("endpoint")
        return self._known(endpoint_id)

    async def make_endpoint(self, endpoint: Endpoint, now: datetime) -> Endpoint | None:
        await self._do("make_endpoint")
        made = None
        if self._known(endpoint.id) is None:
            made = standing.made(endpoint, self.kept_endpoints.get(endpoint.id), now)
            self.put_endpoints(made)
        await self._answer("make_endpoint")
        return made

    async def change_endpoint(self, endpoint: Endpoint) -> Endpoint | None:
        await self._do("change_endpoint")
        known, changed = self._known(endpoint.id), None
        if known is not None and known.edition == endpoint.edition:
            changed = standing.changed(endpoint, known)
            self.put_endpoints(changed)
            if known.url != changed.url:
                self._owe_again(known.id, self._clock.now(), DeliveryState.PENDING)
        await self._answer("change_endpoint")
        return changed

    async def disable_endpoint(self, endpoint_id: str, reason: str) -> Endpoint | None:
        await self._do("disable_endpoint")
        known = self._known(endpoint_id)
        if known is not None:
            known = self.kept_endpoints[endpoint_id] = standing.disabled(known, reason)
            self._hold(endpoint_id)
        await self._answer("disable_endpoint")
        return known

    async def enable_endpoint(self, endpoint_id: str, *, send_held: bool, now: datetime) -> Endpoint | None:
        await self._do("enable_endpoint")
        known = self._known(endpoint_id)
        if known is not None:
            known = self.kept_endpoints[endpoint_id] = standing.enabled(known)
            if send_held:
                self._owe_again(endpoint_id, now, DeliveryState.HELD)
        await self._answer("enable_endpoint")
        return known

    async def remove_endpoint(self, endpoint_id: str) -> bool:
        await self._do("remove_endpoint")
        known = self._known(endpoint_id)
        if known is not None:
            self.kept_endpoints[endpoint_id] = standing.removed(known)
            self._hold(endpoint_id)
        await self._answer("remove_endpoint")
        return known is not None

    async def owed(self, endpoint_id: str | None = None) -> list[Owed]:
        await self._do("owed")
        owed: list[Owed] = []
        for each_id, endpoint in sorted(self.kept_endpoints.items()):
            if endpoint.state is not EndpointState.REMOVED and endpoint_id in (None, each_id):
                pending = self._owed(each_id, DeliveryState.PENDING)
                oldest = min((each.created for each in pending), default=None)
                owed.append(Owed(endpoint_id=each_id, pending=len(pending), oldest=oldest))
        return owed

    async def tally_deliveries(self, endpoint_id: str) -> Mapping[DeliveryState, int]:
        await self._do("tally_deliveries")
        states = (DeliveryState.PENDING, DeliveryState.HELD, DeliveryState.DEAD)
        return Counter(each.state for each in self._owed(endpoint_id, *states))
