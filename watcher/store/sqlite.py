"""The store on SQLite: one writing thread that commits in groups, one reading thread, one process.

Implements the port `Store`, whose docstrings say what each method promises.
"""

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Concatenate, Final, NamedTuple, ParamSpec, TypeVar

from watcher.core.account import AccountRecord
from watcher.core.broadcasts import Broadcast
from watcher.core.model import BroadcastKind, Delivery, Endpoint, Key, LastLook, Recorded, Watch
from watcher.core.news import Tell
from watcher.core.outbox import Outcome, Settlement
from watcher.core.wishes import BroadcastWish, FollowedBroadcast
from watcher.ports import (
    AccountChange,
    Change,
    Clock,
    Committed,
    EventQuery,
    Followed,
    Owed,
    UnusableStore,
    WatchQuery,
    Wish,
)
from watcher.store import broadcasting, delivering, recording, watching
from watcher.store.failures import explain
from watcher.store.lane import PING, Lane
from watcher.store.lock import ProcessLock
from watcher.store.migrations import migrations
from watcher.store.opening import Migrated, connect, connect_reader, prepare
from watcher.store.recording import Subscribers
from watcher.store.rows import instant, millis, values_of_event, values_of_look, values_of_record, values_of_watch
from watcher.store.statements import load

PORTION: Final = 1000
"""Open watches read at once."""

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore:
    """The port `Store` on an open database. Made by `open_store`."""

    def __init__(
        self,
        path: Path,
        *,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        origin: str,
        migrated: Migrated,
        tell: Tell,
        clock: Clock,
    ) -> None:
        self.place = path
        self.migrated = migrated
        self._sql = load("sqlite")
        self._origin = origin
        self._clock = clock
        self._subscribed = Subscribers(self._sql)
        place = str(path)
        self._writer = Lane(writer, place=place, writes=True, tell=tell, clock=clock, spoiled=self._subscribed.forget)
        self._reader = Lane(reader, place=place, writes=False, tell=tell, clock=clock)

    @property
    def alive(self) -> bool:
        return self._writer.alive and self._reader.alive

    async def close(self) -> None:
        """Waits for what is under way, then closes. After it every method raises StoreError."""
        await self._reader.close()
        await self._writer.close()

    async def follow(self, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
        return await self._write("follow", watching.follow, wishes, instant(millis(now)))

    async def stop(self, key: Key) -> bool:
        return await self._write("stop", watching.stop, key)

    async def watch(self, key: Key) -> Watch | None:
        return await self._read("watch", watching.watch, key)

    async def open_watches(self, account: str) -> AsyncIterator[Sequence[Watch]]:
        after = 0
        while portion := await self._read("open_watches", watching.open_watches, account, after, PORTION):
            yield portion
            after = portion[-1].batch_id

    async def find(self, query: WatchQuery) -> list[Watch]:
        return await self._read("find", watching.find, query)

    async def tally(self, account: str) -> dict[tuple[str, str | None], int]:
        return await self._read("tally", watching.tally, account)

    async def commit(self, change: Change) -> Committed | None:
        watch = values_of_watch(change.watch, change.version + 1)
        watch["old_version"] = change.version
        events = [values_of_event(event, self._origin) for event in change.events]
        return await self._write("commit", recording.commit, self._subscribed, watch, events, self._now())

    async def save_looks(self, account: str, looks: Sequence[LastLook]) -> None:
        await self._write("save_looks", watching.save_looks, [values_of_look(account, look) for look in looks])

    async def follow_broadcast(self, wish: BroadcastWish, now: datetime) -> FollowedBroadcast:
        return await self._write("follow_broadcast", broadcasting.follow_broadcast, wish, millis(now))

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        return await self._write("stop_broadcast", broadcasting.stop_broadcast, account, broadcast_id)

    async def broadcasts(self, account: str) -> list[Broadcast]:
        return await self._read("broadcasts", broadcasting.broadcasts, account)

    async def note_kind(self, account: str, broadcast_id: int, kind: BroadcastKind | None) -> None:
        await self._write("note_kind", broadcasting.note_kind, account, broadcast_id, kind, self._now())

    async def save_learnt(self, account: str, record: bytes, now: datetime) -> None:
        await self._write("save_learnt", broadcasting.save_learnt, account, record, millis(now))

    async def learnt(self, account: str) -> bytes | None:
        return await self._read("learnt", broadcasting.learnt, account)

    async def account(self, name: str) -> AccountRecord | None:
        return await self._read("account", recording.account, name)

    async def save_account(self, change: AccountChange) -> Committed:
        record = values_of_record(change.record)
        events = [values_of_event(event, self._origin) for event in change.events]
        return await self._write("save_account", recording.save_account, self._subscribed, record, events, self._now())

    async def events(self, query: EventQuery) -> list[Recorded]:
        types = json.dumps(list(query.types)) if query.types else None
        return await self._read("events", recording.events, query, types)

    async def settle_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        await self._write("settle_endpoints", delivering.settle_endpoints, self._subscribed, endpoints, self._now())

    async def endpoints(self) -> list[Endpoint]:
        return await self._read("endpoints", recording.endpoints)

    async def claim(self, room: Mapping[str, int], *, token: str, now: datetime, until: datetime) -> list[Delivery]:
        return await self._write("claim", delivering.claim, room, token, millis(now), millis(until))

    async def settle(self, settlement: Settlement, *, token: str) -> Outcome | None:
        return await self._write("settle", delivering.settle, self._subscribed, settlement, token)

    async def release(self, token: str) -> int:
        return await self._write("release", delivering.release, token)

    async def owed(self) -> list[Owed]:
        return await self._read("owed", delivering.owed)

    async def ping(self) -> None:
        values = {"name": "ping", "value": str(self._now())}
        await self._writer.run(PING, lambda connection: connection.execute(self._sql["put_meta"], values).rowcount)
        await self._reader.run(PING, lambda connection: connection.execute(self._sql["meta"], values).fetchone()[0])

    def _now(self) -> int:
        return millis(self._clock.now())

    async def _write(
        self,
        operation: str,
        work: Callable[Concatenate[sqlite3.Connection, Mapping[str, str], P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._writer.run(operation, lambda connection: work(connection, self._sql, *args, **kwargs))

    async def _read(
        self,
        operation: str,
        work: Callable[Concatenate[sqlite3.Connection, Mapping[str, str], P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._reader.run(operation, lambda connection: work(connection, self._sql, *args, **kwargs))


@asynccontextmanager
async def open_store(path: Path | None, *, tell: Tell, clock: Clock) -> AsyncIterator[SqliteStore]:
    """The store in the file, made and migrated where need be; with None in a temporary one that is gone afterwards.

    Raises UnusableStore where it cannot be opened: the message has the place and the remedy.
    """
    if path is None:
        with tempfile.TemporaryDirectory(prefix="watcher-") as folder:
            async with open_store(Path(folder) / "watcher.db", tell=tell, clock=clock) as store:
                yield store
        return
    await asyncio.to_thread(prepare, path)
    lock = ProcessLock(path)
    try:
        opened = await asyncio.to_thread(_open, path)
        store = SqliteStore(path, **opened._asdict(), tell=tell, clock=clock)
        try:
            yield store
        finally:
            await store.close()
    finally:
        lock.release()


class _Opened(NamedTuple):
    """What was opened, and what was found: `origin` is the database's part in the ids of events."""

    writer: sqlite3.Connection
    reader: sqlite3.Connection
    origin: str
    migrated: Migrated


def _open(path: Path) -> _Opened:
    """Both connections. Whatever the former process had claimed is free: it is gone, or it would hold the lock."""
    sql = load("sqlite")
    writer, migrated = connect(path, migrations("sqlite"))
    try:
        writer.execute(sql["release_all_deliveries"])
        origin = writer.execute(sql["meta"], {"name": "origin"}).fetchone()[0]
        return _Opened(writer, connect_reader(path), origin, migrated)
    except sqlite3.Error as error:
        writer.close()
        raise UnusableStore(explain(error, str(path))) from error
