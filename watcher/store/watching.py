"""What a store does for watches: following, labels, stopping, last looks and counts. Called inside a transaction."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain

import numpy as np

from watcher.core.model import Key, State, Watch
from watcher.core.opened import COLUMNS, NONE, Opened
from watcher.core.wishes import Unset
from watcher.ports import Followed, Wish
from watcher.store.rows import Values, values_of_watch, watch_of
from watcher.store.wishes import grant, relabelled
from watcher.store.work import Connection, Statements


def follow(connection: Connection, sql: Statements, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
    """Grants every wish, in order. A batch that is wished for twice is made once."""
    stored: dict[Key, Watch] = {}
    wanted: dict[Key, Watch] = {}
    followed: list[Followed] = []
    for wish in wishes:
        key = wish.key
        present = wanted.get(key)
        if present is None:
            present = watch(connection, sql, key)
            if present is not None:
                stored[key] = present
        granted = grant(present, wish, now)
        wanted[key] = granted.watch
        followed.append(granted)
    new = [each for key, each in wanted.items() if key not in stored]
    connection.executemany(sql["make_watch"], (values_of_watch(each, each.version) for each in new))
    for key, before in stored.items():
        after = wanted[key]
        _swap(connection, sql, before, after)
    return followed


def relabel(
    connection: Connection,
    sql: Statements,
    key: Key,
    labels: Mapping[str, str | None] | None,
    correlation_id: str | Unset | None,
) -> Watch | None:
    """The watch with its labels changed, None where nobody follows it."""
    before = watch(connection, sql, key)
    if before is None or before.state is State.STOPPED:
        return None
    after = relabelled(before, labels, correlation_id)
    _swap(connection, sql, before, after)
    return after


def _swap(connection: Connection, sql: Statements, before: Watch, after: Watch) -> None:
    if after is not before:
        values = values_of_watch(after, after.version) | {"old_version": before.version}
        connection.execute(sql["swap_watch"], values)


def stop(connection: Connection, sql: Statements, key: Key) -> bool:
    """Whether there was a watch to stop."""
    return connection.execute(sql["stop_watch"], key._asdict()).rowcount > 0


def watch(connection: Connection, sql: Statements, key: Key) -> Watch | None:
    """The watch with the key."""
    row = connection.execute(sql["watch"], key._asdict()).fetchone()
    return None if row is None else watch_of(row)


def save_looks(connection: Connection, sql: Statements, looks: Sequence[Values]) -> None:
    """Writes down the looks that are newer than what is stored."""
    connection.executemany(sql["save_look"], looks)


def open_watches(connection: Connection, sql: Statements, account: str, after: int, limit: int) -> list[Watch]:
    """A portion of the account's open watches, those behind the batch given."""
    values = {"account": account, "after": after, "limit": limit}
    return [watch_of(row) for row in connection.execute(sql["open_watches"], values)]


def opened(connection: Connection, sql: Statements, account: str, after: int, limit: int) -> Opened:
    """As `open_watches`, in columns."""
    values = {"account": account, "after": after, "limit": limit, "none": NONE}
    statuses: list[str | None] = []

    def told() -> Iterator[Sequence[int]]:
        """Row by row, so that they are not all there at once as objects: their memory would stay with the process."""
        for *numbers, status in connection.execute(sql["opened"], values):
            statuses.append(status)
            yield numbers

    numbers = np.fromiter(chain.from_iterable(told()), np.int64)
    return Opened(numbers.reshape(-1, len(COLUMNS)), statuses)


def tally(connection: Connection, sql: Statements, account: str) -> dict[tuple[str, str | None], int]:
    """The counts by (state, status)."""
    rows = connection.execute(sql["tally"], {"account": account})
    return {(state.value, row["status"]): row[state.value] for row in rows for state in State if row[state.value]}
