"""Any history of deliveries, beside a model: nothing is claimed twice, lost, or tried once it is done (Hypothesis)."""

import asyncio
import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fakes import Ear, FakeClock
from tests.store.making import LEASE, answered, claim, endpoint, happen
from watcher.core.model import Delivery
from watcher.store.sqlite import open_store

ENDPOINTS = ("a", "b")


@dataclass(slots=True)
class Expected:
    """A delivery as the model has it."""

    endpoint_id: str
    due: datetime
    state: str = "pending"
    attempts: int = 0
    token: str | None = None
    until: datetime | None = None


class Histories(RuleBasedStateMachine):
    """Commits, claims, answers, waits, releases and changes of the settings in any order. One token a claim, as the deliverer
    has it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.runner = asyncio.Runner()
        self.opened = open_store(None, tell=Ear(), clock=self.clock)
        self.expected: dict[int, Expected] = {}
        self.disabled: set[str] = set()
        self.removed: set[str] = set()
        self.urls = {name: f"https://{name}.example/" for name in ENDPOINTS}
        self.paused: dict[str, datetime] = {}
        self.claims: list[tuple[str, Delivery]] = []
        self.tokens = (f"token {number}" for number in itertools.count())

    @initialize()
    def start(self) -> None:
        self.store = self.runner.run(self.opened.__aenter__())
        self.runner.run(self.store.settle_endpoints([endpoint(name, url=url) for name, url in self.urls.items()]))

    def teardown(self) -> None:
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    @rule()
    def commit(self) -> None:
        self.runner.run(happen(self.store, "batch.stuck"))
        for name in [each for each in ENDPOINTS if each not in self.removed]:
            state = "held" if name in self.disabled else "pending"
            self.expected[len(self.expected) + 1] = Expected(endpoint_id=name, due=self.clock.now(), state=state)

    @rule(room=st.integers(0, 3), name=st.sampled_from(ENDPOINTS))
    def claim(self, room: int, name: str) -> None:
        now = self.clock.now()
        token = next(self.tokens)
        claimed = self.runner.run(claim(self.store, now, name, room=room, token=token))
        free = sorted((each.due, number) for number, each in self.expected.items() if self._free(each, name))
        assert [delivery.id for delivery in claimed] == [number for _, number in free[:room]]
        for delivery in claimed:
            expected = self.expected[delivery.id]
            assert (delivery.due, delivery.attempts) == (expected.due, expected.attempts)
            expected.token, expected.until = token, now + LEASE
            self.claims.append((token, delivery))

    def _free(self, each: Expected, name: str) -> bool:
        now = self.clock.now()
        return (
            each.endpoint_id == name
            and each.state == "pending"
            and each.due <= now
            and (each.until is None or each.until < now)
            and self.paused.get(name, now) <= now
        )

    @rule(data=st.data(), code=st.sampled_from([200, 200, 500, None, 410, 429]))
    def answer(self, data: st.DataObject, code: int | None) -> None:
        if not self.claims:
            return
        token, delivery = data.draw(st.sampled_from(self.claims))
        wait = timedelta(seconds=90) if code == 429 else None
        settlement = answered(delivery, code, self.clock.now(), retry_after=wait)
        expected = self.expected[delivery.id]
        stands = expected.token == token
        outcome = self.runner.run(self.store.settle(settlement, token=token))
        if not stands:
            assert outcome is None
            return
        name = delivery.endpoint_id
        expected.token = expected.until = None
        expected.attempts = settlement.attempts
        expected.due = settlement.due or expected.due
        if settlement.pause_until is not None:
            self.paused[name] = max(settlement.pause_until, self.paused.get(name, settlement.pause_until))
        after = {"done": "done", "dead": "dead", "held": "held"}.get(settlement.outcome, "pending")
        held = after == "held" or (after == "pending" and name in self.disabled | self.removed)
        expected.state = "held" if held else after
        assert outcome == ("held" if held else settlement.outcome)
        if settlement.disable is not None and name not in self.removed:
            self.disabled.add(name)
            self._turn_over(name, "pending", "held")

    def _turn_over(self, name: str, before: str, after: str) -> None:
        for each in self.expected.values():
            if each.endpoint_id == name and each.state == before:
                each.state = after

    @rule(name=st.sampled_from(ENDPOINTS), to=st.sampled_from(["nowhere", "the same", "another"]))
    def change_the_settings(self, name: str, to: str) -> None:
        if to == "nowhere":
            self.removed.add(name)
            self._turn_over(name, "pending", "held")
        else:
            back = name in self.removed
            self.removed.discard(name)
            if to == "another":
                self.urls[name] += "x"
                self.disabled.discard(name)
                self.paused.pop(name, None)
            if name not in self.disabled and (back or to == "another"):
                self._turn_over(name, "held", "pending")
                for each in self.expected.values():
                    if each.endpoint_id == name and each.state == "pending":
                        each.due = min(each.due, self.clock.now())
        named = [endpoint(each, url=self.urls[each]) for each in ENDPOINTS if each not in self.removed]
        self.runner.run(self.store.settle_endpoints(named))

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if not self.claims:
            return
        token, _ = data.draw(st.sampled_from(self.claims))
        held = [each for each in self.expected.values() if each.token == token]
        assert self.runner.run(self.store.release(token)) == len(held)
        for each in held:
            each.token = each.until = None

    @rule(seconds=st.sampled_from([1, 10, 46, 600, 90_000]))
    def wait(self, seconds: int) -> None:
        self.clock.turn(seconds=seconds)

    @invariant()
    def what_is_owed_is_what_is_pending(self) -> None:
        if not hasattr(self, "store"):
            return
        owed = {each.endpoint_id: each.pending for each in self.runner.run(self.store.owed())}
        pending = [each.endpoint_id for each in self.expected.values() if each.state == "pending"]
        assert owed == {name: pending.count(name) for name in ENDPOINTS}


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
