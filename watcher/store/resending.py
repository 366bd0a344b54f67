"""What a store does for a person who looks at deliveries, sends one again, or recovers what an endpoint missed. Called inside a
transaction."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from watcher.core.endpoint import (
    AttemptRecord,
    Cause,
    DeliveryState,
    Endpoint,
    EndpointState,
    Subject,
    subject_of_data,
    wants,
)
from watcher.core.outbox import lane_of
from watcher.core.recovering import DeliveryQuery, Recovered, Recovery, RecoveryState, Resent, of_accounts
from watcher.store.remembered import Remembered
from watcher.store.rows import Row, attempt_of, millis, shown_state
from watcher.store.work import Connection, Statements

Columns = Mapping[str, Any]
"""A row, asked for its columns only."""

NEWEST: Final = 2**63 - 1
"""Above every id and every position."""
SPAN: Final = 20_000
"""Deliveries among which those of one account are looked for at once: for some ten milliseconds, then others may read."""
SLACK: Final = timedelta(minutes=1)
"""By how much a later event of the log may have happened earlier: their times are those of different answers."""


def deliveries(connection: Connection, sql: Statements, query: DeliveryQuery) -> list[Row]:
    """The deliveries that match, as shown."""
    before = NEWEST if query.before is None else query.before
    if query.batch_id is not None:
        return shown(connection, sql, sorted(_of_batch(connection, sql, query, before), reverse=True)[: query.limit])
    if query.endpoint_id is None and query.account is None and not query.states:
        found = _ids(connection, sql["newest_deliveries"], {"before": before, "limit": query.limit})
        return shown(connection, sql, found)
    ids: list[int] = []
    for endpoint in connection.execute(sql["endpoints"]).fetchall():
        if query.endpoint_id in (None, endpoint["id"]):
            ids += _of_endpoint(connection, sql["newest_in_state"], query, endpoint, before)
    return shown(connection, sql, sorted(ids, reverse=True)[: query.limit])


def deliveries_of_account(connection: Connection, sql: Statements, query: DeliveryQuery) -> tuple[list[Row], int]:
    """Those of one account that match among the next SPAN, as shown; and before which id to go on, none being below 1. No index
    has them together: every delivery would pay for a question that is asked rarely."""
    before = NEWEST if query.before is None else query.before
    newest = _ids(connection, sql["newest_deliveries"], {"before": before, "limit": 1})
    if not newest:
        return [], 0
    begin = newest[0] - SPAN + 1
    ids: list[int] = []
    for endpoint in connection.execute(sql["endpoints"]).fetchall():
        if query.endpoint_id in (None, endpoint["id"]):
            ids += _of_endpoint(connection, sql["newest_in_state_of"], query, endpoint, before, begin)
    return shown(connection, sql, sorted(ids, reverse=True)[: query.limit]), begin


def _of_endpoint(
    connection: Connection,
    statement: str,
    query: DeliveryQuery,
    endpoint: Columns,
    before: int,
    begin: int = 0,
) -> list[int]:
    """A portion of one endpoint's in the states that are asked for."""
    values = {
        "endpoint_id": endpoint["id"],
        "account": query.account,
        "begin": begin,
        "before": before,
        "limit": query.limit,
    }
    states = _kept_states(query.states, endpoint["state"])
    return [each for state in states for each in _ids(connection, statement, values | {"state": state})]


def _of_batch(connection: Connection, sql: Statements, query: DeliveryQuery, before: int) -> list[int]:
    """Those of a batch's events that match: a handful."""
    kept = {
        endpoint["id"]: _kept_states(query.states, endpoint["state"])
        for endpoint in connection.execute(sql["endpoints"])
        if query.endpoint_id in (None, endpoint["id"])
    }
    found: list[int] = []
    for account in _accounts(connection, sql) if query.account is None else [query.account]:
        values = {"account": account, "batch_id": query.batch_id, "before": before}
        rows = connection.execute(sql["deliveries_of_batch"], values)
        found += [row["id"] for row in rows if row["state"] in kept.get(row["endpoint_id"], ())]
    return found


def _accounts(connection: Connection, sql: Statements) -> Iterator[str]:
    """All that ever had a watch."""
    account: str | None = ""
    while account := connection.execute(sql["next_account"], {"account": account}).fetchone()[0]:
        yield account


def delivery(connection: Connection, sql: Statements, delivery_id: int) -> tuple[Row, list[AttemptRecord]] | None:
    """The delivery as shown, and its attempts."""
    rows = shown(connection, sql, [delivery_id])
    if not rows:
        return None
    return rows[0], [attempt_of(row) for row in connection.execute(sql["attempts_of"], {"id": delivery_id})]


def shown(connection: Connection, sql: Statements, ids: Sequence[int]) -> list[Row]:
    """The deliveries with these ids, the newest first."""
    return connection.execute(sql["shown_deliveries"], {"ids": json.dumps(ids)}).fetchall()


def resend(connection: Connection, sql: Statements, remembered: Remembered, delivery_id: int, now: int) -> Resent:
    """What became of the wish to send it again."""
    row = connection.execute(sql["delivery"], {"id": delivery_id}).fetchone()
    if row is None:
        return "unknown"
    remembered.lock(connection, sql, [row["endpoint_id"]])
    endpoint = remembered.endpoint(row["endpoint_id"])
    if remembered.under_way(delivery_id, row, now):
        return "in_flight"
    if endpoint is None or endpoint.state is not EndpointState.ACTIVE:
        return "not_active"
    if endpoint.ordering != "none":
        remembered.hold(connection, sql)
    _send_again(connection, sql, remembered, endpoint, row, delivery_id, "person", now)
    return "resent"


def recover(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    recovery: Recovery,
    now: int,
    *,
    dry_run: bool,
) -> Recovered | None:
    """Sends again what the recovery names, or counts it only."""
    if not dry_run:
        remembered.lock(connection, sql, [recovery.endpoint_id])
    endpoint = remembered.fresh(connection, sql, recovery.endpoint_id)
    if endpoint is None or endpoint.state is EndpointState.REMOVED:
        return None
    if endpoint.state is not EndpointState.ACTIVE and not dry_run:
        return None
    if endpoint.ordering != "none" and not dry_run:
        remembered.hold(connection, sql)
    counts: dict[RecoveryState, int] = {}
    after = max(recovery.after, _position_before(connection, sql, millis(recovery.since - SLACK)))
    portion = {"endpoint_id": endpoint.id, "after": after, "most": recovery.most}
    rows = connection.execute(sql["events_to_recover"], portion).fetchall()
    begin, end, last = millis(recovery.since), millis(recovery.until), millis(recovery.until + SLACK)
    for row in rows:
        named = begin <= row["at"] < end and of_accounts(recovery, row["account"] if row["endpoint"] is None else None)
        state = _state(connection, sql, remembered, endpoint, row, now) if named else None
        if state in recovery.states:
            counts[state] = counts.get(state, 0) + 1
            if not dry_run:
                _recover(connection, sql, remembered, endpoint, row, now)
    more = len(rows) == recovery.most and rows[-1]["at"] < last
    return Recovered(counts=counts, after=rows[-1]["position"] if more else None)


def _kept_states(states: Sequence[DeliveryState], endpoint_state: str) -> list[DeliveryState]:
    """In which states those are kept that count as being in one of the states given; all where none is."""
    wanted = set(states or DeliveryState)
    if endpoint_state == EndpointState.ACTIVE:
        return sorted(wanted)
    return [kept for kept in DeliveryState if shown_state(kept, endpoint_state) in wanted]


def _ids(connection: Connection, statement: str, values: Mapping[str, object]) -> list[int]:
    return [row["id"] for row in connection.execute(statement, values)]


def _position_before(connection: Connection, sql: Statements, at: int) -> int:
    """A position behind which all events lie that happened at that time or later, but for the slack; near the last one.
    Positions grow with time, so halving the log finds it."""
    low, high = 0, int(connection.execute(sql["last_position"]).fetchone()[0])
    while low < high:
        middle = (low + high) // 2
        event = connection.execute(sql["first_event_from"], {"position": middle + 1}).fetchone()
        if event is None or event["at"] >= at:
            high = middle
        else:
            low = event["position"]
    return low


def _state(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    endpoint: Endpoint,
    event: Columns,
    now: int,
) -> RecoveryState | None:
    """In which state the event is for the endpoint; None where it is not for it, or under way."""
    if event["delivery_id"] is None:
        return "missing" if _wants(connection, sql, endpoint, event) else None
    if remembered.under_way(event["delivery_id"], event, now):
        return None
    return shown_state(event["state"], endpoint.state).value


def _wants(connection: Connection, sql: Statements, endpoint: Endpoint, event: Columns) -> bool:
    """Whether the endpoint's filter lets the event through; its body is read only where the filter looks into it."""
    account = event["account"] if event["endpoint"] is None else None
    subject = Subject(
        type=event["type"],
        account=account,
        broadcast_id=endpoint.broadcasts[0] if endpoint.broadcasts else None,
        labels=endpoint.labels,
        endpoint=event["endpoint"],
    )
    if not wants(endpoint, subject):
        return False
    if not endpoint.broadcasts and not endpoint.labels:
        return True
    body = connection.execute(sql["event_body"], {"position": event["position"]}).fetchone()[0]
    return wants(endpoint, subject_of_data(event["type"], json.loads(body)["data"], event["endpoint"]))


def _recover(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    endpoint: Endpoint,
    event: Columns,
    now: int,
) -> None:
    delivery_id = event["delivery_id"]
    if delivery_id is None:
        values = {
            "account": event["account"],
            "endpoint_id": endpoint.id,
            "position": event["position"],
            "now": now,
            "cause": "recovery",
            "lane": None,
        }
        delivery_id = connection.execute(sql["make_delivery"], values).lastrowid
    _send_again(connection, sql, remembered, endpoint, event, delivery_id, "recovery", now)


def _send_again(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    endpoint: Endpoint,
    row: Columns,
    delivery_id: int,
    cause: Cause,
    now: int,
) -> None:
    """It is due now, in its place in its lane. `row` has its position and what its lane is made of."""
    remembered.drop_claim(delivery_id)  # a claim whose lease has ended
    lane = lane_of(endpoint, row)
    connection.execute(sql["send_again"], {"id": delivery_id, "now": now, "cause": cause, "lane": lane})
    if lane is not None:
        place = {"id": delivery_id, "endpoint_id": endpoint.id, "lane": lane, "position": row["position"]}
        connection.execute(sql["stand_in_line"], place)
        connection.execute(sql["step_back"], place)
