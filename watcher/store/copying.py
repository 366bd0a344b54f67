"""What a copy of a database consists of: which tables, in which portions, and how it is told whether a portion arrived whole.

Plain functions over a connection inside a transaction, whichever database it is of. What a database has only for itself is not
copied: who is there and polls what, what replicas tell each other, and claims, of which none outlives its process.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from watcher.ports import UnusableStore
from watcher.store.opening import COPY
from watcher.store.rows import text
from watcher.store.work import Connection, Statements

Key = tuple[Any, ...]
Line = tuple[Any, ...]
"""The columns of a row that are copied."""

TRAVELS: Final = ("origin", "forgotten")
"""What of `meta` belongs to the rows, and not to their tables."""
NUMBERED: Final = ("events", "deliveries", "attempts")
"""The tables whose numbers go on behind the last that was given out."""
LEAST: Final = -(2**63)
REWRITTEN: Final = "labels"
"""The column whose JSON is read by triggers, so that what its text escapes must be fit for PostgreSQL too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is copied: the key that its portions go by, each part with what is less than any, and which columns stay."""

    name: str
    key: Mapping[str, Any]
    stays: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Rows that follow each other, and the key of the last."""

    lines: Sequence[Line]
    last: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Come:
    """How far a copy came in a table."""

    rows: int = 0
    last: Key | None = None


TABLES: Final = (
    Table(name="endpoints", key={"id": ""}),
    Table(name="accounts", key={"name": ""}),
    Table(name="watches", key={"account": "", "batch_id": LEAST}),
    Table(name="broadcasts", key={"account": "", "broadcast_id": LEAST}),
    Table(name="learnt", key={"account": ""}),
    Table(name="streamranks", key={"account": ""}),
    Table(name="tokens", key={"id": ""}),
    Table(name="sessions", key={"digest": b""}),
    Table(name="submissions", key={"id": ""}),
    Table(name="once", key={"holder": "", "key": ""}, stays=frozenset({"replica"})),
    Table(name="events", key={"position": LEAST}),
    Table(name="deliveries", key={"id": LEAST}, stays=frozenset({"claim_token", "claim_until"})),
    Table(name="attempts", key={"delivery_id": LEAST, "id": LEAST}),
)
"""In the order in which they are copied."""


class Progress:
    """How far a copy came, as `meta` keeps it: from which database, and what of each table is there."""

    def __init__(self, origin: str, tables: Mapping[str, Come]) -> None:
        self.origin = origin
        self.tables = dict(tables)

    def of(self, table: Table) -> Come:
        return self.tables.get(table.name, Come())

    def and_then(self, table: Table, portion: Portion) -> "Progress":
        """As it is when the portion is there, too."""
        come = Come(rows=self.of(table).rows + len(portion.lines), last=portion.last)
        return Progress(self.origin, {**self.tables, table.name: come})

    def text(self) -> str:
        tables = {name: [come.rows, [_kept(part) for part in come.last or ()]] for name, come in self.tables.items()}
        return json.dumps({"origin": self.origin, "tables": tables})

    @classmethod
    def read(cls, kept: str) -> "Progress":
        document = json.loads(kept)
        tables = {
            name: Come(rows=rows, last=tuple(map(_unkept, last))) for name, (rows, last) in document["tables"].items()
        }
        return cls(document["origin"], tables)


def progress(connection: Connection, sql: Statements) -> Progress | None:
    """How far the copy came that the database is; None where it is none, or one that was finished."""
    kept = _meta(connection, sql, COPY)
    return None if kept is None else Progress.read(kept)


def begin(connection: Connection, sql: Statements, place: str, origin: str) -> Progress:
    """Makes an empty database a copy that is not finished, or goes on with one of the same origin. Raises UnusableStore."""
    before = progress(connection, sql)
    if before is not None:
        if before.origin != origin:
            raise UnusableStore(
                f"{place} is a copy of another database that was not finished: finish that one, or name an empty database"
            )
        return before
    for table in TABLES:
        if portion(connection, sql, table, (), None, 1).lines:
            known = _meta(connection, sql, "origin") == origin
            why = "is a whole copy of it already" if known else f"is not empty: there are rows in {table.name}"
            raise UnusableStore(f"{place} {why}: name an empty database. Nothing was changed")
    begun = Progress(origin, {})
    connection.execute(sql["begin_copy"], {"now": begun.text()})
    return begun


def note(connection: Connection, sql: Statements, place: str, before: Progress, now: Progress) -> None:
    """Writes down how far it came. Raises UnusableStore where another process went on with the copy."""
    _if_ours(connection.execute(sql["note_copy"], {"before": before.text(), "now": now.text()}).rowcount, place)


def finish(connection: Connection, sql: Statements, place: str, before: Progress, found: Mapping[str, str]) -> None:
    """The copy is whole, with what belongs to its rows. Raises UnusableStore where another process went on with it."""
    _if_ours(connection.execute(sql["end_copy"], {"before": before.text()}).rowcount, place)
    for name, value in found.items():
        connection.execute(sql["put_meta"], {"name": name, "value": value})


def belongings(connection: Connection, sql: Statements) -> dict[str, str]:
    """What of `meta` goes with the rows."""
    found = {name: _meta(connection, sql, name) for name in TRAVELS}
    return {name: value for name, value in found.items() if value is not None}


def numbers(connection: Connection, sql: Statements) -> dict[str, int]:
    """The number that was given out last, of each table that has some."""
    row = connection.execute(sql["numbers"]).fetchone()
    return {name: row[name] for name in NUMBERED}


def columns(connection: Connection, sql: Statements, table: Table) -> list[str]:
    """The columns of the table that may be copied."""
    rows = connection.execute(sql["columns_of"], {"table": table.name}).fetchall()
    return [row["name"] for row in rows if row["name"] not in table.stays]


def count(connection: Connection, sql: Statements, table: Table) -> int:
    """How many rows the table has."""
    rows: int = connection.execute(sql[f"count_of_{table.name}"]).fetchone()[0]
    return rows


def portion(
    connection: Connection, sql: Statements, table: Table, columns: Sequence[str], after: Key | None, limit: int
) -> Portion:
    """The next rows of the table, fit for any database."""
    values = dict(zip(table.key, table.key.values() if after is None else after, strict=True))
    rows = connection.execute(sql[f"portion_of_{table.name}"], values | {"limit": limit}).fetchall()
    last = tuple(rows[-1][name] for name in table.key) if rows else after or ()
    return Portion(lines=[tuple(_fit(name, row[name]) for name in columns) for row in rows], last=last)


def digest(lines: Iterable[Line]) -> bytes:
    """What tells these rows from any others: the same of the same rows, whichever database they are in."""
    return hashlib.sha256("\n".join(map(repr, lines)).encode()).digest()


def first_difference(table: Table, columns: Sequence[str], one: Sequence[Line], other: Sequence[Line]) -> Key:
    """The key of the first row that is not the same in both, of which there is one."""
    places = [columns.index(name) for name in table.key]
    row, twin = next((row, twin) for row, twin in zip_longest(one, other) if row != twin)
    return min(tuple(line[place] for place in places) for line in (row, twin) if line is not None)


def _fit(column: str, value: Any) -> Any:
    """The value as any database can keep it."""
    if not isinstance(value, str):
        return value
    if column != REWRITTEN or "\\u" not in value:
        return text(value)
    labels = json.loads(value)
    fit = {text(name): text(each) for name, each in labels.items()}
    return value if fit == labels else json.dumps(fit)


def _meta(connection: Connection, sql: Statements, name: str) -> str | None:
    row = connection.execute(sql["meta"], {"name": name}).fetchone()
    return None if row is None else str(row[0])


def _if_ours(rowcount: int, place: str) -> None:
    if not rowcount:
        raise UnusableStore(f"another process copies into {place}: let it end, and start this again")


def _kept(part: Any) -> Any:
    """A part of a key as JSON has it."""
    return {"hex": part.hex()} if isinstance(part, bytes) else part


def _unkept(part: Any) -> Any:
    return bytes.fromhex(part["hex"]) if isinstance(part, dict) else part
