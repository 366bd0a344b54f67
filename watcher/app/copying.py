"""`watcher db copy`: what one database keeps, in another."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass

from watcher.app.assembly import CannotStart, access_of
from watcher.ports import StoreError
from watcher.settings.database import Database
from watcher.store import copying_between, copying_sides
from watcher.store.copying import Progress
from watcher.store.copying_between import PORTION, CopiedTable
from watcher.store.copying_sides import Side
from watcher.store.sealing import Seal

Counting = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows how far something is of so many, in a context whose function is told of each part that is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied, and found to be the same on both sides; `sealed`: with secrets that only their key opens."""

    tables: list[CopiedTable]
    sealed: bool


async def copy(source: Database, target: Database, counting: Counting, *, size: int = PORTION) -> Copied:
    """Copies all of a database into an empty one, or goes on with that, and compares both; so many rows in one transaction.
    CannotStart where that cannot be done: the source is as it was, and a target that is not whole is refused by the daemon."""
    if source.url == target.url:
        raise CannotStart(f"{source.place} cannot be copied into itself: name another database")
    try:
        async with _source(source) as one:
            origin = await copying_between.origin_of(one)
            sealed = await copying_between.sealed_of(one, Seal(target.keys))
            rows = await copying_between.rows_of(one)
            async with _target(target, origin) as (other, before):
                with counting("copying", rows) as advance:
                    progress = await copying_between.transfer(one, other, before, advance, size=size)
                with counting("comparing", rows) as advance:
                    tables = await copying_between.verify(one, other, advance, size=size)
                await copying_between.finish(one, other, progress)
    except StoreError as error:
        raise CannotStart(str(error)) from error
    return Copied(tables=tables, sealed=sealed)


@asynccontextmanager
async def _source(database: Database) -> AsyncIterator[Side]:
    opened: AbstractAsyncContextManager[Side] = (
        copying_sides.postgres_source(database.url, access_of(database))
        if database.postgres
        else copying_sides.sqlite_source(database.path)
    )
    async with opened as side:
        yield side


@asynccontextmanager
async def _target(database: Database, origin: str) -> AsyncIterator[tuple[Side, Progress]]:
    opened: AbstractAsyncContextManager[tuple[Side, Progress]] = (
        copying_sides.postgres_target(database.url, access_of(database), origin)
        if database.postgres
        else copying_sides.sqlite_target(database.path, origin)
    )
    async with opened as found:
        yield found
