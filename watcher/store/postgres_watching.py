"""What the store on PostgreSQL does for many watches at once: they are locked, made and changed with a statement each, in the
order of their keys, so that replicas that follow the same batches wait for each other and are never in each other's way.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from watcher.core.model import Key, LastLook, State, Watch
from watcher.core.wishes import UNSET, Unset
from watcher.ports import Followed, Wish
from watcher.store.lanes import GroupLanes
from watcher.store.rows import Values, values_of_look, values_of_watch, watch_of
from watcher.store.submissions import Follow
from watcher.store.wishes import grant, relabelled
from watcher.store.work import Connection, Statements


class PostgresWatching(GroupLanes):
    """The part of the port `Store` that changes watches for other reasons than what was seen of them."""

    @property
    def _follow(self) -> Follow:
        return follow

    async def relabel(
        self, key: Key, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None = UNSET
    ) -> Watch | None:
        return await self._write("relabel", relabel, key, labels, correlation_id)

    async def save_looks(self, account: str, looks: Sequence[LastLook]) -> None:
        await self._write_together("save_looks", save_looks, [values_of_look(account, look) for look in looks])


def follow(connection: Connection, sql: Statements, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
    """Grants every wish, in order. A batch that is wished for twice is made once, also where another replica just made it."""
    stored: dict[Key, Watch] = {}
    made: set[Key] = set()
    asked = {wish.key for wish in wishes}
    while True:
        stored |= lock(connection, sql, asked)
        followed, wanted = _granted(stored, wishes, now)
        new = [each for key, each in wanted.items() if key not in stored and key not in made]
        made |= _make(connection, sql, new)
        asked = {Key(each.account, each.batch_id) for each in new} - made
        if not asked:
            break
    swap(connection, sql, [(before, wanted[key]) for key, before in stored.items()])
    return followed


def relabel(
    connection: Connection,
    sql: Statements,
    key: Key,
    labels: Mapping[str, str | None] | None,
    correlation_id: str | Unset | None,
) -> Watch | None:
    """The watch with its labels changed, None where nobody follows it."""
    before = lock(connection, sql, [key]).get(key)
    if before is None or before.state is State.STOPPED:
        return None
    after = relabelled(before, labels, correlation_id)
    swap(connection, sql, [(before, after)])
    return after


def save_looks(connection: Connection, sql: Statements, looks: Sequence[Sequence[Values]]) -> list[None]:
    """Writes down the looks that are newer than what is stored; of several at one watch the newest."""
    newest: dict[tuple[str, int], Values] = {}
    for look in (each for some in looks for each in some):
        key = look["account"], look["batch_id"]
        if key not in newest or newest[key]["asked"] < look["asked"]:
            newest[key] = look
    if newest:
        connection.execute(sql["save_looks"], {"looks": json.dumps([newest[key] for key in sorted(newest)])})
    return [None] * len(looks)


def lock(connection: Connection, sql: Statements, keys: Iterable[Key]) -> dict[Key, Watch]:
    """Those of the watches that there are; nobody changes them before the commit."""
    rows = connection.execute(sql["lock_watches"], {"keys": json.dumps(sorted(keys))})
    return {Key(row["account"], row["batch_id"]): watch_of(row) for row in rows}


def swap(connection: Connection, sql: Statements, changes: Sequence[tuple[Watch, Watch]]) -> None:
    """Puts the second of each pair, where it is another, in the place of the first, which is locked."""
    watches = [
        values_of_watch(after, after.version) | {"was": before.version}
        for before, after in changes
        if after is not before
    ]
    if watches:
        connection.execute(sql["swap_watches"], {"watches": json.dumps(watches)})


def _granted(
    stored: Mapping[Key, Watch], wishes: Sequence[Wish], now: datetime
) -> tuple[list[Followed], dict[Key, Watch]]:
    """What becomes of each wish, and of each watch that is wished for."""
    wanted: dict[Key, Watch] = {}
    followed: list[Followed] = []
    for wish in wishes:
        granted = grant(wanted.get(wish.key, stored.get(wish.key)), wish, now)
        wanted[wish.key] = granted.watch
        followed.append(granted)
    return followed, wanted


def _make(connection: Connection, sql: Statements, watches: Sequence[Watch]) -> set[Key]:
    """Those of the watches that nobody else made first, which is waited for where it is not committed yet."""
    if not watches:
        return set()
    ordered = sorted(watches, key=lambda watch: (watch.account, watch.batch_id))
    values = [values_of_watch(watch, watch.version) for watch in ordered]
    rows = connection.execute(sql["make_watches"], {"watches": json.dumps(values)})
    return {Key(row["account"], row["batch_id"]) for row in rows}
