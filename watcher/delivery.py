"""Deliveries that are due are claimed under a lease, sent, and settled: at least once, in bounded numbers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from watcher.core.model import Delivery, Endpoint, EndpointState
from watcher.core.news import Attempted, Backlog, EndpointChanged, Tell
from watcher.core.outbox import Settlement, settle
from watcher.ports import Clock, Sender, Store, StoreError

BACKSTOP: Final = 1.0
"""Seconds between two looks for due deliveries when nothing wakes the deliverer: retries come due by themselves."""
LEASE_SPARE: Final = timedelta(seconds=15)
SETTLE_AGAIN: Final = 1.0
"""Seconds between tries to write down what became of an attempt while the store cannot."""

Errand = Callable[[str, Coroutine[object, object, None]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many attempts may be in flight: to one endpoint, and in all."""

    per_endpoint: int = 4
    in_all: int = 200


class Deliverer:
    """Sends what is owed to the endpoints given. `token` names this process's claims; nobody else uses it."""

    name: Final = "deliverer"

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        *,
        limits: Limits,
        token: str,
        sender: Sender,
        store: Store,
        clock: Clock,
        tell: Tell,
        errand: Errand,
    ) -> None:
        self._endpoints = endpoints
        self._limits = limits
        self._token = token
        self._sender = sender
        self._store = store
        self._clock = clock
        self._tell = tell
        self._errand = errand
        self._wake = asyncio.Event()
        self._flying: Counter[str] = Counter()
        self._hungry: set[str] = set()  # endpoints that may be owed more than there was room for
        self._turns: dict[str, int] = dict.fromkeys(endpoints, 0)  # in which claim each last got something
        self._claims = 0

    def wake(self) -> None:
        """Something was committed that may be due at once."""
        self._wake.set()

    async def step(self) -> None:
        """Claims what is due and fits, sends it off, and waits for more."""
        self._wake.clear()
        self._hungry = set(self._endpoints)  # until more is known: an attempt may end while we claim
        sated: set[str] = set()
        waiting = sorted(self._endpoints, key=self._turn)
        # Room is handed out as if everyone were owed something; what the first leave of it, the next are offered.
        while room := self._room(waiting):
            sated |= await self._claim(room)
            waiting = [endpoint for endpoint in waiting if endpoint not in room]
        if self._flying.total() < self._limits.in_all:
            self._hungry -= sated
        await self._clock.wait(self._wake, BACKSTOP)

    def _turn(self, endpoint: str) -> tuple[int, int]:
        """Those with the fewest in flight come first, and of them the one that got nothing for longest: so a busy endpoint
        does not take the last places, and many busy ones take turns."""
        return self._flying[endpoint], self._turns[endpoint]

    def _room(self, waiting: Sequence[str]) -> dict[str, int]:
        """How many deliveries of each endpoint may be claimed now; endpoints without room are left out."""
        left = self._limits.in_all - self._flying.total()
        room: dict[str, int] = {}
        for endpoint in waiting:
            free = min(self._limits.per_endpoint - self._flying[endpoint], left)
            if free > 0:
                room[endpoint] = free
                left -= free
        return room

    async def _claim(self, room: Mapping[str, int]) -> set[str]:
        """Claims what is due, and sends it off; the endpoints that are owed nothing more now."""
        now = self._clock.now()
        longest = max(self._endpoints[endpoint].timeout for endpoint in room)
        until = now + 2 * longest + LEASE_SPARE
        claimed = await self._store.claim(room, token=self._token, now=now, until=until)
        self._claims += 1
        for delivery in claimed:
            self._flying[delivery.endpoint_id] += 1
            self._turns[delivery.endpoint_id] = self._claims
            self._errand(f"delivery {delivery.endpoint_id}", self._deliver(delivery, until))
        taken = Counter(delivery.endpoint_id for delivery in claimed)
        return {endpoint for endpoint, free in room.items() if taken[endpoint] < free}

    async def _deliver(self, delivery: Delivery, until: datetime) -> None:
        endpoint = self._endpoints[delivery.endpoint_id]
        try:
            attempt = await self._sender.send(endpoint, delivery)
            settlement = settle(delivery, attempt, self._clock.draw())
            if await self._settle(settlement, until):
                self._settled(delivery, settlement)
        finally:
            self._flying[delivery.endpoint_id] -= 1
            if delivery.endpoint_id in self._hungry:
                self._wake.set()

    async def _settle(self, settlement: Settlement, until: datetime) -> bool:
        """Writes down what became of it, again and again while the lease lasts: forgotten, it would be sent twice."""
        while True:
            try:
                return await self._store.settle(settlement, token=self._token)
            except StoreError:
                if self._clock.now() + timedelta(seconds=SETTLE_AGAIN) >= until:
                    raise
            await self._clock.sleep(SETTLE_AGAIN)

    def _settled(self, delivery: Delivery, settlement: Settlement) -> None:
        done = settlement.outcome == "done"
        self._tell(
            Attempted(
                endpoint=delivery.endpoint_id,
                delivery=delivery.id,
                event_id=delivery.event_id,
                code=settlement.attempt.code,
                error=settlement.attempt.error,
                outcome=settlement.outcome,
                took=settlement.attempt.took.total_seconds(),
                delay=(settlement.settled - delivery.created).total_seconds() if done else None,
                attempts=settlement.attempts,
            )
        )
        if settlement.disable is not None:
            self._tell(EndpointChanged(endpoint=delivery.endpoint_id, state="disabled", reason=settlement.disable))
        elif settlement.pause_until is not None:
            self._tell(
                EndpointChanged(
                    endpoint=delivery.endpoint_id,
                    state="paused",
                    reason=f"the receiver answered {settlement.attempt.code} with Retry-After",
                    until=settlement.pause_until,
                )
            )

    async def report(self) -> None:
        """Tells what every endpoint is owed."""
        now = self._clock.now()
        states = {endpoint.id: _state(endpoint, now) for endpoint in await self._store.endpoints()}
        for owed in await self._store.owed(now):
            age = 0.0 if owed.oldest is None else max((now - owed.oldest).total_seconds(), 0.0)
            state = states.get(owed.endpoint_id, EndpointState.ACTIVE)
            self._tell(Backlog(endpoint=owed.endpoint_id, pending=owed.pending, oldest_age=age, state=state))

    async def release(self) -> None:
        """Gives back what is claimed and was not settled."""
        await self._store.release(self._token)


def _state(endpoint: Endpoint, now: datetime) -> str:
    paused = endpoint.paused_until is not None and endpoint.paused_until > now
    return "paused" if paused and endpoint.state is EndpointState.ACTIVE else str(endpoint.state)
