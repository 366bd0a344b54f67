"""Opening a PostgreSQL database: its kind, its migrations under a lock of the whole database, and who may write from now on."""

import os
import secrets
import socket
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, NamedTuple, TypeVar

from watcher.core.endpoint import Endpoint
from watcher.ports import StoreInUse, UnusableStore
from watcher.store.migrations import Migration, migrations
from watcher.store.opening import ORIGIN_LENGTH, ORIGIN_SIGNS, Migrated
from watcher.store.postgres_failures import explain, place_of
from watcher.store.postgres_pool import Access, Pool, begun, open_pool
from watcher.store.postgres_work import Asking, doing
from watcher.store.resealing import settle_in
from watcher.store.sealing import Seal
from watcher.store.statements import load
from watcher.store.work import Connection, Statements

T = TypeVar("T")

ICU: Final = "und-x-icu"


class Prepared(NamedTuple):
    """What was found, and the epoch in which this process may write."""

    endpoints: list[Endpoint]
    origin: str
    epoch: int
    migrated: Migrated


async def prepare(
    pool: Pool, sql: Statements, steps: Sequence[Migration], *, place: str, seal: Seal, access: Access
) -> Prepared:
    """Brings the tables to the newest version, seals secrets anew, and takes the writing over. Raises UnusableStore, with nothing
    changed: all of it is one transaction."""
    try:
        async with begun(pool, f"BEGIN{access.begin}") as connection:
            asking = Asking(connection)
            before = await doing(lambda: _begin(asking, sql, place))
            epoch = await doing(lambda: _taken_over(asking, sql, place, access)) if before else None
            for step in steps:
                if step.number > before:
                    await connection.execute(step.text)
            if epoch is None:
                epoch = await doing(lambda: _taken_over(asking, sql, place, access))
            migrated = Migrated(before=before, after=steps[-1].number)
            endpoints, origin = await doing(lambda: _settle(asking, sql, place, seal, migrated))
            await connection.execute("COMMIT")
            return Prepared(endpoints, origin, epoch, migrated)
    except UnusableStore:
        raise
    except Exception as error:
        raise UnusableStore(explain(error, place)) from error


async def peek(url: str, access: Access, work: Callable[[Connection, int], T]) -> T:
    """What the work finds in the database, whoever has it; it is also given the version of the tables (0: there are none).
    Changes nothing; raises UnusableStore where the daemon could not start."""
    place, sql = place_of(url), load("postgres")
    try:
        pool = await open_pool(url, 1, access)
        try:
            async with begun(pool, f"BEGIN READ ONLY{access.begin}") as connection:
                asking = Asking(connection)
                found = await doing(lambda: work(asking, _version(asking, sql, place)))
                await connection.execute("COMMIT")
                return found
        finally:
            await pool.close()
    except UnusableStore:
        raise
    except Exception as error:
        raise UnusableStore(explain(error, place)) from error


def holder(connection: Connection, version: int) -> str | None:
    """The process that has the database; None where there is none."""
    row = connection.execute(load("postgres")["holder"]).fetchone() if version else None
    return None if row is None else str(row[0])


def outlook(connection: Connection, version: int) -> str:
    """What the next start will find, in words that follow the database's place."""
    newest = migrations("postgres")[-1].number
    process = holder(connection, version)
    if process is not None:
        return f"is in use by {process}"
    if not version:
        return "will get its tables at the first start"
    if version < newest:
        return f"will be brought to version {newest} at the next start (its tables are version {version})"
    return "can be read and written"


def _taken_over(connection: Connection, sql: Statements, place: str, access: Access) -> int:
    """The epoch in which this process writes. Raises StoreInUse."""
    values = {
        "holder": f"process {os.getpid()} on {socket.gethostname()}",
        "lease": access.lease // timedelta(milliseconds=1),
    }
    row = connection.execute(sql["take_over"], values).fetchone()
    if row is None:
        row = connection.execute(sql["holder"]).fetchone()
        raise StoreInUse(
            f"{place} is in use by {'another process' if row is None else row[0]}: end that one, or name another database; "
            f"one that was killed loses it after {access.lease.total_seconds():g} s"
        )
    return int(row[0])


def _begin(connection: Connection, sql: Statements, place: str) -> int:
    """The version of the tables, which nobody else can change meanwhile; where there are none they can be made."""
    connection.execute(sql["begin_migrating"])
    version = _version(connection, sql, place)
    if not version:
        letters = connection.execute(sql["server"]).fetchone()["letters"]
        connection.execute(sql["letters_of_icu" if letters == ICU else "letters_of_unicode"])
    return version


def _version(connection: Connection, sql: Statements, place: str) -> int:
    """The version of the tables, 0 where there are none. Raises UnusableStore where they are not for us."""
    server = connection.execute(sql["server"]).fetchone()
    if server["encoding"] != "UTF8":
        raise UnusableStore(f"{place} keeps text as {server['encoding']}: make a database with ENCODING 'UTF8'")
    if not server["made"]:
        if server["letters"] is None:
            raise UnusableStore(
                f"{place} is on a server that knows no Unicode: use one with ICU, or PostgreSQL 18 or later"
            )
        return 0
    row = connection.execute(sql["meta"], {"name": "schema"}).fetchone()
    if row is None or not str(row["value"]).isdigit():
        raise UnusableStore(
            f"{place} is the database of another program, or damaged: name another, or restore a backup"
        )
    version, newest = int(row["value"]), migrations("postgres")[-1].number
    if version > newest:
        raise UnusableStore(
            f"{place} was made by a newer version of this program (its tables are version {version}, this one knows "
            f"{newest}): install that one, or restore a backup from before. Nothing was changed"
        )
    return version


def _settle(
    connection: Connection, sql: Statements, place: str, seal: Seal, migrated: Migrated
) -> tuple[list[Endpoint], str]:
    """All endpoints, and the database's part in the ids of events."""
    connection.execute(sql["put_meta"], {"name": "schema", "value": str(migrated.after)})
    if not migrated.before:
        origin = "".join(secrets.choice(ORIGIN_SIGNS) for _ in range(ORIGIN_LENGTH))
        connection.execute(sql["put_meta"], {"name": "origin", "value": origin})
    endpoints, _ = settle_in(connection, sql, place, seal)
    return endpoints, connection.execute(sql["meta"], {"name": "origin"}).fetchone()[0]
