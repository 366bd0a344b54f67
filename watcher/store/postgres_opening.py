"""Opening a PostgreSQL database: its kind, its migrations under a lock of the whole database, and who may write from now on."""

import secrets
from typing import Final, NamedTuple

from watcher.core.endpoint import Endpoint
from watcher.ports import UnusableStore
from watcher.store.migrations import Migration
from watcher.store.opening import ORIGIN_LENGTH, ORIGIN_SIGNS, Migrated
from watcher.store.postgres_failures import explain
from watcher.store.postgres_lanes import Limits, Pool
from watcher.store.postgres_work import Asking, doing
from watcher.store.resealing import settle_in
from watcher.store.sealing import Seal
from watcher.store.work import Connection, Statements

ICU: Final = "und-x-icu"


class Prepared(NamedTuple):
    """What was found, and the epoch in which this process may write."""

    endpoints: list[Endpoint]
    origin: str
    epoch: int
    migrated: Migrated


async def prepare(
    pool: Pool, sql: Statements, steps: list[Migration], *, place: str, seal: Seal, limits: Limits
) -> Prepared:
    """Brings the tables to the newest version, seals secrets anew, and takes the writing over. Raises UnusableStore, with nothing
    changed: all of it is one transaction."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(limits.begin.removeprefix("; "))
            asking = Asking(connection)
            before = await doing(lambda: _version(asking, sql, place, steps[-1].number))
            for step in steps:
                if step.number > before:
                    await connection.execute(step.text)
            return await doing(
                lambda: _settle(asking, sql, place, seal, Migrated(before=before, after=steps[-1].number))
            )
    except UnusableStore:
        raise
    except Exception as error:
        raise UnusableStore(explain(error, place)) from error


def _version(connection: Connection, sql: Statements, place: str, newest: int) -> int:
    """The version of the tables, 0 where there are none; nobody else can change it meanwhile."""
    connection.execute(sql["begin_migrating"])
    server = connection.execute(sql["server"]).fetchone()
    if server["encoding"] != "UTF8":
        raise UnusableStore(f"{place} keeps text as {server['encoding']}: make a database with ENCODING 'UTF8'")
    if not server["made"]:
        if server["letters"] is None:
            raise UnusableStore(
                f"{place} is on a server that knows no Unicode: use one with ICU, or PostgreSQL 18 or later"
            )
        connection.execute(sql["letters_of_icu" if server["letters"] == ICU else "letters_of_unicode"])
        return 0
    row = connection.execute(sql["meta"], {"name": "schema"}).fetchone()
    if row is None or not str(row["value"]).isdigit():
        raise UnusableStore(
            f"{place} is the database of another program, or damaged: name another, or restore a backup"
        )
    version = int(row["value"])
    if version > newest:
        raise UnusableStore(
            f"{place} was made by a newer version of this program (its tables are version {version}, this one knows "
            f"{newest}): install that one, or restore a backup from before. Nothing was changed"
        )
    return version


def _settle(connection: Connection, sql: Statements, place: str, seal: Seal, migrated: Migrated) -> Prepared:
    connection.execute(sql["put_meta"], {"name": "schema", "value": str(migrated.after)})
    if not migrated.before:
        origin = "".join(secrets.choice(ORIGIN_SIGNS) for _ in range(ORIGIN_LENGTH))
        connection.execute(sql["put_meta"], {"name": "origin", "value": origin})
    epoch = connection.execute(sql["take_over"]).fetchone()[0]
    endpoints, _ = settle_in(connection, sql, place, seal)
    origin = connection.execute(sql["meta"], {"name": "origin"}).fetchone()[0]
    return Prepared(endpoints, origin, epoch, migrated)
