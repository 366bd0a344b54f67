"""Any history of endpoints and deliveries leaves a database and the fake alike, which is simple enough to be read (Hypothesis):
SQLite, and PostgreSQL with two processes that take turns."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.fake_store import FakeStore
from tests.fakes import NOON, Ear, FakeClock
from tests.store.making import answered, api_endpoint, claim, endpoint, happen, settle_one
from tests.store.postgres_server import Server
from tests.store.turned import CLOCK, Turned
from watcher.core.endpoint import Delivery, DeliveryState, Endpoint
from watcher.core.model import Key
from watcher.core.recovering import USUAL_STATES, Cutoffs, DeliveryQuery, Forgotten, Recovery
from watcher.ports import Store
from watcher.store.postgres import open_postgres
from watcher.store.sqlite import open_store

T = TypeVar("T")

OURS = ("a", "b")
THEIRS = ("ep_1", "ep_2")
NAMES = (*OURS, *THEIRS)
names = st.sampled_from(NAMES)


class Histories(RuleBasedStateMachine):
    """Whatever the port offers, in any order, on a database and the fake at once. One token a claim, as the deliverer has it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.runner = asyncio.Runner()
        self.opened = AsyncExitStack()
        self.turns = itertools.count()
        self.fake = FakeStore(self.clock)
        self.named = {name: endpoint(name, ordering="batch" if name == "a" else "none") for name in OURS}
        self.claims: list[tuple[str, Delivery]] = []
        self.tokens = (f"token {number}" for number in itertools.count())

    @initialize()
    def start(self) -> None:
        self.stores = self.runner.run(self.open())
        self.both(lambda store: store.settle_endpoints(list(self.named.values())))
        self.both(lambda store: store.make_endpoint(api_endpoint("ep_1", ordering="batch"), NOON))

    async def open(self) -> Sequence[Store]:
        """The processes that have the database."""
        store = await self.opened.enter_async_context(open_store(None, tell=Ear(), clock=self.clock))
        store._remembered.origin = "test"
        return [store]

    def teardown(self) -> None:
        self.runner.run(self.opened.aclose())
        self.runner.close()

    def both(self, operation: Callable[[Store], Awaitable[T]]) -> T:
        """What the operation gave, which is the same on both."""

        async def run() -> tuple[T, T]:
            store = self.stores[next(self.turns) % len(self.stores)]
            return await operation(store), await operation(self.fake)

        ours, fakes = self.runner.run(run())
        assert ours == fakes
        return ours

    @rule(batch_id=st.integers(1, 2), several=st.integers(1, 3))
    def commit(self, batch_id: int, several: int) -> None:
        key = Key("default", batch_id)
        self.both(lambda store: happen(store, *["batch.stuck"] * several, key=key, at=self.clock.now()))

    @rule(room=st.integers(0, 3), retries_first=st.booleans(), one=st.none() | names)
    def claim(self, room: int, retries_first: bool, one: str | None) -> None:
        now, token = self.clock.now(), next(self.tokens)
        asked = (one,) if one else NAMES
        claimed = self.both(
            lambda store: claim(store, now, *asked, room=room, token=token, retries_first=retries_first)
        )
        self.claims += [(token, delivery) for delivery in claimed]

    @rule(data=st.data(), code=st.sampled_from([200, 200, 200, 500, 500, 500, None, 410, 429]), last=st.booleans())
    def answer(self, data: st.DataObject, code: int | None, last: bool) -> None:
        if not self.claims:
            return
        token, delivery = data.draw(st.sampled_from(self.claims))
        tried = replace(delivery, attempts=10) if last else delivery
        pause = timedelta(seconds=90) if code == 429 else None
        settlement = answered(tried, code, self.clock.now(), retry_after=pause)
        self.both(lambda store: settle_one(store, settlement, token=token))

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if self.claims:
            token, _ = data.draw(st.sampled_from(self.claims))
            self.both(lambda store: store.release(token))

    @rule(name=st.sampled_from(OURS), to=st.sampled_from(["nowhere", "the same", "another", "in order"]))
    def change_the_settings(self, name: str, to: str) -> None:
        known = self.named.pop(name, endpoint(name))
        changes = {"another": {"url": known.url + "x"}, "in order": {"ordering": "batch"}}
        if to != "nowhere":
            self.named[name] = replace(known, **changes.get(to, {}))  # type: ignore[arg-type]
        self.both(lambda store: store.settle_endpoints(list(self.named.values())))

    @rule(name=st.sampled_from(THEIRS), ordered=st.booleans(), types=st.sampled_from([(), ("batch.*",), ("x",)]))
    def make(self, name: str, ordered: bool, types: tuple[str, ...]) -> None:
        wanted = api_endpoint(name, ordering="batch" if ordered else "none", types=types)
        self.both(lambda store: store.make_endpoint(wanted, self.clock.now()))

    @rule(name=st.sampled_from(THEIRS), ordered=st.booleans(), elsewhere=st.booleans(), late=st.booleans())
    def change(self, name: str, ordered: bool, elsewhere: bool, late: bool) -> None:
        known = next((each for each in self.both(_endpoints) if each.id == name), api_endpoint(name))
        wanted = replace(known, ordering="batch" if ordered else "none", url=known.url + "x" * elsewhere)
        self.both(lambda store: store.change_endpoint(replace(wanted, version=known.version - late)))

    @rule(name=names)
    def disable(self, name: str) -> None:
        self.both(lambda store: store.disable_endpoint(name, "enough"))

    @rule(name=names, send_held=st.booleans())
    def enable(self, name: str, send_held: bool) -> None:
        self.both(lambda store: store.enable_endpoint(name, send_held=send_held, now=self.clock.now()))

    @rule(name=st.sampled_from(THEIRS))
    def remove(self, name: str) -> None:
        self.both(lambda store: store.remove_endpoint(name))

    @rule(delivery_id=st.integers(1, 20))
    def resend(self, delivery_id: int) -> None:
        self.both(lambda store: store.resend(delivery_id, self.clock.now()))

    @rule(name=names, states=st.sampled_from([USUAL_STATES, USUAL_STATES | {"done", "pending"}]), dry_run=st.booleans())
    def recover(self, name: str, states: frozenset[str], dry_run: bool) -> None:
        now = self.clock.now()
        recovery = Recovery(endpoint_id=name, since=NOON, until=now, states=states)  # type: ignore[arg-type]
        self.both(lambda store: store.recover(recovery, now, dry_run=dry_run))

    @rule(hours=st.sampled_from([1, 30]))
    def forget(self, hours: int) -> None:
        old = self.clock.now() - timedelta(hours=hours)
        cutoffs = Cutoffs(events=old, deliveries=old, broadcasts=old)
        self.both(lambda store: store.forget(cutoffs, Forgotten(), 1000))

    @rule(
        account=st.sampled_from([None, "default", "other"]),
        batch_id=st.none() | st.integers(1, 3),
        one=st.none() | names,
        states=st.sets(st.sampled_from(DeliveryState)),
        limit=st.integers(1, 5),
    )
    def list_some(
        self, account: str | None, batch_id: int | None, one: str | None, states: set[DeliveryState], limit: int
    ) -> None:
        query = DeliveryQuery(
            endpoint_id=one, account=account, batch_id=batch_id, states=tuple(sorted(states)), limit=limit
        )
        self.both(lambda store: store.deliveries(query))

    @rule(seconds=st.sampled_from([1, 10, 45, 600, 90_000]))
    def wait(self, seconds: int) -> None:
        self.clock.turn(seconds=seconds)

    @invariant()
    def both_show_the_same(self) -> None:
        if hasattr(self, "stores"):
            self.both(_endpoints)
            self.both(lambda store: store.owed())
            shown = self.both(lambda store: store.deliveries(DeliveryQuery(limit=1000)))
            once = {(each.position, each.endpoint_id) for each in shown}
            assert len(once) == len(shown)


async def _endpoints(store: Store) -> list[Endpoint]:
    return await store.endpoints()


class SharedHistories(Histories):
    """The same of two processes that have one database, and do every other thing each."""

    def __init__(self, server: Server, template: str) -> None:
        super().__init__()
        self.server = server
        self.name = server.make(template)

    async def open(self) -> Sequence[Store]:
        url = self.server.url(self.name)
        one, other = [
            await self.opened.enter_async_context(open_postgres(url, tell=Ear(), clock=self.clock)) for _ in range(2)
        ]
        for statement in CLOCK:
            self.server.say(statement, self.name)
        for store in (one, other):
            store._remembered.origin = "test"
        other._remembered._recents = one._remembered._recents  # the last minute is each process's own
        return [cast("Store", Turned(store, self.clock)) for store in (one, other)]

    def teardown(self) -> None:
        super().teardown()
        self.server.drop(self.name)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


def test_two_processes_that_take_turns_leave_what_one_would(server: Server, template: str) -> None:
    run_state_machine_as_test(
        lambda: SharedHistories(server, template),  # type: ignore[arg-type]
        settings=settings(max_examples=5, stateful_step_count=40, deadline=None),
    )
