"""What SQLite does for changes: a watch or an account, its events and their deliveries, inside one transaction (rule 1)."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from watcher.core.account import AccountRecord
from watcher.core.model import DeliveryState, Endpoint, EndpointState, Recorded
from watcher.core.outbox import subscribers
from watcher.ports import Committed, EventQuery
from watcher.store.rows import Values, endpoint_of, record_of, recorded_of

Statements = Mapping[str, str]


class Subscribers:
    """The endpoints as the writer's connection sees them: read once, and again after they changed."""

    def __init__(self, sql: Statements) -> None:
        self._sql = sql
        self._endpoints: list[Endpoint] | None = None

    def of(self, connection: sqlite3.Connection, event_type: str, account: str) -> list[Endpoint]:
        """Those who are owed the event, disabled ones too."""
        if self._endpoints is None:
            self._endpoints = endpoints(connection, self._sql)
        return subscribers(self._endpoints, event_type, account)

    def forget(self) -> None:
        """They may have changed."""
        self._endpoints = None


def commit(
    connection: sqlite3.Connection,
    sql: Statements,
    subscribed: Subscribers,
    watch: Values,
    events: Sequence[Values],
    now: int,
) -> Committed | None:
    """The watch where nobody changed it meanwhile, its events, and a delivery for everyone who is owed one."""
    if not connection.execute(sql["swap_watch"], watch).rowcount:
        return None
    return _record(connection, sql, subscribed, events, now)


def save_account(
    connection: sqlite3.Connection,
    sql: Statements,
    subscribed: Subscribers,
    record: Values,
    events: Sequence[Values],
    now: int,
) -> Committed:
    """The account's record, its events, and a delivery for everyone who is owed one."""
    connection.execute(sql["put_account"], record)
    return _record(connection, sql, subscribed, events, now)


def account(connection: sqlite3.Connection, sql: Statements, name: str) -> AccountRecord | None:
    """What was kept of the account."""
    row = connection.execute(sql["account"], {"name": name}).fetchone()
    return None if row is None else record_of(row)


def events(connection: sqlite3.Connection, sql: Statements, query: EventQuery, types: str | None) -> list[Recorded]:
    """The events that match; `types` are the query's, as the statements want them."""
    of_batch = query.account is not None and query.batch_id is not None
    values: dict[str, Any] = {
        "after": query.after,
        "account": query.account,
        "batch_id": query.batch_id,
        "types": types,
        "limit": query.limit,
    }
    rows = connection.execute(sql["events_of_batch" if of_batch else "events_after"], values)
    return [recorded_of(row, row["position"]) for row in rows]


def endpoints(connection: sqlite3.Connection, sql: Statements) -> list[Endpoint]:
    """All endpoints, without secrets."""
    return [endpoint_of(row) for row in connection.execute(sql["endpoints"])]


def _record(
    connection: sqlite3.Connection, sql: Statements, subscribed: Subscribers, events: Sequence[Values], now: int
) -> Committed:
    recorded: list[Recorded] = []
    deliveries: list[int] = []
    for event in events:
        position = connection.execute(sql["make_event"], event).lastrowid
        assert position is not None  # noqa: S101 # an INSERT has one
        owed = subscribed.of(connection, event["type"], event["account"])
        values = [
            {
                "account": event["account"],
                "endpoint_id": endpoint.id,
                "position": position,
                "now": now,
                "state": DeliveryState.PENDING if endpoint.state is EndpointState.ACTIVE else DeliveryState.HELD,
            }
            for endpoint in owed
        ]
        connection.executemany(sql["make_delivery"], values)
        recorded.append(recorded_of(event, position))
        deliveries.append(len(owed))
    return Committed(events=recorded, deliveries=deliveries)
