"""The two databases of a copy: what is read from one, and put into the other. Nobody else opens either of them meanwhile."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from watcher.ports import StoreError, UnusableStore
from watcher.store import copying, failures, opening, postgres_failures
from watcher.store.copying import Line, Progress, Table
from watcher.store.lock import ProcessLock
from watcher.store.migrations import migrations
from watcher.store.postgres_failures import place_of
from watcher.store.postgres_opening import held_still, with_tables
from watcher.store.postgres_pool import Access, Pool, begun, end, open_pool
from watcher.store.postgres_work import Asking, doing
from watcher.store.statements import load_for_copying
from watcher.store.work import Connection, Statements

T = TypeVar("T")
Work = Callable[[Connection], T]

PATIENCE: Final = timedelta(minutes=10)
"""How long a statement may take: a table is counted as a whole."""


class Side(Protocol):
    """One of the databases. Raises StoreError where it is in trouble."""

    place: str
    sql: Statements

    async def do(self, work: Work[T]) -> T:
        """What the work gave, in a transaction of its own."""
        ...

    async def paste(
        self, table: Table, columns: Sequence[str], lines: Sequence[Line], before: Progress, now: Progress
    ) -> None:
        """The rows, and how far the copy has come with them, in one transaction."""
        ...

    async def number(self, last: int, table: str) -> None:
        """The table's numbers go on behind the last that was given out."""
        ...


class SqliteSide:
    """A SQLite database, with its process lock."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.place = str(path)
        self.sql = load_for_copying("sqlite")
        self._connection = connection

    async def do(self, work: Work[T]) -> T:
        return await asyncio.to_thread(self._do, work)

    async def paste(
        self, table: Table, columns: Sequence[str], lines: Sequence[Line], before: Progress, now: Progress
    ) -> None:
        rows = [dict(zip(columns, line, strict=True)) for line in lines]

        def work(connection: Connection) -> None:
            copying.note(connection, self.sql, self.place, before, now)
            connection.executemany(self.sql[f"paste_{table.name}"], rows)

        await self.do(work)

    async def number(self, last: int, table: str) -> None:
        def work(connection: Connection) -> None:
            connection.execute(self.sql["forget_number"], {"table": table})
            connection.execute(self.sql["put_number"], {"table": table, "last": last})

        await self.do(work)

    def _do(self, work: Work[T]) -> T:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            done = work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StoreError(failures.explain(error, self.place)) from error
            raise
        return done


class PostgresSide:
    """A PostgreSQL database."""

    def __init__(self, place: str, pool: Pool, access: Access) -> None:
        self.place = place
        self.sql = load_for_copying("postgres")
        self._pool = pool
        self._begin = f"BEGIN{access.begin}"

    async def do(self, work: Work[T]) -> T:
        async with self._begun() as connection:
            return await doing(lambda: work(Asking(connection)))

    async def paste(
        self, table: Table, columns: Sequence[str], lines: Sequence[Line], before: Progress, now: Progress
    ) -> None:
        async with self._begun() as connection:
            await doing(lambda: copying.note(Asking(connection), self.sql, self.place, before, now))
            await connection.copy_records_to_table(table.name, records=lines, columns=columns)

    async def number(self, last: int, table: str) -> None:
        await self.do(lambda connection: connection.execute(self.sql[f"number_{table}"], {"last": last}))

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[Any]:
        """A transaction that is committed at the end."""
        try:
            async with begun(self._pool, self._begin) as connection:
                yield connection
                await connection.execute("COMMIT")
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(postgres_failures.explain(error, self.place)) from error


@asynccontextmanager
async def sqlite_source(path: Path) -> AsyncIterator[SqliteSide]:
    """A database that is left as it is. Raises UnusableStore where it is not there, in use, or has older tables."""
    if not await asyncio.to_thread(path.is_file):
        raise UnusableStore(f"{path} is not there: name the database that is to be copied")
    lock = ProcessLock(path)
    try:
        version, newest = await asyncio.to_thread(opening.schema_version, path), migrations("sqlite")[-1].number
        _of_this_version(str(path), version, newest)
        async with _connected(path) as side:
            yield side
    finally:
        lock.release()


@asynccontextmanager
async def sqlite_target(path: Path, origin: str) -> AsyncIterator[tuple[SqliteSide, Progress]]:
    """A database that is made where it is not there, as a copy of the one of that origin, and how far that came. Raises
    UnusableStore where it is neither empty nor such a copy."""
    await asyncio.to_thread(opening.prepare, path)
    lock = ProcessLock(path)
    try:
        async with _connected(path, copying_into=True) as side:
            yield side, await side.do(lambda asked: copying.begin(asked, side.sql, side.place, origin))
    finally:
        lock.release()


@asynccontextmanager
async def postgres_source(url: str, access: Access) -> AsyncIterator[PostgresSide]:
    """As `sqlite_source`."""
    async with (
        _pooled(url, access) as (side, pool),
        held_still(pool, side.sql, place=side.place, access=access) as version,
    ):
        _of_this_version(side.place, version, migrations("postgres")[-1].number)
        yield side


@asynccontextmanager
async def postgres_target(url: str, access: Access, origin: str) -> AsyncIterator[tuple[PostgresSide, Progress]]:
    """As `sqlite_target`, in a database that is there."""
    async with _pooled(url, access) as (side, pool):
        yield (
            side,
            await with_tables(
                pool,
                side.sql,
                lambda asked: copying.begin(asked, side.sql, side.place, origin),
                place=side.place,
                access=access,
            ),
        )


@asynccontextmanager
async def _connected(path: Path, *, copying_into: bool = False) -> AsyncIterator[SqliteSide]:
    connection, _ = await asyncio.to_thread(opening.connect, path, migrations("sqlite"), unfinished=copying_into)
    try:
        yield SqliteSide(path, connection)
    finally:
        await asyncio.to_thread(connection.close)


@asynccontextmanager
async def _pooled(url: str, access: Access) -> AsyncIterator[tuple[PostgresSide, Pool]]:
    patient = replace(access, statement=max(access.statement, PATIENCE))
    try:
        pool = await open_pool(url, 2, patient)
    except Exception as error:
        raise UnusableStore(postgres_failures.explain(error, place_of(url))) from error
    try:
        yield PostgresSide(place_of(url), pool, patient), pool
    finally:
        await end(pool)


def _of_this_version(place: str, version: int, newest: int) -> None:
    if not version:
        raise UnusableStore(f"{place} has no tables: name the database that is to be copied")
    if version != newest:
        raise UnusableStore(
            f"the tables of {place} are of version {version}, and this program copies version {newest}: bring them to it "
            "with `watcher db migrate`"
        )
