"""The database of a daemon that is killed again and again, of either kind: where it is, and what stands in it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tests.chaos.evidence import Kept
from tests.store.postgres_server import Server

NUMBERS: Final = "SELECT account, batch_id, number FROM watches ORDER BY account, batch_id"
STORES: Final = ("SQLite", "PostgreSQL")
DELIVERIES: Final = (
    "SELECT events.id, count(deliveries.id) FROM events LEFT JOIN deliveries ON deliveries.position = events.position "
    "WHERE events.batch_id IS NOT NULL GROUP BY events.id"
)


class Place(Protocol):
    """A database."""

    @property
    def url(self) -> str: ...

    def rows(self, question: str) -> Sequence[Sequence[str]]:
        """The answer, all of it as text."""
        ...

    def bury(self) -> None:
        """Whoever had it was killed: what a lease has left is not waited for."""
        ...


@dataclass(frozen=True, slots=True)
class OnSqlite:
    """A file."""

    file: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def rows(self, question: str) -> list[list[str]]:
        with closing(sqlite3.connect(self.file)) as connection:
            return [list(map(str, row)) for row in connection.execute(question)]

    def bury(self) -> None:
        """Its lock went with the process."""


@dataclass(frozen=True, slots=True)
class OnPostgres:
    """A database of a server. How long a lease is waited for is the subject of the campaigns with replicas."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def rows(self, question: str) -> list[list[str]]:
        return [line.split("|") for line in self.server.say(question, self.name).splitlines()]

    def bury(self) -> None:
        if self.server.say("SELECT to_regclass('replicas') IS NOT NULL", self.name) == "t":
            self.server.say("UPDATE replicas SET held_until = least(held_until, clock_ms())", self.name)


def place_on(store: str, server: Server, folder: Path) -> Place:
    """A new database on one of STORES."""
    return OnSqlite(folder / "watcher.db") if store == "SQLite" else OnPostgres(server, server.make())


def kept(place: Place, endpoints: int) -> Kept:
    """What stands in it."""
    return Kept(
        numbers={(account, int(batch)): int(number) for account, batch, number in place.rows(NUMBERS)},
        deliveries={name: int(count) for name, count in place.rows(DELIVERIES)},
        endpoints=endpoints,
    )
