"""What is done to a database, measured: seconds, cores, WAL bytes and bytes on disk."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psutil

from tests.scaling.figures import Cost
from tests.store.postgres_server import Server

SIZES: Final = """
SELECT coalesce(parent.relname, relation.relname), sum(pg_total_relation_size(relation.oid))
FROM pg_class AS relation
LEFT JOIN pg_inherits ON inhrelid = relation.oid
LEFT JOIN pg_class AS parent ON parent.oid = inhparent
WHERE relation.relkind = 'r' AND relation.relnamespace = CAST('public' AS regnamespace)
GROUP BY 1
"""
OTHERS: Final = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Something done: seconds in all, and the cost of it all."""

    seconds: float
    cost: Cost

    def each(self, count: float) -> Cost:
        """Where it was so many things."""
        return Cost(theirs=self.cost.theirs / count, ours=self.cost.ours / count, wal=self.cost.wal / count)


class Meter:
    """Measures what is done in one database, by this process."""

    def __init__(self, server: Server, database: str) -> None:
        self._server = server
        self._database = database

    async def took(self, work: Callable[[], Awaitable[object]]) -> Took:
        wal, theirs, ours, begun = self._wal(), self._theirs(), time.process_time(), time.perf_counter()
        await work()
        seconds, ours = time.perf_counter() - begun, time.process_time() - ours
        return Took(seconds=seconds, cost=Cost(theirs=self._theirs() - theirs, ours=ours, wal=self._wal() - wal))

    def sizes(self) -> Mapping[str, int]:
        """Bytes of each table with its indexes, all of its partitions together."""
        return {name: int(size) for name, size in (row.split("|") for row in self.say(SIZES).splitlines())}

    def say(self, text: str) -> str:
        return self._server.say(text, self._database)

    def _wal(self) -> int:
        return int(self.say("SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS BIGINT)"))

    def _theirs(self) -> float:
        """Seconds of a core in the processes that serve our connections."""
        times = [psutil.Process(int(pid)).cpu_times() for pid in self.say(OTHERS).split()]
        return sum(each.user + each.system for each in times)


class Locks:
    """For how long groups locked the end of the log: pairs of how many events they appended, and seconds until their commit; and
    how long whole transactions took. Listens to a connection's queries."""

    def __init__(self) -> None:
        self.groups: list[tuple[int, float]] = []
        self.transactions: list[float] = []
        self._begun = 0.0
        self._since: tuple[int, float] | None = None

    def __call__(self, asked: Any) -> None:
        now = time.perf_counter()
        if asked.query.startswith("BEGIN"):
            self._begun = now - asked.elapsed
        elif asked.query == "COMMIT":
            self.transactions.append(now - self._begun)
        if asked.query.startswith("UPDATE log SET last"):
            self._since = (asked.args[0], now - asked.elapsed)
        elif asked.query == "COMMIT" and self._since is not None:
            many, since = self._since
            self.groups.append((many, now - since))
            self._since = None


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The line through the points, by least squares of what is off in parts of the whole: where it begins, its slope."""
    weights = [1 / y**2 for _, y in points]
    whole = sum(weights)
    x = sum(w * x for w, (x, _) in zip(weights, points, strict=True)) / whole
    y = sum(w * y for w, (_, y) in zip(weights, points, strict=True)) / whole
    steep = sum(w * (a - x) * (b - y) for w, (a, b) in zip(weights, points, strict=True)) / sum(
        w * (a - x) ** 2 for w, (a, _) in zip(weights, points, strict=True)
    )
    return y - steep * x, steep
