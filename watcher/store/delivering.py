"""What SQLite does for deliveries that are due: claims and settling. Called inside a transaction."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from watcher.core.endpoint import Delivery, DeliveryState, Endpoint, EndpointState
from watcher.core.outbox import Outcome, Settlement
from watcher.ports import Committed, Settled
from watcher.store.recording import record, told
from watcher.store.remembered import Claim, Remembered
from watcher.store.rows import Row, delivery_of, instant, millis_or_later, values_of_attempt
from watcher.store.standing import attempted, stands_otherwise
from watcher.store.subscribing import put_standing

Statements = Mapping[str, str]

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
    connection: sqlite3.Connection,
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
    claimed: list[Delivery] = []
    if not any(free.values()):
        return claimed
    for hungry in connection.execute(sql["hungry_endpoints"], {"now": now}).fetchall():
        most = free.get(hungry["id"], 0)
        if not most:
            continue
        for row in _due(connection, sql, remembered, hungry, most, now, retries_first=retries_first):
            remembered.put_claim(row["id"], Claim(token, until, row["endpoint_id"], row["lane"]))
            claimed.append(delivery_of(row))
    return claimed


def settle(
    connection: sqlite3.Connection,
    sql: Statements,
    remembered: Remembered,
    settlement: Settlement,
    token: str,
    now: int,
) -> Settled | None:
    """Writes the attempt and what follows, where the token stands."""
    claimed = remembered.claim(settlement.delivery_id)
    before = remembered.endpoint(settlement.endpoint_id)
    if claimed is None or claimed.token != token or before is None:
        return None
    remembered.drop_claim(settlement.delivery_id)
    aftermath = attempted(before, remembered.recent(before.id), settlement)
    after = aftermath.endpoint
    row = _write(connection, sql, settlement, after)
    if row is None:
        return None  # it was forgotten meanwhile
    outcome = _note(connection, sql, settlement, after, row["account"])
    remembered.put_recent(before.id, aftermath.recent)
    if row["lane"] is not None and STATES[settlement.outcome] is not DeliveryState.PENDING:
        connection.execute(sql["step_forward"], {"endpoint_id": after.id, "lane": row["lane"]})
    if after is before:
        return Settled(outcome=outcome)
    put_standing(connection, sql, remembered, before, after)
    events = [told(event, remembered.origin) for event in aftermath.tell]
    return Settled(
        outcome=outcome,
        endpoint=after if stands_otherwise(before, after) else None,
        told=record(connection, sql, remembered, events, now) if events else NOTHING_TOLD,
    )


def _room(remembered: Remembered, endpoint_id: str, most: int, now: int) -> int:
    """How many may be claimed for the endpoint. While its breaker is half open that is one alone: the probe."""
    endpoint = remembered.endpoint(endpoint_id)
    if endpoint is None or most <= 0 or not _may_be_sent(endpoint, now):
        return 0
    if endpoint.health.opened:
        return 0 if remembered.claims_of(endpoint_id, now) else 1
    return most


def _may_be_sent(endpoint: Endpoint, now: int) -> bool:
    waits = (endpoint.paused_until, endpoint.health.open_until)
    return endpoint.state is EndpointState.ACTIVE and not any(_is_later(until, now) for until in waits)


def _is_later(until: datetime | None, now: int) -> bool:
    return until is not None and until > instant(now)


def _due(
    connection: sqlite3.Connection,
    sql: Statements,
    remembered: Remembered,
    hungry: Row,
    room: int,
    now: int,
    *,
    retries_first: bool,
) -> list[Row]:
    """Half of the room for each kind, and what one kind leaves of it for the other; the oldest due first."""
    endpoint_id: str = hungry["id"]
    claims = remembered.claims_of(endpoint_id, now)
    lanes = {claim.lane for claim in claims.values()} - {None}
    taken = list(claims)

    def due(most: int, *, retries: bool) -> list[Row]:
        # A lane of which one is in flight has no more than one other that is not behind, so this is enough.
        values = {"endpoint_id": endpoint_id, "now": now, "retries": retries, "room": most + len(lanes)}
        rows = connection.execute(sql["due_deliveries"], values | {"claimed": json.dumps(taken)}).fetchall()
        found = [row for row in rows if row["lane"] not in lanes][:most]
        taken.extend(row["id"] for row in found)
        return found

    if not (hungry["firsts"] and hungry["retries"]):
        return due(room, retries=bool(hungry["retries"])) if hungry["firsts"] or hungry["retries"] else []
    share = (room + retries_first) // 2
    found = due(share, retries=True)
    found += due(room - len(found), retries=False)
    if len(found) < room:
        found += due(room - len(found), retries=True)
    return sorted(found, key=lambda row: (row["due"], row["id"]))


def _write(
    connection: sqlite3.Connection, sql: Statements, settlement: Settlement, endpoint: Endpoint
) -> sqlite3.Row | None:
    """The delivery after its attempt. One that pauses its endpoint waits for that, and keeps its own place."""
    retried = settlement.outcome == "retried"
    state = STATES[settlement.outcome]
    if state is DeliveryState.PENDING and endpoint.state is EndpointState.REMOVED:
        state = DeliveryState.HELD
    values = {
        "id": settlement.delivery_id,
        "state": state,
        "attempts": settlement.attempts,
        "due": millis_or_later(settlement.due) if retried and settlement.due is not None else None,
        "cause": "schedule" if retried else settlement.cause,
    }
    rows = connection.execute(sql["settle_delivery"], values).fetchall()
    return rows[0] if rows else None


def _note(
    connection: sqlite3.Connection, sql: Statements, settlement: Settlement, endpoint: Endpoint, account: str
) -> Outcome:
    """Writes the attempt down; what became of the delivery."""
    outcome = settlement.outcome
    if STATES[outcome] is DeliveryState.PENDING and endpoint.state is not EndpointState.ACTIVE:
        outcome = "held"
    due = None if outcome == "held" or settlement.due is None else millis_or_later(settlement.due)
    place = {"account": account, "delivery_id": settlement.delivery_id, "cause": settlement.cause}
    values = values_of_attempt(settlement.attempt) | place | {"outcome": outcome, "next_due": due}
    connection.execute(sql["note_attempt"], values)
    return outcome
