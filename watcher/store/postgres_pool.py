"""Connections to PostgreSQL, and the transactions that begin on them.

Nothing is kept in a session and, behind a pooler, no statement outlives its transaction, so pgbouncer may hand each transaction
to another session.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the database is used: the password for the user of its URL; how many connections there are, one of which writes; how
    long a statement may take, and wait for a lock, and connecting.

    `lease` is how long a process that says nothing any more still counts as having the database. With `pooler` pgbouncer, or its
    like, may be in between: then no statement is prepared for more than one transaction.
    """

    password: str | None = field(default=None, repr=False)
    connections: int = 5
    statement: timedelta = timedelta(seconds=30)
    lock: timedelta = timedelta(seconds=10)
    connect: timedelta = timedelta(seconds=10)
    lease: timedelta = timedelta(seconds=15)
    pooler: bool = False

    @property
    def begin(self) -> str:
        """What a transaction begins with; each has its own time-outs, for a session is nobody's."""
        statement, lock = (limit // timedelta(milliseconds=1) for limit in (self.statement, self.lock))
        return f"; SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}"


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
        timeout=access.connect.total_seconds(),
        command_timeout=(access.statement + access.connect).total_seconds(),
        statement_cache_size=0 if access.pooler else 200,
        connection_class=Sessionless,
    )


@asynccontextmanager
async def begun(pool: Pool, begin: str) -> AsyncIterator[Any]:
    """A connection in a transaction, to be committed by whoever has it; undone where anything else becomes of it."""
    async with pool.acquire() as connection:
        try:
            await connection.execute(begin)
            yield connection
        except BaseException:
            if not connection.is_closed() and connection.is_in_transaction():
                with suppress(Exception):  # then it is not given back to the pool either
                    await connection.execute("ROLLBACK")
            raise
