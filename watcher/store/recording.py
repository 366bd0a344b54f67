"""What a store does for changes: a watch or an account, its events and their deliveries, inside one transaction (rule 1)."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from watcher.core.account import AccountRecord
from watcher.core.endpoint import Subject, subject_of
from watcher.core.model import Event, Recorded
from watcher.core.outbox import lane_of, subscribers
from watcher.ports import Committed, EventQuery
from watcher.store.remembered import Remembered
from watcher.store.rows import Values, record_of, recorded_of, values_of_event
from watcher.store.work import Connection, Statements


class Told(NamedTuple):
    """An event as it will be stored, and what filters look at."""

    values: Values
    subject: Subject


def told(event: Event, origin: str) -> Told:
    """The event, ready to be stored."""
    return Told(values_of_event(event, origin), subject_of(event))


def commit(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    watch: Values,
    events: Sequence[Told],
    now: int,
) -> Committed | None:
    """The watch where nobody changed it meanwhile, its events, and a delivery for everyone who is owed one."""
    if not connection.execute(sql["swap_watch"], watch).rowcount:
        return None
    return record(connection, sql, remembered, events, now)


def save_account(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    account: Values,
    events: Sequence[Told],
    now: int,
    *,
    shared: bool = False,
) -> Committed | None:
    """The account's record, its events, and a delivery for everyone who is owed one; one that is `shared` where its number is
    what it was before these events."""
    if shared:
        was = {"was": account["number"] - len(events)}
        if not connection.execute(sql["swap_account"], account | was).rowcount:
            return None
    else:
        connection.execute(sql["put_account"], account)
    return record(connection, sql, remembered, events, now)


def account(connection: Connection, sql: Statements, name: str) -> AccountRecord | None:
    """What was kept of the account."""
    row = connection.execute(sql["account"], {"name": name}).fetchone()
    return None if row is None else record_of(row)


def events(connection: Connection, sql: Statements, query: EventQuery, types: str | None) -> list[Recorded]:
    """The events that match; `types` are the query's, as the statements want them."""
    of_batch = query.account is not None and query.batch_id is not None
    values: dict[str, Any] = {
        "after": query.after,
        "account": query.account,
        "accounts": None if query.accounts is None else json.dumps(list(query.accounts)),
        "batch_id": query.batch_id,
        "types": types,
        "limit": query.limit,
    }
    rows = connection.execute(sql["events_of_batch" if of_batch else "events_after"], values)
    return [recorded_of(row, row["position"]) for row in rows]


def record(
    connection: Connection, sql: Statements, remembered: Remembered, events: Sequence[Told], now: int
) -> Committed:
    """The events, and a delivery for everyone who is owed one."""
    recorded: list[Recorded] = []
    deliveries: list[int] = []
    if events:
        remembered.renew(connection, sql)
    for event, subject in events:
        position = connection.execute(sql["make_event"], event).lastrowid
        assert position is not None  # noqa: S101 # an INSERT has one
        owed = subscribers(list(remembered.endpoints), subject)
        for endpoint in owed:
            delivery = {
                "account": event["account"],
                "endpoint_id": endpoint.id,
                "position": position,
                "now": now,
                "cause": "schedule",
                "lane": lane_of(endpoint, event),
            }
            connection.execute(sql["make_delivery"], delivery)
        recorded.append(recorded_of(event, position))
        deliveries.append(len(owed))
    return Committed(events=recorded, deliveries=deliveries)
