"""Opening a PostgreSQL database: its kind, its migrations under a lock that every opening takes, and this process among the
replicas that have it. What is wrong is an UnusableStore that says where and what to do, and leaves things as they were."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final, NamedTuple, TypeVar

import asyncpg

from watcher.core.endpoint import Endpoint
from watcher.ports import Replica, StoreError, StoreInUse, UnusableStore
from watcher.store import leases
from watcher.store.migrations import Migration, Schema, migrations, names, plan, too_new
from watcher.store.opening import (
    COPY,
    ORIGIN_LENGTH,
    ORIGIN_SIGNS,
    Migrated,
    copy_is_unfinished,
    kept_schema,
    statements,
)
from watcher.store.postgres_failures import REMEDIES, explain, is_passing, place_of
from watcher.store.postgres_pool import Access, Connections, Pool, begun, end, open_pool
from watcher.store.postgres_reading import TRIES
from watcher.store.postgres_work import Asking, doing
from watcher.store.postgres_writing import Me
from watcher.store.resealing import agree, settle_in
from watcher.store.sealing import Seal
from watcher.store.statements import load
from watcher.store.work import Connection, Statements

T = TypeVar("T")

ICU: Final = "und-x-icu"


class Prepared(NamedTuple):
    """What was found, in which version of the endpoints' settings, and who this process is among the replicas."""

    endpoints: list[Endpoint]
    origin: str
    version: int
    me: Me
    migrated: Migrated
    aside: Sequence[Migration]


async def prepare(
    connections: Connections, sql: Statements, steps: Sequence[Migration], *, place: str, seal: Seal, access: Access
) -> Prepared:
    """Takes the steps that may be taken beside the replicas that are there, seals secrets anew, and makes this process one of
    them. Raises UnusableStore, with nothing changed: all of it is one transaction. It is done again where the server undid it, as
    it does where this process stood still for longer than its lease."""
    for tries in range(1, TRIES + 1):
        try:
            return await _prepared(connections, sql, steps, place=place, seal=seal, access=access)
        except UnusableStore:
            raise
        except Exception as error:
            if tries == TRIES or isinstance(error, OSError) or not is_passing(error):
                raise UnusableStore(explain(error, place)) from error
    raise AssertionError(TRIES)


async def _prepared(
    connections: Connections, sql: Statements, steps: Sequence[Migration], *, place: str, seal: Seal, access: Access
) -> Prepared:
    async with begun(connections, f"BEGIN{access.begin}") as connection:
        asking, me = Asking(connection), _me(steps[-1].number, seal, access)
        found = await doing(lambda: _begin(asking, sql, place, steps[-1].number))
        due = plan(steps, found, await doing(lambda: [each.version for each in others(asking, found.version)]))
        for step in due.now:
            await connection.execute(step.text)
        migrated = Migrated(before=found.version, after=due.after.version, waiting=names((*due.aside, *due.later)))
        await doing(lambda: leases.enroll(asking, sql, me.at(0)))
        endpoints, origin, version = await doing(lambda: _settle(asking, sql, place, seal, due.after, migrated))
        await connection.execute("COMMIT")
        return Prepared(endpoints, origin, version, me, migrated, due.aside)


async def with_tables(pool: Pool, sql: Statements, work: Callable[[Connection], T], *, place: str, access: Access) -> T:
    """What the work gave in a database that has this version's tables, made where there are none; also where it is a copy that
    was not finished. Raises UnusableStore, with nothing changed."""
    steps = migrations("postgres")

    def done(connection: Connection, found: Schema) -> T:
        if found.version not in (0, steps[-1].number):
            raise UnusableStore(f"the tables of {place} are of version {found.version}: name an empty database")
        _alone(connection, place, found.version)
        for name, value in plan(steps, found).after.text().items():
            connection.execute(sql["put_meta"], {"name": name, "value": value})
        return work(connection)

    try:
        async with begun(pool, f"BEGIN{access.begin}") as connection:
            asking = Asking(connection)
            found = await doing(lambda: _begin(asking, sql, place, steps[-1].number, unfinished=True))
            for step in plan(steps, found).now:
                await connection.execute(step.text)
            result = await doing(lambda: done(asking, found))
            await connection.execute("COMMIT")
            return result
    except UnusableStore:
        raise
    except Exception as error:
        raise UnusableStore(explain(error, place)) from error


@asynccontextmanager
async def held_still(pool: Pool, sql: Statements, *, place: str, access: Access) -> AsyncIterator[int]:
    """Nobody can open the database as long as the context lasts; gives the version of its tables. Raises StoreInUse where
    somebody has it, else UnusableStore."""

    def held(connection: Connection) -> int:
        connection.execute(sql["begin_migrating"])
        version = _schema(connection, sql, place, migrations("postgres")[-1].number).version
        _alone(connection, place, version)
        return version

    try:
        async with begun(pool, f"BEGIN{access.begin}; SET LOCAL idle_in_transaction_session_timeout = 0") as connection:
            asking = Asking(connection)
            yield await doing(lambda: held(asking))
            await connection.execute("COMMIT")
    except StoreError:
        raise
    except Exception as error:
        raise UnusableStore(explain(error, place)) from error


async def take_aside(url: str, sql: Statements, prepared: Prepared, access: Access) -> Migrated:
    """Takes the steps that are taken outside of a transaction, beside whoever reads and writes; what waits still, for another
    process is at it, or it could not be done: the program does without."""
    migrated = prepared.migrated
    if not prepared.aside:
        return migrated
    pool = await open_pool(url, 2, access)
    try:
        for step in prepared.aside:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):  # told by what waits
                if await _aside(pool, sql, step, access):
                    migrated = replace(migrated, waiting=tuple(name for name in migrated.waiting if name != step.name))
    finally:
        await end(pool)
    return migrated


async def peek(url: str, access: Access, work: Callable[[Connection, int], T]) -> T:
    """What the work finds in the database, whoever has it; it is also given the version of the tables (0: there are none).
    Changes nothing; raises UnusableStore where the daemon could not start."""
    place, sql = place_of(url), load("postgres")
    try:
        pool = await open_pool(url, 1, access)
        try:
            async with begun(pool, f"BEGIN READ ONLY{access.begin}") as connection:
                asking = Asking(connection)
                newest = migrations("postgres")[-1].number
                found = await doing(lambda: work(asking, _schema(asking, sql, place, newest).version))
                await connection.execute("COMMIT")
                return found
        finally:
            await end(pool)
    except UnusableStore:
        raise
    except Exception as error:
        raise UnusableStore(explain(error, place)) from error


def others(connection: Connection, version: int) -> list[Replica]:
    """The processes that have the database."""
    return leases.replicas(connection, load("postgres")) if version else []


def _alone(connection: Connection, place: str, version: int) -> None:
    """Raises StoreInUse where there is a process that has the database."""
    there = others(connection, version)
    if there:
        raise StoreInUse(f"{place} is in use by {' and '.join(each.name for each in there)}: end that first")


def outlook(connection: Connection, version: int, *, place: str, seal: Seal) -> str:
    """What the next start will find, in words that follow the database's place. Raises UnusableStore where it is refused."""
    newest = migrations("postgres")[-1].number
    there = others(connection, version)
    if there:
        agree(connection, load("postgres"), place, seal)
        return f"is in use by {' and '.join(each.name for each in there)}, and may be by this one too"
    if not version:
        return "will get its tables at the first start"
    if version < newest:
        return f"will be brought to version {newest} at the next start (its tables are version {version})"
    return "can be read and written"


def _me(version: int, seal: Seal, access: Access) -> Me:
    """This process: its id is its own, whoever else has its number or its machine's name."""
    name = f"process {os.getpid()} on {socket.gethostname()}"
    lease = access.lease // timedelta(milliseconds=1)
    return Me(id=secrets.token_hex(8), name=name, version=version, keys=" ".join(seal.key_ids), lease=lease)


def _begin(connection: Connection, sql: Statements, place: str, newest: int, *, unfinished: bool = False) -> Schema:
    """How the tables stand, which nobody else can change meanwhile; where there are none they can be made."""
    connection.execute(sql["begin_migrating"])
    found = _schema(connection, sql, place, newest, unfinished=unfinished)
    if not found.version:
        letters = connection.execute(sql["server"]).fetchone()["letters"]
        connection.execute(sql["letters_of_icu" if letters == ICU else "letters_of_unicode"])
    return found


def _schema(connection: Connection, sql: Statements, place: str, newest: int, *, unfinished: bool = False) -> Schema:
    """How the tables stand. Raises UnusableStore where they are not for us."""
    server = connection.execute(sql["server"]).fetchone()
    if server["encoding"] != "UTF8":
        raise UnusableStore(f"{place} keeps text as {server['encoding']}: make a database with ENCODING 'UTF8'")
    if not server["made"]:
        if server["may_make"] is False:  # not known where there is no schema at all
            raise UnusableStore(REMEDIES["42501"].format(place=place))
        if server["letters"] is None:
            raise UnusableStore(
                f"{place} is on a server that knows no Unicode: use one with ICU, or PostgreSQL 18 or later"
            )
        return Schema()
    found = kept_schema(connection, sql)
    if found is None:
        raise UnusableStore(
            f"{place} is the database of another program, or damaged: name another, or restore a backup"
        )
    refusal = too_new(place, found, newest)
    if refusal is not None:
        raise UnusableStore(refusal)
    if not unfinished and connection.execute(sql["meta"], {"name": COPY}).fetchone() is not None:
        raise UnusableStore(copy_is_unfinished(place))
    return found


def _settle(
    connection: Connection, sql: Statements, place: str, seal: Seal, after: Schema, migrated: Migrated
) -> tuple[list[Endpoint], str, int]:
    """All endpoints, the database's part in the ids of events, and the version of the endpoints' settings."""
    for name, value in after.text().items():
        connection.execute(sql["put_meta"], {"name": name, "value": value})
    if not migrated.before:
        origin = "".join(secrets.choice(ORIGIN_SIGNS) for _ in range(ORIGIN_LENGTH))
        connection.execute(sql["put_meta"], {"name": "origin", "value": origin})
    ends = connection.execute(sql["lock_log"], {"events": 0, "words": 0, "endpoints": 0}).fetchone()
    agree(connection, sql, place, seal)
    endpoints, _ = settle_in(connection, sql, place, seal)
    return endpoints, connection.execute(sql["meta"], {"name": "origin"}).fetchone()[0], ends["endpoints"]


async def _aside(pool: Pool, sql: Statements, step: Migration, access: Access) -> bool:
    """Whether the step was taken. One connection says that it is being taken, while another one takes it."""
    async with begun(pool, f"BEGIN{access.begin}") as guard:
        asking = Asking(guard)
        if not (await doing(lambda: asking.execute(sql["begin_aside"]).fetchone()))[0]:
            return False
        # Also ends what the answer still had a snapshot for, or an index would wait for it without end.
        await guard.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        async with pool.acquire() as connection:
            for statement in statements(step.text):
                await connection.execute(statement, timeout=access.aside.total_seconds())
        await doing(lambda: _taken(asking, sql, step))
        await guard.execute("COMMIT")
        return True


def _taken(connection: Connection, sql: Statements, step: Migration) -> None:
    """Notes that a step need not be taken any more."""
    connection.execute(sql["begin_migrating"])
    found = kept_schema(connection, sql)
    assert found is not None  # noqa: S101 -- it was opened
    after = found._replace(waiting=found.waiting - {step.number})
    connection.execute(sql["put_meta"], {"name": "waiting", "value": after.text()["waiting"]})
