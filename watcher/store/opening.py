"""Opening a SQLite database: its place, its lock, its kind, its migrations. Everything that may be wrong is an UnusableStore
that says where and what to do, and leaves things as they were. What `meta` says of any database is read here, too."""

import os
import secrets
import sqlite3
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watcher.ports import UnusableStore
from watcher.store.failures import explain
from watcher.store.lock import ProcessLock, holder
from watcher.store.migrations import Migration, Schema, migrations, plan, too_new
from watcher.store.places import PlacingConnection
from watcher.store.statements import load
from watcher.store.work import Connection, Statements

APPLICATION_ID: Final = 0x77746368
"""Marks a SQLite file as ours ("wtch")."""

COPY: Final = "copy"
"""The name in `meta` under which a copy that is not finished says so, and how far it came."""
SCHEMA: Final = ("schema", "compatible", "waiting")
"""The names in `meta` that say how the tables stand."""
ORIGIN_SIGNS: Final = string.ascii_lowercase + string.digits
ORIGIN_LENGTH: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """From which version of the tables to which a database was brought; 0 is one that was empty. `waiting` are the names of steps
    that will be taken when no older process has it any more."""

    before: int
    after: int
    waiting: tuple[str, ...] = ()


def migrate(path: Path) -> Migrated:
    """Brings the database to the newest version and closes it. Raises UnusableStore, with nothing changed."""
    prepare(path)
    lock = ProcessLock(path)
    try:
        connection, migrated = connect(path, migrations("sqlite"))
        connection.close()
        return migrated
    finally:
        lock.release()


def outlook(path: Path) -> str:
    """What the next start will find in the database's place. Changes nothing; raises UnusableStore where it could not start."""
    newest = migrations("sqlite")[-1].number
    try:
        if path.is_dir():
            raise UnusableStore(_is_a_folder(path))
        if not path.exists():
            nearest = next(folder for folder in path.absolute().parents if folder.exists())
            if not nearest.is_dir():
                raise UnusableStore(f"{path.parent} cannot be made, for {nearest} is no folder: name another database")
            _may_write(nearest)
            return f"{path} will be made at the first start"
        process = holder(path)
    except OSError as error:
        raise UnusableStore(f"{path} cannot be opened: {error.strerror}. Name a database in another folder") from error
    if process is not None:
        return f"{path} is in use by process {process}"
    found = schema(path)
    version = found.version
    _not_newer(path, found, newest)
    _may_write(path.resolve().parent)
    _may_write(path)
    if version < newest:
        return f"{path} will be brought to version {newest} at the next start (its tables are version {version})"
    return f"{path} can be read and written"


def schema_version(path: Path) -> int:
    """The version of the database's tables, 0 where there is none yet; also while a daemon has it. Changes nothing."""
    return schema(path).version


def schema(path: Path) -> Schema:
    """How its tables stand; as `schema_version`."""
    if not path.exists():
        return Schema()
    # Without a log beside it the file is all there is; asked in another way, SQLite would make the log's files for us.
    alone = not path.resolve().with_name(f"{path.resolve().name}-wal").exists()
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    try:
        connection = sqlite3.connect(uri, uri=True)
    except sqlite3.Error as error:
        raise UnusableStore(explain(error, str(path))) from error
    try:
        return _schema(connection, path)
    finally:
        connection.close()


def prepare(path: Path) -> None:
    """Makes sure that there is a folder, and nothing but a file in the database's place."""
    try:
        if path.is_dir():
            raise UnusableStore(_is_a_folder(path))
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableStore(
            f"{path.parent} cannot be made: {error.strerror}. Make it, or name a database in another folder"
        ) from error


def connect(path: Path, steps: Sequence[Migration], *, unfinished: bool = False) -> tuple[sqlite3.Connection, Migrated]:
    """The writer's connection to a database that took every step, and what was done for that. The lock is held already.

    `unfinished`: also where it is a copy that was not finished, which is for nothing but to be finished.
    """
    _make(path)
    connection = _connection(path)
    try:
        found = _schema(connection, path, unfinished=unfinished)
        _not_newer(path, found, steps[-1].number)
        _settle_in(connection, path)
        # There is one process: nobody else needs what is taken away, nor waits for what takes long.
        before, due = found.version, plan(steps, found)
        for step in sorted((*due.now, *due.aside)):
            found = plan([step], found).after._replace(waiting=found.waiting - {step.number})
            _apply(connection, path, step, found)
    except BaseException:
        connection.close()
        raise
    return connection, Migrated(before=before, after=found.version)


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    connection = _connection(path)
    try:
        connection.executescript(load("sqlite")["settings_of_connection"])
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def copy_is_unfinished(place: str) -> str:
    """Why nothing but a copy may open the database."""
    return f"{place} is a copy that is not finished: go on with `watcher db copy SOURCE TARGET`, or remove it"


def _is_a_folder(path: Path) -> str:
    return f"{path} is a folder: name a file in it, for example {path / 'watcher.db'}"


def _not_newer(path: Path, found: Schema, newest: int) -> None:
    refusal = too_new(str(path), found, newest)
    if refusal is not None:
        raise UnusableStore(refusal)


def _may_write(place: Path) -> None:
    """Refuses a file that may not be read and written, and a folder in which none may be made."""
    if not os.access(place, os.W_OK | (os.X_OK if place.is_dir() else os.R_OK), effective_ids=True):
        raise UnusableStore(
            f"{place} may not be written: give the user of this process the right to, or name another database"
        )


def _make(path: Path) -> None:
    """Makes the file, for the eyes of its owner only, where there is none."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise UnusableStore(
            f"{path} cannot be opened: {error.strerror}. Give the user of this process the right to read and write it"
        ) from error


def _connection(path: Path) -> sqlite3.Connection:
    """One that begins no transaction by itself, and that the thread to come may use. What it makes small are all letters, where
    SQLite by itself knows only those of ASCII."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=PlacingConnection)
    except sqlite3.Error as error:
        raise UnusableStore(explain(error, str(path))) from error
    connection.row_factory = sqlite3.Row
    connection.create_function("lower", 1, str.lower, deterministic=True)
    return connection


def _schema(connection: sqlite3.Connection, path: Path, *, unfinished: bool = False) -> Schema:
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return Schema()
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise UnusableStore(f"{path} is the database of another program: name another file")
        known = kept_schema(connection, load("sqlite"))
        if known is None:
            raise UnusableStore(f"{path} does not say which version its tables are: it is damaged, restore a backup")
        if not unfinished and connection.execute(load("sqlite")["meta"], {"name": COPY}).fetchone():
            raise UnusableStore(copy_is_unfinished(str(path)))
        return known
    except sqlite3.Error as error:
        raise UnusableStore(explain(error, str(path))) from error


def _settle_in(connection: sqlite3.Connection, path: Path) -> None:
    try:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        connection.executescript(load("sqlite")["settings_of_connection"])
    except sqlite3.Error as error:
        raise UnusableStore(explain(error, str(path))) from error
    if mode != "wal":
        raise UnusableStore(f"{path} is on a disk that cannot share memory (a network disk?): use a local one")


def kept_schema(connection: Connection, sql: Statements) -> Schema | None:
    """How the tables stand, as `meta` keeps it; None where it does not say."""
    rows = {name: connection.execute(sql["meta"], {"name": name}).fetchone() for name in SCHEMA}
    version, compatible, waiting = (None if row is None else str(row[0]) for row in rows.values())
    return Schema.read(version, compatible, waiting) if version is not None and version.isdigit() else None


def _apply(connection: sqlite3.Connection, path: Path, step: Migration, then: Schema) -> None:
    """One migration in a transaction of its own, with how the tables stand then."""
    put_meta = load("sqlite")["put_meta"]
    try:
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements(step.text):
            connection.execute(statement)
        for name, value in then.text().items():
            connection.execute(put_meta, {"name": name, "value": value})
        if step.number == 1:
            origin = "".join(secrets.choice(ORIGIN_SIGNS) for _ in range(ORIGIN_LENGTH))
            connection.execute(put_meta, {"name": "origin", "value": origin})
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise UnusableStore(f"migration {step.name} failed, it was undone: {explain(error, str(path))}") from error


def statements(text: str) -> list[str]:
    """The statements of a migration one by one: SQLite's way of running several would end the transaction first."""
    statements: list[str] = []
    pending = ""
    for line in text.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
