"""What a store does to list watches, account by account: which statement has an index for what is asked."""

import json
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

from watcher.core.finding import needle_of
from watcher.core.model import FINAL_STATUSES, Key, State, Watch
from watcher.ports import BandQuery, WatchQuery
from watcher.store.rows import millis, millis_or_none, text, watch_of
from watcher.store.work import Connection, Statements

NAMED_AT_ONCE: Final = 1000
"""Batches that are named to one statement."""
LOST: Final = (State.MISSING, State.EXPIRED)
FINAL: Final = {f"final_{number}": status for number, status in enumerate(sorted(FINAL_STATUSES), start=1)}
"""The statuses that end validation, as the statements name them."""


def find(connection: Connection, sql: Statements, query: WatchQuery) -> list[Watch]:
    """The watches that match, account by account."""
    if query.state is State.STOPPED:
        return []
    statement = sql[_listing(query)]
    found: list[Watch] = []
    for account in _accounts(connection, sql, query):
        for portion in _portions(query, account):
            values = portion | {"limit": query.limit - len(found)}
            found.extend(map(watch_of, connection.execute(statement, values)))
            if len(found) >= query.limit:
                return found
    return found


def in_band(connection: Connection, sql: Statements, query: BandQuery) -> list[Key]:
    """The watches of a band, in its order."""
    values = _values_of_band(query) | {"limit": query.limit, "offset": query.offset}
    return [Key(*row) for row in connection.execute(sql["watches_in_band"], values)]


def count_of_band(connection: Connection, sql: Statements, query: BandQuery) -> int:
    """How many watches are in it."""
    count: int = connection.execute(sql["count_of_band"], _values_of_band(query)).fetchone()[0]
    return count


def watched_accounts(connection: Connection, sql: Statements) -> list[str]:
    """The accounts that have watches, in order."""
    return list(_accounts(connection, sql, WatchQuery()))


def _values_of_band(query: BandQuery) -> dict[str, Any]:
    return {
        **FINAL,
        "band": query.band.value,
        "accounts": None if query.accounts is None else json.dumps(list(query.accounts)),
        "status": query.status,
        "state": None if query.state is None else query.state.value,
        "final": query.final,
    }


def _listing(query: WatchQuery) -> str:
    """The statement that has an index for what is asked: for what leaves least to be looked at, where several have."""
    if query.among is not None:
        return "watches_among"
    if query.by_since:
        return "watches_since"
    if query.q is not None:
        return "found_watches"
    if query.stuck:
        return "stuck_watches"
    if query.labels:
        return "watches_labelled"
    if query.broadcast_id is not None:
        return "watches_of_broadcast"
    if query.state in LOST:
        return "lost_watches"
    if query.status is not None:
        return "watches_with_status"
    if query.state is State.OPEN:
        return "listed_open_watches"
    if query.final is False:
        return "unfinished_watches"
    if query.final or query.state is State.SETTLED:
        return "finished_watches"
    return "watches_of"


def _portions(query: WatchQuery, account: str) -> Iterator[dict[str, Any]]:
    """The values of the statement, one set after another until there are enough rows: several where batches are named."""
    after = query.after if query.after is not None and query.after.account == account else None
    batch_id = 0 if after is None else after.batch_id
    values = _values(query) | {"account": account, "after": batch_id}
    if query.by_since and after is not None and query.after_since is not None:
        values["since"] = millis(query.after_since)
    elif query.by_since:
        values["after"] = 0
    if query.among is None:
        yield values
        return
    named = query.among.get(account, ())
    for start in range(bisect_right(named, batch_id), len(named), NAMED_AT_ONCE):
        yield values | {"among": json.dumps(named[start : start + NAMED_AT_ONCE])}


def _values(query: WatchQuery) -> dict[str, Any]:
    """What is asked of every account. One label leads to the rows, where any is asked for."""
    labels = {text(name): text(value) for name, value in query.labels.items()}
    name = next(iter(labels), None)
    value = None if name is None else labels.pop(name)
    needle = None if query.q is None else needle_of(text(query.q))
    return {
        **FINAL,
        "status": query.status,
        "final": query.final,
        "stuck": query.stuck,
        "state": None if query.state is None else query.state.value,
        "broadcast_id": query.broadcast_id,
        "since": millis_or_none(query.since),
        "labels": json.dumps(labels) if labels else None,
        "name": name,
        "value": value,
        "needle": None if needle is None else needle.word,
        "mark": None if needle is None else needle.mark,
        "digits": None if needle is None else needle.digits,
    }


def _accounts(connection: Connection, sql: Statements, query: WatchQuery) -> Iterator[str]:
    """The accounts to go through, in order, from the one where the last list ended."""
    first = "" if query.after is None else query.after.account
    named = query.among if query.accounts is None else query.accounts
    if named is not None:
        yield from sorted({account for account in named if account >= first})
        return
    account: str | None = first
    if first:
        yield first
    while account := connection.execute(sql["next_account"], {"account": account}).fetchone()[0]:
        yield account
