"""The store on PostgreSQL: one lane that commits in groups, a pool that reads; for one process at a time so far.

Where replicas will come in: the lease with its epoch is one for the whole database now (`take_over`, `begin_writing`,
`let_go`), and becomes one per account: a table in place of the row's columns, and `begin_writing` over the accounts of the
group. Claims, which `Remembered` keeps in memory, become columns that are claimed with FOR UPDATE SKIP LOCKED; endpoints, which
it keeps too, are read again when a NOTIFY says that another process changed one, and locked before they are changed. `Writing`
sends a NOTIFY with the last position of each group, and whoever hears it, or its slow poll, reads the log from where it was. The
log stays one: its row is locked from the beginning of a group until the commit, so groups of replicas commit one after another.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Concatenate, ParamSpec, TypeVar

from watcher.core.news import Tell
from watcher.ports import Clock, UnusableStore
from watcher.store.endpoint_rows import endpoint_of
from watcher.store.kept import KeptStore
from watcher.store.migrations import migrations
from watcher.store.opening import Migrated
from watcher.store.postgres_failures import explain, place_of
from watcher.store.postgres_opening import Prepared, prepare
from watcher.store.postgres_pool import Access, Pool, open_pool
from watcher.store.postgres_reading import Reading
from watcher.store.postgres_writing import Writing
from watcher.store.remembered import Remembered
from watcher.store.sealing import NOT_SEALED, Seal
from watcher.store.statements import load
from watcher.store.work import Connection, Statements

P = ParamSpec("P")
T = TypeVar("T")

USUAL = Access()
"""The access where nothing else is said."""


class PostgresStore(KeptStore):
    """The port `Store` on an open database. Made by `open_postgres`."""

    def __init__(
        self,
        place: str,
        writers: Pool,
        readers: Pool,
        prepared: Prepared,
        *,
        seal: Seal,
        access: Access,
        tell: Tell,
        clock: Clock,
    ) -> None:
        remembered = Remembered(prepared.endpoints, origin=prepared.origin, seal=seal)
        super().__init__(remembered=remembered, tell=tell, clock=clock)
        self.place = place
        self.migrated: Migrated = prepared.migrated
        self._sql = load("postgres")
        self._reader = Reading(readers, place=place, access=access, tell=tell, clock=clock)
        self.writer = Writing(
            writers,
            place=place,
            sql=self._sql,
            epoch=prepared.epoch,
            access=access,
            tell=tell,
            clock=clock,
            committed=remembered.committed,
            spoiled=remembered.rolled_back,
            doubted=self._read_endpoints_again,
        )
        self._ended = asyncio.Event()

    @property
    def alive(self) -> bool:
        return not self._ended.is_set() and not self.writer.fenced

    async def live(self) -> None:
        """The task that writes, until `close`."""
        try:
            await self.writer.live()
        finally:
            self._ended.set()

    async def close(self) -> None:
        self._reader.close()
        self.writer.close()
        await self._ended.wait()

    async def _write(
        self,
        operation: str,
        work: Callable[Concatenate[Connection, Statements, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self.writer.run(operation, lambda connection: work(connection, self._sql, *args, **kwargs))

    async def _read(
        self,
        operation: str,
        work: Callable[Concatenate[Connection, Statements, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._reader.run(operation, lambda connection: work(connection, self._sql, *args, **kwargs))

    def _read_endpoints_again(self, connection: Connection) -> None:
        """After a commit of which nobody knows whether it took place."""
        for row in connection.execute(self._sql["endpoints"]):
            self._remembered.put(endpoint_of(row, self._remembered.seal))


@asynccontextmanager
async def open_postgres(
    url: str, *, tell: Tell, clock: Clock, seal: Seal = NOT_SEALED, access: Access = USUAL
) -> AsyncIterator[PostgresStore]:
    """The store in the database, made and migrated where need be. A second process is refused (StoreInUse) as long as the first
    says that it is there; after that the first can write nothing any more.

    Raises UnusableStore where it cannot be opened: the message has the place, without its secrets, and the remedy.
    """
    place = place_of(url)
    try:
        writers = await open_pool(url, 1, access)
    except Exception as error:
        raise UnusableStore(explain(error, place)) from error
    try:
        readers = await open_pool(url, max(1, access.connections - 1), access)
        try:
            prepared = await prepare(
                writers, load("postgres"), migrations("postgres"), place=place, seal=seal, access=access
            )
            store = PostgresStore(place, writers, readers, prepared, seal=seal, access=access, tell=tell, clock=clock)
            store.tell_of_secrets()
            # A TaskGroup would wrap what the body raises; the task ends by itself alone when the store is closed.
            live = asyncio.create_task(store.live(), name="store writer")
            try:
                yield store
            finally:
                try:
                    await store.close()
                finally:
                    live.cancel()
                    await asyncio.wait([live])
        finally:
            await readers.close()
    finally:
        await writers.close()
