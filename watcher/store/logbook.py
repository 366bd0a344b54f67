"""What SQLite knows of the log as a whole: where it begins and ends."""

import sqlite3
from collections.abc import Mapping

from watcher.ports.log import LogSpan
from watcher.store.lanes import Lanes

Statements = Mapping[str, str]


class SqliteLog(Lanes):
    """The port `Log`."""

    async def log_span(self) -> LogSpan:
        return await self._read("log_span", log_span)


def log_span(connection: sqlite3.Connection, sql: Statements) -> LogSpan:
    """Up to where events were deleted, and the last position given out."""
    row = connection.execute(sql["log_span"]).fetchone()
    return LogSpan(forgotten=row["forgotten"], last=row["last"])


def note_forgotten(connection: sqlite3.Connection, sql: Statements, position: int) -> None:
    """Events up to this position were deleted, as far as nobody is owed them any more."""
    connection.execute(sql["note_forgotten"], {"position": str(position)})
