"""What the store on PostgreSQL does for deliveries that are due, where several processes send: claims and settling.

A claim is a row, and holds by the database's clock. Whoever claims for an endpoint has its turn (a row that he locks, and that
nobody waits for), so its limits, its order and its one probe hold over all processes. Nothing of a claim is remembered here.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from watcher.core.bucket import allowed
from watcher.core.endpoint import Delivery, DeliveryState, EndpointState, most_at_once
from watcher.core.health import counted
from watcher.core.outbox import Settlement
from watcher.ports import Settled
from watcher.store.delivering import STATES, attempt_noted, delivery_after, may_be_sent, outcome_at
from watcher.store.endpoint_rows import health_of, values_of_standing
from watcher.store.lanes import Lanes
from watcher.store.postgres_remembered import SharedRemembered
from watcher.store.recording import Told, record, told
from watcher.store.rows import Columns, Due, OwedEvent, Row, Values, delivery_of, instant_or_none, millis
from watcher.store.standing import Aftermath, attempted, given_back, stands_otherwise
from watcher.store.work import Connection, Statements

TRIES: Final = 3
"""How often it is tried to claim anything while another process claims for everybody who is owed something: it is done soon."""
NO_LIMIT: Final = 2**31
SECOND: Final = 1000
"""In milliseconds."""
Key = tuple[int, str]
"""A delivery, and the token under which it was claimed."""
SETTLED: Final = (
    "id", "token", "state", "attempts", "due", "cause", "tried", "outcome", "next_due", "at", "took", "code", "error", "detail",
    "location", "address", "dns", "connect", "tls", "first_byte", "begins", "length",
)  # fmt: skip
"""The names under which `settle_claims` has what is written of an attempt; of the answer where it is among all answers."""
ACCEPTED: Final = Settled(outcome="done")
KEPT: Final = 3_600_000
"""Milliseconds after which a claim that has ended is settled by nobody any more."""


class PostgresDelivering(Lanes):
    """The part of the port `Store` that claims and settles deliveries."""

    _remembered: SharedRemembered

    async def claim(
        self,
        room: Mapping[str, int],
        *,
        token: str,
        now: datetime,
        until: datetime,
        retries_first: bool = False,
        per_endpoint: int | None = None,
    ) -> list[Delivery]:
        asked = {"token": token, "now": millis(now), "retries_first": int(retries_first)}
        length = millis(until) - millis(now)
        for _ in range(TRIES):
            claimed, ours = await self._write("claim", claim, room, asked, length, per_endpoint)
            if ours:
                return claimed
        return []

    async def settle(self, settlements: Sequence[tuple[Settlement, str]]) -> list[Settled | None]:
        return await self._write("settle", settle, self._remembered, settlements, self._now())

    async def release(self, token: str) -> int:
        return await self._write("release", release, token)


def claim(
    connection: Connection,
    sql: Statements,
    room: Mapping[str, int],
    asked: Values,
    length: int,
    per_endpoint: int | None,
) -> tuple[list[Delivery], bool]:
    """What is due now, as far as there is room; and whether it was our turn at all: endpoints for which somebody else claims at
    this moment are left out."""
    served = [endpoint_id for endpoint_id, most in room.items() if most > 0]
    if not served:
        return [], True
    hungry = connection.execute(sql["take_turns"], asked | {"asked": json.dumps(served)}).fetchall()
    turns = [row for row in hungry if row["clock"] is not None]
    rooms = [_room(row, room[row["id"]], asked["now"], per_endpoint) for row in turns]
    wanted = [each for each in rooms if each is not None]
    if not wanted:
        return [], bool(turns) or not hungry
    clock = turns[0]["clock"]
    values = asked | {"asked": json.dumps(wanted), "clock": clock, "until": clock + length}
    return [_delivery(row) for row in connection.execute(sql["claim_due"], values)], True


def release(connection: Connection, sql: Statements, token: str) -> int:
    """Gives back what is claimed under the token; how many there were."""
    return connection.execute(sql["release_claims"], {"token": token}).rowcount


def forget_claims(connection: Connection, sql: Statements) -> int:
    """Deletes those that ended so long ago that nobody settles under them any more; how many."""
    return connection.execute(sql["forget_claims"], {"kept": KEPT}).rowcount


def _room(row: Row, most: int, now: int, per_endpoint: int | None) -> list[object] | None:
    """What `claim_due` is asked for the endpoint; None where nothing may be sent to it. While its breaker is half open that is
    one alone: the probe."""
    health, rate = health_of(row["health"]), row["rate"]
    if not may_be_sent(instant_or_none(row["paused_until"]), health, now):
        return None
    spacing = None
    if rate is not None:
        most = min(most, allowed(row["arrival"] / SECOND, row["clock"] / SECOND, rate))
        spacing = SECOND / rate
    if most <= 0:
        return None
    at_once = NO_LIMIT
    if health.opened:
        at_once = 1
    elif per_endpoint is not None:
        at_once = most_at_once(row["ordering"], row["concurrency"], per_endpoint)
    return [row["id"], most, at_once, row["health"], row["paused_until"], spacing]


def _delivery(row: Row) -> Delivery:
    due = Due(
        id=row["id"],
        endpoint_id=row["endpoint_id"],
        position=row["position"],
        created=row["created"],
        due=row["due"],
        attempts=row["attempts"],
        cause=row["cause"],
        lane=None,
        account="",
    )
    return delivery_of(due, OwedEvent(row["position"], row["event_id"], row["type"], row["body"]))


class _Put(NamedTuple):
    """What became of an attempt whose token stands, as far as that is known before it is written; `plain` where nothing follows,
    and it need not be known whether the token stands."""

    settlement: Settlement
    token: str
    settled: Settled
    tell: Sequence[Told] = ()
    state: EndpointState = EndpointState.ACTIVE
    former: bool = False
    plain: bool = False

    @property
    def key(self) -> Key:
        return self.settlement.delivery_id, self.token


def settle(
    connection: Connection,
    sql: Statements,
    remembered: SharedRemembered,
    settlements: Sequence[tuple[Settlement, str]],
    now: int,
) -> list[Settled | None]:
    """Writes the attempts, and what follows, of those whose token stands. By far most were accepted by an endpoint in no trouble:
    where all were, nothing is locked but their claims, and nothing looked at before."""
    work = _Settling(connection, sql, remembered, settlements)
    there = work.accepted()
    written = work.write(there.values(), calm=True) if there else {}
    if not written:  # somebody is in trouble, or no token stands
        there = work.examined()
        if work.in_line or work.otherwise or any(each.tell for each in there.values()):
            remembered.hold(connection, sql)
        written = work.write(there.values())
    results: list[Settled | None] = [None] * len(settlements)
    for place, each in there.items():
        row = written.get(each.key)
        if row is None:
            continue
        if each.plain and not row["moved"]:
            work.count(each.settlement)
        results[place] = each.settled
        if each.tell:
            results[place] = replace(each.settled, told=record(connection, sql, remembered, each.tell, now))
    for endpoint_id in work.otherwise:
        remembered.spread(connection, endpoint_id)
    return results


class _Settling:
    """One settling: which endpoints are in no trouble, and how the others stand, which nobody else changes meanwhile."""

    def __init__(
        self,
        connection: Connection,
        sql: Statements,
        remembered: SharedRemembered,
        settlements: Sequence[tuple[Settlement, str]],
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._remembered = remembered
        self._settlements = settlements
        self._endpoint_ids = sorted({settlement.endpoint_id for settlement, _ in settlements})
        self.in_line = False
        self.otherwise: dict[str, None] = {}  # which endpoints stand noticeably otherwise, in order
        self._changed: set[str] = set()
        self._calm: set[str] = set()
        self._standing: dict[Key, Row] = {}

    def accepted(self) -> dict[int, _Put]:
        """What becomes of all where they are of endpoints in no trouble, by their place; of none where one was not accepted."""
        if any(settlement.outcome != "done" for settlement, _ in self._settlements):
            return {}
        return {place: _plain(settlement, token) for place, settlement, token in self._each()}

    def examined(self) -> dict[int, _Put]:
        """What becomes of each whose token stands, by its place. Endpoints change one attempt after the other."""
        self._look()
        put = {place: self._put(settlement, token) for place, settlement, token in self._each()}
        return {place: each for place, each in put.items() if each is not None}

    def _each(self) -> Iterator[tuple[int, Settlement, str]]:
        """All, but for what is there twice."""
        seen: set[Key] = set()
        for place, (settlement, token) in enumerate(self._settlements):
            key = (settlement.delivery_id, token)
            if key not in seen:
                seen.add(key)
                yield place, settlement, token

    def _look(self) -> None:
        """How the endpoints stand, and the claims of those that are in trouble."""
        rows = self._connection.execute(self._sql["standings"], {"ids": json.dumps(self._endpoint_ids)}).fetchall()
        self.in_line = any(row["ordering"] != "none" for row in rows)
        self._calm = {
            row["id"] for row in rows if row["state"] == EndpointState.ACTIVE and health_of(row["health"]).untroubled
        }
        self._calm.difference_update(each.endpoint_id for each, _ in self._settlements if each.outcome != "done")
        mine = [(each, token) for each, token in self._settlements if each.endpoint_id not in self._calm]
        if mine:
            self._remembered.lock(self._connection, self._sql, sorted({each.endpoint_id for each, _ in mine}))
            asked = {"asked": json.dumps([[each.delivery_id, token] for each, token in mine])}
            claims = self._connection.execute(self._sql["lock_claims"], asked)
            self._standing = {(row["delivery_id"], row["token"]): row for row in claims}

    def _put(self, settlement: Settlement, token: str) -> _Put | None:
        """What becomes of it; None where its token does not stand."""
        if settlement.endpoint_id in self._calm:
            return _plain(settlement, token)
        row = self._standing.get((settlement.delivery_id, token))
        before = self._remembered.endpoint(settlement.endpoint_id)
        if row is None or before is None:
            return None
        recent = self._remembered.recent(before.id)
        if row["moved"]:
            settlement, aftermath = given_back(settlement), Aftermath(endpoint=before, recent=recent)
        else:
            aftermath = attempted(before, recent, settlement)
        self._remembered.put_recent(before.id, aftermath.recent)
        after = aftermath.endpoint
        noticeable = stands_otherwise(before, after)
        if after is not before:
            self._remembered.put(after)
            self._changed.add(after.id)
        if noticeable:
            self.otherwise[after.id] = None
        outcome = outcome_at(settlement, after.state, former=row["former"])
        tell = [told(event, self._remembered.origin) for event in aftermath.tell]
        settled = Settled(outcome=outcome, endpoint=after if noticeable else None)
        return _Put(settlement, token, settled, tell, after.state, row["former"])

    def write(self, put: Collection[_Put], *, calm: bool = False) -> dict[Key, Row]:
        """Writes all of them, and how endpoints stand now; those whose token stood. With `calm` nothing where one of their
        endpoints is in trouble, or has its deliveries in order."""
        columns: list[Values] = []
        answers: list[bytes] = []
        begins = 1  # as SQL counts
        for each in put:
            answer = each.settlement.attempt.answer
            named = zip(SETTLED, _columns(each, begins, len(answer)), strict=True)
            columns.append({name: value for name, value in named if value is not None})
            answers.append(answer)
            begins += len(answer)
        values = {
            "settled": json.dumps(columns),
            "answers": b"".join(answers),
            "calm": json.dumps(self._endpoint_ids) if calm else None,
        }
        written = {
            (row["id"], row["token"]): row for row in self._connection.execute(self._sql["settle_claims"], values)
        }
        over = [
            {"endpoint_id": each.settlement.endpoint_id, "lane": written[each.key]["lane"]}
            for each in put
            if each.key in written
            and written[each.key]["lane"] is not None
            and STATES[each.settlement.outcome] is not DeliveryState.PENDING
        ]
        if over and not self.in_line:  # somebody puts them in line at this moment
            self._remembered.hold(self._connection, self._sql)
        self._connection.executemany(self._sql["step_forward"], over)
        changed = [self._remembered.endpoint(endpoint_id) for endpoint_id in sorted(self._changed)]
        standings = [values_of_standing(endpoint) for endpoint in changed if endpoint is not None]
        self._connection.executemany(self._sql["put_standing"], standings)
        return written

    def count(self, settlement: Settlement) -> None:
        """An endpoint in no trouble accepted it."""
        recent = self._remembered.recent(settlement.endpoint_id)
        self._remembered.put_recent(settlement.endpoint_id, counted(recent, settlement.settled, failed=False))


def _plain(settlement: Settlement, token: str) -> _Put:
    return _Put(settlement, token, ACCEPTED, plain=True)


def _columns(put: _Put, begins: int, length: int) -> Columns:
    """The attempt as `settle_claims` wants it."""
    delivery_id, *delivery = delivery_after(put.settlement, put.state, former=put.former)
    _, _, *attempt = attempt_noted(put.settlement, put.settled.outcome, "")
    return delivery_id, put.token, *delivery, *attempt, begins, length
