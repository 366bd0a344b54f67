"""Connections to PostgreSQL, and the transactions that begin on them.

Nothing is kept in a session and, behind a pooler, no statement outlives its transaction, so pgbouncer may hand each transaction
to another session.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol, TypeAlias

import asyncpg

KEEPALIVES: Final = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""After a minute without a sign the server ends the session of a machine that is gone, or 20 seconds (in ms) after it said
something that nobody took."""
LAST_WORDS: Final = 2.0
"""Seconds that the server has to undo a transaction, or to say goodbye; then the connection is cut, which comes to the same."""
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


class Connections(Protocol):
    """Where a connection is lent from."""

    def acquire(self) -> AbstractAsyncContextManager[Any]:
        """One that nobody else has meanwhile."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the database is used: the password for the user of its URL; how many connections there are, one of which writes; how
    long a statement may take, and wait for a lock, and connecting.

    `lease` is how long a process that says nothing any more still counts as having the database. With `pooler` pgbouncer, or its
    like, may be in between: then no statement is prepared for more than one transaction. `aside` is how long each statement of a
    migration may take that is outside of a transaction: a large table gets an index.
    """

    password: str | None = field(default=None, repr=False)
    connections: int = 5
    statement: timedelta = timedelta(seconds=30)
    lock: timedelta = timedelta(seconds=10)
    connect: timedelta = timedelta(seconds=10)
    lease: timedelta = timedelta(seconds=6)
    pooler: bool = False
    aside: timedelta = timedelta(seconds=30)

    @property
    def begin(self) -> str:
        """What a transaction begins with; each has its own time-outs, for a session is nobody's. One that is left alone is undone
        when its process counts as gone: what it has locked, others wait for."""
        limits = (self.statement, self.lock, self.lease)
        statement, lock, idle = (limit // timedelta(milliseconds=1) for limit in limits)
        return (
            f"; SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}"
            f"; SET LOCAL idle_in_transaction_session_timeout = {idle}"
        )

    @property
    def session(self) -> dict[str, str]:
        """What a session begins with: how the server finds out that this machine is gone. A pooler has sessions of its own."""
        return {} if self.pooler else {"application_name": "watcher", **KEEPALIVES}


class Sessionless(asyncpg.Connection):
    """A connection that leaves nothing behind, so there is nothing to reset."""

    def get_reset_query(self) -> str:
        return ""


async def open_pool(url: str, connections: int, access: Access) -> Pool:
    """A pool that connects when it is needed."""
    return await asyncpg.create_pool(
        url,
        password=access.password,
        min_size=0,
        max_size=connections,
        connection_class=Sessionless,
        **_options(access),
    )


class OneConnection:
    """A single connection, made when it is needed and again where it broke. A pool of one takes turns of the event loop to have
    it back, for which whoever waits for a commit would wait too."""

    def __init__(self, url: str, access: Access) -> None:
        self._url = url
        self._access = access
        self._free = asyncio.Lock()
        self._connection: Any = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        async with self._free:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    self._url, password=self._access.password, **_options(self._access)
                )
            try:
                yield self._connection
            finally:  # asked first whether it is closed: where it was cut, it has no answer to the other question
                if not self._connection.is_closed() and self._connection.is_in_transaction():
                    self._connection.terminate()

    async def close(self) -> None:
        """Once nobody has it."""
        async with self._free:
            if self._connection is not None:
                await end(self._connection)


async def end(these: Any) -> None:
    """Closes a connection, or a pool whose connections nobody has any more. What a silent server keeps from closing is cut."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # then it is cut
        async with asyncio.timeout(LAST_WORDS):
            await these.close()


def _options(access: Access) -> dict[str, Any]:
    return {
        "timeout": access.connect.total_seconds(),
        "command_timeout": (access.statement + access.connect).total_seconds(),
        "statement_cache_size": 0 if access.pooler else 200,
        "server_settings": access.session,
    }


@asynccontextmanager
async def begun(connections: Connections, begin: str) -> AsyncIterator[Any]:
    """A connection in a transaction, to be committed by whoever has it; undone where anything else becomes of it."""
    async with connections.acquire() as connection:
        try:
            await connection.execute(begin)
            yield connection
        except BaseException as error:
            await _undo(connection, answered=isinstance(error, asyncpg.PostgresError))
            raise


async def _undo(connection: Any, *, answered: bool) -> None:
    """Ends its transaction, if it has one: where the server did not answer last, it may have begun one since."""
    undone = False
    try:
        with suppress(Exception):  # what went wrong before is told
            if not connection.is_closed() and (connection.is_in_transaction() or not answered):
                async with asyncio.timeout(LAST_WORDS):
                    await connection.execute("ROLLBACK")
            undone = True
    finally:
        if not undone:  # cut off, it is not given to anybody again
            with suppress(asyncpg.InterfaceError):  # the pool took it back already
                connection.terminate()
