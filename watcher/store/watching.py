"""What SQLite does for watches: following, stopping, last looks, lists and counts. Called inside a transaction."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from watcher.core.model import Key, Watch
from watcher.ports import Followed, WatchQuery, Wish
from watcher.store.rows import Values, values_of_watch, watch_of
from watcher.store.wishes import grant

Statements = Mapping[str, str]


def follow(connection: sqlite3.Connection, sql: Statements, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
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
        if after is not before:
            values = values_of_watch(after, after.version) | {"old_version": before.version}
            connection.execute(sql["swap_watch"], values)
    return followed


def stop(connection: sqlite3.Connection, sql: Statements, key: Key) -> bool:
    """Whether there was a watch to stop."""
    return connection.execute(sql["stop_watch"], key._asdict()).rowcount > 0


def watch(connection: sqlite3.Connection, sql: Statements, key: Key) -> Watch | None:
    """The watch with the key."""
    row = connection.execute(sql["watch"], key._asdict()).fetchone()
    return None if row is None else watch_of(row)


def save_looks(connection: sqlite3.Connection, sql: Statements, looks: Sequence[Values]) -> None:
    """Writes down the looks that are newer than what is stored."""
    connection.executemany(sql["save_look"], looks)


def open_watches(connection: sqlite3.Connection, sql: Statements, account: str, after: int, limit: int) -> list[Watch]:
    """A portion of the account's open watches, those behind the batch given."""
    values = {"account": account, "after": after, "limit": limit}
    return [watch_of(row) for row in connection.execute(sql["open_watches"], values)]


def find(connection: sqlite3.Connection, sql: Statements, query: WatchQuery) -> list[Watch]:
    """The watches that match, account by account."""
    found: list[Watch] = []
    after = query.after
    for account in _accounts(connection, sql, query):
        values = {
            "account": account,
            "status": query.status,
            "after": after.batch_id if after is not None and after.account == account else 0,
            "limit": query.limit - len(found),
        }
        rows = connection.execute(sql[_listing(query)], values)
        found.extend(each for each in map(watch_of, rows) if query.final is None or each.final is query.final)
        if len(found) >= query.limit:
            break
    return found


def tally(connection: sqlite3.Connection, sql: Statements, account: str) -> dict[tuple[str, str | None], int]:
    """The counts by (state, status)."""
    rows = connection.execute(sql["tally"], {"account": account})
    return {(row["state"], row["status"]): row["count"] for row in rows}


def _listing(query: WatchQuery) -> str:
    """The statement that has an index for what is asked."""
    if query.status is not None:
        return "watches_with_status"
    if query.final is not None:
        return "finished_watches" if query.final else "unfinished_watches"
    return "watches_of"


def _accounts(connection: sqlite3.Connection, sql: Statements, query: WatchQuery) -> Iterator[str]:
    """The accounts to go through, in order, from the one where the last list ended."""
    if query.accounts is not None:
        first = "" if query.after is None else query.after.account
        yield from sorted({account for account in query.accounts if account >= first})
        return
    account: str | None = ""
    if query.after is not None:
        account = query.after.account
        yield account
    while account := connection.execute(sql["next_account"], {"account": account}).fetchone()[0]:
        yield account
