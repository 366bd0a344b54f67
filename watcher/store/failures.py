"""SQLite's errors in the words of whoever must act on them: what is wrong, where, and what to do."""

import sqlite3
from collections.abc import Mapping
from typing import Final

REMEDIES: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_FULL: "the disk of {place} is full: make room, and it goes on by itself",
    sqlite3.SQLITE_BUSY: "{place} is locked by another program (a backup, an open sqlite3 shell): let it end",
    sqlite3.SQLITE_LOCKED: "{place} is locked by another program (a backup, an open sqlite3 shell): let it end",
    sqlite3.SQLITE_IOERR: "{place} cannot be read or written: check its disk, and that the file is still there",
    sqlite3.SQLITE_READONLY: "{place} may not be written: give the user of this process the right to write it and its folder",
    sqlite3.SQLITE_CANTOPEN: "{place} cannot be opened: check that its folder is there and may be written",
    sqlite3.SQLITE_PERM: "{place} may not be opened: give the user of this process the right to read and write it",
    sqlite3.SQLITE_CORRUPT: "{place} is damaged: stop the daemon and restore the last backup",
    sqlite3.SQLITE_NOTADB: "{place} is not a SQLite database: name another file, or restore the last backup",
    sqlite3.SQLITE_CONSTRAINT: "{place} refused it, for it is there already",
}
"""By SQLite's primary result code."""

ASKED_WRONG: Final = (sqlite3.IntegrityError, ArithmeticError, LookupError, TypeError, ValueError)
"""What is raised where the database is well, and what was asked of it was not."""

PRIMARY: Final = 0xFF
"""The part of an extended result code that is the primary one."""


def explain(error: Exception, place: str) -> str:
    """One sentence: what is wrong with the database at the place, the remedy, and SQLite's own words."""
    code = getattr(error, "sqlite_errorcode", None)
    remedy = None if code is None else REMEDIES.get(code & PRIMARY)
    if remedy is None:
        return f"{place}: {str(error) or type(error).__name__}"
    return f"{remedy.format(place=place)} ({error})"


def is_trouble(error: Exception) -> bool:
    """Whether the database is in trouble, rather than what was asked of it wrong."""
    return not isinstance(error, ASKED_WRONG)
