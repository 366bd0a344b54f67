"""How PostgreSQL did what a statement says, and what that took."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import asyncpg

from tests.store.large import PARTITIONED, TABLES
from watcher.store.postgres_work import placed

Step = Mapping[str, Any]
"""A node of a plan, as EXPLAIN tells it in JSON."""

Plan = Literal["generic", "custom"]
"""Made once for all values, as PostgreSQL may do for what is written, or for these, as it does for what is read (PLANS)."""
LARGE: Final = frozenset(TABLES)


class Read(NamedTuple):
    """What it took: which large tables were read from one end to the other, how many rows of them were looked at in one step of
    the plan at most, and how many pages in all."""

    scanned: Sequence[str]
    rows: int
    pages: int


async def what_is_read(
    connection: "asyncpg.Connection[asyncpg.Record]", statement: str, values: Mapping[str, object], *, plan: Plan
) -> Read:
    """What the statement reads, planned in that way, the second time that it is done; it is undone."""
    text, names, _ = placed(statement)
    arguments = ", ".join(_literal(values[name]) for name in names)
    execute = f"EXECUTE prepared ({arguments})" if names else "EXECUTE prepared"
    try:
        await connection.execute(f"SET plan_cache_mode = force_{plan}_plan")
        await connection.execute(f"PREPARE prepared AS {text}")
        await _explained(connection, execute)  # it has the catalogue to read
        root = await _explained(connection, execute)
    finally:
        await connection.execute("DEALLOCATE prepared")
    steps = [step for step in _steps(root) if _table(step) is not None]
    return Read(
        scanned=sorted({str(_table(step)) for step in steps if step["Node Type"] == "Seq Scan" and _seen(step)}),
        rows=max((_seen(step) for step in steps), default=0),
        pages=root["Shared Hit Blocks"] + root["Shared Read Blocks"],
    )


async def _explained(connection: "asyncpg.Connection[asyncpg.Record]", execute: str) -> Step:
    transaction = connection.transaction()
    await transaction.start()
    try:
        told = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {execute}")
        root: Step = json.loads(told)[0]["Plan"]
        return root
    finally:
        await transaction.rollback()


def _steps(step: Step) -> Iterator[Step]:
    yield step
    for each in step.get("Plans", ()):
        yield from _steps(each)


def _table(step: Step) -> str | None:
    """The large table that the step reads, by itself or in an index; the whole for its parts. What a bitmap is made of counts
    where its rows are looked at: in the index there are also those that are gone."""
    if "Scan" not in step["Node Type"] or step["Node Type"] == "Bitmap Index Scan":
        return None
    name = str(step.get("Relation Name", step.get("Index Name", "")))
    whole = next((each for each in PARTITIONED if name.startswith(f"{each}_")), name)
    return whole if whole in LARGE else None


def _seen(step: Step) -> int:
    each = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    seen: float = sum(step.get(key, 0) for key in each) * step["Actual Loops"]
    return round(seen)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)
