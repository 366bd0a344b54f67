"""What must hold after every step, whatever befalls the service: read from its database, and held against what is true."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tests.chaos.faults.databases import Database
from tests.chaos.faults.receiving import FaultyReceivers
from tests.chaos.faults.truth import about_event
from tests.chaos.faults.upstream import FaultyCallFire, Life

FINAL: Final = frozenset({"ACTIVE", "ERRORS", "SOURCE_ERROR"})
NEW_EVENTS: Final = """
SELECT e.position, e.id, e.type, e.account, e.batch_id, e.number, e.body, e.endpoint,
    (SELECT count(*) FROM deliveries d WHERE d.position = e.position) AS owed,
    (SELECT count(DISTINCT d.endpoint_id) FROM deliveries d WHERE d.position = e.position) AS to_whom
FROM events e WHERE e.position > $1 ORDER BY e.position
"""
DELIVERIES: Final = "SELECT d.endpoint_id, d.state, e.id FROM deliveries d JOIN events e ON e.position = d.position"
WATCHES: Final = "SELECT account, batch_id, state, status, number, version FROM watches"
NOT_LOGGED: Final = "SELECT NOT EXISTS (SELECT 1 FROM events WHERE id = $1)"

Batch = tuple[str, int]


class Standing(NamedTuple):
    """How a watch is stored."""

    state: str
    status: str | None
    number: int
    version: int


class Audit:
    """Reads the database beside the service, which may be in trouble with it."""

    def __init__(
        self,
        database: Database,
        upstreams: Mapping[str, FaultyCallFire],
        receivers: FaultyReceivers,
        endpoints: Sequence[str],
        time: Callable[[], float],
    ) -> None:
        self.wrong: list[str] = []
        self.logged: dict[str, float] = {}
        """Events that are owed to all, and since when."""
        self.events = 0
        self.steps = 0
        self.told: dict[Batch, list[Any]] = defaultdict(list)
        self.states: Counter[str] = Counter()
        self.watches: dict[Batch, Standing] = {}
        self.undelivered: list[tuple[str, str, str]] = []
        self.ever_dead: set[tuple[str, str]] = set()
        self._upstreams = upstreams
        self._receivers = receivers
        self._endpoints = endpoints
        self._time = time
        self._bodies: dict[str, bytes] = {}
        self._compared: set[str] = set()
        self._owed: set[tuple[str, str]] = set()
        self._position = 0
        self._done: set[tuple[str, str]] = set()
        self._database = database

    async def is_logged(self, event_id: str) -> bool:
        """Whether the event is committed."""
        [[[missing]]] = await self._database.read((NOT_LOGGED, (event_id,)))
        return not missing

    async def check(self) -> None:
        """Everything, once more."""
        self.steps += 1
        events, deliveries, watches = await self._database.read(
            (NEW_EVENTS, (self._position,)), (DELIVERIES, ()), (WATCHES, ())
        )
        for event in events:
            self.wrong += self._about_event(*event)
        self.wrong += self._about_watches(watches)
        self.wrong += self._about_deliveries(deliveries)
        self.wrong += self._about_bodies()
        for heard in (*(each.wrong for each in self._upstreams.values()), self._receivers.wrong):
            self.wrong += heard
            heard.clear()

    def _about_event(
        self,
        position: int,
        name: str,
        kind: str,
        account: str,
        batch_id: int | None,
        number: int,
        body: bytes,
        endpoint: str | None,
        owed: int,
        to_whom: int,
    ) -> Iterator[str]:
        """Rule 1: it came with what is owed of it; rule 2: once; and what it says is true."""
        self._position = position
        self.events += 1
        expected = 0 if endpoint is not None else len(self._endpoints)
        self._bodies[name] = body
        if endpoint is None:
            self.logged[name] = self._time()
        if (owed, to_whom) != (expected, expected):
            yield f"{name} is owed {owed} times to {to_whom} endpoints"
        if batch_id is None:
            return
        data = json.loads(body)["data"]
        before = self.told[account, batch_id]
        before.append(data | {"type": kind})
        if number != len(before) or data["number"] != number:
            yield f"{name} is the number {len(before)} of its batch"
        told = about_event(account, self._upstreams[account].lives[batch_id], before)
        yield from (f"{name}, {kind}: {each}" for each in told)

    def _about_watches(self, rows: list[Any]) -> Iterator[str]:
        """The watch stands as its last event has it; its version and its number never fall."""
        for account, batch_id, *standing in rows:
            stands = Standing(*standing)
            told = self.told[account, batch_id]
            before = self.watches.get((account, batch_id))
            if stands.number != len(told):
                yield f"{account}/{batch_id} has the number {stands.number}, and {len(told)} events"
            statuses = [each["status"] for each in told]
            if stands.status != (statuses[-1] if statuses else None):
                yield f"{account}/{batch_id} is {stands.status}, and {statuses} were told"
            if before is not None and stands.version < before.version:
                yield f"{account}/{batch_id} went back from version {before.version} to {stands.version}"
            if stands.state == "settled" and stands.status not in FINAL:
                yield f"{account}/{batch_id} is settled as {stands.status}"
            self.watches[account, batch_id] = stands
        if len(rows) != len(self.watches):
            yield f"{len(self.watches) - len(rows)} watches are gone"

    def _about_deliveries(self, rows: list[Any]) -> Iterator[str]:
        """Rule 3: done is what was accepted, and nothing else; what is done stays so, and what is owed does not go away."""
        there = {(endpoint, name) for endpoint, _, name in rows}
        yield from (f"{name} is not owed to {endpoint} any more" for endpoint, name in self._owed - there)
        self._owed = there
        self.states = Counter(state for _, state, _ in rows)
        self.undelivered = [row for row in rows if row[1] != "done"]
        self.ever_dead |= {(endpoint, name) for endpoint, state, name in self.undelivered if state == "dead"}
        done = {(endpoint, name) for endpoint, state, name in rows if state == "done"}
        for each in done - self._done:
            if each not in self._receivers.accepted:
                yield f"{each} is done, and was not accepted"
        for each in self._done - done:
            yield f"{each} was done, and is not any more"
        self._done = done

    def _about_bodies(self) -> Iterator[str]:
        """Whoever got it got what is in the log."""
        for name in self._receivers.bodies.keys() & self._bodies.keys() - self._compared:
            self._compared.add(name)
            if self._receivers.bodies[name] != self._bodies[name]:
                yield f"{name} was sent otherwise than the log has it"

    # In the end

    def owed(self) -> list[str]:
        """What is not told, not delivered or not accepted yet, as the receivers have it."""
        ends = [
            f"{account}/{life.batch_id}: {life.end} was not told"
            for account, upstream in self._upstreams.items()
            for life in upstream.lives.values()
            if not self.ended(account, life)
        ]
        undelivered = [f"{name} is {state} for {endpoint}" for endpoint, state, name in self.undelivered]
        accepted = self._receivers.accepted
        missed = [(name, each) for name in self.logged for each in self._endpoints if (each, name) not in accepted]
        return [*ends, *undelivered, *(f"{name} was not accepted by {endpoint}" for name, endpoint in missed)]

    def everything(self) -> object:
        """What was told and what was accepted, to be compared with itself."""
        return dict(self._bodies), dict(self.watches), dict(self._receivers.accepted)

    def ended(self, account: str, life: Life) -> bool:
        """Where it has no end, whether what it is in was told."""
        stands = self.watches.get((account, life.batch_id))
        settled = "settled" if life.end in FINAL else "open"
        return stands is not None and (stands.state, stands.status) == (settled, life.end)

    def about_order(self, endpoint: str) -> Iterator[str]:
        """The endpoint, which wants that, accepted the events of each batch in their order, but for those given up meanwhile."""
        orders: dict[str, list[int]] = defaultdict(list)
        for who, name in self._receivers.accepted:
            batch, number = name.rsplit("_", 1)
            if who == endpoint and (endpoint, name) not in self.ever_dead:
                orders[batch].append(int(number))
        for batch, numbers in orders.items():
            if numbers != sorted(numbers):
                yield f"{endpoint} accepted the events of {batch} in the order {numbers}"
