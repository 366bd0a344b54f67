"""What a store does for endpoints: made, changed, disabled, enabled, removed, and counted. Called inside a transaction.

What is pending for an endpoint that is disabled counts as held: so neither disabling nor enabling one touches its deliveries,
which may be very many.
"""

from collections.abc import Sequence
from datetime import datetime

from watcher.core.asking import Owed
from watcher.core.endpoint import DeliveryState, Endpoint, EndpointState
from watcher.core.outbox import lane_of
from watcher.store import standing
from watcher.store.endpoint_rows import endpoint_of, values_of_endpoint, values_of_standing
from watcher.store.remembered import Remembered
from watcher.store.rows import instant, instant_or_none, shown_state
from watcher.store.sealing import Seal
from watcher.store.work import Connection, Statements


def settle_endpoints(
    connection: Connection, sql: Statements, remembered: Remembered, wanted: Sequence[Endpoint], now: int
) -> None:
    """Makes the settings' endpoints those of the store, and disables those that they no longer name."""
    remembered.lock(connection, sql)
    remembered.change(connection, sql)
    names = {endpoint.id for endpoint in wanted}
    for known in list(remembered.endpoints):
        if known.id not in names and known.kept_by == "settings":
            put_standing(connection, sql, remembered, known, standing.disabled(known, standing.NOT_NAMED))
    for endpoint in wanted:
        before = remembered.endpoint(endpoint.id)
        after = standing.named(endpoint, before, instant(now))
        if after != before:
            _put(connection, sql, remembered, before, after)
        if before is not None and standing.resumes(endpoint, before):
            _send(connection, sql, after, now, was_active=False)


def endpoints(connection: Connection, sql: Statements, seal: Seal) -> list[Endpoint]:
    """All endpoints, also those that were removed. Raises CannotOpen."""
    return [endpoint_of(row, seal) for row in connection.execute(sql["endpoints"])]


def endpoint(connection: Connection, sql: Statements, seal: Seal, endpoint_id: str) -> Endpoint | None:
    """The endpoint, unless it was removed. Raises CannotOpen."""
    row = connection.execute(sql["endpoint"], {"endpoint_id": endpoint_id}).fetchone()
    return None if row is None or row["state"] == EndpointState.REMOVED else endpoint_of(row, seal)


def make_endpoint(
    connection: Connection, sql: Statements, remembered: Remembered, endpoint: Endpoint, now: datetime
) -> Endpoint | None:
    """The endpoint as made, where its id is free."""
    remembered.lock(connection, sql, [endpoint.id])
    remembered.change(connection, sql)
    before = remembered.endpoint(endpoint.id)
    if before is not None and before.state is not EndpointState.REMOVED:
        return None
    after = standing.made(endpoint, before, now)
    _put(connection, sql, remembered, before, after)
    return after


def change_endpoint(
    connection: Connection, sql: Statements, remembered: Remembered, endpoint: Endpoint, now: int
) -> Endpoint | None:
    """The endpoint as changed, where nobody changed it meanwhile."""
    remembered.lock(connection, sql, [endpoint.id])
    remembered.change(connection, sql)
    before = _there(remembered, endpoint.id)
    if before is None or before.edition != endpoint.edition:
        return None
    after = standing.changed(endpoint, before)
    _put(connection, sql, remembered, before, after)
    if before.url != after.url:
        connection.execute(sql["hasten_deliveries"], {"endpoint_id": after.id, "now": now})
    return after


def disable_endpoint(
    connection: Connection, sql: Statements, remembered: Remembered, endpoint_id: str, reason: str
) -> Endpoint | None:
    """The endpoint, disabled."""
    remembered.lock(connection, sql, [endpoint_id])
    before = _there(remembered, endpoint_id)
    if before is None:
        return None
    return put_standing(connection, sql, remembered, before, standing.disabled(before, reason))


def enable_endpoint(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    endpoint_id: str,
    now: int,
    *,
    send_held: bool,
) -> Endpoint | None:
    """The endpoint, enabled; what was held for it is sent, or stays held."""
    remembered.lock(connection, sql, [endpoint_id])
    remembered.hold(connection, sql)
    before = _there(remembered, endpoint_id)
    if before is None:
        return None
    was_active = before.state is EndpointState.ACTIVE
    after = put_standing(connection, sql, remembered, before, standing.enabled(before))
    if send_held:
        _send(connection, sql, after, now, was_active=was_active)
    elif not was_active:
        connection.execute(sql["keep_deliveries_held"], {"endpoint_id": endpoint_id})
    return after


def remove_endpoint(connection: Connection, sql: Statements, remembered: Remembered, endpoint_id: str) -> bool:
    """Whether it was there. What it is owed stays held, also when one of its name is made again."""
    remembered.lock(connection, sql, [endpoint_id])
    remembered.change(connection, sql)
    before = _there(remembered, endpoint_id)
    if before is None:
        return False
    _put(connection, sql, remembered, before, standing.removed(before))
    connection.execute(sql["keep_deliveries_held"], {"endpoint_id": endpoint_id})
    return True


def owed(connection: Connection, sql: Statements, endpoint_id: str | None) -> list[Owed]:
    """What every endpoint is owed, or the one of that id."""
    return [
        Owed(
            endpoint_id=row["id"],
            pending=row["pending"],
            oldest=instant_or_none(row["oldest"]),
        )
        for row in connection.execute(sql["owed"], {"endpoint_id": endpoint_id})
    ]


def tally_deliveries(connection: Connection, sql: Statements, endpoint_id: str) -> dict[DeliveryState, int]:
    """How many are pending, held and dead."""
    endpoint = connection.execute(sql["endpoint"], {"endpoint_id": endpoint_id}).fetchone()
    tally: dict[DeliveryState, int] = {}
    if endpoint is not None:
        for row in connection.execute(sql["tally_deliveries"], {"endpoint_id": endpoint_id}):
            state = shown_state(row["state"], endpoint["state"])
            tally[state] = tally.get(state, 0) + row["count"]
    return tally


def put_standing(
    connection: Connection, sql: Statements, remembered: Remembered, before: Endpoint, after: Endpoint
) -> Endpoint:
    """The endpoint as it stands now, stored where that is otherwise than before."""
    if after != before:
        connection.execute(sql["put_standing"], values_of_standing(after))
        remembered.put(after)
    if standing.stands_otherwise(before, after):
        remembered.spread(connection, after.id)
    return after


def _there(remembered: Remembered, endpoint_id: str) -> Endpoint | None:
    endpoint = remembered.endpoint(endpoint_id)
    return None if endpoint is None or endpoint.state is EndpointState.REMOVED else endpoint


def _put(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    before: Endpoint | None,
    after: Endpoint,
) -> None:
    """Stores the endpoint as a whole; with another ordering what waits for it gets into other lanes."""
    connection.execute(sql["put_endpoint"], values_of_endpoint(after, remembered.seal))
    remembered.put(after)
    remembered.spread(connection, after.id)
    if before is not None and before.ordering != after.ordering:
        waiting = connection.execute(sql["waiting_deliveries"], {"endpoint_id": after.id}).fetchall()
        lanes = [{"id": row["id"], "lane": lane_of(after, row)} for row in waiting]
        connection.executemany(sql["put_lane"], lanes)
        for each in lanes:
            claim = remembered.claim(each["id"])
            if claim is not None:  # whose end is to let go on those that are behind it from now on
                remembered.put_claim(each["id"], claim._replace(lane=each["lane"]))
        _line_up(connection, sql, after)


def _send(connection: Connection, sql: Statements, endpoint: Endpoint, now: int, *, was_active: bool) -> None:
    """What was kept from the endpoint, or waits for a receiver that it no longer has, is pending and due now."""
    values = {"endpoint_id": endpoint.id, "now": now}
    if not was_active:
        connection.execute(sql["hasten_deliveries"], values)
    connection.execute(sql["send_held_deliveries"], values)
    _line_up(connection, sql, endpoint)


def _line_up(connection: Connection, sql: Statements, endpoint: Endpoint) -> None:
    if endpoint.ordering == "batch":
        connection.execute(sql["line_up"], {"endpoint_id": endpoint.id})
