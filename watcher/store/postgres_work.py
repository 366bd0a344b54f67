"""A connection of asyncpg's as the work of the store wants one: work that asks one question after another, as plain functions do,
runs in a greenlet that is left while a question is on its way, so that the event loop never waits and the work is written once.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

import asyncpg
from greenlet import getcurrent, greenlet

from watcher.ports import Word
from watcher.store.statements import replaced
from watcher.store.work import Connection

T = TypeVar("T")

TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("account", "accounts", "endpoint_id", "calm", "ids", "labels", "lane", "mark", "name", "needle"), "text"
    ),
    **dict.fromkeys(("state", "status", "types"), "text"),
    **dict.fromkeys(("batch_id", "broadcast_id", "final", "settled", "since", "stuck"), "bigint"),
}
"""What may be asked whether it is NULL, which alone does not tell PostgreSQL its type."""
NOTHING: Final[Mapping[str, Any]] = {}


class Placed(NamedTuple):
    """A statement with numbers in the place of names, and which names those are; whether it gives rows."""

    text: str
    names: Sequence[str]
    gives: bool


@cache
def placed(statement: str) -> Placed:
    """The statement as PostgreSQL wants it."""
    numbers: dict[str, int] = {}

    def number(name: str, rest: str) -> str:
        place = f"${numbers.setdefault(name, len(numbers) + 1)}"
        return f"{place}::{TYPES[name]}" if rest.startswith((" IS NULL", " IS NOT NULL")) else place

    text = replaced(statement, number)
    return Placed(text, list(numbers), gives=text.startswith(("SELECT", "WITH", "EXPLAIN")) or "RETURNING" in text)


def spelled(statement: str, values: Mapping[str, str | int]) -> str:
    """The statement with its values in it, so that it can be sent together with others."""

    def spell(name: str, _: str) -> str:
        value = values[name]
        return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"

    return replaced(statement, spell)


class Found:
    """What a statement gave."""

    def __init__(self, rows: Sequence[Any], rowcount: int) -> None:
        self._rows = iter(rows)
        self._first = rows[0] if rows else None
        self.rowcount = rowcount

    @property
    def lastrowid(self) -> int | None:
        """What it returned first: the number of the row that was inserted."""
        return None if self._first is None else int(self._first[0])

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class Asking:
    """The connection, for work that runs inside `doing`."""

    def __init__(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        self._connection = connection
        self.words: list[Word] = []  # what is said to the other replicas at the end of the transaction

    def execute(self, statement: str, values: Any = NOTHING, /) -> Found:
        text, names, gives = placed(statement)
        arguments = [_fit(values[name]) for name in names]
        if gives:
            rows = _wait(self._connection.fetch(text, *arguments))
            return Found(rows, len(rows))
        status: str = _wait(self._connection.execute(text, *arguments))
        count = status.rpartition(" ")[2]
        return Found((), int(count) if count.isdigit() else 0)

    def executemany(self, statement: str, values: Iterable[Any], /) -> None:
        text, names, _ = placed(statement)
        arguments = [[_fit(each[name]) for name in names] for each in values]
        if arguments:
            _wait(self._connection.executemany(text, arguments))


def say(connection: Connection, words: Sequence[Word]) -> None:
    """Says the words at the end of the transaction."""
    if words:
        assert isinstance(connection, Asking)  # noqa: S101 -- no other connection gets here
        connection.words += words


async def doing(work: Callable[[], T]) -> T:
    """What the work gave. Whatever it asks is waited for here."""
    worker = greenlet(work)
    given = worker.switch()
    while not worker.dead:
        try:
            answer = await given
        except BaseException as error:  # noqa: BLE001 # it belongs to the work, also a cancellation
            given = worker.throw(error)
        else:
            given = worker.switch(answer)
    done: T = given
    return done


def _fit(value: Any) -> Any:
    """The value as PostgreSQL takes it: what holds NUL is in no row (`rows.text`), so it need only not be an error."""
    return value.replace("\0", "?") if isinstance(value, str) and "\0" in value else value


def _wait(question: Awaitable[T]) -> T:
    answer: T = getcurrent().parent.switch(question)
    return answer
