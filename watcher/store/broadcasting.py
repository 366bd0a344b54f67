"""What a store does for broadcasts, and for what an account has learnt. Called inside a transaction."""

import json
from collections.abc import Sequence

from watcher.core.broadcasts import Broadcast
from watcher.core.model import BroadcastKind
from watcher.core.wishes import BroadcastWish, FollowedBroadcast
from watcher.store.rows import Row, Values, instant, millis, text_or_none
from watcher.store.wishes import grant_broadcast
from watcher.store.work import Connection, Statements


def follow_broadcast(connection: Connection, sql: Statements, wish: BroadcastWish, now: int) -> FollowedBroadcast:
    """Grants the wish."""
    place = {"account": wish.account, "broadcast_id": wish.broadcast_id}
    while True:
        row = connection.execute(sql["broadcast"], place).fetchone()
        stored = None if row is None else broadcast_of(row)
        granted = grant_broadcast(stored, wish, instant(now))
        if granted.broadcast is stored:
            return granted
        put = sql["make_broadcast" if stored is None else "put_broadcast"]
        if connection.execute(put, values_of_broadcast(granted.broadcast)).rowcount:
            return granted  # else another process was faster, and its own is looked at


def stop_broadcast(connection: Connection, sql: Statements, account: str, broadcast_id: int) -> bool:
    """Whether it was followed."""
    place = {"account": account, "broadcast_id": broadcast_id}
    return connection.execute(sql["stop_broadcast"], place).rowcount > 0


def broadcasts(
    connection: Connection, sql: Statements, account: str, broadcast_ids: Sequence[int] | None
) -> list[Broadcast]:
    """All that are kept of the account, or of these."""
    if broadcast_ids is None:
        return [broadcast_of(row) for row in connection.execute(sql["broadcasts"], {"account": account})]
    asked = {"account": account, "ids": json.dumps([*{*broadcast_ids}])}
    some = map(broadcast_of, connection.execute(sql["some_broadcasts"], asked))
    return sorted(some, key=lambda each: each.broadcast_id)


def note_kind(
    connection: Connection,
    sql: Statements,
    account: str,
    broadcast_id: int,
    kind: BroadcastKind | None,
    now: int,
) -> None:
    """Remembers the kind, or forgets it."""
    values = {"account": account, "broadcast_id": broadcast_id, "kind": kind, "now": now}
    connection.execute(sql["forget_kind" if kind is None else "note_kind"], values)


def save_learnt(connection: Connection, sql: Statements, account: str, record: bytes, now: int) -> None:
    """Puts the record in the place of the former one."""
    connection.execute(sql["put_learnt"], {"account": account, "record": record, "saved": now})


def learnt(connection: Connection, sql: Statements, account: str) -> bytes | None:
    """The record that was saved last."""
    row = connection.execute(sql["learnt"], {"account": account}).fetchone()
    return None if row is None else bytes(row["record"])


def values_of_broadcast(broadcast: Broadcast) -> Values:
    """The columns of a broadcast."""
    return {
        "account": broadcast.account,
        "broadcast_id": broadcast.broadcast_id,
        "kind": broadcast.kind,
        "followed": broadcast.followed,
        "opened": millis(broadcast.opened),
        "labels": json.dumps(dict(broadcast.labels)),
        "correlation_id": text_or_none(broadcast.correlation_id),
    }


def broadcast_of(row: Row) -> Broadcast:
    """The broadcast that a row of `broadcasts` holds."""
    return Broadcast(
        account=row["account"],
        broadcast_id=row["broadcast_id"],
        kind=row["kind"],
        followed=bool(row["followed"]),
        opened=instant(row["opened"]),
        labels=json.loads(row["labels"]),
        correlation_id=row["correlation_id"],
    )
