"""The databases of a walk: how each is opened, read beside the service, and brought into trouble."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg

from tests.chaos.faults.times import VirtualLoop
from tests.store.postgres_server import Server
from tests.store.turned import CLOCK
from watcher.core.news import Tell
from watcher.ports import Clock, Store
from watcher.store.postgres import open_postgres
from watcher.store.postgres_pool import Access
from watcher.store.rows import millis
from watcher.store.sqlite import SqliteStore, open_store

Row = Sequence[Any]


class Database(Protocol):
    """One of a walk's own."""

    url: str

    def opened(self, *, tell: Tell, clock: Clock) -> AbstractAsyncContextManager[Store]:
        """The store in it."""
        ...

    async def turn(self, clock: Clock) -> None:
        """Its own clock, where it has one, shows what the service's does."""
        ...

    async def read(self, *statements: tuple[str, Sequence[object]]) -> list[list[Row]]:
        """The rows of each of these, all from one moment."""
        ...

    async def begin(self, trouble: str) -> None:
        """Brings it about: locked, full, read-only; with any other word nothing."""
        ...

    async def end(self) -> None:
        """It is well again."""
        ...

    async def close(self) -> None:
        """The walk is over."""
        ...


class SqliteFile:
    """A file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "watcher.db"
        self.url = f"sqlite:///{self._path}"
        self._store: SqliteStore | None = None
        self._reader: sqlite3.Connection | None = None
        self._other: sqlite3.Connection | None = None
        self._undo: tuple[str, ...] = ()

    @asynccontextmanager
    async def opened(self, *, tell: Tell, clock: Clock) -> AsyncIterator[Store]:
        async with open_store(self._path, tell=tell, clock=clock) as self._store:
            yield self._store

    async def turn(self, clock: Clock) -> None:
        """It has none."""

    async def read(self, *statements: tuple[str, Sequence[object]]) -> list[list[Row]]:
        reader = self._reader = self._reader or sqlite3.connect(self._path, isolation_level=None)
        reader.execute("BEGIN")
        try:
            return [reader.execute(text.replace("$1", "?"), tuple(values)).fetchall() for text, values in statements]
        finally:
            reader.execute("COMMIT")

    async def begin(self, trouble: str) -> None:
        if trouble == "locked":
            self._say("PRAGMA busy_timeout = 0")
            self._undo = ("PRAGMA busy_timeout = 5000",)
            self._other = sqlite3.connect(self._path, isolation_level=None)
            self._other.execute("BEGIN IMMEDIATE")
        elif trouble == "full":
            self._say("PRAGMA max_page_count = 1")  # which makes it as many as there are
            self._undo = ("PRAGMA max_page_count = 1073741823",)
        elif trouble == "read-only":
            self._say("PRAGMA query_only = ON")
            self._undo = ("PRAGMA query_only = OFF",)

    async def end(self) -> None:
        if self._other is not None:
            self._other.execute("ROLLBACK")
            self._other.close()
            self._other = None
        for statement in self._undo:
            self._say(statement)
        self._undo = ()

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _say(self, statement: str) -> None:
        """Past its transactions, which may not be possible now."""
        assert self._store is not None
        self._store._writer._connection.execute(statement).fetchall()


FULL: Final = """
CREATE OR REPLACE FUNCTION tests_full() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END$$
"""
GROWING: Final = ("events", "deliveries", "attempts", "watches")
"""What needs room at a change."""


class PostgresDatabase:
    """A database of a server, whose clock is the service's."""

    def __init__(self, server: Server, loop: VirtualLoop) -> None:
        self._loop = loop
        self._name = server.make()
        self.url = server.url(self._name)
        self._server = server
        self._said: asyncpg.Connection[asyncpg.Record] | None = None
        self._one = asyncio.Lock()  # at a time
        self._other: asyncpg.Connection[asyncpg.Record] | None = None
        self._undo: tuple[str, ...] = ()

    @asynccontextmanager
    async def opened(self, *, tell: Tell, clock: Clock) -> AsyncIterator[Store]:
        access = Access(lock=timedelta(milliseconds=5))
        async with AsyncExitStack() as stack:
            with self._loop.elsewhere():
                if self._said is None:
                    await self._prepare(clock)
                await self.turn(clock)
                store = await stack.enter_async_context(open_postgres(self.url, tell=tell, clock=clock, access=access))
            try:
                yield store
            finally:
                with self._loop.elsewhere():
                    await stack.aclose()

    async def _prepare(self, clock: Clock) -> None:
        """Its tables, and what brings it into trouble."""
        async with open_postgres(self.url, tell=lambda _: None, clock=clock):
            pass
        self._said = await asyncpg.connect(self.url)
        for statement in ("SET default_transaction_read_only = off", *CLOCK, FULL):
            await self._say(statement)

    async def turn(self, clock: Clock) -> None:
        await self._say(f"UPDATE tests_clock SET at = {millis(clock.now())}")

    async def read(self, *statements: tuple[str, Sequence[object]]) -> list[list[Row]]:
        assert self._said is not None
        async with self._one:
            with self._loop.elsewhere():
                return await self._at_once(self._said, statements)

    async def _at_once(
        self, connection: "asyncpg.Connection[asyncpg.Record]", statements: Sequence[tuple[str, Sequence[object]]]
    ) -> list[list[Row]]:
        async with connection.transaction(isolation="repeatable_read"):
            return [[tuple(row) for row in await connection.fetch(text, *values)] for text, values in statements]

    async def begin(self, trouble: str) -> None:
        if trouble == "locked":
            with self._loop.elsewhere():
                self._other = await asyncpg.connect(self.url)
                await self._other.execute(f"BEGIN; LOCK TABLE {', '.join(GROWING)} IN SHARE ROW EXCLUSIVE MODE")
        elif trouble == "full":
            for table in GROWING:
                await self._say(
                    f"CREATE TRIGGER tests_full BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION tests_full()"
                )
            self._undo = tuple(f"DROP TRIGGER tests_full ON {table}" for table in GROWING)
        elif trouble == "read-only":
            await self._say("ALTER SYSTEM SET default_transaction_read_only = on")
            self._undo = ("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
            await self._say("SELECT pg_reload_conf()")

    async def end(self) -> None:
        if self._other is not None:
            with self._loop.elsewhere():
                await self._other.close()
            self._other = None
        for statement in self._undo:
            await self._say(statement)
        self._undo = ()

    async def close(self) -> None:
        if self._said is not None:
            await self._said.close()
        self._server.drop(self._name)

    async def _say(self, statement: str) -> None:
        assert self._said is not None
        async with self._one:
            with self._loop.elsewhere():
                await self._said.execute(statement)
