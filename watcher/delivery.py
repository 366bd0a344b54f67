"""Deliveries that are due are claimed under a lease, sent, and settled: at least once, in bounded numbers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from watcher.core.model import Attempt, Delivery, Endpoint, EndpointState
from watcher.core.news import Attempted, Backlog, EndpointChanged, Tell
from watcher.core.outbox import Outcome, Settlement, settle
from watcher.ports import Clock, Sender, Store, StoreError

BACKSTOP: Final = 1.0
"""Seconds between two looks for due deliveries when nothing wakes the deliverer: retries come due by themselves."""
LEASE_SPARE: Final = timedelta(seconds=15)
"""A claim holds for twice the endpoint's time-out and this. No attempt takes longer than the time-out, so a lease is never
renewed at a third, as webhooks.md has it: it ends under way only where the clock is set forward."""
SETTLE_AGAIN: Final = 1.0
"""Seconds between tries to write down what became of an attempt while the store cannot."""

Errand = Callable[[str, Coroutine[object, object, None]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many attempts may be in flight: to one endpoint, and in all."""

    per_endpoint: int = 4
    in_all: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery as it was when it was claimed, under which token, and until when."""

    delivery: Delivery
    token: str
    until: datetime


class Deliverer:
    """Sends what is owed to the endpoints given. Every claim has a token of its own, which begins with this process's
    `token`: so what one attempt brought can never be taken for what a later one did."""

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
        self._claims = 0
        self._sender = sender
        self._store = store
        self._clock = clock
        self._tell = tell
        self._errand = errand
        self._wake = asyncio.Event()
        self._claimed: dict[int, Claim] = {}  # by delivery: what was not settled yet
        self._sending: set[int] = set()
        self._flying: Counter[str] = Counter()
        self._hungry: set[str] = set()  # endpoints that may be owed more than there was room for
        self._turns: dict[str, int] = dict.fromkeys(endpoints, 0)  # in which claim each last got something
        self._states: dict[str, str] = dict.fromkeys(endpoints, str(EndpointState.ACTIVE))  # as they were last told

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
        self._claims += 1
        token = self._last_token()
        claimed = await self._store.claim(room, token=token, now=now, until=until)
        for delivery in claimed:
            self._claimed[delivery.id] = Claim(delivery=delivery, token=token, until=until)
            self._turns[delivery.endpoint_id] = self._claims
            # One that is being sent has lost its lease under way, and this is a new one for the same attempt.
            if delivery.id not in self._sending:
                self._sending.add(delivery.id)
                self._flying[delivery.endpoint_id] += 1
                self._errand(f"delivery {delivery.endpoint_id}", self._deliver(delivery))
        taken = Counter(delivery.endpoint_id for delivery in claimed)
        return {endpoint for endpoint, free in room.items() if taken[endpoint] < free}

    def _last_token(self) -> str:
        return f"{self._token}.{self._claims}"

    async def _deliver(self, delivery: Delivery) -> None:
        endpoint = self._endpoints[delivery.endpoint_id]
        try:
            await self._settle(delivery.id, await self._sender.send(endpoint, delivery))
        finally:
            self._sending.discard(delivery.id)
            self._flying[delivery.endpoint_id] -= 1
            if delivery.endpoint_id in self._hungry:
                self._wake.set()

    async def _settle(self, delivery_id: int, attempt: Attempt) -> None:
        """Writes down what became of it, again and again while the lease lasts: forgotten, it would be sent twice."""
        draw = self._clock.draw()
        while True:
            claim = self._claimed[delivery_id]
            settlement = settle(claim.delivery, attempt, draw)
            try:
                outcome = await self._store.settle(settlement, token=claim.token)
            except StoreError:
                if self._clock.now() + timedelta(seconds=SETTLE_AGAIN) >= claim.until:
                    self._attempted(claim.delivery, settlement, "lost")
                    raise
                await self._clock.sleep(SETTLE_AGAIN)
                continue
            if outcome is not None or claim is self._claimed[delivery_id]:
                break  # else it was claimed anew meanwhile, and the new token is the one that stands
        if claim is self._claimed[delivery_id]:
            del self._claimed[delivery_id]
        self._attempted(claim.delivery, settlement, outcome or "lost")
        if outcome is not None:
            self._changed(settlement)

    def _attempted(self, delivery: Delivery, settlement: Settlement, outcome: Outcome | Literal["lost"]) -> None:
        done = outcome == "done"
        self._tell(
            Attempted(
                endpoint=delivery.endpoint_id,
                delivery=delivery.id,
                event_id=delivery.event_id,
                code=settlement.attempt.code,
                error=settlement.attempt.error,
                outcome=outcome,
                took=settlement.attempt.took.total_seconds(),
                delay=(settlement.settled - delivery.created).total_seconds() if done else None,
                attempts=settlement.attempts,
            )
        )

    def _changed(self, settlement: Settlement) -> None:
        """Tells what followed for the endpoint."""
        endpoint = settlement.endpoint_id
        if settlement.disable is not None:
            self._endpoint_is(EndpointChanged(endpoint=endpoint, state="disabled", reason=settlement.disable))
        elif settlement.pause_until is not None:
            reason = f"the receiver answered {settlement.attempt.code} with Retry-After"
            until = settlement.pause_until
            self._endpoint_is(EndpointChanged(endpoint=endpoint, state="paused", reason=reason, until=until))

    def _endpoint_is(self, change: EndpointChanged) -> None:
        """Tells it, unless that is the state that was told last."""
        if self._states[change.endpoint] != change.state:
            self._states[change.endpoint] = change.state
            self._tell(change)

    async def report(self) -> None:
        """Tells what every endpoint is owed, and the state of those that are in another than was told last."""
        now = self._clock.now()
        for endpoint in await self._store.endpoints():
            if endpoint.id in self._endpoints:
                self._endpoint_is(_condition(endpoint, now))
        for owed in await self._store.owed():
            if owed.endpoint_id in self._endpoints:
                age = 0.0 if owed.oldest is None else max((now - owed.oldest).total_seconds(), 0.0)
                state = self._states[owed.endpoint_id]
                self._tell(Backlog(endpoint=owed.endpoint_id, pending=owed.pending, oldest_age=age, state=state))

    async def release(self) -> None:
        """Gives back what is claimed and was not settled; also what the last claim brought, if nobody waited for it."""
        for token in {self._last_token(), *(claim.token for claim in self._claimed.values())}:
            await self._store.release(token)


def _condition(endpoint: Endpoint, now: datetime) -> EndpointChanged:
    """The state that an endpoint is in now, with its reason."""
    if endpoint.state is not EndpointState.ACTIVE:
        return EndpointChanged(endpoint=endpoint.id, state="disabled", reason=endpoint.disabled_reason or "")
    if endpoint.paused_until is not None and endpoint.paused_until > now:
        reason = "the receiver asked for it with Retry-After"
        return EndpointChanged(endpoint=endpoint.id, state="paused", reason=reason, until=endpoint.paused_until)
    return EndpointChanged(endpoint=endpoint.id, state="active", reason="nothing holds it back any more")
