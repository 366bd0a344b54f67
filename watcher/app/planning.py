"""What a plan takes from an account: its budget, its pace, and how long its validations take, as learnt so far."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from watcher.app.assembly import CannotStart, access_of, pace_of
from watcher.clock import SystemClock
from watcher.core.learnt import LearntHazard
from watcher.core.lengths import Lengths, lengths
from watcher.core.ranking import Pace
from watcher.ports import UnusableStore
from watcher.settings.database import Database
from watcher.settings.model import Settings
from watcher.store.broadcasting import learnt
from watcher.store.failures import explain
from watcher.store.migrations import migrations
from watcher.store.opening import connect_reader, schema
from watcher.store.postgres_opening import peek
from watcher.store.statements import load
from watcher.store.work import Connection

LEARNING: Final = 2
"""The first version of the tables that has a place for what is learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """An account as it is at the moment `at`. `lengths` are what is `learnt`, in figures; there is nothing of either before
    something was learnt and saved. `absent` is the database's place where there is none in it."""

    account: str
    rate: float
    pace: Pace
    at: datetime
    learnt: LearntHazard | None
    lengths: Lengths
    absent: Path | None = None


async def experience(settings: Settings, account: str) -> Experience:
    """Read from the settings and the database, also while a daemon has it; changes neither. CannotStart where the database
    cannot be read."""
    now, database = SystemClock().now(), settings.database
    try:
        record = await _asked(database, account) if database.postgres else _record(database.path, account)
    except UnusableStore as error:
        raise CannotStart(str(error)) from error
    known = None if record is None else LearntHazard.from_record(record, now.timestamp())
    return Experience(
        account=account,
        rate=settings.accounts[account].rate,
        pace=pace_of(settings.polling),
        at=now,
        learnt=known,
        lengths=Lengths(ends=0) if known is None else lengths(known),
        absent=None if database.postgres or database.path.exists() else database.path,
    )


async def _asked(database: Database, account: str) -> bytes | None:
    def ask(connection: Connection, version: int) -> bytes | None:
        return learnt(connection, load("postgres"), account) if version else None

    return await peek(database.url, access_of(database), ask)


def _record(path: Path, account: str) -> bytes | None:
    if path.is_dir():
        raise UnusableStore(f"{path} is a folder: name the database in it")
    found, newest = schema(path), migrations("sqlite")[-1].number
    if not found.usable(newest):
        raise UnusableStore(
            f"{path} was made by a newer version of this program (its tables are version {found.version}, this one knows "
            f"{newest}): ask that one"
        )
    if found.version < LEARNING:
        return None
    try:
        with closing(connect_reader(path)) as reader:
            return learnt(reader, load("sqlite"), account)
    except sqlite3.Error as error:
        raise UnusableStore(explain(error, str(path))) from error
