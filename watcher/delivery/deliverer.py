"""Deliveries that are due are claimed under a lease, sent, and settled: at least once, in bounded numbers."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, Literal

from watcher.core.endpoint import Attempt, Delivery
from watcher.core.news import Attempted, Backlog, EndpointChanged, EndpointTold, Tell
from watcher.core.outbox import Outcome, Settlement, reason_of, verdict_of
from watcher.delivery.book import Book, condition_of
from watcher.delivery.places import Limits, Places
from watcher.delivery.settling import Claim, Errand, Settling
from watcher.ports import Clock, Sender, Settled, Store

BACKSTOP: Final = 1.0
"""Seconds between two looks for due deliveries when nothing wakes the deliverer: retries come due by themselves."""
TOKEN_LEAST: Final = 0.001
"""Seconds that are waited for a token at least: of a shorter wait a clock may see nothing pass."""
AT_ONCE: Final = 8
"""As many are sent off before all else has its turn in the event loop: behind a hundred of one claim, what the store has to be
told next, and its answers, would stand for milliseconds, and nothing would be sent while it writes."""
LEASE_SPARE: Final = timedelta(seconds=15)
"""A claim holds for twice the endpoint's time-out and this. No attempt takes longer than the time-out, so a lease is never
renewed at a third, as webhooks.md has it: it ends under way only where the clock is set forward."""


class Deliverer:
    """Sends what is owed to the endpoints of the book. Every claim has a token of its own, which begins with this process's
    `token`: so what one attempt brought can never be taken for what a later one did."""

    name: Final = "deliverer"

    def __init__(
        self,
        book: Book,
        *,
        limits: Limits,
        token: str,
        sender: Sender,
        store: Store,
        clock: Clock,
        tell: Tell,
        errand: Errand,
    ) -> None:
        self._book = book
        self._places = Places(limits)
        self._per_endpoint = limits.per_endpoint
        self._token = token
        self._claims = 0
        self._sender = sender
        self._store = store
        self._clock = clock
        self._tell = tell
        self._errand = errand
        self._wake = asyncio.Event()
        self._settling = Settling(store=store, clock=clock, errand=errand, freed=self._freed, settled=self._settled)

    def wake(self) -> None:
        """Something was committed, or allowed, that may be due at once."""
        self._wake.set()

    def limit(self, limits: Limits) -> None:
        """These are the limits from now on."""
        self._places.limit(limits)
        self._per_endpoint = limits.per_endpoint
        self.wake()

    async def step(self) -> None:
        """Claims what is due and fits, sends it off, and waits for more."""
        self._wake.clear()
        if self._settling.stuck:
            await self._clock.wait(self._wake, BACKSTOP)
            return
        waiting = self._places.in_order(self._book, self._clock.now())
        self._places.expect_more(waiting)
        sated: set[str] = set()
        # Room is handed out as if everyone were owed something; what the first leave of it, the next are offered.
        while room := self._places.room(waiting, self._clock.monotonic()):
            longest = max(endpoint.timeout for endpoint in waiting if endpoint.id in room)
            sated |= await self._claim(room, 2 * longest + LEASE_SPARE)
            waiting = [endpoint for endpoint in waiting if endpoint.id not in room]
        self._places.sate(sated)
        thirst = self._places.thirst()
        await self._clock.wait(self._wake, BACKSTOP if thirst is None else min(max(thirst, TOKEN_LEAST), BACKSTOP))

    async def _claim(self, room: Mapping[str, int], lease: timedelta) -> set[str]:
        """Claims what is due, and sends it off; the endpoints that are owed nothing more now."""
        now = self._clock.now()
        until = now + lease
        self._claims += 1
        token = self._last_token()
        # Who is first where there is room for one is tossed for: with strict turns, an endpoint that is offered a place at every
        # other claim would have it always in the turn of the same kind.
        retries_first = self._clock.draw() < 0.5
        with self._settling.claiming():
            claimed = await self._store.claim(
                room,
                token=token,
                now=now,
                until=until,
                retries_first=retries_first,
                per_endpoint=self._per_endpoint,
            )
            sent = [delivery for delivery in claimed if self._settling.begin(Claim(delivery, token, until))]
            for delivery in sent:
                self._places.take(delivery.endpoint_id, self._claims)
        if sent:
            self._errand("sending", self._send_off(sent))
        taken = Counter(delivery.endpoint_id for delivery in claimed)
        return {endpoint_id for endpoint_id, free in room.items() if taken[endpoint_id] < free}

    def _last_token(self) -> str:
        return f"{self._token}.{self._claims}"

    async def _send_off(self, deliveries: Sequence[Delivery]) -> None:
        for number, delivery in enumerate(deliveries):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            self._errand(f"delivery {delivery.endpoint_id}", self._deliver(delivery))

    async def _deliver(self, delivery: Delivery) -> None:
        endpoint = self._book.get(delivery.endpoint_id)
        attempt: Attempt | None = None
        try:
            if endpoint is not None:  # else it was removed since: its deliveries are held
                attempt = await self._sender.send(endpoint, delivery)
        finally:
            if attempt is None:
                self._settling.abandon(delivery)
        if attempt is not None:
            self._settling.end(delivery, attempt)

    def _freed(self, deliveries: Sequence[Delivery]) -> None:
        """Their places are free: whoever takes them is claimed behind what is written down now."""
        wanted = [self._places.give_back(delivery.endpoint_id) for delivery in deliveries]
        if any(wanted):
            self._wake.set()

    def _settled(self, settlement: Settlement, settled: Settled | None) -> None:
        """Tells what became of an attempt, and follows it up."""
        self._attempted(settlement, "lost" if settled is None else settled.outcome)
        if self._places.heed(settlement.endpoint_id, verdict_of(settlement)):
            self._wake.set()
        if settled is not None:
            self._follow(settlement, settled)

    def _attempted(self, settlement: Settlement, outcome: Outcome | Literal["lost"]) -> None:
        delivery = settlement.delivery
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
                event_type=delivery.event_type,
                attempt=settlement.attempt,
            )
        )

    def _follow(self, settlement: Settlement, settled: Settled) -> None:
        """Takes in and tells what followed for the endpoint, and wakes the deliverer where more may go now."""
        if settled.endpoint is not None:
            self._book.stand(settled.endpoint)
            change = self._book.change(settlement.endpoint_id, self._clock.now())
            if change is not None:
                self._tell(_explained(change, settlement))
        for event, deliveries in zip(settled.told.events, settled.told.deliveries, strict=True):
            about = event.endpoint or settlement.endpoint_id
            self._tell(EndpointTold(endpoint=about, type=event.type, position=event.position, deliveries=deliveries))
        endpoint = self._book.get(settlement.endpoint_id)
        next_in_order = endpoint is not None and endpoint.ordering == "batch" and settled.outcome in ("done", "dead")
        if settled.endpoint is not None or any(settled.told.deliveries) or next_in_order:
            self._wake.set()

    async def report(self) -> None:
        """Tells what every endpoint is owed, and the condition of those that are in another than was told last."""
        await self._book.load(self._store)
        self._places.survey(list(self._book))
        owed = await self._store.owed()
        now = self._clock.now()
        states: dict[str, str] = {}
        for endpoint in self._book:
            change = self._book.change(endpoint.id, now)
            if change is not None:
                self._tell(change)
            states[endpoint.id] = condition_of(endpoint, now).name
        for each in owed:
            if each.endpoint_id in states:
                age = 0.0 if each.oldest is None else max((now - each.oldest).total_seconds(), 0.0)
                state = states[each.endpoint_id]
                self._tell(Backlog(endpoint=each.endpoint_id, pending=each.pending, oldest_age=age, state=state))
        for endpoint_id in self._book.gone():
            if not self._places.flies(endpoint_id):  # the last that is told of it
                self._book.forget(endpoint_id)
                self._tell(EndpointChanged(endpoint=endpoint_id, state="removed", reason="it was deleted"))

    async def release(self) -> None:
        """Gives back what is claimed and was not settled; also what the last claim brought, if nobody waited for it."""
        for token in {self._last_token(), *self._settling.tokens}:
            await self._store.release(token)


def _explained(change: EndpointChanged, settlement: Settlement) -> EndpointChanged:
    """With what the attempt brought, which says more of a pause and of a breaker than how the endpoint stands."""
    brought = reason_of(settlement.attempt)
    if change.state == "paused":
        return replace(change, reason=f"{brought} with Retry-After" if settlement.attempt.code is not None else brought)
    if change.state == "open":
        return replace(change, reason=f"{change.reason}; the last: {brought}")
    return change
