"""What a process remembers of endpoints that other processes may change: good for as long as nobody did, which it finds out
before it goes by it."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from watcher.core.endpoint import Endpoint, EndpointState
from watcher.ports import Word
from watcher.store.endpoint_rows import endpoint_of, standing_of
from watcher.store.postgres_work import Asking
from watcher.store.remembered import Remembered
from watcher.store.rows import Row, millis_or_none
from watcher.store.sealing import Seal
from watcher.store.work import Connection, Statements

VERSION: Final = "endpoints"


class SharedRemembered(Remembered):
    """As remembered in the writing lane of one of several processes; `version` is that of the endpoints' settings."""

    def __init__(self, endpoints: Iterable[Endpoint], *, origin: str, seal: Seal, version: int) -> None:
        super().__init__(endpoints, origin=origin, seal=seal)
        self._versions = {VERSION: version}

    def renew(self, connection: Connection, sql: Statements) -> None:
        self._lock(connection, sql, changes=0)

    def change(self, connection: Connection, sql: Statements) -> None:
        self._lock(connection, sql, changes=1)

    def append(self, connection: Connection, sql: Statements, events: int) -> int:
        """As `renew`; the end of the log is behind so many events from now on. The position before the first of them."""
        return self._lock(connection, sql, changes=0, events=events) - events

    def read_again(self, connection: Connection, sql: Statements) -> None:
        """Takes all endpoints as they are in the database."""
        rows = connection.execute(sql["endpoints"]).fetchall()
        self._forget_others(rows)
        for row in rows:
            self.put(endpoint_of(row, self.seal))

    def lock(self, connection: Connection, sql: Statements, endpoint_ids: Collection[str] | None = None) -> None:
        values = {"ids": None if endpoint_ids is None else json.dumps(list(endpoint_ids))}
        rows = connection.execute(sql["lock_endpoints"], values).fetchall()
        self._forget_others(rows, endpoint_ids)
        for row in rows:
            self.put(self._endpoint_of(row))

    def hold(self, connection: Connection, sql: Statements) -> None:
        connection.execute(sql["hold_log"])

    def fresh(self, connection: Connection, sql: Statements, endpoint_id: str) -> Endpoint | None:
        row = connection.execute(sql["endpoint"], {"endpoint_id": endpoint_id}).fetchone()
        return None if row is None else self._endpoint_of(row)

    def spread(self, connection: Connection, endpoint_id: str) -> None:
        assert isinstance(connection, Asking)  # noqa: S101 -- where there are others it is
        connection.words.append(Word(kind="endpoint", body={"id": endpoint_id}))

    def under_way(self, delivery_id: int, row: Row, now: int) -> bool:  # noqa: ARG002 -- claims are in the database
        return bool(row["in_flight"])

    def _endpoint_of(self, row: Row) -> Endpoint:
        """The endpoint of the row; its secrets are opened only where it is of another edition than is remembered."""
        known = self.endpoint(row["id"])
        if known is None or row["state"] == EndpointState.REMOVED:
            return endpoint_of(row, self.seal)
        same = (millis_or_none(known.created), known.version) == (row["created"], row["version"])
        return standing_of(known, row) if same else endpoint_of(row, self.seal)

    def _forget_others(self, rows: Sequence[Row], asked: Collection[str] | None = None) -> None:
        """Of those that were asked for (None: all) there are these rows; others were removed, and forgotten by some process."""
        known = {*self._endpoints, *self._removed} if asked is None else asked
        for endpoint_id in {*known} - {row["id"] for row in rows}:
            self.forget(endpoint_id)

    def _lock(self, connection: Connection, sql: Statements, *, changes: int, events: int = 0) -> int:
        """The last position of the log."""
        ends = {"events": events, "words": 0, "endpoints": changes}
        row = connection.execute(sql["lock_log"], ends).fetchone()
        version, last = row["endpoints"], row["last"]
        if version - changes != self._versions[VERSION]:
            self.read_again(connection, sql)
        self._set(self._versions, VERSION, version)
        return int(last)
