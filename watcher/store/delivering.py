"""What SQLite does for deliveries and their endpoints: claims, settling, giving back, counts. Called inside a transaction."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from watcher.core.model import Delivery, DeliveryState, Endpoint
from watcher.core.outbox import Outcome, Settlement
from watcher.ports import Owed
from watcher.store.recording import Subscribers, endpoints
from watcher.store.rows import (
    delivery_of,
    instant,
    millis_or_later,
    values_of_attempt,
    values_of_endpoint,
)

Statements = Mapping[str, str]

NOT_IN_SETTINGS: Final = "it is not in the settings"
"""Why an endpoint is disabled that the settings no longer name; the only reason that ends by itself."""

STATES: Final[Mapping[Outcome, DeliveryState]] = {
    "done": DeliveryState.DONE,
    "retried": DeliveryState.PENDING,
    "dead": DeliveryState.DEAD,
    "held": DeliveryState.HELD,
    "returned": DeliveryState.PENDING,
}
"""What a delivery is after an attempt."""


def settle_endpoints(
    connection: sqlite3.Connection, sql: Statements, subscribed: Subscribers, wanted: Sequence[Endpoint]
) -> None:
    """Makes, updates and disables endpoints so that they are those of the settings."""
    subscribed.forget()
    known = {endpoint.id: endpoint for endpoint in endpoints(connection, sql)}
    for endpoint in wanted:
        settled = _settled(endpoint, known.pop(endpoint.id, None))
        connection.execute(sql["put_endpoint"], values_of_endpoint(settled))
    for endpoint_id in known:
        _disable(connection, sql, endpoint_id, NOT_IN_SETTINGS)


def claim(
    connection: sqlite3.Connection, sql: Statements, room: Mapping[str, int], token: str, now: int, until: int
) -> list[Delivery]:
    """What is due now, as far as there is room, under the token."""
    claimed: list[Delivery] = []
    for endpoint_id, most in room.items():
        due = {"endpoint_id": endpoint_id, "now": now, "room": max(most, 0)}
        claimed.extend(map(delivery_of, connection.execute(sql["due_deliveries"], due)))
    leases = [{"id": delivery.id, "token": token, "until": until} for delivery in claimed]
    connection.executemany(sql["claim_delivery"], leases)
    return claimed


def settle(
    connection: sqlite3.Connection, sql: Statements, subscribed: Subscribers, settlement: Settlement, token: str
) -> bool:
    """Writes the attempt and what follows, where the token stands."""
    due = None if settlement.due is None else millis_or_later(settlement.due)
    delivery = {
        "id": settlement.delivery_id,
        "token": token,
        "state": STATES[settlement.outcome],
        "attempts": settlement.attempts,
        "due": due,
    }
    if not connection.execute(sql["settle_delivery"], delivery).rowcount:
        return False
    attempt = values_of_attempt(settlement.attempt)
    attempt |= {"id": settlement.delivery_id, "outcome": settlement.outcome, "due": due}
    connection.execute(sql["note_attempt"], attempt)
    if settlement.pause_until is not None:
        subscribed.forget()
        pause = {"id": settlement.endpoint_id, "until": millis_or_later(settlement.pause_until)}
        connection.execute(sql["pause_endpoint"], pause)
    if settlement.disable is not None:
        subscribed.forget()
        _disable(connection, sql, settlement.endpoint_id, settlement.disable)
    return True


def release(connection: sqlite3.Connection, sql: Statements, token: str) -> int:
    """Gives back what was claimed under the token; how many."""
    return connection.execute(sql["release_deliveries"], {"token": token}).rowcount


def owed(connection: sqlite3.Connection, sql: Statements, now: int) -> list[Owed]:
    """What every endpoint is owed. What is due is not tried before the endpoint's pause is over."""
    return [
        Owed(
            endpoint_id=row["id"],
            pending=row["pending"],
            oldest=None if row["oldest"] is None else instant(row["oldest"]),
            next_due=None if row["next_due"] is None else instant(max(row["next_due"], row["paused_until"] or 0)),
        )
        for row in connection.execute(sql["owed"], {"now": now})
    ]


def _settled(endpoint: Endpoint, known: Endpoint | None) -> Endpoint:
    """The endpoint as the settings have it, in the state in which it was."""
    if known is None:
        return endpoint
    if known.disabled_reason == NOT_IN_SETTINGS:
        return replace(endpoint, paused_until=known.paused_until)
    return replace(endpoint, state=known.state, disabled_reason=known.disabled_reason, paused_until=known.paused_until)


def _disable(connection: sqlite3.Connection, sql: Statements, endpoint_id: str, reason: str) -> None:
    connection.execute(sql["disable_endpoint"], {"id": endpoint_id, "reason": reason})
    connection.execute(sql["hold_deliveries"], {"endpoint_id": endpoint_id})
