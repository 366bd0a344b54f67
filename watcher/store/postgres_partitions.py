"""The partitions of PostgreSQL's large tables: made ahead, begun day by day, and dropped when all that is in them is old.

Each step is a transaction of its own, for what empties or drops a table keeps everybody from it until the commit. Where it cannot
have it at once it is left for the next time; one process at a time is at it (both in the functions of the tables).
"""

from collections.abc import Mapping
from typing import Any

from watcher.core.recovering import Cutoffs, Forgotten
from watcher.ports import StoreError
from watcher.store.postgres_failures import explain
from watcher.store.postgres_pool import Access, Pool, begun
from watcher.store.postgres_work import Asking, doing
from watcher.store.rows import Row, millis
from watcher.store.work import Statements


class Partitions:
    """Keeps the partitions of one database, over a pool of connections."""

    def __init__(self, pool: Pool, *, place: str, sql: Statements, access: Access) -> None:
        self._pool = pool
        self._place = place
        self._sql = sql
        self._begin = f"BEGIN{access.begin}"

    async def keep(self, cutoffs: Cutoffs) -> Forgotten:
        """Makes those that will be needed, drops those that are not needed any more; what went with them. Raises StoreError: what
        was done before stays done."""
        try:
            await self._said("begin_partition")
            old = [row["number"] for row in await self._said("old_partitions", {"cutoff": millis(cutoffs.deliveries)})]
            deliveries = events = 0
            for number in old:
                deliveries += await self._gone("empty_partition", number, millis(cutoffs.deliveries))
                events += await self._gone("drop_partition", number, millis(cutoffs.events))
        except Exception as error:
            raise StoreError(explain(error, self._place)) from error
        return Forgotten(events=events, deliveries=deliveries)

    async def _gone(self, statement: str, number: int, cutoff: int) -> int:
        [row] = await self._said(statement, {"number": number, "cutoff": cutoff})
        count: int = row["count"]
        return count

    async def _said(self, statement: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        async with begun(self._pool, self._begin) as connection:
            asking = Asking(connection)
            rows: list[Row] = await doing(lambda: asking.execute(self._sql[statement], values or {}).fetchall())
            await connection.execute("COMMIT")
            return rows
