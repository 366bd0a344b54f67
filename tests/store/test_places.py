"""Values that are given by name arrive where SQLite itself would have put them."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from watcher.store.migrations import migrations
from watcher.store.opening import connect
from watcher.store.places import PlacingConnection, placed
from watcher.store.statements import load


class Anything(defaultdict[str, Any]):
    """A value of any name. No dict to look at, so that it is handed on as it is."""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    prepared, _ = connect(tmp_path / "watcher.db", migrations("sqlite"))
    with closing(prepared):
        yield prepared


def program(
    connection: sqlite3.Connection, statement: str, values: Sequence[Any] | Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """What SQLite would do, without the names of the values."""
    return [tuple(row)[:5] for row in connection.execute(f"EXPLAIN {statement}", values)]


@pytest.mark.parametrize("name", [name for name, text in load("sqlite").items() if placed(text).text != text])
def test_each_statement_does_the_same_by_place(connection: sqlite3.Connection, name: str) -> None:
    statement = load("sqlite")[name]
    text, pick = placed(statement)
    values = pick(Anything(lambda: None))
    assert program(connection, text, values) == program(connection, statement, Anything(lambda: None))


@pytest.mark.parametrize(
    ("statement", "values", "row"),
    [
        ("SELECT 1", {}, (1,)),
        ("SELECT 1", {"more": 2}, (1,)),
        ("SELECT :one", {"one": 1, "more": 2}, (1,)),
        ("SELECT :two, :one, :two", {"one": 1, "two": 2}, (2, 1, 2)),
        ("SELECT ':one', :one -- not :two\n, :three", {"one": 1, "three": 3}, (":one", 1, 3)),
        ("SELECT ?, ?", (1, 2), (1, 2)),
    ],
)
def test_what_is_no_name_is_left_alone(
    connection: sqlite3.Connection, statement: str, values: Mapping[str, int] | tuple[int, ...], row: tuple[object, ...]
) -> None:
    assert isinstance(connection, PlacingConnection)
    assert tuple(connection.execute(statement, values).fetchone()) == row


def test_a_value_that_is_missing_is_named(connection: sqlite3.Connection) -> None:
    with pytest.raises(KeyError, match="two"):
        connection.execute("SELECT :one, :two", {"one": 1})
