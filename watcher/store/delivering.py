"""What SQLite does for deliveries and their endpoints: claims, settling, giving back, counts. Called inside a transaction."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from watcher.core.model import Delivery, DeliveryState, Endpoint, EndpointState
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

STATES: Final[Mapping[Outcome, DeliveryState]] = {
    "done": DeliveryState.DONE,
    "retried": DeliveryState.PENDING,
    "dead": DeliveryState.DEAD,
    "held": DeliveryState.HELD,
    "returned": DeliveryState.PENDING,
}
"""What a delivery is after an attempt."""


def settle_endpoints(
    connection: sqlite3.Connection, sql: Statements, subscribed: Subscribers, wanted: Sequence[Endpoint], now: int
) -> None:
    """Makes, updates and removes endpoints so that they are those of the settings."""
    subscribed.forget()
    known = {endpoint.id: endpoint for endpoint in endpoints(connection, sql)}
    for endpoint in wanted:
        before = known.pop(endpoint.id, None)
        settled = _settled(endpoint, before)
        connection.execute(sql["put_endpoint"], values_of_endpoint(settled))
        if before is not None and _resumes(before, settled):
            connection.execute(sql["owe_again"], {"endpoint_id": endpoint.id, "now": now})
    for endpoint_id in known:
        connection.execute(sql["remove_endpoint"], {"id": endpoint_id})
        connection.execute(sql["hold_deliveries"], {"endpoint_id": endpoint_id})


def claim(
    connection: sqlite3.Connection, sql: Statements, room: Mapping[str, int], token: str, now: int, until: int
) -> list[Delivery]:
    """What is due now, as far as there is room, under the token."""
    claimed: list[Delivery] = []
    # Asked first: a paused endpoint's deliveries, which may be very many, are not even looked at.
    open_now = {row["id"] for row in connection.execute(sql["open_endpoints"], {"now": now})}
    for endpoint_id, most in room.items():
        if endpoint_id in open_now:
            due = {"endpoint_id": endpoint_id, "now": now, "room": max(most, 0)}
            claimed.extend(map(delivery_of, connection.execute(sql["due_deliveries"], due)))
    leases = [{"id": delivery.id, "token": token, "until": until} for delivery in claimed]
    connection.executemany(sql["claim_delivery"], leases)
    return claimed


def settle(
    connection: sqlite3.Connection, sql: Statements, subscribed: Subscribers, settlement: Settlement, token: str
) -> Outcome | None:
    """Writes the attempt and what follows, where the token stands; what became of the delivery."""
    due = None if settlement.due is None else millis_or_later(settlement.due)
    delivery = {
        "id": settlement.delivery_id,
        "token": token,
        "state": STATES[settlement.outcome],
        "attempts": settlement.attempts,
        "due": due,
    }
    rows = connection.execute(sql["settle_delivery"], delivery).fetchall()
    if not rows:
        return None
    outcome: Outcome = "held" if rows[0]["state"] == DeliveryState.HELD else settlement.outcome
    attempt = values_of_attempt(settlement.attempt)
    attempt |= {"id": settlement.delivery_id, "outcome": outcome, "due": None if outcome == "held" else due}
    connection.execute(sql["note_attempt"], attempt)
    if settlement.pause_until is not None:
        subscribed.forget()
        pause = {"id": settlement.endpoint_id, "until": millis_or_later(settlement.pause_until)}
        connection.execute(sql["pause_endpoint"], pause)
    if settlement.disable is not None:
        subscribed.forget()
        reason = {"id": settlement.endpoint_id, "reason": settlement.disable}
        connection.execute(sql["disable_endpoint"], reason)
        connection.execute(sql["hold_deliveries"], {"endpoint_id": settlement.endpoint_id})
    return outcome


def release(connection: sqlite3.Connection, sql: Statements, token: str) -> int:
    """Gives back what was claimed under the token; how many."""
    return connection.execute(sql["release_deliveries"], {"token": token}).rowcount


def owed(connection: sqlite3.Connection, sql: Statements) -> list[Owed]:
    """What every endpoint is owed."""
    return [
        Owed(
            endpoint_id=row["id"],
            pending=row["pending"],
            oldest=None if row["oldest"] is None else instant(row["oldest"]),
        )
        for row in connection.execute(sql["owed"])
    ]


def _settled(endpoint: Endpoint, known: Endpoint | None) -> Endpoint:
    """The endpoint as the settings have it, in the state in which it was; at another URL what the receiver of the former
    asked for (410, Retry-After) is void."""
    if known is None or known.url != endpoint.url:
        return endpoint
    state = EndpointState.ACTIVE if known.disabled_reason is None else EndpointState.DISABLED
    return replace(endpoint, state=state, disabled_reason=known.disabled_reason, paused_until=known.paused_until)


def _resumes(before: Endpoint, settled: Endpoint) -> bool:
    """Whether what was kept from the endpoint may be sent to it now."""
    changed = before.state is not EndpointState.ACTIVE or before.url != settled.url
    return changed and settled.state is EndpointState.ACTIVE
