"""What a store knows of the log as a whole: where it begins and ends."""

from watcher.ports.log import LogSpan
from watcher.store.lanes import Lanes
from watcher.store.work import Connection, Statements


class KeptLog(Lanes):
    """The port `Log`."""

    async def log_span(self) -> LogSpan:
        return await self._read("log_span", log_span)


def log_span(connection: Connection, sql: Statements) -> LogSpan:
    """Up to where events were deleted, and the last position given out."""
    row = connection.execute(sql["log_span"]).fetchone()
    return LogSpan(forgotten=row["forgotten"], last=row["last"])


def note_forgotten(connection: Connection, sql: Statements, position: int) -> None:
    """Events up to this position were deleted, as far as nobody is owed them any more."""
    connection.execute(sql["note_forgotten"], {"position": str(position)})
