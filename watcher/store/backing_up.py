"""A copy of a SQLite database beside whoever has it, as it stood at one moment. It gets its name when it is known to be whole."""

import os
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from watcher.ports import UnusableStore
from watcher.store import copying, opening
from watcher.store.copying import TABLES
from watcher.store.failures import explain
from watcher.store.rows import millis
from watcher.store.statements import load_for_copying
from watcher.store.work import Connection

PAGES: Final = 256
"""Pages that are copied at once: a megabyte, with the usual ones of 4 kB."""
OWN: Final = ("", "-wal", "-shm", "-journal", ".lock")
"""What the names of a database's own files end in."""

Advance = Callable[[float], None]
"""Is told which share of it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """What the backup has: the version of its tables, its bytes, and the rows of each table."""

    version: int
    size: int
    rows: Mapping[str, int]


def back_up(source: Path, target: Path, *, force: bool, now: datetime, advance: Advance) -> BackedUp:
    """Copies the database while others read and write it. Raises UnusableStore, with nothing left behind."""
    version = _version(source)
    _may_become(source, target, force=force)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        rows = _copied(source, part, now, advance)
        if opening.schema_version(part) != version:
            raise UnusableStore(f"{source} was brought to other tables meanwhile: give the command again")
        size = part.stat().st_size
        _name(part, target, force=force)
    except sqlite3.Error as error:
        # The database is only read: what is full is the disk that the copy is on.
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        why = "its disk is full: make room, or name a file on another" if full else explain(error, str(source))
        raise UnusableStore(f"nothing was written to {target}: {why}") from error
    except OSError as error:
        raise UnusableStore(f"{target} cannot be made ({error.strerror}): name a file in another folder") from error
    finally:
        for end in OWN:
            with suppress(OSError):
                part.with_name(part.name + end).unlink(missing_ok=True)
    return BackedUp(version=version, size=size, rows=rows)


def _version(source: Path) -> int:
    """That of its tables."""
    version = opening.schema_version(source) if source.is_file() else 0
    if not version:
        raise UnusableStore(f"{source} is no database of the daemon's: name the one that is to be backed up")
    return version


def _may_become(source: Path, target: Path, *, force: bool) -> None:
    """Refuses a name that is taken, above all by the database itself."""
    database, file = source.resolve(), target.resolve()
    own = [database.with_name(database.name + end) for end in OWN]
    if file in own or (file.exists() and file.samefile(database)):
        raise UnusableStore(f"{target} belongs to the database itself: name another file")
    if target.is_dir():
        raise UnusableStore(f"{target} is a folder: name a file in it, for example {target / database.name}")
    if target.exists() and not target.is_file():
        raise UnusableStore(f"{target} is no file but a device, a pipe or the like: name a file")
    if os.path.lexists(target) and not force:
        raise UnusableStore(_is_there(target))


def _is_there(target: Path) -> str:
    return f"{target} is there already: name another file, or give --force to replace it"


def _copied(source: Path, part: Path, now: datetime, advance: Advance) -> dict[str, int]:
    """Copies all that there is at this moment, and makes sure that it arrived; how many rows each table has."""

    def progress(_: int, remaining: int, total: int) -> None:
        advance(1.0 - remaining / total if total else 1.0)

    with closing(opening.connect_reader(source)) as reader, closing(sqlite3.connect(part)) as copy:
        reader.execute("BEGIN")  # whatever is committed from the first statement on, this connection does not see
        rows = _rows(reader)
        reader.backup(copy, pages=PAGES, progress=progress)
        copy.isolation_level = None
        copy.execute("PRAGMA journal_mode = DELETE")  # one file is all of it
        found = [row[0] for row in copy.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            raise UnusableStore(f"{source} is damaged: stop the daemon and restore the last backup ({found[0]})")
        if _rows(copy) != rows:
            raise UnusableStore(f"the copy of {source} has not all of its rows: give the command again")
        if "submissions" in rows:
            copy.execute(load_for_copying("sqlite")["doubt_submissions"], {"now": millis(now)})
    return rows


def _rows(connection: Connection) -> dict[str, int]:
    """How many there are in each table; an older database does not have all of these."""
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    sql = load_for_copying("sqlite")
    return {table.name: copying.count(connection, sql, table) for table in TABLES if table.name in there}


def _name(part: Path, target: Path, *, force: bool) -> None:
    """It is on the disk, and has its name from now on."""
    _flush(part)
    if force:
        part.replace(target)
    else:
        try:
            target.hardlink_to(part)  # which, other than a renaming, never replaces anything
        except FileExistsError as error:
            raise UnusableStore(_is_there(target)) from error
    _flush(target.parent)


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
