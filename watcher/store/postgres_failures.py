"""PostgreSQL's errors in the words of whoever must act on them: what is wrong, where, and what to do."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from watcher.store.failures import ASKED_WRONG

REMEDIES: Final[Mapping[str, str]] = {
    "08": "{place} cannot be reached: check that it runs, and the address",
    "23": "{place} refused it, for it is there already",
    "25P03": "{place} ended a transaction that this process left alone for too long: its machine is overloaded",
    "25006": "{place} may only be read (a standby?): name the primary",
    "28": "{place} refused our login: check the user and the password (database.url, database.password)",
    "3D": "{place} is not there: make the database, or name another",
    "40": "{place} undid it, for it met with another transaction",
    "42501": "{place} does not allow it: give the user of database.url the right to make and use tables",
    "42P07": "{place} has tables of another program: name an empty database",
    "53100": "the disk of {place} is full: make room, and it goes on by itself",
    "53200": "{place} has no room left for locks, or no memory: raise max_locks_per_transaction",
    "53300": "{place} has no connection left: raise max_connections (or the role's CONNECTION LIMIT), or put pgbouncer before it",
    "55P03": "{place} is locked by another transaction for too long: let it end",
    "57014": "{place} took too long: it is overloaded, or another transaction is in the way",
    "57P": "{place} is being stopped or started: it goes on by itself",
    "58": "{place} cannot read or write its files: check its disk",
    "XX": "{place} is damaged: look into its log",
}
"""By SQLSTATE, or its beginning."""

AGAIN: Final = ("0A000", "25P03", "40001", "40P01")
"""Undone for having met with another transaction, or with other tables than a statement was prepared for: done again, it may
work."""
MET: Final = "40"
"""Undone for having met with another transaction."""
LATE: Final = ("55P03", "57014")
"""What had to wait for too long, or took it."""
ASKED: Final = ("22", "23", "42")
"""What was asked was wrong, and the database is well; but for what is not allowed."""
LOST: Final = (
    OSError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    TimeoutError,
)
"""There is no connection, or it broke; or it is about to, and asyncpg, which has read why, lets nothing more be asked on it."""


def place_of(url: str) -> str:
    """Where the database is: of the URL only what is no secret."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
        return f"postgresql://{parts.hostname or ''}{port}{parts.path}"
    except ValueError:
        return "postgresql://"


def explain(error: Exception, place: str) -> str:
    """One sentence: what is wrong with the database at the place, the remedy, and PostgreSQL's own words."""
    state = state_of(error)
    remedy = next((REMEDIES[state[:length]] for length in (5, 3, 2) if state[:length] in REMEDIES), None)
    if remedy is None and is_lost(error):
        remedy = REMEDIES["08"]
    words = str(error).partition("\n")[0] or type(error).__name__
    return f"{place}: {words}" if remedy is None else f"{remedy.format(place=place)} ({words})"


def state_of(error: BaseException) -> str:
    """The SQLSTATE; nothing where it is no error of the server's."""
    return getattr(error, "sqlstate", None) or ""


def is_lost(error: BaseException) -> bool:
    """Whether the connection broke, or none could be made; what it was asked is undone, unless that was to commit."""
    return isinstance(error, LOST) or state_of(error).startswith(("08", "57P"))


def is_passing(error: BaseException) -> bool:
    """Whether what was undone may be done again at once: nothing of it took place, and it has not waited for long already."""
    return state_of(error) in AGAIN or (is_lost(error) and not isinstance(error, TimeoutError))


def is_met(error: BaseException) -> bool:
    """Whether it was undone for having met with another transaction, which less of it might not."""
    return state_of(error).startswith(MET)


def is_late(error: BaseException) -> bool:
    """Whether one statement took too long, or was kept waiting; others might not."""
    return state_of(error) in LATE


def is_trouble(error: Exception) -> bool:
    """Whether the database is in trouble, rather than what was asked of it wrong."""
    state = state_of(error)
    if state:
        return state == "42501" or not state.startswith(ASKED)
    return isinstance(error, LOST) or not isinstance(error, ASKED_WRONG)
