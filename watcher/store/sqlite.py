"""The store on SQLite: one writing thread that commits in groups, one reading thread, one process."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from watcher.core.news import Tell
from watcher.ports import Clock, UnusableStore
from watcher.store.alone import Alone
from watcher.store.failures import explain
from watcher.store.kept import KeptStore
from watcher.store.lane import Lane
from watcher.store.lock import ProcessLock
from watcher.store.migrations import migrations
from watcher.store.opening import Migrated, connect, connect_reader, prepare
from watcher.store.remembered import Remembered
from watcher.store.resealing import seal_anew
from watcher.store.sealing import NOT_SEALED, Seal
from watcher.store.statements import load
from watcher.store.work import Connection, Statements

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore(Alone, KeptStore):
    """The port `Store` on an open database. Made by `open_store`."""

    place: Path

    def __init__(
        self,
        path: Path,
        *,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        remembered: Remembered,
        migrated: Migrated,
        tell: Tell,
        clock: Clock,
    ) -> None:
        Alone.__init__(self)
        KeptStore.__init__(self, remembered=remembered, tell=tell, clock=clock)
        self.place = path
        self.migrated = migrated
        self._sql = load("sqlite")
        place = str(path)
        self._writer = Lane(
            writer,
            place=place,
            writes=True,
            tell=tell,
            clock=clock,
            committed=remembered.committed,
            spoiled=remembered.rolled_back,
        )
        self._reader = Lane(reader, place=place, writes=False, tell=tell, clock=clock)

    @property
    def alive(self) -> bool:
        return self._writer.alive and self._reader.alive

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.close()

    async def _write(
        self,
        operation: str,
        work: Callable[Concatenate[Connection, Statements, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._writer.run(operation, lambda connection: work(connection, self._sql, *args, **kwargs))

    async def _read(
        self,
        operation: str,
        work: Callable[Concatenate[Connection, Statements, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._reader.run(operation, lambda connection: work(connection, self._sql, *args, **kwargs))


@asynccontextmanager
async def open_store(
    path: Path | None, *, tell: Tell, clock: Clock, seal: Seal = NOT_SEALED
) -> AsyncIterator[SqliteStore]:
    """The store in the file, made and migrated where need be; with None in a temporary one that is gone afterwards.

    Secrets that are not kept as the seal would keep them are sealed anew. Raises UnusableStore where it cannot be opened: the
    message has the place and the remedy.
    """
    if path is None:
        with tempfile.TemporaryDirectory(prefix="watcher-") as folder:
            async with open_store(Path(folder) / "watcher.db", tell=tell, clock=clock, seal=seal) as store:
                yield store
        return
    await asyncio.to_thread(prepare, path)
    lock = ProcessLock(path)
    try:
        opened = await asyncio.to_thread(_open, path, seal)
        store = SqliteStore(path, **opened._asdict(), tell=tell, clock=clock)
        store.tell_of_secrets()
        try:
            yield store
        finally:
            await store.close()
    finally:
        lock.release()


class _Opened(NamedTuple):
    """What was opened, and what was found."""

    writer: sqlite3.Connection
    reader: sqlite3.Connection
    remembered: Remembered
    migrated: Migrated


def _open(path: Path, seal: Seal) -> _Opened:
    """Both connections, and what the writer remembers from the first moment."""
    writer, migrated = connect(path, migrations("sqlite"))
    try:
        origin = writer.execute(load("sqlite")["meta"], {"name": "origin"}).fetchone()[0]
        remembered = Remembered(seal_anew(writer, path, seal), origin=origin, seal=seal)
        return _Opened(writer, connect_reader(path), remembered, migrated)
    except sqlite3.Error as error:
        writer.close()
        raise UnusableStore(explain(error, str(path))) from error
    except UnusableStore:
        writer.close()
        raise
