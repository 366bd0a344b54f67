"""Any history of deliveries, on the real store with the real core: nothing vanishes, and nothing flies twice (Hypothesis)."""

import asyncio
import itertools
import tempfile
from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.fakes import Ear, FakeClock, FakeSender, answered
from tests.store.making import happen, settle_one
from watcher.core.endpoint import (
    Attempt,
    Delivery,
    Endpoint,
    EndpointState,
    Ordering,
    Scheme,
    Secrets,
    SigningKey,
    Subject,
    wants,
)
from watcher.core.model import Key
from watcher.core.outbox import DELAYS, settle
from watcher.core.recovering import DeliveryQuery, DeliveryView, Recovery, RecoveryState
from watcher.delivery import Book, Lately, Subscriptions
from watcher.ports import Committed, EndpointView, Refused, Store
from watcher.store.sqlite import open_store

LEASE = timedelta(seconds=45)
FILE = Endpoint(
    id="file",
    url="https://file.example",
    kept_by="settings",
    secrets=Secrets(keys=(SigningKey(key=b"f" * 32),)),
)
"""Of the settings, and wants everything: the operator events too."""
SHOP = Endpoint(id="shop", url="https://shop.example", types=("batch.*",))
ORDER = Endpoint(id="order", url="https://order.example", types=("batch.*",), ordering="batch")
MADE = (SHOP, ORDER)
"""Those that are made, removed, and made again."""
IDS = ("file", "shop", "order")
FEW = DELAYS[:2]
"""So that events run out of attempts within a history."""
STATES: tuple[RecoveryState, ...] = ("dead", "held", "pending", "done", "missing")
ANSWERS = (200, 200, 200, 500, 500, 429, 410, None)


@dataclass(slots=True)
class Flight:
    """An attempt of this process: claimed under which token, and what the receiver answered, once it did."""

    token: str
    delivery: Delivery
    attempt: Attempt | None = None


class Histories(RuleBasedStateMachine):
    """What happens to an outbox: commits, claims, answers, settlements, crashes, time, and what people do.

    The model knows who is owed what (`owed`), what is over (`over`), who holds which lease, and which secret each receiver has.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.runner = asyncio.Runner()
        self.tokens = (f"claim {number}" for number in itertools.count())
        self.made_keys = itertools.count(1)
        self.owed: set[tuple[str, str]] = set()
        self.accepted: set[tuple[str, str]] = set()
        self.over: dict[int, str] = {}
        self.identities: dict[int, tuple[str, str]] = {}
        self.bodies: dict[str, bytes] = {}
        self.flights: list[Flight] = []
        self.leases: dict[int, tuple[str, datetime]] = {}
        self.receivers: dict[str, SigningKey] = {"file": FILE.secrets.keys[0]}
        self.deadlines: dict[str, datetime] = {}

    # The process

    def opened(self) -> AbstractAsyncContextManager[Store]:
        return open_store(Path(self.folder.name) / "watcher.db", tell=Ear(), clock=self.clock)

    @initialize()
    def start(self) -> None:
        self._begin()
        self.runner.run(self.store.settle_endpoints([FILE]))
        self._load()
        for endpoint in MADE:
            self._make(endpoint)
        self.commit(batch_id=1, kinds=("batch.new", "batch.active"))

    def _begin(self) -> None:
        self.opening = self.opened()
        self.store = self.runner.run(self.opening.__aenter__())
        self._load()

    def _load(self) -> None:
        self.book = Book({"file": FILE})
        self.runner.run(self.book.load(self.store))
        self.subscriptions = Subscriptions(
            book=self.book,
            store=self.store,
            sender=FakeSender(self.clock),
            clock=self.clock,
            make_key=self._make_key,
            fits=lambda _: True,
            tell=Ear(),
            wake=lambda: None,
            lately=Lately(clock=self.clock),
        )

    def _make_key(self, scheme: Scheme) -> SigningKey:
        return SigningKey(scheme=scheme, key=next(self.made_keys).to_bytes(32, "big"))

    def teardown(self) -> None:
        if hasattr(self, "opening"):
            self.runner.run(self.opening.__aexit__(None, None, None))
        self.runner.close()
        self.folder.cleanup()

    @rule()
    def crash(self) -> None:
        """What flies is never settled, and nobody gives it back. The next process finds the store as it is, and what the former
        had claimed is free: that one is gone, or it would hold the lock."""
        self.flights.clear()
        self.leases.clear()
        self.runner.run(self.opening.__aexit__(None, None, None))
        self._begin()

    @rule(seconds=st.sampled_from([1, 10, 31, 46, 600, 7_200, 90_000]))
    def time_passes(self, seconds: int) -> None:
        now = self.clock.turn(seconds=seconds)
        for endpoint_id, deadline in list(self.deadlines.items()):
            if deadline <= now:
                self._adopt(endpoint_id)

    # What happens, and who is told

    @rule(batch_id=st.integers(1, 3), kinds=st.sampled_from([("batch.new",), ("batch.stuck", "batch.active")]))
    def commit(self, batch_id: int, kinds: tuple[str, ...]) -> None:
        self._note(self.runner.run(happen(self.store, *kinds, key=Key("default", batch_id))))

    def _note(self, committed: Committed) -> None:
        for event, count in zip(committed.events, committed.deliveries, strict=True):
            subject = Subject(type=event.type, endpoint=event.endpoint)
            told = [endpoint.id for endpoint in self.book if wants(endpoint, subject)]
            assert count == len(told)
            self.bodies[event.id] = event.body
            self.owed |= {(endpoint_id, event.id) for endpoint_id in told}

    @rule(of=st.sampled_from([IDS, IDS, *((each,) for each in IDS)]), most=st.integers(1, 4), first=st.booleans())
    def claim(self, of: tuple[str, ...], most: int, first: bool) -> None:
        room = dict.fromkeys(of, most)
        now, token = self.clock.now(), next(self.tokens)
        before = self._rows()
        standing = {endpoint.id: endpoint for endpoint in self.runner.run(self.store.endpoints())}
        claimed = self.runner.run(self.store.claim(room, token=token, now=now, until=now + LEASE, retries_first=first))
        for delivery in claimed:
            assert not self._is_leased(delivery.id), "two in flight at once"
            assert before[delivery.id].state == "pending"
            assert delivery.due <= now
            assert (delivery.endpoint_id, delivery.event_id) == self.identities[delivery.id]
            assert delivery.body == self.bodies[delivery.event_id]
        for endpoint_id, count in Counter(delivery.endpoint_id for delivery in claimed).items():
            assert count <= most
            self._may_be_sent(standing[endpoint_id], count)
            if standing[endpoint_id].ordering == "batch":
                self._are_in_order([before[each.id] for each in claimed if each.endpoint_id == endpoint_id], before)
        for delivery in claimed:
            self.leases[delivery.id] = (token, now + LEASE)
            self.flights.append(Flight(token=token, delivery=delivery))

    def _is_leased(self, delivery_id: int) -> bool:
        return delivery_id in self.leases and self.leases[delivery_id][1] > self.clock.now()

    def _may_be_sent(self, endpoint: Endpoint, count: int) -> None:
        now = self.clock.now()
        assert endpoint.state is EndpointState.ACTIVE
        assert endpoint.paused_until is None or endpoint.paused_until <= now
        if endpoint.health.opened:
            assert endpoint.health.open_until is None or endpoint.health.open_until <= now
            flying = [each for each, (of, _) in self.identities.items() if of == endpoint.id and self._is_leased(each)]
            assert (count, flying) == (1, []), "more than a probe"

    def _are_in_order(self, claimed: list[DeliveryView], before: dict[int, DeliveryView]) -> None:
        for each in claimed:
            others = [
                other
                for other in before.values()
                if (other.endpoint_id, other.batch_id) == (each.endpoint_id, each.batch_id) and other.id != each.id
            ]
            assert not [other for other in others if other.state == "pending" and other.position < each.position]
            assert not [other for other in others if self._is_leased(other.id)]
        assert len({each.batch_id for each in claimed}) == len(claimed)

    # Attempts

    @precondition(lambda self: any(flight.attempt is None for flight in self.flights))
    @rule(data=st.data(), code=st.sampled_from(ANSWERS))
    def send(self, data: st.DataObject, code: int | None) -> None:
        self._send(data.draw(st.sampled_from([each for each in self.flights if each.attempt is None])), code)

    def _send(self, flight: Flight, code: int | None) -> None:
        endpoint = self.book.get(flight.delivery.endpoint_id)
        if endpoint is None:
            self.flights.remove(flight)  # as the deliverer has it: the claim runs out by itself
            return
        now = self.clock.now()
        keys = [(key.scheme, key.key) for key in endpoint.secrets.signing(now)]
        known = self.receivers[endpoint.id]
        assert (known.scheme, known.key) in keys, "the receiver cannot verify it"
        retry_after = timedelta(seconds=90) if code == 429 else None
        error = "timeout" if code is None else None
        flight.attempt = answered(code, at=now, error=error, retry_after=retry_after)
        if code == 200:
            self.accepted.add((endpoint.id, flight.delivery.event_id))

    @precondition(lambda self: any(flight.attempt is not None for flight in self.flights))
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        self._settle(data.draw(st.sampled_from([each for each in self.flights if each.attempt is not None])))

    @rule(of=st.sampled_from([IDS, *((each,) for each in IDS)]), code=st.sampled_from(ANSWERS), times=st.integers(1, 6))
    def deliver(self, of: tuple[str, ...], code: int | None, times: int) -> None:
        """Claimed, sent and settled in one go, again and again: so breakers open, and deliveries run out."""
        for _ in range(times):
            others = list(self.flights)
            self.claim(of, 4, first=False)
            for flight in [each for each in self.flights if each not in others]:
                self._send(flight, code)
                if flight.attempt is not None:
                    self._settle(flight)
            self.time_passes(31)

    @precondition(lambda self: self.flights)
    @rule(code=st.sampled_from(ANSWERS))
    def wake_up_late(self, code: int | None) -> None:
        """The leases of all that flies run out, others claim it anew, and then the answers come."""
        late = list(self.flights)
        self.time_passes(46)
        self.claim(IDS, 4, first=True)
        for flight in late:
            if flight.attempt is None:
                self._send(flight, code)
            if flight.attempt is not None:
                self._settle(flight)

    def _settle(self, flight: Flight) -> None:
        assert flight.attempt is not None
        self.flights.remove(flight)
        delivery_id = flight.delivery.id
        stood = self._is_leased(delivery_id)
        mine = self.leases.get(delivery_id, ("",))[0] == flight.token
        settlement = settle(flight.delivery, flight.attempt, draw=0.0, delays=FEW)
        settled = self.runner.run(settle_one(self.store, settlement, token=flight.token))
        if settled is None:
            assert not (mine and stood), "what a standing claim brought was not taken"
            return
        assert mine, "what an overtaken claim brought was taken"
        del self.leases[delivery_id]
        assert settled.outcome in (settlement.outcome, "held")
        if settled.outcome in ("done", "dead"):
            self.over[delivery_id] = settled.outcome
        if settled.endpoint is not None:
            self.book.stand(settled.endpoint)
        self._note(settled.told)

    @precondition(lambda self: self.flights)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from([flight.token for flight in self.flights]))
        self.flights = [flight for flight in self.flights if flight.token != token]
        self.runner.run(self.store.release(token))
        self.leases = {each: lease for each, lease in self.leases.items() if lease[0] != token}

    # What people do

    @precondition(lambda self: self.identities)
    @rule(data=st.data())
    def resend(self, data: st.DataObject) -> None:
        delivery_id = data.draw(st.sampled_from(sorted(self.identities)))
        endpoint = self.book.get(self.identities[delivery_id][0])
        resent = self.runner.run(self.subscriptions.resend(delivery_id))
        if self._is_leased(delivery_id):
            assert isinstance(resent, Refused)
            assert resent.kind == "in-flight"
        elif endpoint is None or endpoint.state is not EndpointState.ACTIVE:
            assert isinstance(resent, Refused)
            assert resent.kind == "not-active"
        else:
            assert not isinstance(resent, Refused)
            assert (resent.view.state, resent.view.attempts) == ("pending", 0)
            self._is_owed_again(delivery_id)

    def _is_owed_again(self, delivery_id: int) -> None:
        self.over.pop(delivery_id, None)
        if not self._is_leased(delivery_id):
            self.leases.pop(delivery_id, None)

    @rule(
        endpoint_id=st.sampled_from(IDS),
        states=st.sets(st.sampled_from(STATES), min_size=1),
        hours=st.sampled_from([1, 1000]),
        dry_run=st.booleans(),
    )
    def recover(self, endpoint_id: str, states: set[RecoveryState], hours: int, dry_run: bool) -> None:
        now = self.clock.now()
        before = self._rows()
        recovery = Recovery(
            endpoint_id=endpoint_id,
            since=now - timedelta(hours=hours),
            until=now + timedelta(seconds=1),
            states=frozenset(states),
        )
        recovered = self.runner.run(self.subscriptions.recover(recovery, dry_run=dry_run))
        endpoint = self.book.get(endpoint_id)
        if endpoint is None or (endpoint.state is not EndpointState.ACTIVE and not dry_run):
            assert isinstance(recovered, Refused)
            return
        assert not isinstance(recovered, Refused)
        assert recovered.counts.keys() <= states
        if dry_run:
            assert self._rows() == before
            return
        for delivery_id, row in self._rows().items():
            if delivery_id not in before:
                assert (row.endpoint_id, row.state, row.cause) == (endpoint_id, "pending", "recovery")
                self.owed.add((endpoint_id, row.event_id))
            elif row != before[delivery_id]:
                assert (row.endpoint_id, row.state, row.cause) == (endpoint_id, "pending", "recovery")
                assert not self._is_leased(delivery_id)
                assert before[delivery_id].state.value in states
                self._is_owed_again(delivery_id)

    @rule(endpoint_id=st.sampled_from(IDS))
    def disable(self, endpoint_id: str) -> None:
        answer = self.runner.run(self.subscriptions.disable(endpoint_id, "maintenance"))
        assert isinstance(answer, EndpointView if endpoint_id in self.book else Refused)

    @rule(endpoint_id=st.sampled_from(IDS), send_held=st.booleans())
    def enable(self, endpoint_id: str, send_held: bool) -> None:
        view = self.runner.run(self.subscriptions.enable(endpoint_id, send_held=send_held))
        if isinstance(view, EndpointView):
            assert view.condition == "active"
            assert not (send_held and view.held)

    @rule(endpoint=st.sampled_from(MADE), grace=st.sampled_from([0, 60, 86_400, 604_800]))
    def rotate(self, endpoint: Endpoint, grace: int) -> None:
        rotated = self.runner.run(self.subscriptions.rotate(endpoint.id, grace=timedelta(seconds=grace), secret=None))
        if isinstance(rotated, Refused):
            assert rotated.kind == ("too-many-secrets" if endpoint.id in self.book else "unknown-endpoint")
            return
        if grace == 0:
            self._adopt(endpoint.id)
        else:
            until = self.clock.now() + timedelta(seconds=grace)
            self.deadlines[endpoint.id] = min(until, self.deadlines.get(endpoint.id, until))

    @precondition(lambda self: self.deadlines)
    @rule(data=st.data())
    def adopt(self, data: st.DataObject) -> None:
        """A receiver takes the newest secret, in time."""
        self._adopt(data.draw(st.sampled_from(sorted(self.deadlines))))

    def _adopt(self, endpoint_id: str) -> None:
        self.deadlines.pop(endpoint_id, None)
        endpoint = self.book.get(endpoint_id)
        if endpoint is not None:
            self.receivers[endpoint_id] = endpoint.secrets.keys[0]

    @rule(endpoint_id=st.sampled_from([endpoint.id for endpoint in MADE]))
    def change_the_order(self, endpoint_id: str) -> None:
        known = self.book.get(endpoint_id)
        if known is not None:
            ordering: Ordering = "none" if known.ordering == "batch" else "batch"
            assert isinstance(
                self.runner.run(self.subscriptions.change(replace(known, ordering=ordering))), EndpointView
            )

    @rule(endpoint=st.sampled_from(MADE))
    def remove_or_make_again(self, endpoint: Endpoint) -> None:
        if endpoint.id in self.book:
            assert self.runner.run(self.subscriptions.remove(endpoint.id)) is None
            self.deadlines.pop(endpoint.id, None)
        else:
            self._make(endpoint)

    def _make(self, endpoint: Endpoint) -> None:
        made = self.runner.run(self.subscriptions.make(endpoint, schemes=["v1"], secret=None, verification="none"))
        assert isinstance(made, Endpoint)
        self.receivers[endpoint.id] = made.secrets.keys[0]

    # What always holds

    def _rows(self) -> dict[int, DeliveryView]:
        """All deliveries by id; each is for ever of one event and one endpoint."""
        rows = {row.id: row for row in self.runner.run(self.store.deliveries(DeliveryQuery(limit=10_000)))}
        identities = {row.id: (row.endpoint_id, row.event_id) for row in rows.values()}
        assert self.identities.items() <= identities.items()
        self.identities = identities
        return rows

    @invariant()
    def nothing_vanishes_and_what_is_over_is_over(self) -> None:
        if not hasattr(self, "store"):
            return
        rows = self._rows()
        owed = Counter((row.endpoint_id, row.event_id) for row in rows.values())
        assert owed == Counter(self.owed), "one delivery for everyone who is owed an event, and no other"
        for row in rows.values():
            endpoint = self.book.get(row.endpoint_id)
            live = endpoint is not None and endpoint.state is EndpointState.ACTIVE
            assert live or row.state != "pending", "who is not active is owed nothing but what is held"
            assert row.state != "done" or (row.endpoint_id, row.event_id) in self.accepted
        assert {each: rows[each].state for each in self.over} == self.over

    @rule()
    def everything_comes_to_an_end(self) -> None:
        """Receivers are well again, everybody is enabled, and the deliverer has its time: all is done or dead then."""
        for flight in list(self.flights):
            if flight.attempt is not None:
                self._settle(flight)
        self.flights.clear()
        for endpoint_id in IDS:
            self.runner.run(self.subscriptions.enable(endpoint_id, send_held=True))
        live = tuple(endpoint.id for endpoint in self.book)
        for _ in range(100):
            self.time_passes(90_000)
            self.claim(live, 4, first=False)
            if not self.flights:
                break
            for flight in list(self.flights):
                self._send(flight, 200)
                self._settle(flight)
        assert {row.state for row in self._rows().values() if row.endpoint_id in live} <= {"done", "dead"}


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=25, stateful_step_count=50, deadline=None)
