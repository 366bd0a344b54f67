"""What the work of the store is done with: a connection to a database, whichever it is, inside a transaction.

The work itself is written once, in plain functions that ask one question after another. sqlite3's own connections and cursors
are such as these; `postgres_work` has those of asyncpg.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

Statements = Mapping[str, str]
"""The named statements of a database."""


class Answers(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    @property
    def lastrowid(self) -> int | None:
        """The number that an inserted row was given."""
        ...

    def fetchone(self) -> Any:
        """The next row, None behind the last."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection inside a transaction. Values go by their names; those that the statement does not name are left out."""

    def execute(self, statement: str, values: Any = ..., /) -> Answers:
        """Says the statement, and waits for what it gives."""
        ...

    def executemany(self, statement: str, values: Iterable[Any], /) -> Any:
        """Says the statement once for each set of values."""
        ...
