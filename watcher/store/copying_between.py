"""A copy from one database into another: portion by portion, each noted in the transaction that brings it, so that a copy which
was broken off goes on from there; then all of it is read once more on both sides and compared."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from watcher.ports import UnusableStore
from watcher.store import copying
from watcher.store.copying import NUMBERED, TABLES, Key, Portion, Progress, Table
from watcher.store.copying_sides import Side
from watcher.store.sealing import CannotOpen, Seal, is_plain

PORTION: Final = 2000
"""Rows in one transaction."""
SHOWN: Final = 16
"""Digits of a checksum that are shown."""

Advance = Callable[[int], None]
"""Is told of so many more rows that are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedTable:
    """A table that is the same on both sides."""

    name: str
    rows: int
    checksum: str


async def origin_of(source: Side) -> str:
    """The database's part in the ids of events, by which a copy knows its source again."""
    return (await source.do(lambda asked: copying.belongings(asked, source.sql)))["origin"]


async def rows_of(source: Side) -> int:
    """How many rows there are to be copied."""
    return await source.do(lambda asked: sum(copying.count(asked, source.sql, table) for table in TABLES))


async def sealed_of(source: Side, seal: Seal) -> bool:
    """Whether secrets of endpoints are encrypted in the database: they travel as they are. Raises UnusableStore where there are
    keys, and none of them opens one."""
    rows = await source.do(lambda asked: asked.execute(source.sql["endpoints"]).fetchall())
    kept = {row["id"]: row["sealed"] for row in rows if row["sealed"] is not None}
    if seal.encrypts:
        for name, secret in kept.items():
            try:
                seal.opened(name, secret)
            except CannotOpen as error:
                raise UnusableStore(
                    f"{source.place}: the secrets of endpoint {name} cannot be read: {error}"
                ) from error
    return not all(map(is_plain, kept.values()))


async def transfer(
    source: Side, target: Side, progress: Progress, advance: Advance, *, size: int = PORTION
) -> Progress:
    """Copies what is not there yet; how far it came, which is to the end."""
    for table in TABLES:
        advance(progress.of(table).rows)
        columns = await columns_of(source, target, table)
        while (found := await _portion(source, table, columns, progress.of(table).last, size)).lines:
            then = progress.and_then(table, found)
            await target.paste(table, columns, found.lines, progress, then)
            progress = then
            advance(len(found.lines))
    return progress


async def verify(source: Side, target: Side, advance: Advance, *, size: int = PORTION) -> list[CopiedTable]:
    """Each table, found to be the same on both sides. Raises UnusableStore with the first rows that are not."""
    return [await _verified(source, target, table, advance, size) for table in TABLES]


async def finish(source: Side, target: Side, progress: Progress) -> None:
    """The numbers of the target go on where those of the source ended, and it is a database like any other."""
    given = await source.do(lambda asked: copying.numbers(asked, source.sql))
    found = await source.do(lambda asked: copying.belongings(asked, source.sql))
    for name in NUMBERED:
        await target.number(given[name], name)
    await target.do(lambda asked: copying.finish(asked, target.sql, target.place, progress, found))


async def columns_of(source: Side, target: Side, table: Table) -> list[str]:
    """The columns that both sides have, in the order of the target's."""
    there = set(await source.do(lambda asked: copying.columns(asked, source.sql, table)))
    return [name for name in await target.do(lambda asked: copying.columns(asked, target.sql, table)) if name in there]


async def _verified(source: Side, target: Side, table: Table, advance: Advance, size: int) -> CopiedTable:
    columns = await columns_of(source, target, table)
    rows, checksum, after = 0, hashlib.sha256(), None
    while True:
        one = await _portion(source, table, columns, after, size)
        other = await _portion(target, table, columns, after, size)
        digest = copying.digest(one.lines)
        if digest != copying.digest(other.lines):
            first = copying.first_difference(table, columns, one.lines, other.lines)
            raise UnusableStore(
                f"{table.name} is not the same in {source.place} and {target.place}, from {_shown(first)} to "
                f"{_shown(one.last)}: the source was used meanwhile, or the target was changed. Empty {target.place}, and "
                "start this again"
            )
        if not one.lines:
            return CopiedTable(name=table.name, rows=rows, checksum=checksum.hexdigest()[:SHOWN])
        checksum.update(digest)
        rows, after = rows + len(one.lines), one.last
        advance(len(one.lines))


async def _portion(side: Side, table: Table, columns: Sequence[str], after: Key | None, size: int) -> Portion:
    return await side.do(lambda asked: copying.portion(asked, side.sql, table, columns, after, size))


def _shown(key: Key) -> str:
    return "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in key)
