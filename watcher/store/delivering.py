"""What a store does for deliveries that are due: claims and settling. Called inside a transaction."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import starmap
from typing import Any, Final, NamedTuple

from watcher.core.endpoint import Delivery, DeliveryState, EndpointState
from watcher.core.health import Health
from watcher.core.outbox import Outcome, Settlement
from watcher.ports import Committed, Settled
from watcher.store.recording import record, told
from watcher.store.remembered import Claim, Remembered
from watcher.store.rows import (
    Columns,
    Due,
    OwedEvent,
    Values,
    columns_of_attempt,
    delivery_of,
    instant,
    millis_or_later,
)
from watcher.store.standing import Aftermath, attempted, given_back, has_moved, stands_otherwise
from watcher.store.subscribing import put_standing
from watcher.store.work import Connection, Statements

STATES: Final[Mapping[Outcome, DeliveryState]] = {
    "done": DeliveryState.DONE,
    "retried": DeliveryState.PENDING,
    "dead": DeliveryState.DEAD,
    "held": DeliveryState.PENDING,
    "returned": DeliveryState.PENDING,
}
"""What a delivery is after an attempt; one that is pending for an endpoint that is disabled is held."""

NOTHING_TOLD: Final = Committed()


def claim(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    room: Mapping[str, int],
    token: str,
    now: int,
    until: int,
    *,
    retries_first: bool,
) -> list[Delivery]:
    """What is due now, as far as there is room, under the token. Where nobody may be sent anything, nothing is looked at."""
    free = {endpoint_id: _room(remembered, endpoint_id, most, now) for endpoint_id, most in room.items()}
    if not any(free.values()):
        return []
    found: list[Due] = []
    alike: dict[bool, dict[str, int]] = {False: {}, True: {}}
    for hungry in starmap(_Hungry, _listed(connection, sql["hungry_endpoints"], {"now": now})):
        most = free.get(hungry.id, 0)
        if not most or not (hungry.firsts or hungry.retries):
            continue
        if (hungry.firsts and hungry.retries) or _lanes(remembered, hungry.id, now):
            found += _due(connection, sql, remembered, hungry, most, now, retries_first=retries_first)
        else:
            alike[bool(hungry.retries)][hungry.id] = most
    for retries, rooms in alike.items():
        if rooms:
            found += _due_alike(connection, sql, remembered, rooms, now, retries=retries)
    found.sort(key=lambda due: due.endpoint_id)
    for due in found:
        endpoint = remembered.endpoint(due.endpoint_id)
        assert endpoint is not None  # noqa: S101 # it has room
        remembered.put_claim(due.id, Claim(token, until, endpoint.id, due.lane, due.account, endpoint))
    return _with_events(connection, sql, found)


def release(_connection: Connection, _sql: Statements, remembered: Remembered, token: str) -> int:
    """Gives back what is claimed under the token; how many there were."""
    return remembered.release(token)


class _Hungry(NamedTuple):
    """An endpoint that is owed something that is due, and whether first attempts, whether retries."""

    id: str
    firsts: int
    retries: int


def _listed(connection: Connection, statement: str, values: Values) -> list[Any]:
    """The JSON list that the statement gives, in one step of SQLite's: this thread would wait for its turn at each row."""
    found: list[Any] = json.loads(connection.execute(statement, values).fetchone()[0])
    return found


def _with_events(connection: Connection, sql: Statements, found: Sequence[Due]) -> list[Delivery]:
    """The deliveries with what they are to bring, each event read once."""
    positions = json.dumps(list({due.position for due in found}))
    rows = _listed(connection, sql["owed_events"], {"positions": positions}) if found else []
    events = {position: OwedEvent(position, name, kind, body.encode()) for position, name, kind, body in rows}
    return [delivery_of(due, events[due.position]) for due in found]


def settle(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    settlements: Sequence[tuple[Settlement, str]],
    now: int,
) -> list[Settled | None]:
    """Writes the attempts, and what follows, of those whose token stands. What follows for an endpoint does not depend on their
    rows, so these are written at the end, all with one statement: at each step of SQLite's this thread lets the event loop have
    its turn, and waits for its own."""
    put = [_settle(connection, sql, remembered, settlement, token, now) for settlement, token in settlements]
    there = [each for each in put if each is not None]
    connection.execute(sql["settle_deliveries"], {"settled": json.dumps([each.delivery for each in there])})
    connection.execute(sql["note_attempts"], _noted(there))
    connection.executemany(sql["step_forward"], [each.lane for each in there if each.lane is not None])
    return [None if each is None else each.settled for each in put]


class _Put(NamedTuple):
    """What became of a delivery, and what is to be written of it: the lists that `settle_deliveries` and `note_attempts` want,
    the answer apart, for JSON has no bytes; and `lane` where the next of its lane may go now."""

    settled: Settled
    delivery: Columns
    attempt: Columns
    answer: bytes
    lane: Values | None


def _settle(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    settlement: Settlement,
    token: str,
    now: int,
) -> _Put | None:
    claim = remembered.claim(settlement.delivery_id)
    before = remembered.endpoint(settlement.endpoint_id)
    if claim is None or claim.token != token or before is None:
        return None
    remembered.drop_claim(settlement.delivery_id)
    recent = remembered.recent(before.id)
    if has_moved(claim.endpoint, before):
        settlement, aftermath = given_back(settlement), Aftermath(endpoint=before, recent=recent)
    else:
        aftermath = attempted(before, recent, settlement)
    remembered.put_recent(before.id, aftermath.recent)
    after = aftermath.endpoint
    former = after.created != claim.endpoint.created
    outcome = outcome_at(settlement, after.state, former=former)
    settled = Settled(outcome=outcome)
    if after is not before:
        put_standing(connection, sql, remembered, before, after)
        events = [told(event, remembered.origin) for event in aftermath.tell]
        settled = Settled(
            outcome=outcome,
            endpoint=after if stands_otherwise(before, after) else None,
            told=record(connection, sql, remembered, events, now) if events else NOTHING_TOLD,
        )
    over = claim.lane is not None and STATES[settlement.outcome] is not DeliveryState.PENDING
    return _Put(
        settled,
        delivery_after(settlement, after.state, former=former),
        attempt_noted(settlement, outcome, claim.account),
        settlement.attempt.answer,
        {"endpoint_id": after.id, "lane": claim.lane} if over else None,
    )


def _noted(put: Sequence[_Put]) -> Values:
    """The values of `note_attempts`: all answers go in one piece, and each attempt says which part of it is its own."""
    attempts: list[Columns] = []
    begins = 1  # as SQL counts
    for each in put:
        attempts.append((*each.attempt, begins, len(each.answer)))
        begins += len(each.answer)
    return {"attempts": json.dumps(attempts), "answers": b"".join(each.answer for each in put)}


def _room(remembered: Remembered, endpoint_id: str, most: int, now: int) -> int:
    """How many may be claimed for the endpoint. While its breaker is half open that is one alone: the probe."""
    endpoint = remembered.endpoint(endpoint_id)
    if endpoint is None or most <= 0 or not may_be_sent(endpoint.paused_until, endpoint.health, now):
        return 0
    if endpoint.state is not EndpointState.ACTIVE:
        return 0
    if endpoint.health.opened:
        return 0 if remembered.claims_of(endpoint_id, now) else 1
    return most


def may_be_sent(paused_until: datetime | None, health: Health, now: int) -> bool:
    """Whether an active endpoint is neither paused, nor its breaker open."""
    return not any(_is_later(until, now) for until in (paused_until, health.open_until))


def _is_later(until: datetime | None, now: int) -> bool:
    return until is not None and until > instant(now)


def _lanes(remembered: Remembered, endpoint_id: str, now: int) -> set[str]:
    """The lanes of which one is in flight."""
    return {claim.lane for claim in remembered.claims_of(endpoint_id, now).values() if claim.lane is not None}


def _due_alike(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    rooms: Mapping[str, int],
    now: int,
    *,
    retries: bool,
) -> list[Due]:
    """What is due of many endpoints that are owed deliveries of one kind, each as far as it has room; one question for all."""
    asked = [[endpoint_id, list(remembered.claims_of(endpoint_id, now))] for endpoint_id in rooms]
    values = {"asked": json.dumps(asked), "now": now, "retries": retries, "room": max(rooms.values())}
    left = dict(rooms)
    found: list[Due] = []
    for due in sorted(starmap(Due, _listed(connection, sql["due_deliveries_of_many"], values)), key=_turn):
        if left[due.endpoint_id] > 0:
            left[due.endpoint_id] -= 1
            found.append(due)
    return found


def _due(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    hungry: _Hungry,
    room: int,
    now: int,
    *,
    retries_first: bool,
) -> list[Due]:
    """Half of the room for each kind, and what one kind leaves of it for the other; the oldest due first."""
    endpoint_id = hungry.id
    lanes = _lanes(remembered, endpoint_id, now)
    taken = list(remembered.claims_of(endpoint_id, now))

    def due(most: int, *, retries: bool) -> list[Due]:
        # A lane of which one is in flight has no more than one other that is not behind, so this is enough.
        values = {"endpoint_id": endpoint_id, "now": now, "retries": retries, "room": most + len(lanes)}
        rows = _listed(connection, sql["due_deliveries"], values | {"claimed": json.dumps(taken)})
        found = [each for each in sorted(starmap(Due, rows), key=_turn) if each.lane not in lanes][:most]
        taken.extend(each.id for each in found)
        return found

    if not (hungry.firsts and hungry.retries):
        return due(room, retries=bool(hungry.retries))
    share = (room + retries_first) // 2
    found = due(share, retries=True)
    found += due(room - len(found), retries=False)
    if len(found) < room:
        found += due(room - len(found), retries=True)
    return sorted(found, key=_turn)


def _turn(due: Due) -> tuple[int, int]:
    """The oldest due is first."""
    return due.due, due.id


def delivery_after(settlement: Settlement, endpoint: EndpointState, *, former: bool) -> Columns:
    """The delivery after its attempt. One that pauses its endpoint waits for that, and keeps its own place."""
    retried = settlement.outcome == "retried"
    state = STATES[settlement.outcome]
    if state is DeliveryState.PENDING and (former or endpoint is EndpointState.REMOVED):
        state = DeliveryState.HELD
    due = millis_or_later(settlement.due) if retried and settlement.due is not None else None
    return settlement.delivery_id, state, settlement.attempts, due, "schedule" if retried else settlement.cause


def outcome_at(settlement: Settlement, endpoint: EndpointState, *, former: bool) -> Outcome:
    """What became of the delivery; one of a former endpoint stays held, as all of it."""
    if STATES[settlement.outcome] is DeliveryState.PENDING and (former or endpoint is not EndpointState.ACTIVE):
        return "held"
    return settlement.outcome


def attempt_noted(settlement: Settlement, outcome: Outcome, account: str) -> Columns:
    """The attempt as `note_attempts` wants it, but for where its answer is."""
    due = None if outcome == "held" or settlement.due is None else millis_or_later(settlement.due)
    return (
        account,
        settlement.delivery_id,
        settlement.cause,
        outcome,
        due,
        *columns_of_attempt(settlement.attempt),
    )
